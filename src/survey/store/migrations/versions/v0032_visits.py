"""The visit before: a session knows when its account was last used in an earlier one."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "login_session", sa.Column("visited_before_at", sa.DateTime(timezone=True), nullable=True)
    )
