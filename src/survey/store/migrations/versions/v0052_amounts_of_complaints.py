"""Amounts of single complaints, counted by band.

Without `serves_from`: an older version does not read the table.
"""

from alembic import op

from survey.store.tables import ComplaintAmount, table_of

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table_of(ComplaintAmount).create(op.get_bind(), checkfirst=True)
