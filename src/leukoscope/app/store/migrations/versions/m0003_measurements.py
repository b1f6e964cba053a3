"""The measurements of a cell, for exports and for cases that do not keep their images."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the measurements; null for the cells of older cases."""
    op.add_column("cells", sa.Column("features", sa.JSON(none_as_null=True)))
