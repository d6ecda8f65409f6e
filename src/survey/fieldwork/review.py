"""Review: the queue of interviews to look at, one interview as it was answered, and the moves.

Everything is cut to the reader's area inside the queries; a city outside it reads as empty.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.clock import china_date
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.lifecycle import MOVES, ResponseUnknown, move, move_all
from survey.fieldwork.reach import within_reach
from survey.fieldwork.reasons import Reason
from survey.instrument.model import Instrument, Item, Kind
from survey.instrument.validation import validate
from survey.locale import SurveyError, msg
from survey.store.core import AnyRow, table_of
from survey.store.tables import (
    Account,
    AuditEntry,
    Mode,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
)

MOST_AT_ONCE = 5_000
"""Interviews that one bulk action may move."""
REVIEWABLE = (
    Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED, Status.APPROVED, Status.VOID,
)  # fmt: skip
"""States that a reviewer can look through, in the order of an interview's life."""
_NO_DURATION = 1e9
"""Where an interview without a known duration stands among those of its risk: last."""
_NOT_ASSESSED = -1

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_POINTS, _ACCOUNTS, _WAVES = table_of(SamplingPoint), table_of(Account), table_of(Wave)
_AUDIT = table_of(AuditEntry)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)
_risk = func.coalesce(_RISKS.c.score, _NOT_ASSESSED)
_pace = func.coalesce(_RESPONSES.c.duration_seconds, _NO_DURATION)


class SelectionChanged(SurveyError):
    """What a bulk action would move is no longer what its preview showed."""

    code = "selection_changed"


class TooManyAtOnce(SurveyError):
    code = "too_many_at_once"


@dataclass(frozen=True)
class ReviewWave:
    """A wave that has interviews to review."""

    id: UUID
    key: str
    title: Mapping[str, str]
    state: WaveState
    is_demo: bool


@dataclass(frozen=True)
class Filter:
    """Which interviews of a wave; None is no restriction."""

    wave_id: UUID
    status: Status | None = Status.SUBMITTED
    city_code: str | None = None
    surveyor_id: UUID | None = None
    flag: str | None = None
    """A kind of flag; `ANY_FLAG` is any of them."""


ANY_FLAG = "any"


@dataclass(frozen=True)
class Spot:
    """Where an interview stands in the queue: highest risk first, then fastest, then by id."""

    risk: int
    pace: float
    id: UUID


@dataclass(frozen=True)
class Flag:
    """What a detector found odd; `detail` holds the numbers of its reason."""

    kind: str
    strength: float
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Queued:
    """One line of the queue."""

    id: UUID
    status: Status
    city_code: str
    point_name: str
    surveyor: str
    submitted_at: datetime
    duration_seconds: float | None
    risk: int | None
    """0 to 100; None where no detector has looked yet."""

    @property
    def spot(self) -> Spot:
        return _spot(self)


@dataclass(frozen=True)
class Answered:
    """A question on the respondent's route, the answer in the stored form, and its seconds."""

    item: Item
    answer: Any
    seconds: float | None
    before: Any = None
    """The answer of the revision before, where it was another one."""
    corrected: bool = False


@dataclass(frozen=True)
class Part:
    """A section of the questionnaire as far as it was asked."""

    title: Mapping[str, str]
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Step:
    """One entry of the interview's own history; `detail` is the audit trail's."""

    at: datetime
    action: str
    actor: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Interview:
    """One interview as the respondent saw it, with everything that a reviewer decides on."""

    id: UUID
    version: int
    """What a move has to name, so that nobody decides on something else than was seen."""
    status: Status
    reason: Reason
    city_code: str
    point_name: str
    surveyor: str
    mode: Mode
    language: str
    started_at: datetime | None
    submitted_at: datetime
    duration_seconds: float | None
    risk: int | None
    flags: tuple[Flag, ...]
    """The strongest first."""
    dropped_answers: int
    revision: int
    wave_title: Mapping[str, str]
    instrument: Instrument
    parts: tuple[Part, ...]
    history: tuple[Step, ...]
    is_demo: bool

    @property
    def spot(self) -> Spot:
        return _spot(self)


def _spot(one: Queued | Interview) -> Spot:
    return Spot(
        _NOT_ASSESSED if one.risk is None else one.risk,
        _NO_DURATION if one.duration_seconds is None else one.duration_seconds,
        one.id,
    )


@dataclass(frozen=True)
class Preview:
    """What a bulk action would do, exactly: interviews by their present state."""

    to: Status
    will: Mapping[Status, int]
    cannot: Mapping[Status, int]
    """Left as they are: this state does not lead there, or not for this role."""
    fingerprint: str

    @property
    def total(self) -> int:
        return sum(self.will.values())


