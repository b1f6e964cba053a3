"""The hash of the pixels of each cell, by which copies of one image count once."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the hash; null for the cells of older cases, whose copies are not known."""
    op.add_column("cells", sa.Column("pixels", sa.String(64)))
