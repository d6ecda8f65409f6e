"""Photos of the samples of comparative tests, and whether a test publishes them.

Without `serves_from`: an older version reads neither, and shows no photo.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import SamplePhoto, table_of

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "comparative_test",
        sa.Column("publishes_photos", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    table_of(SamplePhoto).create(op.get_bind(), checkfirst=True)