def review_waves(*, session: Session, principal: Principal) -> list[ReviewWave]:
    """Waves that have begun, those still collecting first."""
    principal.require(Action.REVIEW)
    return begun_waves(session=session)


def begun_waves(*, session: Session) -> list[ReviewWave]:
    """Every wave that is no longer only planned: open ones first, then the newest."""
    query = select(_WAVES).where(_WAVES.c.state != WaveState.PLANNED)
    rows = session.connection().execute(query.order_by(_WAVES.c.year.desc(), _WAVES.c.key)).all()
    waves = [
        ReviewWave(
            row.id, row.key, {"zh": row.title_zh, "en": row.title_en}, row.state, row.is_demo
        )
        for row in rows
    ]
    return sorted(waves, key=lambda wave: wave.state != WaveState.OPEN)


def tally(*, session: Session, principal: Principal, wave_id: UUID) -> dict[str, dict[Status, int]]:
    """Interviews by city and state, of the cities in reach."""
    principal.require(Action.REVIEW)
    query = (
        select(_RESPONSES.c.city_code, _RESPONSES.c.status, func.count())
        .where(_RESPONSES.c.wave_id == wave_id, within_reach(principal, _RESPONSES.c.city_code))
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.status)
        .order_by(_RESPONSES.c.city_code)
    )
    counts: dict[str, dict[Status, int]] = {}
    for city_code, status, count in session.connection().execute(query):
        counts.setdefault(city_code, {})[status] = count
    return counts


def surveyors(
    *, session: Session, principal: Principal, wave_id: UUID, city_code: str
) -> list[tuple[UUID, str, int]]:
    """Who brought interviews of this city: id, name and how many, by name."""
    principal.require(Action.REVIEW, city_code)
    query = (
        select(_ACCOUNTS.c.id, _ACCOUNTS.c.name, func.count())
        .select_from(_RESPONSES.join(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id))
        .where(_RESPONSES.c.wave_id == wave_id, _RESPONSES.c.city_code == city_code)
        .group_by(_ACCOUNTS.c.id, _ACCOUNTS.c.name)
        .order_by(_ACCOUNTS.c.name, _ACCOUNTS.c.id)
    )
    return [(row[0], row[1], row[2]) for row in session.connection().execute(query)]


def count(*, session: Session, principal: Principal, chosen: Filter) -> int:
    """How many interviews the filter holds."""
    principal.require(Action.REVIEW)
    query = select(func.count()).select_from(_RESPONSES).where(_chosen(principal, chosen))
    found: int = session.connection().execute(query).scalar_one()
    return found


def queue(
    *,
    session: Session,
    principal: Principal,
    chosen: Filter,
    after: Spot | None = None,
    size: int = 20,
) -> list[Queued]:
    """The next interviews of the filter behind `after`, those with the highest risk first."""
    principal.require(Action.REVIEW)
    where = _chosen(principal, chosen)
    if after is not None:
        where = and_(where, _behind(after))
    query = _lines().where(where).order_by(_risk.desc(), _pace, _RESPONSES.c.id).limit(size)
    return [_queued(row) for row in session.connection().execute(query)]


def previous(
    *, session: Session, principal: Principal, chosen: Filter, before: Spot
) -> Queued | None:
    """The interview of the filter that stands before this place, if any."""
    principal.require(Action.REVIEW)
    where = and_(_chosen(principal, chosen), _ahead(before))
    query = _lines().where(where).order_by(_risk, _pace.desc(), _RESPONSES.c.id.desc()).limit(1)
    row = session.connection().execute(query).one_or_none()
    return None if row is None else _queued(row)


def read_interview(*, session: Session, principal: Principal, response_id: UUID) -> Interview:
    """One interview; one that lies outside the reader's area reads as one that is not there."""
    principal.require(Action.REVIEW)
    row = session.connection().execute(_one(principal, response_id)).one_or_none()
    if row is None:
        raise ResponseUnknown(msg("This interview does not exist."))
    instrument = load_instrument(session=session, instrument_id=row.instrument_id)
    revisions = _revisions(session, response_id)
    return Interview(
        id=row.id, version=row.lock_version, status=row.status, reason=Reason.read(row.reason),
        city_code=row.city_code, point_name=row.point_name or "", surveyor=row.surveyor or "",
        mode=row.mode, language=row.language, started_at=row.started_at,
        submitted_at=row.submitted_at, duration_seconds=row.duration_seconds,
        risk=row.risk, flags=_flags(session, response_id),
        dropped_answers=row.dropped_answers, revision=revisions[0].number,
        wave_title={"zh": row.title_zh, "en": row.title_en}, instrument=instrument,
        parts=_parts(instrument, row, revisions),
        history=_history(session, response_id), is_demo=row.is_demo,
    )  # fmt: skip


