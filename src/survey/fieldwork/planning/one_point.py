"""One sampling point after the draw: its target and its days, as far as the wave's state allows."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.fieldwork.planning.drafting import PERMITS, WaveFixed
from survey.fieldwork.planning.points import LARGEST_TARGET
from survey.fieldwork.planning.saving import BelowCollected
from survey.fieldwork.quota import COUNTED
from survey.fieldwork.waves import locked_wave
from survey.locale import SurveyError, msg
from survey.store.core import table_of
from survey.store.tables import Response, SamplingPoint, Wave, WaveState

_RESPONSES = table_of(Response)


class PointInvalid(SurveyError):
    code = "point_invalid"


def change_point(
    *,
    session: Session,
    principal: Principal,
    key: str,
    code: str,
    target: int,
    opens_on: date | None,
    closes_on: date | None,
    now: datetime,
) -> tuple[str, ...]:
    """Change a point of the wave with this key and return what changed.

    Without days of its own a point is worked at on those of the wave.

    Raises:
        WaveFixed: the wave is closed, frozen or released. BelowCollected: the target would fall
            below what was collected there. PointInvalid: there is no such point, or the target or
            the days cannot be.
    """
    principal.require(Action.PLAN)
    wave = locked_wave(session=session, key=key)
    if wave.state not in {WaveState.PLANNED, WaveState.OPEN}:
        raise WaveFixed(PERMITS[wave.state])
    point = session.exec(
        select_rows(SamplingPoint).where(
            SamplingPoint.wave_id == wave.id, SamplingPoint.code == code
        )
    ).one_or_none()
    if point is None:
        raise PointInvalid(msg("The wave has no sampling point {code}.", code=code))
    _require_possible(wave, target, opens_on, closes_on)
    _require_not_below(session, point, target)
    wanted = {"target": target, "opens_on": opens_on, "closes_on": closes_on}
    before = {name: getattr(point, name) for name in wanted}
    changed = tuple(name for name, value in wanted.items() if before[name] != value)
    if not changed:
        return ()
    for name in changed:
        setattr(point, name, wanted[name])
    session.add(point)
    session.flush()
    record(
        session=session, actor=principal, action="point.changed", subject_kind="sampling_point",
        subject_id=point.id, now=now,
        detail={
            "code": code,
            "from": {name: str(before[name] or "") for name in changed},
            "to": {name: str(wanted[name] or "") for name in changed},
        },
    )  # fmt: skip
    return changed


def _require_possible(
    wave: Wave, target: int, opens_on: date | None, closes_on: date | None
) -> None:
    if not 1 <= target <= LARGEST_TARGET:
        raise PointInvalid(
            msg("The target of a point lies between 1 and {most}.", most=f"{LARGEST_TARGET:,}")
        )
    if opens_on and closes_on and closes_on < opens_on:
        raise PointInvalid(msg("The last day must not lie before the first."))
    for day in (opens_on, closes_on):
        early = day and wave.opens_on and day < wave.opens_on
        late = day and wave.closes_on and day > wave.closes_on
        if early or late:
            raise PointInvalid(
                msg("This day lies outside the wave, {first} to {last}.",
                    first=wave.opens_on or "…", last=wave.closes_on or "…")
            )  # fmt: skip


def _require_not_below(session: Session, point: SamplingPoint, target: int) -> None:
    if target >= point.target:
        return
    query = select(func.count()).where(
        _RESPONSES.c.wave_id == point.wave_id, _RESPONSES.c.city_code == point.city_code,
        _RESPONSES.c.point_id == point.id, _RESPONSES.c.status.in_(COUNTED),
    )  # fmt: skip
    collected = session.connection().execute(query).scalar_one()
    if target < collected:
        raise BelowCollected(
            msg("{count} interviews were collected at this point, so its target cannot be lowered "
                "to {target}.", count=collected, target=target)
        )  # fmt: skip
