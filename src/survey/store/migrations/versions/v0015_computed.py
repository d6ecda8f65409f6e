"""No interview moves once the figures of its wave are computed, whoever sends the SQL.

A trigger belongs to its table: a later migration that builds `response` anew on SQLite has to
create it again. The version before may go on serving: where it makes such a move, it gets an error.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NAME = "tr_response_computed"
COMPUTED = "(SELECT state FROM wave WHERE id = NEW.wave_id) IN ('frozen', 'released')"
REFUSAL = "the figures of the wave are computed"

SQLITE = f"""
CREATE TRIGGER {NAME} BEFORE UPDATE OF status ON response
WHEN OLD.status <> NEW.status AND {COMPUTED}
BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
"""
POSTGRES_FUNCTION = f"""
CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {COMPUTED} THEN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
"""
POSTGRES = f"""
CREATE TRIGGER {NAME} BEFORE UPDATE OF status ON response FOR EACH ROW
WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION {NAME}()
"""


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in (POSTGRES_FUNCTION, POSTGRES) if on_postgresql else (SQLITE,):
        op.execute(sa.text(statement))
