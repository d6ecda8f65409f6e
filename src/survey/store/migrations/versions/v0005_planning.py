"""Planning: sample sizes, marginal quotas, draws, postings, and what a wave's state forbids.

The triggers belong to their tables: a later migration that builds `wave`, `quota_cell`,
`sampling_point` or a table of this one anew on SQLite (Alembic's batch mode) has to create them
again.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WAVE_MOVES = (
    ("planned", "open"),
    ("planned", "closed"),
    ("open", "closed"),
    ("closed", "open"),
    ("closed", "frozen"),
    ("frozen", "released"),
)
COUNTED = "'submitted', 'returned', 'city_approved', 'approved', 'frozen'"
STATE = "(SELECT state FROM wave WHERE id = {row}.wave_id)"
PLAN_IS_FIXED = "the state of the wave does not allow this change of its plan"
BELOW_COLLECTED = "a target cannot be lowered below what was collected"


@dataclass(frozen=True)
class Guard:
    """A condition under which a statement is refused; the same SQL on both databases."""

    name: str
    table: str
    event: str
    condition: str
    refusal: str


def _plan_table(table: str) -> tuple[Guard, ...]:
    """Rows of a plan come, change and go only while the wave is planned or open."""
    return tuple(
        Guard(
            f"tr_{table}_{event.lower()}",
            table,
            event,
            f"{STATE.format(row=row)} NOT IN ('planned', 'open')",
            PLAN_IS_FIXED,
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
    )


GUARDS = (
    Guard(
        "tr_wave_move", "wave", "UPDATE OF state",
        "OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN ("
        + ", ".join(f"'{start}>{to}'" for start, to in WAVE_MOVES) + ")",
        "this change of state is not allowed",
    ),
    Guard(
        "tr_wave_fixed", "wave", "UPDATE OF key, series, instrument_id, tree_id, composite",
        "NEW.key <> OLD.key OR (OLD.state <> 'planned' AND (NEW.series <> OLD.series "
        "OR NEW.instrument_id <> OLD.instrument_id OR NEW.composite <> OLD.composite "
        "OR coalesce(CAST(NEW.tree_id AS TEXT), '') <> coalesce(CAST(OLD.tree_id AS TEXT), '')))",
        "questionnaire and indicator tree are fixed once a wave is open",
    ),
    *_plan_table("quota_margin"),
    *_plan_table("city_target"),
    *_plan_table("wave_plan"),
    Guard(
        "tr_wave_plan_factors", "wave_plan", "UPDATE OF elderly_factor, guardian_factor",
        "(NEW.elderly_factor <> OLD.elderly_factor OR NEW.guardian_factor <> OLD.guardian_factor) "
        f"AND {STATE.format(row='NEW')} <> 'planned'",
        "oversampling is fixed once a wave is open",
    ),
    Guard(
        "tr_quota_cell_insert", "quota_cell", "INSERT",
        f"{STATE.format(row='NEW')} NOT IN ('planned', 'open')", PLAN_IS_FIXED,
    ),
    Guard(
        "tr_quota_cell_target", "quota_cell", "UPDATE OF target",
        f"NEW.target <> OLD.target AND {STATE.format(row='NEW')} NOT IN ('planned', 'open')",
        PLAN_IS_FIXED,
    ),
    Guard(
        "tr_quota_cell_lowered", "quota_cell", "UPDATE OF target",
        "NEW.target < OLD.target AND NEW.target < OLD.collected", BELOW_COLLECTED,
    ),
    Guard(
        "tr_quota_cell_delete", "quota_cell", "DELETE",
        f"OLD.collected > 0 OR {STATE.format(row='OLD')} NOT IN ('planned', 'open')",
        PLAN_IS_FIXED,
    ),
    Guard(
        "tr_city_target_lowered", "city_target", "UPDATE OF target",
        "NEW.target < OLD.target AND NEW.target < (SELECT coalesce(sum(collected), 0) "
        "FROM quota_cell WHERE wave_id = NEW.wave_id AND city_code = NEW.city_code)",
        BELOW_COLLECTED,
    ),
    Guard(
        "tr_sampling_point_insert", "sampling_point", "INSERT",
        f"{STATE.format(row='NEW')} IN ('frozen', 'released')", PLAN_IS_FIXED,
    ),
    Guard(
        "tr_sampling_point_target", "sampling_point", "UPDATE OF target",
        f"NEW.target <> OLD.target AND {STATE.format(row='NEW')} NOT IN ('planned', 'open')",
        PLAN_IS_FIXED,
    ),
    Guard(
        "tr_sampling_point_lowered", "sampling_point", "UPDATE OF target",
        "NEW.target < OLD.target AND NEW.target < (SELECT count(*) FROM response "
        "WHERE wave_id = NEW.wave_id AND city_code = NEW.city_code AND point_id = NEW.id "
        f"AND status IN ({COUNTED}))",
        BELOW_COLLECTED,
    ),
    Guard(
        "tr_sampling_point_delete", "sampling_point", "DELETE",
        f"{STATE.format(row='OLD')} <> 'planned'", PLAN_IS_FIXED,
    ),
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


def upgrade() -> None:
    _tables()
    op.add_column("sampling_point", sa.Column("opens_on", sa.Date(), nullable=True))
    op.add_column("sampling_point", sa.Column("closes_on", sa.Date(), nullable=True))
    postgres = op.get_bind().dialect.name == "postgresql"
    for guard in GUARDS:
        words = {**vars(guard), "row": "OLD" if guard.event == "DELETE" else "NEW"}
        for statement in (POSTGRES_FUNCTION, POSTGRES) if postgres else (SQLITE,):
            op.execute(sa.text(statement.format(**words)))


def _tables() -> None:
    op.create_table(
        "wave_plan",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("deff", sa.Float(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.Column("budget", sa.Float(), nullable=True),
        sa.Column("crossed", sa.Boolean(), nullable=False),
        sa.Column("reserve", sa.Float(), nullable=False),
        sa.Column("elderly_factor", sa.Float(), nullable=False),
        sa.Column("guardian_factor", sa.Float(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "elderly_factor >= 1 AND guardian_factor >= 1", name=op.f("ck_wave_plan_factors")
        ),
        sa.CheckConstraint("reserve >= 0", name=op.f("ck_wave_plan_reserve")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_wave_plan_wave_id"),
        sa.PrimaryKeyConstraint("wave_id", name="pk_wave_plan"),
    )
    op.create_table(
        "city_target",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("guardian_share", sa.Float(), nullable=True),
        sa.CheckConstraint("target > 0", name=op.f("ck_city_target_target")),
        sa.CheckConstraint(
            "guardian_share >= 0 AND guardian_share <= 1",
            name=op.f("ck_city_target_guardian_share"),
        ),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_city_target_city_code"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_city_target_wave_id"),
        sa.PrimaryKeyConstraint("wave_id", "city_code", name="pk_city_target"),
    )
    op.create_table(
        "quota_margin",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("dimension", sa.String(length=24), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.CheckConstraint("target >= 0", name=op.f("ck_quota_margin_target")),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_quota_margin_city_code"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_quota_margin_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quota_margin"),
        sa.UniqueConstraint(
            "wave_id",
            "city_code",
            "dimension",
            "category",
            name="uq_quota_margin_wave_id_city_code_dimension_category",
        ),
    )
    op.create_table(
        "point_draw",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("per_city", sa.Integer(), nullable=False),
        sa.Column("list_sha256", sa.String(length=64), nullable=False),
        sa.Column("list_document", sa.LargeBinary(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_point_draw_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_point_draw"),
    )
    op.create_index("ix_point_draw_wave_id", "point_draw", ["wave_id"])
    op.create_table(
        "posting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("supervisor_id", sa.Uuid(), nullable=True),
        sa.Column("agency", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_posting_account_id"),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_posting_city_code"),
        sa.ForeignKeyConstraint(["supervisor_id"], ["account.id"], name="fk_posting_supervisor_id"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_posting_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_posting"),
        sa.UniqueConstraint(
            "wave_id", "account_id", "city_code", name="uq_posting_wave_id_account_id_city_code"
        ),
    )
    op.create_index("ix_posting_account_id", "posting", ["account_id"])
