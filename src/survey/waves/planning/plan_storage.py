"""Storage of a sampling plan: city targets, quota cells, marginal quotas of a wave."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import delete, func, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from survey.access.roles import Action
from survey.access.work import Work
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.sample_size import AllocationRule, PrecisionTarget
from survey.frame.sampling_plan import PlanRequest, SamplingPlan, build_sampling_plan
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    City,
    CityTarget,
    QuotaCell,
    QuotaMargin,
    Response,
    Wave,
    WavePlan,
    WaveState,
    new_id,
    table_of,
)
from survey.waves.planning.wave_editing import STATE_PERMISSION_TEXTS, require_quota_items
from survey.waves.quotas import enable_quota_stop
from survey.waves.waves import get_wave, lock_wave


def plan_request_of(plan: WavePlan, targets: Sequence[CityTarget]) -> PlanRequest:
    """Return the stored request, with the stored sizes: later changes of the frame do not count."""
    aim = PrecisionTarget(
        margin=plan.margin,
        level=plan.level,
        deff=plan.deff,
        rule=AllocationRule(plan.rule),
        total=plan.total,
        price=plan.price,
        budget=plan.budget,
    )
    shares = {
        row.city_code: row.guardian_share for row in targets if row.guardian_share is not None
    }
    return PlanRequest(
        aim=aim,
        elderly=plan.elderly_factor,
        guardian=plan.guardian_factor,
        crossed=plan.crossed,
        reserve=plan.reserve,
        size=pd.Series({row.city_code: row.target for row in targets}, dtype="int64"),
        guardian_share=pd.Series(shares, dtype="float64") if shares else None,
    )


_CELLS, _TARGETS, _MARGINS = table_of(QuotaCell), table_of(CityTarget), table_of(QuotaMargin)
_RESPONSES = table_of(Response)


def plan_cities(work: Work) -> list[FrameCity]:
    """Return the cities of the frame that the store has."""
    work.require(Action.READ_PLAN)
    known = set(work.session.exec(select_rows(City.code)))
    return [city for city in shipped_cities() if city.code in known]


def save_plan(work: Work, *, key: str, request: PlanRequest) -> SamplingPlan:
    """Compute a sampling plan and store it as the wave's, replacing the one before.

    Raises:
        RefusedError: The state of the wave forbids it.
        RefusedError: A target would be smaller than the number already collected.
        RefusedError: The request does not fit together.
    """
    work.require(Action.PLAN)
    wave = lock_wave(session=work.session, key=key)
    if wave.state not in {WaveState.PLANNED, WaveState.OPEN}:
        raise RefusedError("wave_fixed", STATE_PERMISSION_TEXTS[wave.state])
    planned = build_sampling_plan(plan_cities(work), wave.series, request)
    if wave.state is WaveState.OPEN:
        _require_same_quota_type(work.session.get(WavePlan, wave.id), request)
    before = _read_stored_settings(work.session, wave.id)
    _save_cells(work.session, wave.id, planned)
    _save_cities(work.session, wave, planned)
    _save_margins(work.session, wave.id, planned)
    if wave.state is WaveState.PLANNED:
        enable_quota_stop(session=work.session, wave_id=wave.id, crossed=request.crossed)
    _save_aim(work.session, wave.id, planned, work.now)
    require_quota_items(session=work.session, wave=wave)
    work.record(
        AuditEvent.WAVE_PLANNED,
        wave.id,
        _build_audit_detail(planned)
        | _build_audit_change(before, _read_stored_settings(work.session, wave.id)),
    )
    return planned


def _require_same_quota_type(before: WavePlan | None, request: PlanRequest) -> None:
    """Raise if the quotas would change between crossed and marginal after interviews counted."""
    if before is not None and before.crossed != request.crossed:
        raise RefusedError(
            "wave_fixed",
            msg("Whether quotas are crossed or marginal is fixed once a wave was opened."),
        )
    known = (before.elderly_factor, before.guardian_factor) if before else (1.0, 1.0)
    if known != (request.elderly, request.guardian):
        raise RefusedError(
            "wave_fixed",
            msg("How much more often a group is asked is fixed once a wave was opened."),
        )


def _save_cells(session: Session, wave_id: UUID, planned: SamplingPlan) -> None:
    """Store the cells, keeping ids and counts; delete only cells without interviews."""
    connection = session.connection()
    known = {
        (row.city_code, row.age_band, row.gender): row
        for row in connection.execute(select(_CELLS).where(_CELLS.c.wave_id == wave_id))
    }
    targets = {
        (city, age, gender): int(target)
        for city, age, gender, target in planned.quotas.cells.to_numpy()
    }
    for key, row in known.items():
        target = targets.get(key, 0)
        if target < row.target and target < row.collected:
            raise RefusedError(
                "below_collected",
                msg(
                    "City {city}, {age}, {gender}: {collected} interviews were collected, so the "
                    "target cannot be lowered to {target}.",
                    city=key[0],
                    age=key[1],
                    gender=key[2],
                    collected=row.collected,
                    target=target,
                ),
            )
    obsolete = [row.id for key, row in known.items() if key not in targets]
    if obsolete:
        _require_unused(session, obsolete)
        connection.execute(delete(_CELLS).where(_CELLS.c.id.in_(obsolete)))
    for key, target in targets.items():
        if key in known and known[key].target != target:
            connection.execute(
                update(_CELLS).where(_CELLS.c.id == known[key].id).values(target=target)
            )
    _insert_rows(
        session,
        QuotaCell,
        [
            {
                "id": new_id(),
                "wave_id": wave_id,
                "city_code": key[0],
                "age_band": key[1],
                "gender": key[2],
                "target": target,
                "collected": 0,
            }
            for key, target in targets.items()
            if key not in known
        ],
    )


def _require_unused(session: Session, cells: Sequence[UUID]) -> None:
    """Raise if an interview, even a void one, belongs to one of the cells."""
    used = select(_RESPONSES.c.id).where(_RESPONSES.c.quota_cell_id.in_(cells)).limit(1)
    if session.connection().execute(used).first() is not None:
        raise RefusedError(
            "below_collected",
            msg("Interviews were counted in quota cells that this plan does not have any more."),
        )


def _save_cities(session: Session, wave: Wave, planned: SamplingPlan) -> None:
    known = {
        row.city_code: row
        for row in session.exec(select_rows(CityTarget).where(CityTarget.wave_id == wave.id))
    }
    collected = _count_collected_by_city(session, wave.id)
    size = {str(code): int(target) for code, target in planned.sample.cities["size"].items()}
    shares = planned.guardian_share
    for code, row in known.items():
        target = size.get(code, 0)
        if target < row.target and target < collected.get(code, 0):
            raise RefusedError(
                "below_collected",
                msg(
                    "City {city}: {collected} interviews were collected, so its target cannot be "
                    "lowered to {target}.",
                    city=code,
                    collected=collected[code],
                    target=target,
                ),
            )
        if code not in size:
            session.delete(row)
    for code, target in size.items():
        row = known.get(code) or CityTarget(wave_id=wave.id, city_code=code, target=target)
        row.target = target
        row.guardian_share = None if shares is None else float(shares[code])
        session.add(row)
    session.flush()


def _count_collected_by_city(session: Session, wave_id: UUID) -> Mapping[str, int]:
    query = (
        select(_CELLS.c.city_code, func.sum(_CELLS.c.collected))
        .where(_CELLS.c.wave_id == wave_id)
        .group_by(_CELLS.c.city_code)
    )
    return {row[0]: int(row[1]) for row in session.connection().execute(query)}


def _save_margins(session: Session, wave_id: UUID, planned: SamplingPlan) -> None:
    """Store the marginal quotas, keeping ids, counts and policies."""
    connection = session.connection()
    known = {
        (row.city_code, row.dimension, row.category): row
        for row in connection.execute(select(_MARGINS).where(_MARGINS.c.wave_id == wave_id))
    }
    targets = {
        (city, dimension, category): int(target)
        for city, dimension, category, target in planned.quotas.margins.to_numpy()
    }
    for key, row in known.items():
        target = targets.get(key, 0)
        if row.stops and target < row.target and target < row.collected:
            raise RefusedError(
                "below_collected",
                msg(
                    "City {city}, {group}: {collected} interviews were collected, so the target "
                    "cannot be lowered to {target}.",
                    city=key[0],
                    group="=".join(key[1:]),
                    collected=row.collected,
                    target=target,
                ),
            )
        if key in targets and row.target != target:
            connection.execute(
                update(_MARGINS).where(_MARGINS.c.id == row.id).values(target=target)
            )
    obsolete = [row.id for key, row in known.items() if key not in targets]
    if obsolete:
        connection.execute(delete(_MARGINS).where(_MARGINS.c.id.in_(obsolete)))
    stopping = {row.dimension for row in known.values() if row.stops}
    _insert_rows(
        session,
        QuotaMargin,
        [
            {
                "id": new_id(),
                "wave_id": wave_id,
                "city_code": key[0],
                "dimension": key[1],
                "category": key[2],
                "target": target,
                "collected": 0,
                "stops": key[1] in stopping,
            }
            for key, target in targets.items()
            if key not in known
        ],
    )


def _save_aim(session: Session, wave_id: UUID, planned: SamplingPlan, now: datetime) -> None:
    request, aim = planned.request, planned.request.aim
    row = WavePlan(
        wave_id=wave_id,
        margin=aim.margin,
        level=aim.level,
        deff=aim.deff,
        rule=aim.rule.value,
        total=planned.sample.total,
        price=aim.price,
        budget=aim.budget,
        crossed=request.crossed,
        reserve=request.reserve,
        elderly_factor=request.elderly,
        guardian_factor=request.guardian,
        saved_at=now,
    )
    session.merge(row)
    session.flush()


def _insert_rows(session: Session, model: Any, rows: list[dict[str, object]]) -> None:
    if rows:
        session.connection().execute(insert(table_of(model)), rows)


def _read_stored_settings(session: Session, wave_id: UUID) -> dict[str, object]:
    """Return the settings of the stored plan, and the target of each city by code."""
    connection = session.connection()
    plan = table_of(WavePlan)
    settings = connection.execute(select(plan).where(plan.c.wave_id == wave_id)).one_or_none()
    cities = table_of(CityTarget)
    targets = connection.execute(
        select(cities.c.city_code, cities.c.target).where(cities.c.wave_id == wave_id)
    )
    shown = dict(settings._mapping) if settings is not None else {}
    shown.pop("saved_at", None)
    shown.pop("wave_id", None)
    return {**shown, **{row.city_code: row.target for row in targets}}


def _build_audit_change(before: dict[str, object], after: dict[str, object]) -> dict[str, Any]:
    names = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    return {
        "from": {name: before.get(name) for name in names},
        "to": {name: after.get(name) for name in names},
    }


def _build_audit_detail(planned: SamplingPlan) -> dict[str, Any]:
    request, aim = planned.request, planned.request.aim
    return {
        "interviews": planned.sample.total,
        "cities": len(planned.sample.cities),
        "margin": aim.margin,
        "level": aim.level,
        "deff": aim.deff,
        "rule": aim.rule.value,
        "by_hand": request.size is not None,
        "crossed": request.crossed,
        "reserve": request.reserve,
        "elderly_factor": request.elderly,
        "guardian_factor": request.guardian,
    }


def find_saved_request(work: Work, *, key: str) -> PlanRequest | None:
    """Return the request of the wave's stored plan; None without a plan."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    plan = work.session.get(WavePlan, wave.id)
    if plan is None:
        return None
    rows = work.session.exec(
        select_rows(CityTarget)
        .where(CityTarget.wave_id == wave.id)
        .order_by(col(CityTarget.city_code))
    ).all()
    return plan_request_of(plan, rows)
