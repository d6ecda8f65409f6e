"""What codes of practice ask: statements on waves, the public calendar, changed days of releases.

Without `serves_from`: an older version shows and changes none of it.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import PublicationDayChange, WaveStatement, table_of

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "publication",
        sa.Column("is_in_calendar", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for table in (PublicationDayChange, WaveStatement):
        table_of(table).create(op.get_bind(), checkfirst=True)
