"""Cases, cells, images and reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "cases",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("keep_images", sa.Boolean, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("model_threshold", sa.Double, nullable=False),
        sa.Column("own_threshold", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_created", "cases", ["created"])
    op.create_table(
        "cells",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.String(22), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("p_all", sa.Double),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("logit", sa.Double),
        sa.Column("flags", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("answered", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cells"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_cells_case_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("case_id", "sha256", name="uq_cells_case_id_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "images",
        sa.Column("cell_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("cell_id", name="pk_images"),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["cells.id"], name="fk_images_cell_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.String(22), nullable=False),
        sa.Column("cell_id", sa.Integer, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("undone", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name="fk_reviews_case_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["cell_id"], ["cells.id"], name="fk_reviews_cell_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reviews_case_id_id", "reviews", ["case_id", "id"])
    op.create_index("ix_reviews_cell_id_id", "reviews", ["cell_id", "id"])
