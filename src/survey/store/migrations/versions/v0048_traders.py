"""Traders in complaints: the rule of the counsel, lists of totals, joined names, and hearings.

Without `serves_from`: an older version reads none of it.
"""

from alembic import op

from survey.store.tables import TraderHearing, TraderList, TraderRule, TraderTotal, table_of

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in (TraderRule, TraderList, TraderTotal, TraderHearing):
        table_of(table).create(op.get_bind(), checkfirst=True)
