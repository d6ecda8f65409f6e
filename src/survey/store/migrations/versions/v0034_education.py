"""Register of activities of consumer education."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE = "education_activity"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(6), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("form", sa.String(24), nullable=False),
        sa.Column("audience", sa.String(24), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("participants > 0 AND cost_fen >= 0", name=op.f(f"ck_{TABLE}_counts")),
        sa.CheckConstraint(
            "taken_out_at IS NULL OR reason <> ''", name=op.f(f"ck_{TABLE}_with_reason")
        ),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name=f"fk_{TABLE}_photo_id"),
        sa.ForeignKeyConstraint(["entered_by"], ["account.id"], name=f"fk_{TABLE}_entered_by"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
    )
    op.create_index(f"ix_{TABLE}_held_on", TABLE, ["held_on"])
    op.create_index(f"ix_{TABLE}_photo_id", TABLE, ["photo_id"])
