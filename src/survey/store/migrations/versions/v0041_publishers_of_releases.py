"""Who publishes a release: issuer and logo of its reports.

Without `serves_from`: an older version announces without them, as releases before had none.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publication_logo",
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        if_not_exists=True,
    )
    add_column("publication", sa.Column("issuer", sa.String(), nullable=True))
    add_column("publication", sa.Column("logo_sha256", sa.String(), nullable=True))
