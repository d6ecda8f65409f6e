"""Deliveries of outside data that were withdrawn, with the reason.

Version 0036 does not know them: to it the newest revision of a month holds, withdrawn or not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("withdrawal_reason", sa.String(), nullable=True))
