"""Revisits of venues that need not be made any more, with the reason.

Version 0037 does not know them and releases a check whether its revisits were made or not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("venue_revisit", sa.Column("waived_because", sa.String(), nullable=True))
