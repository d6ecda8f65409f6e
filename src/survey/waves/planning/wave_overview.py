"""Overview of the waves for planners: how far each is, what is missing, and its history."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Executable, func, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, msg
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Account,
    Assignment,
    AuditEntry,
    CityTarget,
    IndicatorTreeVersion,
    InstrumentVersion,
    PointDraw,
    Posting,
    QuotaCell,
    SamplingPoint,
    StudyUnit,
    Wave,
    WaveState,
    table_of,
)
from survey.waves.waves import WaveSummary, get_wave, summarise_wave, wave_fields

_ENTRIES, _ACCOUNTS = table_of(AuditEntry), table_of(Account)
_STATES: Mapping[str, WaveState] = {
    AuditEvent.WAVE_CREATED: WaveState.PLANNED,
    AuditEvent.WAVE_OPEN: WaveState.OPEN,
    AuditEvent.WAVE_CLOSED: WaveState.CLOSED,
    AuditEvent.WAVE_FROZEN: WaveState.FROZEN,
    AuditEvent.WAVE_SNAPSHOT: WaveState.FROZEN,
    AuditEvent.WAVE_RELEASED: WaveState.RELEASED,
}


@dataclass(frozen=True)
class WaveStage:
    """One state in the life of a wave, with when it was reached last, and by whom."""

    state: WaveState
    is_reached: bool
    is_current: bool
    at: datetime | None = None
    """Last time it was reached; None where it was passed over, or the entry was trimmed."""
    by: str = ""
    """Name of the account, or of the operator."""


def list_wave_stages(work: Work, *, key: str) -> tuple[WaveStage, ...]:
    """Return every state of a wave in order, with time and person of those it has reached.

    Raises `NotFoundError`.
    """
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    order = list(WaveState)
    reached = order.index(wave.state)
    changes = _find_last_changes(work.session, wave)
    return tuple(
        WaveStage(state, True, state is wave.state, *changes.get(state, (None, "")))
        if order.index(state) <= reached
        else WaveStage(state, False, False)
        for state in order
    )


def _find_last_changes(session: Session, wave: Wave) -> dict[WaveState, tuple[datetime, str]]:
    """Return state -> time and person of the wave's last change to this state."""
    query = (
        select(_ENTRIES.c.at, _ENTRIES.c.action, _ENTRIES.c.detail, _ACCOUNTS.c.name)
        .select_from(_ENTRIES.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _ENTRIES.c.actor_id))
        .where(_ENTRIES.c.subject_id == str(wave.id), _ENTRIES.c.action.in_(list(_STATES)))
        .order_by(_ENTRIES.c.at, _ENTRIES.c.id)
    )
    return {
        _STATES[row.action]: (row.at, row.name or str(row.detail.get("by", "")))
        for row in session.connection().execute(query)
        if row.action != AuditEvent.WAVE_SNAPSHOT
        # The snapshot with which the wave became frozen.
        or (row.detail.get("final") and row.detail.get("from") == WaveState.CLOSED)
    }


_POINTS, _ASSIGNMENTS, _CELLS = table_of(SamplingPoint), table_of(Assignment), table_of(QuotaCell)
_TARGETS, _POSTINGS = table_of(CityTarget), table_of(Posting)


@dataclass(frozen=True)
class PointDrawRecord:
    """One recorded draw of sampling points, without the list from which they were drawn."""

    seed: int
    list_sha256: str
    listed: int
    drawn: int
    per_city: int
    drawn_at: datetime


@dataclass(frozen=True)
class WaveOverview(WaveSummary):
    """A wave with the counts of its plan: sample, quotas, points, surveyors and draws."""

    cities: int
    """Cities with a planned sample."""
    interviews: int
    cells: int
    collected: int
    points: int
    staffed_points: int
    people: int
    draws: tuple[PointDrawRecord, ...]

    @property
    def warnings(self) -> tuple[Message, ...]:
        """Preparations that are missing, although the wave could be opened without them."""
        steps = (
            (not self.cities and not self.cells, msg("no sample is planned")),
            (not self.points, msg("there are no sampling points")),
            (
                self.points > self.staffed_points,
                msg("{count} sampling points have nobody to work there",
                    count=self.points - self.staffed_points),
            ),
            (self.opens_on is None or self.closes_on is None, msg("the days are not set")),
        )  # fmt: skip
        return tuple(message for applies, message in steps if applies)


@dataclass(frozen=True)
class PointSummary:
    """One sampling point with the logins of its surveyors."""

    code: str
    name: str
    city_code: str
    kind: str
    stratum: str
    target: int
    opens_on: date | None
    closes_on: date | None
    surveyors: tuple[str, ...]


@dataclass(frozen=True)
class SurveyorPosting:
    """One surveyor of a wave in one city, with supervisor and agency."""

    login: str
    name: str
    city_code: str
    supervisor: str
    agency: str
    points: int


@dataclass(frozen=True)
class WaveOptions:
    """Questionnaires and trees for a wave: id -> name, the newest first."""

    instruments: Mapping[UUID, str]
    trees: Mapping[UUID | None, str]


