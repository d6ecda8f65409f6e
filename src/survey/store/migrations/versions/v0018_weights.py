"""Interviews that came in with a weight of their own, and the column of the file it stood in.

Nullable, without a default: the version before goes on writing interviews without a weight.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("response", sa.Column("given_weight", sa.Float(), nullable=True))
    op.add_column("imported_file", sa.Column("weight_column", sa.String(), nullable=True))
