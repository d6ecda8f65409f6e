"""Chain: the audit trail is sealed, entry onto entry, and the database refuses to change it.

The triggers belong to their tables: a later migration that builds `audit_entry` or `audit_head`
anew on SQLite (Alembic's batch mode) has to create them again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from survey.settings import current_settings
from survey.store.audit_chain import (
    GENESIS_SEAL,
    ChainEntry,
    SealedEntry,
    canonical_json,
    keyring,
    seal_all,
)

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AT_ONCE = 10_000
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ENTRIES = sa.table(
    "audit_entry",
    sa.column("id", sa.Uuid()),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("actor_id", sa.Uuid()),
    sa.column("action"),
    sa.column("subject_kind"),
    sa.column("subject_id"),
    sa.column("detail", JSON),
)
SEALED_SQLITE = "UPDATE audit_entry SET sequence = ?, hash = ?, key_id = ? WHERE id = ?"
SEALED_POSTGRES = """
UPDATE audit_entry SET sequence = sealed.sequence, hash = sealed.hash, key_id = sealed.key_id
FROM json_to_recordset(%(sealed)s::json)
AS sealed (id uuid, sequence bigint, hash text, key_id text) WHERE audit_entry.id = sealed.id
"""

APPEND_ONLY = "entries of the audit trail are neither changed nor removed"
ONLY_FORWARD = "the head of the audit trail only moves forward"


@dataclass(frozen=True)
class Guard:
    """A condition under which a statement is refused; the same SQL on both databases."""

    name: str
    table: str
    event: str
    condition: str
    refusal: str


UNCHANGED = " AND ".join(
    f"coalesce(CAST(NEW.{column} AS TEXT), '') = coalesce(CAST(OLD.{column} AS TEXT), '')"
    for column in ("id", "at", "actor_id", "action", "subject_kind", "subject_id", "detail")
)
GUARDS = (
    # An entry without a place, written by the version before, may be given one; nothing else.
    Guard(
        "tr_audit_entry_update", "audit_entry", "UPDATE",
        f"NOT (OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND {UNCHANGED})", APPEND_ONLY,
    ),
    Guard(
        "tr_audit_entry_delete", "audit_entry", "DELETE",
        "OLD.sequence IS NULL OR OLD.sequence > "
        "coalesce((SELECT base_sequence FROM audit_head WHERE id = 1), 0)",
        APPEND_ONLY,
    ),
    Guard(
        "tr_audit_head_update", "audit_head", "UPDATE",
        "NEW.sequence < OLD.sequence OR NEW.base_sequence < OLD.base_sequence OR "
        "(NEW.base_sequence > OLD.base_sequence AND NEW.base_hash <> coalesce("
        "(SELECT hash FROM audit_entry WHERE sequence = NEW.base_sequence), ''))",
        ONLY_FORWARD,
    ),
    Guard("tr_audit_head_delete", "audit_head", "DELETE", "1 = 1", ONLY_FORWARD),
)  # fmt: skip

SQLITE = """
CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition}
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {condition} THEN
    RAISE EXCEPTION '{refusal}' USING ERRCODE = 'check_violation';
  END IF;
  RETURN {row};
END $$
"""
POSTGRES = """
CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()
"""
POSTGRES_EMPTIED = f"""
CREATE FUNCTION audit_not_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{APPEND_ONLY}' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER tr_audit_entry_truncate BEFORE TRUNCATE ON audit_entry
EXECUTE FUNCTION audit_not_emptied();
CREATE TRIGGER tr_audit_head_truncate BEFORE TRUNCATE ON audit_head
EXECUTE FUNCTION audit_not_emptied();
"""
POSTGRES_HEAD = """
CREATE FUNCTION audit_head_held() RETURNS TABLE (sequence bigint, hash text)
LANGUAGE sql SET lock_timeout = 0
AS 'SELECT sequence, hash::text FROM audit_head WHERE id = 1 FOR UPDATE'
"""
"""Writers wait for the head however short their patience for other rows: it is their last lock."""


def upgrade() -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("hash", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("key_id", sa.String(length=12), nullable=True))
        batch.drop_constraint("fk_audit_entry_actor_id", type_="foreignkey")
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("base_sequence", sa.BigInteger(), nullable=False),
        sa.Column("base_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one")),
        sa.CheckConstraint(
            "base_sequence >= 0 AND base_sequence <= sequence", name=op.f("ck_audit_head_base")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    sequence, hash_ = _chain_what_is_there(op.get_bind())
    op.execute(
        sa.text("INSERT INTO audit_head VALUES (1, :sequence, :hash, 0, :start)").bindparams(
            sequence=sequence, hash=hash_, start=GENESIS_SEAL
        )
    )
    with op.batch_alter_table("audit_entry") as batch:
        batch.create_unique_constraint("uq_audit_entry_sequence", ["sequence"])
    op.create_index("ix_audit_entry_action", "audit_entry", ["action", "sequence"])
    op.create_index(
        "ix_audit_entry_actor_id",
        "audit_entry",
        ["actor_id", "sequence"],
        postgresql_where=sa.text("actor_id IS NOT NULL"),
        sqlite_where=sa.text("actor_id IS NOT NULL"),
    )
    _guard()


def _guard() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for guard in GUARDS:
        words = {**vars(guard), "row": "OLD" if guard.event == "DELETE" else "NEW"}
        for statement in (POSTGRES_FUNCTION, POSTGRES) if postgres else (SQLITE,):
            op.execute(sa.text(statement.format(**words)))
    if postgres:
        op.execute(sa.text(POSTGRES_EMPTIED))
        op.execute(sa.text(POSTGRES_HEAD))


def _chain_what_is_there(connection: sa.Connection) -> tuple[int, str]:
    """Seal the entries in the order in which they were written (ids are UUIDv7)."""
    sequence, onto = 0, GENESIS_SEAL
    ring = keyring(current_settings())
    for entries in _batches(connection):
        sealed = list(seal_all(entries, after=sequence, onto=onto, ring=ring))
        _write(connection, sealed)
        sequence, onto = sealed[-1].sequence, sealed[-1].hash
    return sequence, onto


def _batches(connection: sa.Connection) -> Iterator[list[ChainEntry]]:
    query = sa.select(ENTRIES).order_by(ENTRIES.c.id).limit(AT_ONCE)
    rows = connection.execute(query).all()
    while rows:
        yield [_entry(row) for row in rows]
        rows = connection.execute(query.where(ENTRIES.c.id > rows[-1].id)).all()


def _entry(row: Any) -> ChainEntry:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    return ChainEntry(
        row.id,
        at,
        row.actor_id,
        row.action,
        row.subject_kind,
        row.subject_id,
        canonical_json(row.detail),
    )


def _write(connection: sa.Connection, sealed: Sequence[SealedEntry]) -> None:
    if connection.dialect.name == "postgresql":
        document = [
            {
                "id": sealed_entry.entry.id,
                "sequence": sealed_entry.sequence,
                "hash": sealed_entry.hash,
                "key_id": sealed_entry.key_id,
            }
            for sealed_entry in sealed
        ]
        connection.exec_driver_sql(SEALED_POSTGRES, {"sealed": orjson.dumps(document).decode()})
    else:
        connection.exec_driver_sql(
            SEALED_SQLITE,
            [
                (
                    sealed_entry.sequence,
                    sealed_entry.hash,
                    sealed_entry.key_id,
                    sealed_entry.entry.id.hex,
                )
                for sealed_entry in sealed
            ],
        )
