"""Releases that go onto the public site, and decisions of two people to put earlier ones there.

Without `serves_from`: an older version shows no release to strangers.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import PublicationOpening, table_of

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "publication",
        sa.Column("is_public", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    table_of(PublicationOpening).create(op.get_bind(), checkfirst=True)
