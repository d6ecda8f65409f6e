"""Marginal quotas: a running count and whether they stop; counted anew for waves that have them.

The trigger of migration 0005 on updates of `quota_margin` held its counts as well. Now it holds
what was planned, and counts go on moving while a closed wave is under review, as those of cells do.
What a full quota does is part of the plan: it changes only while the wave is planned or open.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
COUNTED = ("submitted", "returned", "city_approved", "approved", "frozen")
STATE = "(SELECT state FROM wave WHERE id = NEW.wave_id)"
FIXED = f"{STATE} NOT IN ('planned', 'open')"
PLAN_IS_FIXED = "the state of the wave does not allow this change of its plan"
BELOW_COLLECTED = "a target cannot be lowered below what was collected"
GUARDS = (
    (
        "tr_quota_margin_update", "quota_margin",
        "UPDATE OF wave_id, city_code, dimension, category, target, stops", FIXED, PLAN_IS_FIXED,
    ),
    (
        "tr_quota_margin_lowered", "quota_margin", "UPDATE OF target",
        "NEW.stops AND NEW.target < OLD.target AND NEW.target < OLD.collected", BELOW_COLLECTED,
    ),
    (
        "tr_quota_cell_stops", "quota_cell", "UPDATE OF stops",
        f"NEW.stops <> OLD.stops AND {FIXED}", PLAN_IS_FIXED,
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
  RETURN NEW;
END $$
"""
POSTGRES = """
CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()
"""

MARGIN = sa.table(
    "quota_margin",
    sa.column("id", sa.Uuid()),
    sa.column("wave_id", sa.Uuid()),
    sa.column("city_code"),
    sa.column("dimension"),
    sa.column("category"),
    sa.column("collected", sa.Integer()),
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute("DROP TRIGGER tr_quota_margin_update ON quota_margin")
        op.execute("DROP FUNCTION tr_quota_margin_update()")
    else:
        op.execute("DROP TRIGGER tr_quota_margin_update")
    op.add_column(
        "quota_margin", sa.Column("collected", sa.Integer(), nullable=False, server_default="0")
    )
    # Waves that were planned before go on as they began: their margins are only counted.
    op.add_column(
        "quota_margin", sa.Column("stops", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _count()
    for name, table, event, condition, refusal in GUARDS:
        words = {
            "name": name, "table": table, "event": event, "condition": condition,
            "refusal": refusal,
        }  # fmt: skip
        for statement in (POSTGRES_FUNCTION, POSTGRES) if postgres else (SQLITE,):
            op.execute(sa.text(statement.format(**words)))


def _count() -> None:
    bind = op.get_bind()
    margins = bind.execute(sa.select(MARGIN)).all()
    by_place: dict[tuple[Any, str], list[Any]] = {}
    for margin in margins:
        by_place.setdefault((margin.wave_id, margin.city_code), []).append(margin)
    counts: Counter[Any] = Counter()
    for wave_id in {margin.wave_id for margin in margins}:
        for row in _interviews(wave_id):
            own = {
                "age_band": row.age_band, "gender": row.gender, "stratum": row.stratum,
                **{name: (row.answers or {}).get(name) for name in ("guardian", "school_stage")},
            }  # fmt: skip
            counts.update(
                margin.id
                for margin in by_place.get((wave_id, row.city_code), ())
                if own.get(margin.dimension) == margin.category
            )
    for margin_id, count in counts.items():
        bind.execute(sa.update(MARGIN).where(MARGIN.c.id == margin_id).values(collected=count))


def _interviews(wave_id: Any) -> Iterator[Any]:
    """What was counted, with the age band and gender of its cell."""
    response = sa.table(
        "response",
        sa.column("id", sa.Uuid()),
        sa.column("wave_id", sa.Uuid()),
        sa.column("city_code"),
        sa.column("status"),
        sa.column("quota_cell_id", sa.Uuid()),
        sa.column("point_id", sa.Uuid()),
    )
    revision = sa.table(
        "response_revision",
        sa.column("response_id", sa.Uuid()),
        sa.column("is_current", sa.Boolean()),
        sa.column("answers", JSON),
    )
    cell = sa.table(
        "quota_cell", sa.column("id", sa.Uuid()), sa.column("age_band"), sa.column("gender")
    )
    point = sa.table("sampling_point", sa.column("id", sa.Uuid()), sa.column("stratum"))
    query = (
        sa.select(
            response.c.city_code,
            cell.c.age_band,
            cell.c.gender,
            point.c.stratum,
            revision.c.answers,
        )
        .select_from(response)
        .join(revision, revision.c.response_id == response.c.id)
        .outerjoin(cell, cell.c.id == response.c.quota_cell_id)
        .outerjoin(point, point.c.id == response.c.point_id)
        .where(response.c.wave_id == wave_id, response.c.status.in_(COUNTED), revision.c.is_current)
    )
    yield from op.get_bind().execute(query)
