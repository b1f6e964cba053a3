"""The probabilities from which ALL, and up to which HEM, remain possible for a case."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add both limits; null for the models of older cases, which never abstain."""
    for name in ("model_all_from", "model_hem_to"):
        op.add_column("cases", sa.Column(name, sa.Double))
