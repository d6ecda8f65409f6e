"""Answers of readers of the public site: was a page useful?

Without `serves_from`: an older version counts none.
"""

from alembic import op

from survey.store.tables import ReaderAnswerCount, table_of

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table_of(ReaderAnswerCount).create(op.get_bind(), checkfirst=True)