def list_planning_waves(work: Work) -> list[WaveSummary]:
    """Return every wave that asks people, by state from planned to released, newest year first."""
    work.require(Action.READ_PLAN)
    people = select_rows(Wave).where(Wave.unit == StudyUnit.PERSON)
    waves = work.session.exec(people.order_by(col(Wave.year).desc(), col(Wave.key))).all()
    order = list(WaveState)
    return sorted(map(summarise_wave, waves), key=lambda wave: order.index(wave.state))


def list_wave_options(work: Work) -> WaveOptions:
    """Return the questionnaires and indicator trees that a wave can use, the newest first."""
    work.require(Action.READ_PLAN)
    instruments = work.session.exec(
        select_rows(
            InstrumentVersion.id, InstrumentVersion.name, InstrumentVersion.version
        ).order_by(col(InstrumentVersion.created_at).desc(), col(InstrumentVersion.id).desc())
    )
    trees = work.session.exec(
        select_rows(IndicatorTreeVersion.id, IndicatorTreeVersion.name).order_by(
            col(IndicatorTreeVersion.created_at).desc(), col(IndicatorTreeVersion.id).desc()
        )
    )
    return WaveOptions({row[0]: f"{row[1]} {row[2]}" for row in instruments}, dict(trees.all()))


def get_wave_overview(work: Work, *, key: str) -> WaveOverview:
    """Return a wave with the counts of its plan and its draws. Raises `NotFoundError`."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    connection = work.session.connection()

    def read_numbers(query: Executable) -> tuple[int, ...]:
        return tuple(int(value or 0) for value in connection.execute(query).one())

    cities, interviews = read_numbers(
        select(func.count(), func.sum(_TARGETS.c.target)).where(_TARGETS.c.wave_id == wave.id)
    )
    cells, collected = read_numbers(
        select(func.count(), func.sum(_CELLS.c.collected)).where(_CELLS.c.wave_id == wave.id)
    )
    points, staffed = read_numbers(
        select(
            func.count(func.distinct(_POINTS.c.id)),
            func.count(func.distinct(_ASSIGNMENTS.c.point_id)),
        )
        .select_from(_POINTS.outerjoin(_ASSIGNMENTS, _ASSIGNMENTS.c.point_id == _POINTS.c.id))
        .where(_POINTS.c.wave_id == wave.id)
    )
    (people,) = read_numbers(
        select(func.count(func.distinct(_POSTINGS.c.account_id))).where(
            _POSTINGS.c.wave_id == wave.id
        )
    )
    return WaveOverview(
        **wave_fields(wave),
        cities=cities,
        interviews=interviews,
        cells=cells,
        collected=collected,
        points=points,
        staffed_points=staffed,
        people=people,
        draws=_list_draws(work.session, wave),
    )


def _list_draws(session: Session, wave: Wave) -> tuple[PointDrawRecord, ...]:
    """Return the recorded draws without their lists, which can be large."""
    draws = table_of(PointDraw)
    columns = draws.c["seed", "list_sha256", "listed", "drawn", "per_city", "drawn_at"]
    query = select(*columns).where(draws.c.wave_id == wave.id).order_by(draws.c.drawn_at)
    return tuple(PointDrawRecord(*row) for row in session.connection().execute(query))


def list_points(work: Work, *, key: str) -> list[PointSummary]:
    """Return every sampling point of a wave with its surveyors, sorted by city and code."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    workers: dict[UUID, list[str]] = {}
    query = (
        select_rows(Assignment.point_id, Account.login)
        .join(Account, col(Account.id) == col(Assignment.account_id))
        .join(SamplingPoint, col(SamplingPoint.id) == col(Assignment.point_id))
        .where(SamplingPoint.wave_id == wave.id)
        .order_by(Account.login)
    )
    for point_id, login in work.session.exec(query):
        workers.setdefault(point_id, []).append(login)
    points = work.session.exec(
        select_rows(SamplingPoint)
        .where(SamplingPoint.wave_id == wave.id)
        .order_by(SamplingPoint.city_code, SamplingPoint.code)
    )
    return [
        build_from(PointSummary, point, surveyors=tuple(workers.get(point.id, ())))
        for point in points
    ]


def list_postings(work: Work, *, key: str) -> list[SurveyorPosting]:
    """Return each surveyor of each city, with supervisor, agency and number of points."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    accounts = {row.id: row for row in work.session.exec(select_rows(Account))}
    jobs = work.session.exec(
        select_rows(Assignment.account_id, SamplingPoint.city_code)
        .join(SamplingPoint, col(SamplingPoint.id) == col(Assignment.point_id))
        .where(SamplingPoint.wave_id == wave.id)
    )
    counts = Counter((account_id, city) for account_id, city in jobs)
    postings = work.session.exec(select_rows(Posting).where(Posting.wave_id == wave.id))
    lines = [
        SurveyorPosting(
            accounts[row.account_id].login,
            accounts[row.account_id].name,
            row.city_code,
            accounts[row.supervisor_id].login if row.supervisor_id else "",
            row.agency,
            counts[row.account_id, row.city_code],
        )
        for row in postings
    ]
    return sorted(lines, key=lambda line: (line.city_code, line.login))
