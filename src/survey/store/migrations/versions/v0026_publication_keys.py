"""Public keys of signed releases."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLE = "publication_key"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR reason <> ''", name=op.f(f"ck_{TABLE}_withdrawn_with_reason")
        ),
        sa.ForeignKeyConstraint(
            ["registered_by"], ["account.id"], name=f"fk_{TABLE}_registered_by"
        ),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["account.id"], name=f"fk_{TABLE}_withdrawn_by"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
    )
