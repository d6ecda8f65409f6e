"""Cities left out of a wave, until it is frozen.

The triggers belong to their table: a later migration that builds it anew on SQLite has to create
them again. Version 0021 does not know the table, and a freeze by it counts every city.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = "left_out_city"
REFUSAL = "which cities are left out is final once a wave is frozen"
STATE = "(SELECT state FROM wave WHERE id = {row}.wave_id) IN ('frozen', 'released')"
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


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("left_out_by", sa.Uuid(), nullable=True),
        sa.Column("left_out_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=f"fk_{TABLE}_wave_id"),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name=f"fk_{TABLE}_city_code"),
        sa.ForeignKeyConstraint(["left_out_by"], ["account.id"], name=f"fk_{TABLE}_left_out_by"),
        sa.PrimaryKeyConstraint("wave_id", "city_code", name=f"pk_{TABLE}"),
    )
    postgres = op.get_bind().dialect.name == "postgresql"
    for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        words = {
            "name": f"tr_{TABLE}_{event.lower()}", "event": event, "table": TABLE, "row": row,
            "condition": STATE.format(row=row), "refusal": REFUSAL,
        }  # fmt: skip
        for statement in (POSTGRES_FUNCTION, POSTGRES) if postgres else (SQLITE,):
            op.execute(sa.text(statement.format(**words)))