def decide(
    *,
    session: Session,
    principal: Principal,
    response_id: UUID,
    expected_version: int,
    to: Status,
    reason: Reason | None,
    now: datetime,
) -> int:
    """Move the interview that was looked at; fails when it is no longer in the version seen."""
    principal.require(Action.REVIEW)
    return move(
        session=session, principal=principal, response_id=response_id, to=to,
        reason="" if reason is None else reason.text, now=now, expected_version=expected_version,
    )  # fmt: skip


def next_steps(principal: Principal, status: Status) -> tuple[Status, ...]:
    """Where this reviewer may move an interview in this state, approval first."""
    order = (
        Status.CITY_APPROVED, Status.APPROVED, Status.RETURNED, Status.VOID, Status.SUBMITTED
    )  # fmt: skip
    rules = [(to, MOVES.get((status, to))) for to in order]
    return tuple(
        to
        for to, rule in rules
        if rule is not None and rule.action is not Action.INTERVIEW and principal.may(rule.action)
    )


def preview(*, session: Session, principal: Principal, chosen: Filter, to: Status) -> Preview:
    """Count what moving everything in the filter to `to` would change, without changing it."""
    rows = _selection(session, principal, chosen, lock=False)
    will, cannot = _split(principal, rows, to)
    return Preview(
        to,
        Counter(row.status for row in will),
        Counter(row.status for row in cannot),
        _fingerprint(will),
    )


def decide_all(
    *,
    session: Session,
    principal: Principal,
    chosen: Filter,
    seen: Preview,
    reason: Reason | None,
    now: datetime,
) -> int:
    """Make the moves of a preview, all or none; fails when they are no longer the same ones."""
    rows = _selection(session, principal, chosen, lock=True)
    will, _ = _split(principal, rows, seen.to)
    if _fingerprint(will) != seen.fingerprint:
        raise SelectionChanged(
            msg("Some of these interviews have changed in the meantime. Please look again.")
        )
    return move_all(
        session=session, principal=principal, rows=will, to=seen.to,
        reason="" if reason is None else reason.text, now=now,
    )  # fmt: skip


# --- the queue -----------------------------------------------------------------------------------


def _chosen(principal: Principal, chosen: Filter) -> ColumnElement[bool]:
    shown = REVIEWABLE if chosen.status is None else (chosen.status,)
    parts = [
        _RESPONSES.c.wave_id == chosen.wave_id,
        within_reach(principal, _RESPONSES.c.city_code),
        _RESPONSES.c.status.in_([status for status in shown if status in REVIEWABLE]),
    ]
    if chosen.city_code is not None:
        parts.append(_RESPONSES.c.city_code == chosen.city_code)
    if chosen.surveyor_id is not None:
        parts.append(_RESPONSES.c.surveyor_id == chosen.surveyor_id)
    if chosen.flag is not None:
        flagged = select(_FLAGS.c.response_id)
        if chosen.flag != ANY_FLAG:
            flagged = flagged.where(_FLAGS.c.kind == chosen.flag)
        parts.append(_RESPONSES.c.id.in_(flagged))
    return and_(*parts)


def _behind(spot: Spot) -> ColumnElement[bool]:
    later = or_(_pace > spot.pace, and_(_pace == spot.pace, _RESPONSES.c.id > spot.id))
    return or_(_risk < spot.risk, and_(_risk == spot.risk, later))


def _ahead(spot: Spot) -> ColumnElement[bool]:
    earlier = or_(_pace < spot.pace, and_(_pace == spot.pace, _RESPONSES.c.id < spot.id))
    return or_(_risk > spot.risk, and_(_risk == spot.risk, earlier))


def _lines() -> Select[Any]:
    return select(
        _RESPONSES.c.id, _RESPONSES.c.status, _RESPONSES.c.city_code, _RESPONSES.c.submitted_at,
        _RESPONSES.c.duration_seconds, _POINTS.c.name.label("point_name"),
        _ACCOUNTS.c.name.label("surveyor"), _RISKS.c.score.label("risk"),
    ).select_from(
        _RESPONSES.outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
        .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
        .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id)
    )  # fmt: skip


def _queued(row: AnyRow) -> Queued:
    return Queued(
        row.id, row.status, row.city_code, row.point_name or "", row.surveyor or "",
        row.submitted_at, row.duration_seconds, row.risk,
    )  # fmt: skip


# --- one interview -------------------------------------------------------------------------------


