"""Privacy: codes by which respondents withdraw, and telephone numbers apart from the answers.

All columns are empty for what is there already, so that an older version writes on beside this one.
A trigger belongs to its table: a later migration that builds `response` anew creates it again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
REFUSAL = "a withdrawn interview stays withdrawn"
_BACK = "OLD.withdrawn_at IS NOT NULL AND (NEW.withdrawn_at IS NULL OR NEW.status <> OLD.status)"

SQLITE = """
CREATE TRIGGER tr_response_withdrawn BEFORE UPDATE OF status, withdrawn_at ON response
WHEN {back}
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION response_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{refusal}' USING ERRCODE = 'check_violation';
END $$
"""
POSTGRES = """
CREATE TRIGGER tr_response_withdrawn BEFORE UPDATE OF status, withdrawn_at ON response
FOR EACH ROW WHEN ({back})
EXECUTE FUNCTION response_withdrawn()
"""


def upgrade() -> None:
    op.add_column("response", sa.Column("withdrawal_sha256", sa.String(length=64), nullable=True))
    op.add_column("response", sa.Column("withdrawn_at", TIME, nullable=True))
    _index("ix_response_withdrawal", ["withdrawal_sha256"], "withdrawal_sha256 IS NOT NULL")
    _index("ix_response_withdrawn", ["wave_id", "city_code"], "withdrawn_at IS NOT NULL")
    op.create_table(
        "response_contact",
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.String(length=400), nullable=False),
        sa.Column("left_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name="fk_response_contact_response_id"
        ),
        sa.PrimaryKeyConstraint("response_id", name="pk_response_contact"),
    )
    op.create_index("ix_response_contact_left_at", "response_contact", ["left_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_FUNCTION.format(refusal=REFUSAL))
        op.execute(POSTGRES.format(back=_BACK))
    else:
        op.execute(SQLITE.format(back=_BACK, refusal=REFUSAL))


def _index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "response", columns, sqlite_where=where, postgresql_where=where)
