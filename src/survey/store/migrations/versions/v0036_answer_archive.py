"""Archives of the answers of released waves, and the request for one.

Version 0035 does not know them: it finds no answers of such a wave and says so less well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TABLE = "answer_archive"
ACT_RULE = "ck_wave_request_waveact"
OLD_ACTS = "'freeze', 'release'"
NEW_ACTS = f"{OLD_ACTS}, 'archive'"
# The guard of migration 0016, which lets answers go that the store says are archived; on PostgreSQL
# they go with their partition, which no row trigger sees.
GUARD = """
CREATE TRIGGER tr_response_revision_delete BEFORE DELETE ON response_revision WHEN
NOT EXISTS (SELECT 1 FROM answer_archive WHERE wave_id = OLD.wave_id AND restored_at IS NULL)
AND (EXISTS (SELECT 1 FROM audit_entry WHERE subject_id = {response})
OR EXISTS (SELECT 1 FROM audit_entry WHERE action = 'responses.sealed' AND subject_id = {wave}
AND CAST(detail AS TEXT) LIKE '%' || OLD.response_id || '%'))
BEGIN SELECT RAISE(ABORT, 'stored answers are neither changed nor removed'); END
"""
SUBJECT = (
    "substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4) || '-' "
    "|| substr({0}, 17, 4) || '-' || substr({0}, 21)"
)


def _allow_archiving() -> None:
    """Let a request ask for an archive; SQLite as in migration 0033."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f(ACT_RULE), "wave_request", type_="check")
        op.create_check_constraint(op.f(ACT_RULE), "wave_request", f"act IN ({NEW_ACTS})")
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name = 'wave_request' AND instr(sql, ?) > 0",
        (f"({OLD_ACTS})", f"({NEW_ACTS})", f"({OLD_ACTS})"),
    ).rowcount
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
    if changed != 1:
        raise RuntimeError("the acts of requests stand elsewhere in this database")


def upgrade() -> None:
    _allow_archiving()
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_by", sa.Uuid(), nullable=True),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restored_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=f"fk_{TABLE}_wave_id"),
        sa.ForeignKeyConstraint(["archived_by"], ["account.id"], name=f"fk_{TABLE}_archived_by"),
        sa.ForeignKeyConstraint(["restored_by"], ["account.id"], name=f"fk_{TABLE}_restored_by"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
    )
    away = sa.text("restored_at IS NULL")
    op.create_index(
        "ux_answer_archive_wave", TABLE, ["wave_id"], unique=True, sqlite_where=away,
        postgresql_where=away,
    )  # fmt: skip
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER tr_response_revision_delete")
        subjects = {
            "response": SUBJECT.format("OLD.response_id"),
            "wave": SUBJECT.format("OLD.wave_id"),
        }
        op.execute(sa.text(GUARD.format(**subjects)))
