"""Moves: the database itself refuses a status change that the life of a response does not know.

A trigger belongs to its table: a later migration that builds `response` anew on SQLite (Alembic's
batch mode) has to create it again.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOVES = (
    ("draft", "submitted"),
    ("draft", "screened_out"),
    ("draft", "refused"),
    ("draft", "quota_full"),
    ("submitted", "returned"),
    ("submitted", "city_approved"),
    ("submitted", "void"),
    ("returned", "submitted"),
    ("returned", "void"),
    ("city_approved", "returned"),
    ("city_approved", "approved"),
    ("city_approved", "void"),
    ("approved", "returned"),
    ("approved", "frozen"),
    ("approved", "void"),
    ("void", "submitted"),
)
REFUSAL = "this change of status is not allowed"

SQLITE = """
CREATE TRIGGER tr_response_move BEFORE UPDATE OF status ON response
WHEN OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ({pairs})
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION response_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{refusal}' USING ERRCODE = 'check_violation';
END $$
"""
POSTGRES = """
CREATE TRIGGER tr_response_move BEFORE UPDATE OF status ON response FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ({pairs}))
EXECUTE FUNCTION response_move()
"""


def upgrade() -> None:
    op.drop_index("ix_response_wave_city_status", "response")
    op.create_index(
        "ix_response_wave_city_status",
        "response",
        ["wave_id", "city_code", "status", "quota_cell_id", "submitted_at"],
    )
    op.create_index("ix_audit_entry_subject_id", "audit_entry", ["subject_id"])
    pairs = ", ".join(f"'{start}>{to}'" for start, to in MOVES)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_FUNCTION.format(refusal=REFUSAL))
        op.execute(POSTGRES.format(pairs=pairs))
    else:
        op.execute(SQLITE.format(pairs=pairs, refusal=REFUSAL))
