"""Decisions can be taken back, and one audit entry about many interviews names its members.

The table of moves of migration 0003 grows by the ways back of a decision (`lifecycle.UNDOABLE`).
The version before goes on working: it makes none of these moves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
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
    ("returned", "city_approved"),
    ("returned", "approved"),
    ("returned", "void"),
    ("city_approved", "submitted"),
    ("city_approved", "returned"),
    ("city_approved", "approved"),
    ("city_approved", "void"),
    ("approved", "city_approved"),
    ("approved", "returned"),
    ("approved", "frozen"),
    ("approved", "void"),
    ("void", "submitted"),
    ("void", "returned"),
    ("void", "city_approved"),
    ("void", "approved"),
)
REFUSAL = "this change of status is not allowed"
APPEND_ONLY = "members of audit entries are only added"
MEMBERS = "audit_member"

SQLITE = """
CREATE TRIGGER tr_response_move BEFORE UPDATE OF status ON response
WHEN OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ({pairs})
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""
POSTGRES = """
CREATE TRIGGER tr_response_move BEFORE UPDATE OF status ON response FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status || '>' || NEW.status NOT IN ({pairs}))
EXECUTE FUNCTION response_move()
"""
SQLITE_GUARD = f"""
CREATE TRIGGER tr_{MEMBERS}_{{event}} BEFORE {{event}} ON {MEMBERS}
BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END
"""
POSTGRES_GUARD = f"""
CREATE FUNCTION {MEMBERS}_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{APPEND_ONLY}' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER tr_{MEMBERS}_update BEFORE UPDATE OR DELETE ON {MEMBERS} FOR EACH ROW
EXECUTE FUNCTION {MEMBERS}_kept();
CREATE TRIGGER tr_{MEMBERS}_truncate BEFORE TRUNCATE ON {MEMBERS}
EXECUTE FUNCTION {MEMBERS}_kept();
"""


def upgrade() -> None:
    op.create_table(
        MEMBERS,
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("response_id", "entry_id", name=f"pk_{MEMBERS}"),
    )
    op.create_index(f"ix_{MEMBERS}_entry_id", MEMBERS, ["entry_id"])
    pairs = ", ".join(f"'{start}>{to}'" for start, to in MOVES)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text(POSTGRES_GUARD))
        op.execute(sa.text("DROP TRIGGER tr_response_move ON response"))
        op.execute(sa.text(POSTGRES.format(pairs=pairs)))
        return
    for event in ("update", "delete"):
        op.execute(sa.text(SQLITE_GUARD.format(event=event)))
    op.execute(sa.text("DROP TRIGGER tr_response_move"))
    op.execute(sa.text(SQLITE.format(pairs=pairs, refusal=REFUSAL)))
