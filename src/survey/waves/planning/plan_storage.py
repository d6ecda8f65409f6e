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
from survey.locale import Message, RefusedError, msg
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    AnyRow,
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
from survey.waves.planning.wave_editing import lock_changeable_wave, require_quota_items
from survey.waves.quotas import enable_quota_stop, read_city_targets
from survey.waves.waves import get_wave


def plan_request_of(plan: WavePlan, targets: Sequence[CityTarget]) -> PlanRequest:
    """Return the request (targets, factors, sizes) from which a stored sampling plan was made."""
    shares = {
        row.city_code: row.guardian_share for row in targets if row.guardian_share is not None
    }
    return PlanRequest(
        aim=build_from(PrecisionTarget, plan, rule=AllocationRule(plan.rule)),
        elderly=plan.elderly_factor,
        guardian=plan.guardian_factor,
        crossed=plan.crossed,
        reserve=plan.reserve,
        size=pd.Series({row.city_code: row.target for row in targets}, dtype="int64"),
        guardian_share=pd.Series(shares, dtype="float64") if shares else None,
    )


_CELLS, _RESPONSES = table_of(QuotaCell), table_of(Response)


def plan_cities(work: Work) -> list[FrameCity]:
    """Return the cities of the platform's own frame file that the store also has."""
    work.require(Action.READ_PLAN)
    known = set(work.session.exec(select_rows(City.code)))
    return [city for city in shipped_cities() if city.code in known]


def save_plan(work: Work, *, key: str, request: PlanRequest) -> SamplingPlan:
    """Compute a sampling plan, store it in place of the wave's earlier one, record and return it.

    Raises:
        RefusedError: The state of the wave forbids it.
        RefusedError: A target would be smaller than the number already collected.
        RefusedError: The request does not fit together.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key)
    planned = build_sampling_plan(plan_cities(work), wave.series, request)
    if wave.state is WaveState.OPEN:
        _require_same_quota_type(work.session.get(WavePlan, wave.id), request)
    before = _read_stored_settings(work.session, wave.id)
    _save_quotas(work.session, wave.id, QuotaCell, planned.quotas.cells)
    _save_cities(work.session, wave, planned)
    _save_quotas(work.session, wave.id, QuotaMargin, planned.quotas.margins)
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
    """Raise if `request` changes quota type or group factors of an opened wave's plan `before`."""
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


def _save_quotas(
    session: Session, wave_id: UUID, model: type[QuotaCell | QuotaMargin], planned: pd.DataFrame
) -> None:
    """Store `planned` targets of quotas (`model`: its table); those kept keep id, count, policy."""
    table, connection = table_of(model), session.connection()
    *names, _ = map(str, planned.columns)
    # In the order in which interviews claim their quotas, or both would wait for each other.
    stored = select(table).where(table.c.wave_id == wave_id).order_by(table.c.id)
    known = {tuple(row._mapping[name] for name in names): row for row in connection.execute(stored)}
    targets = {tuple(key): int(target) for *key, target in planned.to_numpy()}
    for key, row in known.items():
        target = targets.get(key, 0)
        binds = model is QuotaCell or row.stops
        if binds and target < row.target and target < row.collected:
            raise RefusedError("below_collected", _describe_collected(model, key, row, target))
        if key in targets and row.target != target:
            connection.execute(update(table).where(table.c.id == row.id).values(target=target))
    obsolete = [row.id for key, row in known.items() if key not in targets]
    if obsolete and model is QuotaCell:
        # An interview, even a void one, keeps its cell.
        used = select(_RESPONSES.c.id).where(_RESPONSES.c.quota_cell_id.in_(obsolete)).limit(1)
        if connection.execute(used).first() is not None:
            raise RefusedError(
                "below_collected",
                msg(
                    "Interviews were counted in quota cells that this plan does not have any more."
                ),
            )
    if obsolete:
        connection.execute(delete(table).where(table.c.id.in_(obsolete)))
    stopping = {key[1] for key, row in known.items() if row.stops}
    rows = [
        {
            "id": new_id(),
            "wave_id": wave_id,
            **dict(zip(names, key, strict=True)),
            "target": target,
            "collected": 0,
            **({"stops": key[1] in stopping} if model is QuotaMargin else {}),
        }
        for key, target in targets.items()
        if key not in known
    ]
    if rows:
        connection.execute(insert(table), rows)


def _describe_collected(
    model: type[QuotaCell | QuotaMargin], key: tuple[str, ...], row: AnyRow, target: int
) -> Message:
    """Return the error text that a target cannot be lower than the interviews collected."""
    counts = {"collected": row.collected, "target": target}
    if model is QuotaMargin:
        return msg(
            "City {city}, {group}: {collected} interviews were collected, so the target "
            "cannot be lowered to {target}.",
            city=key[0],
            group="=".join(key[1:]),
            **counts,
        )
    return msg(
        "City {city}, {age}, {gender}: {collected} interviews were collected, so the "
        "target cannot be lowered to {target}.",
        city=key[0],
        age=key[1],
        gender=key[2],
        **counts,
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


def _save_aim(session: Session, wave_id: UUID, planned: SamplingPlan, now: datetime) -> None:
    request, aim = planned.request, planned.request.aim
    row = WavePlan(
        wave_id=wave_id,
        **{**vars(aim), "rule": aim.rule.value, "total": planned.sample.total},
        crossed=request.crossed,
        reserve=request.reserve,
        elderly_factor=request.elderly,
        guardian_factor=request.guardian,
        saved_at=now,
    )
    session.merge(row)
    session.flush()


def _read_stored_settings(session: Session, wave_id: UUID) -> dict[str, object]:
    """Return setting -> value of a stored plan, and city -> target, in one mapping."""
    plan = table_of(WavePlan)
    query = select(plan).where(plan.c.wave_id == wave_id)
    settings = session.connection().execute(query).one_or_none()
    shown = dict(settings._mapping) if settings is not None else {}
    shown.pop("saved_at", None)
    shown.pop("wave_id", None)
    return {**shown, **read_city_targets(session, wave_id)}


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
    """Return the request from which the wave's stored plan was computed; None without a plan."""
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