def _one(principal: Principal, response_id: UUID) -> Select[Any]:
    return (
        select(
            _RESPONSES,
            _POINTS.c.name.label("point_name"),
            _ACCOUNTS.c.name.label("surveyor"),
            _RISKS.c.score.label("risk"),
            _WAVES.c.title_zh,
            _WAVES.c.title_en,
        )
        .select_from(
            _RESPONSES.join(_WAVES, _WAVES.c.id == _RESPONSES.c.wave_id)
            .outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
            .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
            .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id)
        )
        .where(
            _RESPONSES.c.id == response_id,
            _RESPONSES.c.status.in_((*REVIEWABLE, Status.FROZEN)),
            within_reach(principal, _RESPONSES.c.city_code),
        )
    )


def _flags(session: Session, response_id: UUID) -> tuple[Flag, ...]:
    query = (
        select(_FLAGS.c.kind, _FLAGS.c.strength, _FLAGS.c.detail)
        .where(_FLAGS.c.response_id == response_id)
        .order_by(_FLAGS.c.strength.desc(), _FLAGS.c.kind)
    )
    return tuple(
        Flag(row.kind, row.strength, row.detail) for row in session.connection().execute(query)
    )


def _revisions(session: Session, response_id: UUID) -> Sequence[AnyRow]:
    """The current answers and those before them."""
    query = (
        select(_REVISIONS.c.number, _REVISIONS.c.answers, _REVISIONS.c.timings)
        .where(_REVISIONS.c.response_id == response_id)
        .order_by(_REVISIONS.c.number.desc())
        .limit(2)
    )
    return session.connection().execute(query).all()


def _parts(instrument: Instrument, row: AnyRow, revisions: Sequence[AnyRow]) -> tuple[Part, ...]:
    current = revisions[0]
    before = revisions[1].answers if len(revisions) > 1 else current.answers
    today = china_date(row.started_at or row.submitted_at)
    route = set(validate(instrument, current.answers, today=today).route)
    parts = (
        Part(
            section.title,
            tuple(
                _answered(item, current, before)
                for item in section.items
                if item.name in route and item.kind not in {Kind.NOTE, Kind.CALCULATE}
            ),
        )
        for section in instrument.sections
    )
    return tuple(part for part in parts if part.answers)


def _answered(item: Item, current: AnyRow, before: Mapping[str, Any]) -> Answered:
    answer, earlier = current.answers.get(item.name), before.get(item.name)
    changed = answer != earlier
    return Answered(
        item, answer, current.timings.get(item.name), earlier if changed else None, changed
    )


def _history(session: Session, response_id: UUID) -> tuple[Step, ...]:
    query = (
        select(_AUDIT.c.at, _AUDIT.c.action, _AUDIT.c.detail, _ACCOUNTS.c.name)
        .select_from(_AUDIT.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _AUDIT.c.actor_id))
        .where(_AUDIT.c.subject_id == str(response_id))
        .order_by(_AUDIT.c.at.desc(), _AUDIT.c.id.desc())
    )
    return tuple(
        Step(row.at, row.action, row.name or str(row.detail.get("by", "")), row.detail)
        for row in session.connection().execute(query)
    )


# --- bulk ----------------------------------------------------------------------------------------


def _selection(
    session: Session, principal: Principal, chosen: Filter, *, lock: bool
) -> Sequence[AnyRow]:
    principal.require(Action.REVIEW)
    query = (
        select(
            _RESPONSES.c.id, _RESPONSES.c.status, _RESPONSES.c.city_code,
            _RESPONSES.c.surveyor_id, _RESPONSES.c.quota_cell_id, _RESPONSES.c.lock_version,
        )
        .where(_chosen(principal, chosen))
        .order_by(_RESPONSES.c.id)
        .limit(MOST_AT_ONCE + 1)
    )  # fmt: skip
    rows = session.connection().execute(query.with_for_update() if lock else query).all()
    if len(rows) > MOST_AT_ONCE:
        raise TooManyAtOnce(
            msg("These are more than {most} interviews. Please narrow the choice.",
                most=f"{MOST_AT_ONCE:,}")
        )  # fmt: skip
    return rows


def _split(
    principal: Principal, rows: Sequence[AnyRow], to: Status
) -> tuple[list[AnyRow], list[AnyRow]]:
    """Those that this reviewer may move there, and the others."""
    steps = {row.status for row in rows if to in next_steps(principal, row.status)}
    will = [row for row in rows if row.status in steps]
    return will, [row for row in rows if row.status not in steps]


def _fingerprint(rows: Sequence[AnyRow]) -> str:
    """Which interviews in which version; changes when any of them does."""
    seen = hashlib.sha256()
    for row in rows:
        seen.update(row.id.bytes + row.lock_version.to_bytes(8, "big"))
    return seen.hexdigest()
