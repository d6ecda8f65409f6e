"""Parked interviews: finished, refused for reasons their sender cannot mend, counted nowhere."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLE = "parked_interview"
CHECKS = {
    "decided": "(decision IS NULL) = (decided_at IS NULL)",
    "accepted": "response_id IS NULL OR decision = 'accepted'",
}
FOREIGN_KEYS = {
    "invitation_id": "invitation.id", "wave_id": "wave.id", "city_code": "city.code",
    "point_id": "sampling_point.id", "surveyor_id": "account.id",
    "instrument_id": "instrument_version.id", "decided_by": "account.id",
    "response_id": "response.id",
}  # fmt: skip
WAITING = sa.text("decision IS NULL")


def upgrade() -> None:
    document = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_uuid", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=True),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("surveyor_id", sa.Uuid(), nullable=True),
        sa.Column("mode", _enum("mode", "self", "assisted", "paper", "import"), nullable=False),
        sa.Column(
            "why",
            _enum(
                "parkingreason",
                "link_expired",
                "link_voided",
                "wave_closed",
                "instrument_replaced",
                "point_reassigned",
            ),
            nullable=False,
        ),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("answers", document, nullable=False),
        sa.Column("timings", document, nullable=False),
        sa.Column("withdrawal_sha256", sa.String(length=64), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "decision",
            _enum("parkingdecision", "accepted", "discarded", "withdrawn"),
            nullable=True,
        ),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_id", sa.Uuid(), nullable=True),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}"))
            for name, rule in CHECKS.items()
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=f"fk_{TABLE}_{column}")
            for column, target in FOREIGN_KEYS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        *(
            sa.UniqueConstraint(column, name=f"uq_{TABLE}_{column}")
            for column in ("client_uuid", "invitation_id", "response_id")
        ),
    )
    for column in ("wave_id", "withdrawal_sha256", "parked_at"):
        op.create_index(f"ix_{TABLE}_{column}", TABLE, [column])
    op.create_index(
        f"ix_{TABLE}_waiting",
        TABLE,
        ["city_code", "parked_at"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(
        *values,
        name=op.f(f"ck_{TABLE}_{name}"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )
