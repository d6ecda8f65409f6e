"""Releases of waves with what they show, and row-level exports; a release can be taken back.

Waves that were released before showed every figure to every reader, and go on doing so.
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WAVE_MOVES = (
    ("planned", "open"),
    ("planned", "closed"),
    ("open", "closed"),
    ("closed", "open"),
    ("closed", "frozen"),
    ("frozen", "released"),
    ("released", "frozen"),
)
GUARD = "tr_wave_move"
CONDITION = (
    "OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ("
    + ", ".join(f"'{start}>{to}'" for start, to in WAVE_MOVES)
    + ")"
)
REFUSAL = "this change of state is not allowed"
SQLITE = f"""
CREATE TRIGGER {GUARD} BEFORE UPDATE OF state ON wave WHEN {CONDITION}
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""
POSTGRES = f"""
CREATE OR REPLACE FUNCTION {GUARD}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {CONDITION} THEN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "wave_release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("shown", _shown(), nullable=False),
        sa.Column("first_places", sa.Integer(), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(shown = 'names') = (first_places IS NOT NULL)",
            name=op.f("ck_wave_release_first_places"),
        ),
        sa.ForeignKeyConstraint(
            ["released_by"], ["account.id"], name="fk_wave_release_released_by"
        ),
        sa.ForeignKeyConstraint(["revoked_by"], ["account.id"], name="fk_wave_release_revoked_by"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_wave_release_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_wave_release"),
    )
    stands = sa.text("revoked_at IS NULL")
    op.create_index(
        "ix_wave_release_stands",
        "wave_release",
        ["wave_id"],
        unique=True,
        sqlite_where=stands,
        postgresql_where=stands,
    )
    _exports()
    _released_before()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(POSTGRES))
    else:
        op.execute(sa.text(f"DROP TRIGGER {GUARD}"))
        op.execute(sa.text(SQLITE))


def _exports() -> None:
    op.create_table(
        "row_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_sha256", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_row_export_account_id"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_row_export_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_row_export"),
    )
    op.create_index("ix_row_export_wave_id", "row_export", ["wave_id"])


def _shown() -> sa.Enum:
    return sa.Enum(
        "scores",
        "names",
        "nothing",
        name=op.f("ck_wave_release_shown"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )


def _released_before() -> None:
    wave = sa.table("wave", sa.column("id", sa.Uuid()), sa.column("state", sa.String()))
    release = sa.table(
        "wave_release",
        sa.column("id", sa.Uuid()),
        sa.column("wave_id", sa.Uuid()),
        sa.column("shown", sa.String()),
        sa.column("released_at", sa.DateTime(timezone=True)),
        sa.column("reason", sa.String()),
    )
    connection = op.get_bind()
    released = connection.execute(sa.select(wave.c.id).where(wave.c.state == "released")).scalars()
    for wave_id in released.all():
        connection.execute(
            release.insert().values(
                id=uuid4(), wave_id=wave_id, shown="scores", released_at=sa.func.now(), reason=""
            )
        )
