"""Requests to freeze or release a wave: by one person, confirmed by another.

Version 0023 does not know them: while it still runs, it freezes and releases at one person's word.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLE = "wave_request"
CHECKS = {
    "ended": "ended_at IS NOT NULL OR NOT confirmed",
    "two_people": (
        "NOT confirmed OR (requested_by IS NULL) <> (ended_by IS NULL) "
        "OR (requested_by IS NOT NULL AND requested_by <> ended_by)"
    ),
}


def upgrade() -> None:
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    act = sa.Enum(
        "freeze",
        "release",
        name=op.f("ck_wave_request_waveact"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("act", act, nullable=False),
        sa.Column("options", document, nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}"))
            for name, rule in CHECKS.items()
        ),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=f"fk_{TABLE}_wave_id"),
        sa.ForeignKeyConstraint(["requested_by"], ["account.id"], name=f"fk_{TABLE}_requested_by"),
        sa.ForeignKeyConstraint(["ended_by"], ["account.id"], name=f"fk_{TABLE}_ended_by"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
    )
    open_requests = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_wave_request_open",
        TABLE,
        ["wave_id"],
        unique=True,
        sqlite_where=open_requests,
        postgresql_where=open_requests,
    )
