"""Pictures of questionnaires, stored beside the versions that show them.

Without `serves_from`: an older version does not read the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "questionnaire_picture",
        sa.Column("sha256", sa.String(), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        if_not_exists=True,
    )
