"""Open answers: codes of questions, answers drawn to be coded, and what people coded.

Without `serves_from`: an older version does not read the tables.
"""

from alembic import op

from survey.store.tables import CodedAnswer, CodingFrame, CodingRound, table_of

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in (CodingFrame, CodingRound, CodedAnswer):
        table_of(table).create(op.get_bind(), checkfirst=True)
