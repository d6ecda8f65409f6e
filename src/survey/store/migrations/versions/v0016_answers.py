"""Answers: what was stored is neither changed nor removed, whoever sends the SQL.

Let through are: that a revision is no longer the current one (a correction follows it), that the
answers of a withdrawn interview are blanked, and that the transaction that has just stored an
interview takes it back; its entry of the audit trail is written last, so there is none yet. The
version before may go on serving.

A trigger belongs to its table: a later migration that builds `response_revision` anew on SQLite has
to create them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

REFUSAL = "stored answers are neither changed nor removed"
KEPT = ("id", "wave_id", "response_id", "number", "author_id", "created_at")
CONTENT = ("answers", "timings", "reason")


def _same(columns: tuple[str, ...]) -> str:
    return " AND ".join(
        f"coalesce(CAST(NEW.{name} AS TEXT), '') = coalesce(CAST(OLD.{name} AS TEXT), '')"
        for name in columns
    )


_BLANKED = (
    "CAST(NEW.answers AS TEXT) = '{}' AND CAST(NEW.timings AS TEXT) = '{}' AND NEW.reason = '' "
    "AND EXISTS (SELECT 1 FROM response WHERE id = OLD.response_id AND withdrawn_at IS NOT NULL)"
)
CHANGED = (
    f"NOT ({_same(KEPT)}) OR (NEW.is_current AND NOT OLD.is_current) "
    f"OR NOT (({_same(CONTENT)}) OR ({_BLANKED}))"
)
# Entries name interviews with hyphens, and in lists of many without.
_PLAIN = {
    "sqlite": "OLD.response_id",
    "postgresql": "replace(CAST(OLD.response_id AS TEXT), '-', '')",
}
_SUBJECTS = {
    "sqlite": (
        "substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4) || '-' "
        "|| substr({0}, 17, 4) || '-' || substr({0}, 21)"
    ),
    "postgresql": "CAST({0} AS TEXT)",
}

SQLITE = """
CREATE TRIGGER {name} BEFORE {event} ON response_revision WHEN {condition}
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
CREATE TRIGGER {name} BEFORE {event} ON response_revision FOR EACH ROW EXECUTE FUNCTION {name}()
"""
POSTGRES_EMPTIED = f"""
CREATE FUNCTION response_revision_not_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER tr_response_revision_truncate BEFORE TRUNCATE ON response_revision
EXECUTE FUNCTION response_revision_not_emptied();
"""
# Row triggers come to every part by themselves, this one does not. Otherwise as in migration 0012.
PART_OF_WAVE = """
CREATE OR REPLACE FUNCTION response_revision_part() RETURNS trigger LANGUAGE plpgsql
SET lock_timeout = '2s' AS $$
DECLARE
  part text := 'response_revision_' || replace(NEW.id::text, '-', '');
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE response_revision INCLUDING DEFAULTS)', part);
  EXECUTE format('CREATE TRIGGER tr_response_revision_truncate BEFORE TRUNCATE ON %I '
    'EXECUTE FUNCTION response_revision_not_emptied()', part);
  EXECUTE format(
    'ALTER TABLE response_revision ATTACH PARTITION %I FOR VALUES IN (%L)', part, NEW.id
  );
  RETURN NULL;
END $$
"""
PARTS_OF_PRESENT_WAVES = """
DO $$
DECLARE
  part regclass;
BEGIN
  FOR part IN SELECT inhrelid::regclass FROM pg_inherits
    WHERE inhparent = 'response_revision'::regclass
  LOOP
    EXECUTE format('CREATE TRIGGER tr_response_revision_truncate BEFORE TRUNCATE ON %s '
      'EXECUTE FUNCTION response_revision_not_emptied()', part);
  END LOOP;
END $$
"""


def _sealed(dialect: str) -> str:
    """That the trail names the interview already."""
    plain, subject = _PLAIN[dialect], _SUBJECTS[dialect]
    return (
        "EXISTS (SELECT 1 FROM audit_entry WHERE "
        f"subject_id = {subject.format('OLD.response_id')}) "
        "OR EXISTS (SELECT 1 FROM audit_entry WHERE action = 'responses.sealed' "
        f"AND subject_id = {subject.format('OLD.wave_id')} "
        f"AND CAST(detail AS TEXT) LIKE '%' || {plain} || '%')"
    )


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    guards = (
        ("tr_response_revision_update", "UPDATE", CHANGED, "NEW"),
        ("tr_response_revision_delete", "DELETE", _sealed(dialect), "OLD"),
    )
    for name, event, condition, row in guards:
        words = {
            "name": name, "event": event, "condition": condition, "row": row, "refusal": REFUSAL,
        }  # fmt: skip
        statements = (POSTGRES_FUNCTION, POSTGRES) if dialect == "postgresql" else (SQLITE,)
        for statement in statements:
            op.execute(sa.text(statement.format(**words)))
    if dialect == "postgresql":
        op.execute(sa.text(POSTGRES_EMPTIED))
        op.execute(PARTS_OF_PRESENT_WAVES)
        op.execute(PART_OF_WAVE)
