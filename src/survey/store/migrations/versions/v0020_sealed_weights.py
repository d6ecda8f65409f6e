"""Weights that interviews came with: the database refuses to change them, as it does answers.

Let through is that the weight of a withdrawn interview is blanked. A trigger belongs to its table:
a later migration that builds `response` anew on SQLite has to create it again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

NAME = "tr_response_given_weight"
REFUSAL = "the weight of a stored interview is neither changed nor removed"
_BLANKED = "(NEW.given_weight IS NULL AND NEW.withdrawn_at IS NOT NULL)"
_SQLITE = f"""
CREATE TRIGGER {NAME} BEFORE UPDATE OF given_weight ON response
WHEN NEW.given_weight IS NOT OLD.given_weight AND NOT {_BLANKED}
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""
_POSTGRES = (
    f"""
CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'check_violation';
END $$
""",
    f"""
CREATE TRIGGER {NAME} BEFORE UPDATE OF given_weight ON response FOR EACH ROW
WHEN (NEW.given_weight IS DISTINCT FROM OLD.given_weight AND NOT {_BLANKED})
EXECUTE FUNCTION {NAME}()
""",
)


def upgrade() -> None:
    statements = _POSTGRES if op.get_bind().dialect.name == "postgresql" else (_SQLITE,)
    for statement in statements:
        op.execute(sa.text(statement))
