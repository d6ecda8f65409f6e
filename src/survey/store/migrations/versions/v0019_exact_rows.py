"""Requests for exact files of rows: asked by one person, decided by another, used once."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = "exact_row_request"
CHECKS = {
    "two_people": "decided_by IS NULL OR decided_by <> account_id",
    "decided": "(decision IS NULL) = (decided_at IS NULL)",
    "two_places": "decision IS NULL OR decided_by IS NOT NULL OR NOT by_operator",
    "approved": "export_id IS NULL OR (decision IS NOT NULL AND decision = 'approved')",
}


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("by_operator", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", _decision(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=True),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}"))
            for name, rule in CHECKS.items()
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=f"fk_{TABLE}_account_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=f"fk_{TABLE}_decided_by"),
        sa.ForeignKeyConstraint(["export_id"], ["row_export.id"], name=f"fk_{TABLE}_export_id"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.id"], name=f"fk_{TABLE}_snapshot_id"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=f"fk_{TABLE}_wave_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("export_id", name=f"uq_{TABLE}_export_id"),
    )
    op.create_index(f"ix_{TABLE}_account_id", TABLE, ["account_id"])
    op.create_index(f"ix_{TABLE}_wave_id", TABLE, ["wave_id"])


def _decision() -> sa.Enum:
    return sa.Enum(
        "approved",
        "refused",
        name=op.f(f"ck_{TABLE}_decision"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )
