"""Assignment of one surveyor to one sampling point, and its end; lists are in `staff`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, select

from survey.access.credentials import active_filter
from survey.access.principal import covers_point
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.planning.staff import SURVEYORS
from survey.fieldwork.planning.wave_editing import STATE_PERMISSION_TEXTS
from survey.fieldwork.waves import get_wave, lock_wave
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Account,
    Assignment,
    Posting,
    Response,
    SamplingPoint,
    Wave,
    WaveState,
    table_of,
)

_ASSIGNMENTS, _POSTINGS = table_of(Assignment), table_of(Posting)


@dataclass(frozen=True)
class PointSurveyor:
    """Person who works at a sampling point, or could."""

    login: str
    name: str


@dataclass(frozen=True)
class PointStaff:
    """People of one sampling point, and those who could be added."""

    working: tuple[PointSurveyor, ...]
    available: tuple[PointSurveyor, ...]


def get_point_staff(work: Work, *, key: str, code: str) -> PointStaff:
    """Return the people of a point, and the others whose role and area allow to work there."""
    work.require(Action.PLAN)
    point = _get_point(work.session, get_wave(session=work.session, key=key), code)
    working = _list_working(work.session, point)
    query = (
        select(Account)
        .where(active_filter(work.now), col(Account.role).in_([role.value for role in SURVEYORS]))
        .order_by(Account.login)
    )
    known = {person.id for person in working}
    available = [
        person
        for person in work.session.exec(query)
        if person.id not in known and covers_point(person.area, point.city_code, point.code)
    ]
    return PointStaff(_build_summaries(working), _build_summaries(available))


def _build_summaries(people: Sequence[Account]) -> tuple[PointSurveyor, ...]:
    return tuple(PointSurveyor(person.login, person.name) for person in people)


def assign_person(work: Work, *, key: str, code: str, login: str) -> None:
    """Assign one person to one point; supervisor and agency of the city stay as they are.

    Raises:
        RefusedError: The wave is closed, frozen or released.
        RefusedError: There is no such point, or the person cannot work there.
    """
    work.require(Action.PLAN)
    wave = _lock_changeable_wave(work.session, key)
    staff = get_point_staff(work, key=key, code=code)
    if login in {person.login for person in staff.working}:
        raise RefusedError("staff_wrong", msg("{login} works at this point already.", login=login))
    if login not in {person.login for person in staff.available}:
        raise RefusedError(
            "staff_wrong",
            msg(
                "{login} cannot work at this point: another role, another area, or the account is "
                "closed.",
                login=login,
            ),
        )
    point, person = _get_point(work.session, wave, code), _lock_person(work.session, login)
    work.session.add(Assignment(account_id=person.id, point_id=point.id))
    posting = select(Posting).where(
        Posting.wave_id == wave.id,
        Posting.account_id == person.id,
        Posting.city_code == point.city_code,
    )
    if work.session.exec(posting).first() is None:
        work.session.add(Posting(wave_id=wave.id, account_id=person.id, city_code=point.city_code))
    work.session.flush()
    _record_staffing(work, point, before=staff.working)


def remove_person(work: Work, *, key: str, code: str, login: str) -> None:
    """End the work of one person at one point; what they collected there stays theirs.

    Raises:
        RefusedError: The wave is closed, frozen or released.
        RefusedError: There is no such point, or the person does not work there.
    """
    work.require(Action.PLAN)
    wave = _lock_changeable_wave(work.session, key)
    point = _get_point(work.session, wave, code)
    before = _list_working(work.session, point)
    person = next((person for person in before if person.login == login), None)
    if person is None:
        raise RefusedError("staff_wrong", msg("{login} does not work at this point.", login=login))
    connection = work.session.connection()
    connection.execute(
        delete(_ASSIGNMENTS).where(
            _ASSIGNMENTS.c.account_id == person.id, _ASSIGNMENTS.c.point_id == point.id
        )
    )
    if not _is_needed_in_city(work.session, wave, person, point.city_code):
        connection.execute(
            delete(_POSTINGS).where(
                _POSTINGS.c.wave_id == wave.id,
                _POSTINGS.c.account_id == person.id,
                _POSTINGS.c.city_code == point.city_code,
            )
        )
    _record_staffing(work, point, before=_build_summaries(before))


def _lock_changeable_wave(session: Session, key: str) -> Wave:
    wave = lock_wave(session=session, key=key)
    if wave.state not in {WaveState.PLANNED, WaveState.OPEN}:
        raise RefusedError("wave_fixed", STATE_PERMISSION_TEXTS[wave.state])
    return wave


def _get_point(session: Session, wave: Wave, code: str) -> SamplingPoint:
    query = select(SamplingPoint).where(
        SamplingPoint.wave_id == wave.id, SamplingPoint.code == code
    )
    point = session.exec(query).one_or_none()
    if point is None:
        raise RefusedError("staff_wrong", msg("The wave has no sampling point with this code."))
    return point


def _lock_person(session: Session, login: str) -> Account:
    return session.exec(select(Account).where(Account.login == login).with_for_update()).one()


def _list_working(session: Session, point: SamplingPoint) -> list[Account]:
    query = (
        select(Account)
        .join(Assignment, col(Assignment.account_id) == col(Account.id))
        .where(Assignment.point_id == point.id)
        .order_by(Account.login)
    )
    return list(session.exec(query))


def _is_needed_in_city(session: Session, wave: Wave, person: Account, city_code: str) -> bool:
    """Return whether the person has another point in the city, or interviews that name them."""
    points = (
        select(Assignment.id)
        .join(SamplingPoint, col(SamplingPoint.id) == col(Assignment.point_id))
        .where(
            Assignment.account_id == person.id,
            SamplingPoint.wave_id == wave.id,
            SamplingPoint.city_code == city_code,
        )
    )
    interviews = select(Response.id).where(
        Response.wave_id == wave.id,
        Response.city_code == city_code,
        Response.surveyor_id == person.id,
    )
    return any(session.exec(query.limit(1)).first() is not None for query in (points, interviews))


def _record_staffing(work: Work, point: SamplingPoint, *, before: Sequence[PointSurveyor]) -> None:
    work.session.flush()
    work.record(
        AuditEvent.POINT_STAFFED,
        point.id,
        {
            "code": point.code,
            "from": {"surveyors": [person.login for person in before]},
            "to": {"surveyors": [person.login for person in _list_working(work.session, point)]},
        },
    )
