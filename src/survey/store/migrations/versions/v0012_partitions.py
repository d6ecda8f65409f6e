"""Partitions: on PostgreSQL each wave's answers lie in a part of the table of their own.

SQLite has no partitions; it gets the same columns and constraints, so that both stores mean the
same. Nothing else refers to `response_revision`, and it has no triggers, so it is built anew
without losing any. Whatever makes a wave, the database makes its part.

The table that holds the answers is written once more: stop every process of an older version
before this migration (docs/postgresql.md). From here on a store also says how old a version may be
that still works with it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

serves_from = "0012"
"""Code of an older version does not name the wave of the answers that it writes."""

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
COLUMNS = "number, is_current, answers, timings, author_id, reason, created_at"

# ATTACH lets readers of other waves go on, where CREATE TABLE ... PARTITION OF would not. Both
# have to wait for who writes interviews at that moment, and new writers wait behind them: hence
# the short limit, after which the wave is not made and somebody tries again.
PART_OF_WAVE = """
CREATE FUNCTION response_revision_part() RETURNS trigger LANGUAGE plpgsql
SET lock_timeout = '2s' AS $$
DECLARE
  part text := 'response_revision_' || replace(NEW.id::text, '-', '');
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE response_revision INCLUDING DEFAULTS)', part);
  EXECUTE format(
    'ALTER TABLE response_revision ATTACH PARTITION %I FOR VALUES IN (%L)', part, NEW.id
  );
  RETURN NULL;
END $$
"""
ON_NEW_WAVE = """
CREATE TRIGGER tr_wave_part AFTER INSERT ON wave FOR EACH ROW
EXECUTE FUNCTION response_revision_part()
"""
PARTS_OF_PRESENT_WAVES = """
DO $$
DECLARE
  wave_id uuid;
BEGIN
  FOR wave_id IN SELECT id FROM wave LOOP
    EXECUTE format(
      'CREATE TABLE %I PARTITION OF response_revision FOR VALUES IN (%L)',
      'response_revision_' || replace(wave_id::text, '-', ''), wave_id
    );
  END LOOP;
END $$
"""


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_index("ux_response_id_wave", "response", ["id", "wave_id"], unique=True)
    op.drop_index("ux_response_revision_current", "response_revision")
    op.rename_table("response_revision", "response_revision_before")
    if on_postgresql:
        for name in ("pk_response_revision", "uq_response_revision_response_id_number"):
            op.execute(f"ALTER TABLE response_revision_before DROP CONSTRAINT {name}")
    _create()
    op.create_table(
        "schema_floor",
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_schema_floor"),
    )
    if on_postgresql:
        op.execute(PARTS_OF_PRESENT_WAVES)
        op.execute(PART_OF_WAVE)
        op.execute(ON_NEW_WAVE)
    op.execute(
        f"INSERT INTO response_revision (id, response_id, wave_id, {COLUMNS}) "
        f"SELECT before.id, before.response_id, response.wave_id, {_of_before()} "
        "FROM response_revision_before AS before "
        "JOIN response ON response.id = before.response_id"
    )
    op.drop_table("response_revision_before")
    op.create_index(
        "ux_response_revision_current",
        "response_revision",
        ["response_id", "wave_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )


def _of_before() -> str:
    return ", ".join(f"before.{name}" for name in COLUMNS.split(", "))


def _create() -> None:
    op.create_table(
        "response_revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("timings", JSON, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["account.id"], name="fk_response_revision_author_id"
        ),
        sa.ForeignKeyConstraint(
            ["response_id", "wave_id"],
            ["response.id", "response.wave_id"],
            name="fk_response_revision_response_id_wave_id",
        ),
        sa.PrimaryKeyConstraint("id", "wave_id", name="pk_response_revision"),
        sa.UniqueConstraint(
            "response_id",
            "number",
            "wave_id",
            name="uq_response_revision_response_id_number_wave_id",
        ),
        postgresql_partition_by="LIST (wave_id)",
    )
