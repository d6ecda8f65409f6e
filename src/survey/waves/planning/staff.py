"""Staff of a wave: surveyors by point, supervisors and agencies, from a workbook."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, select

from survey.access.principal import covers, covers_point
from survey.access.roles import NATION, Action, Role
from survey.access.work import Work
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    WorkbookColumn,
    WorkbookSheet,
    read_sheet,
)
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, Assignment, Posting, SamplingPoint, Wave, table_of
from survey.waves.planning.wave_editing import lock_changeable_wave
from survey.waves.waves import get_wave

SURVEYORS = frozenset({Role.SURVEYOR, Role.TYPIST})
SUPERVISORS = frozenset({Role.SUPERVISOR})
MAX_AGENCY_CHARS = 80


@dataclass(frozen=True)
class PointAssignment:
    """Assignment of one surveyor to one sampling point."""

    login: str
    point: str
    city_code: str
    account_id: UUID
    point_id: UUID
    supervisor_id: UUID | None
    agency: str


@dataclass(frozen=True)
class AssignmentList:
    """Assignments read from a staff list, and the problems with other rows."""

    jobs: tuple[PointAssignment, ...]
    errors: tuple[CellError, ...]
    present: int
    """Jobs that the wave has already."""


@dataclass(frozen=True)
class AssignmentCounts:
    """Numbers of stored assignments to points, and of postings (a surveyor in a city)."""

    assigned: int
    people: int


STAFF_SHEET = WorkbookSheet(
    "people",
    (
        WorkbookColumn("login", msg("Login of the surveyor"), 24),
        WorkbookColumn("point", msg("Code of the point"), 24),
        WorkbookColumn("supervisor", msg("Login of the supervisor (may stay empty)"), 24),
        WorkbookColumn("agency", msg("Agency (may stay empty)"), 28),
    ),
)


def staff_template(work: Work, *, key: str) -> WorkbookSheet:
    """Return the worksheet for the staff of a wave, with its points and people as drop-downs."""
    work.require(Action.PLAN)
    wave = get_wave(session=work.session, key=key)
    points = tuple(sorted(_load_points(work.session, wave)))
    accounts = _load_accounts(work.session)
    login, point, supervisor, agency = STAFF_SHEET.columns
    return WorkbookSheet(
        STAFF_SHEET.name,
        (
            replace(login, choices=_list_logins(accounts, SURVEYORS)),
            replace(point, choices=points),
            replace(supervisor, choices=_list_logins(accounts, SUPERVISORS)),
            agency,
        ),
    )


def _list_logins(accounts: Mapping[str, Account], roles: frozenset[Role]) -> tuple[str, ...]:
    return tuple(sorted(login for login, account in accounts.items() if account.role in roles))


def read_staff_list(work: Work, *, key: str, name: str, content: bytes) -> AssignmentList:
    """Read a staff list from a file; nothing is stored. Raises `WorkbookError`."""
    work.require(Action.PLAN)
    wave = get_wave(session=work.session, key=key)
    listed = read_sheet(name, content, STAFF_SHEET)
    reader = _StaffListReader(_load_points(work.session, wave), _load_accounts(work.session))
    jobs = listed.read(reader.read)
    known = _list_assigned_pairs(work.session, wave)
    present = sum((job.account_id, job.point_id) in known for job in jobs)
    return AssignmentList(jobs, listed.problems(), present)


def _load_points(session: Session, wave: Wave) -> dict[str, SamplingPoint]:
    query = select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)
    return {point.code: point for point in session.exec(query)}


def _load_accounts(session: Session) -> dict[str, Account]:
    roles = [role.value for role in SURVEYORS | SUPERVISORS]
    query = select(Account).where(col(Account.active), col(Account.role).in_(roles))
    return {account.login: account for account in session.exec(query)}


def _list_assigned_pairs(session: Session, wave: Wave) -> set[tuple[UUID, UUID]]:
    query = (
        select(Assignment.account_id, Assignment.point_id)
        .join(SamplingPoint, col(SamplingPoint.id) == col(Assignment.point_id))
        .where(SamplingPoint.wave_id == wave.id)
    )
    return {(account, point) for account, point in session.exec(query)}


class _StaffListReader:
    """Reader of the rows of a staff list: which surveyor works at which sampling point."""

    def __init__(
        self, points: Mapping[str, SamplingPoint], accounts: Mapping[str, Account]
    ) -> None:
        self._points, self._accounts = points, accounts
        self._seen: dict[tuple[str, str], int] = {}
        self._posting: dict[tuple[str, str], tuple[int, str, str]] = {}

    def read(self, check: CellChecker) -> PointAssignment | None:
        """Return the assignment in row `check`; None if a cell of it is wrong."""
        surveyor = self._read_person(check, "login", SURVEYORS)
        point = self._read_point(check)
        supervisor = None
        if check.text("supervisor", required=False):
            supervisor = self._read_person(check, "supervisor", SUPERVISORS)
        agency = check.text("agency", required=False)
        if len(agency) > MAX_AGENCY_CHARS:
            check.fail(
                "agency", msg("This is longer than {limit} characters.", limit=MAX_AGENCY_CHARS)
            )
        if surveyor is None or point is None or not check.is_clean():
            return None
        self._check_assignment(check, surveyor, point, supervisor, agency)
        if not check.is_clean():
            return None
        return PointAssignment(
            surveyor.login,
            point.code,
            point.city_code,
            surveyor.id,
            point.id,
            supervisor.id if supervisor else None,
            agency,
        )

    def _read_person(self, check: CellChecker, key: str, roles: frozenset[Role]) -> Account | None:
        login = check.text(key)
        person = self._accounts.get(login)
        if login and person is None:
            check.fail(key, msg("Nobody signs in with this name, or the account is closed."))
        elif person is not None and person.role not in roles:
            check.fail(key, msg("This person has another role."))
        return person

    def _read_point(self, check: CellChecker) -> SamplingPoint | None:
        code = check.text("point")
        point = self._points.get(code)
        if code and point is None:
            check.fail("point", msg("The wave has no sampling point with this code."))
        return point

    def _check_assignment(
        self,
        check: CellChecker,
        surveyor: Account,
        point: SamplingPoint,
        supervisor: Account | None,
        agency: str,
    ) -> None:
        """Report in `check` errors that several cells of its row, or two rows, make together."""
        number, city = check.row.number, point.city_code
        outside_area = msg("The point lies outside the area of this person.")
        if not covers_point(surveyor.area, city, point.code):
            check.fail("login", outside_area)
        if supervisor is not None and not covers(supervisor.area, city):
            check.fail("supervisor", outside_area)
        twice = self._seen.setdefault((surveyor.login, point.code), number)
        if twice != number:
            check.fail("point", msg("The same surveyor and point stand in row {row}.", row=twice))
        asked = (supervisor.login if supervisor else "", agency)
        before = self._posting.setdefault((surveyor.login, city), (number, *asked))
        if before[1:] != asked:
            check.fail(
                "supervisor",
                msg(
                    "Row {row} names another supervisor or agency for this surveyor.", row=before[0]
                ),
            )


def assign_evenly(work: Work, *, key: str) -> AssignmentCounts:
    """Give each sampling point of a wave that has nobody a surveyor, evenly shared; record it.

    Of those whose area covers a point, the nearest area comes first (a city's own surveyor before
    one of the whole country), then whoever has the fewest points so far. Points that nobody can
    work at stay without; supervisors and agencies of surveyors stay as they are.

    Raises:
        RefusedError: The wave is closed, frozen or released, or nobody can work at these points.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key)
    assigned = _list_assigned_pairs(work.session, wave)
    taken, loads = {point for _, point in assigned}, Counter(account for account, _ in assigned)
    query = select(Posting).where(Posting.wave_id == wave.id)
    known = {
        (row.account_id, row.city_code): (row.supervisor_id, row.agency)
        for row in work.session.exec(query)
    }
    surveyors = [
        account
        for account in _load_accounts(work.session).values()
        if account.role == Role.SURVEYOR and (wave.is_demo or not account.is_demo)
    ]
    of_city = lru_cache(None)(partial(_list_near, surveyors))
    jobs = []
    for code, point in sorted(_load_points(work.session, wave).items()):
        city = point.city_code
        nearest = min(
            (each for each in of_city(city) if covers_point(each.area, city, code)),
            key=lambda each: (each.area == NATION, -len(each.area), loads[each.id], each.login),
            default=None,
        )
        if point.id not in taken and nearest is not None:
            loads[nearest.id] += 1
            supervisor, agency = known.get((nearest.id, city), (None, ""))
            place = (nearest.login, code, city, nearest.id, point.id)
            jobs.append(PointAssignment(*place, supervisor, agency))
    if not jobs:
        raise RefusedError(
            "staff_wrong",
            msg("No surveyor has an account for the cities of the points that have nobody."),
        )
    return assign_people(work, key=key, listed=AssignmentList(tuple(jobs), (), 0))


def _list_near(surveyors: Sequence[Account], city_code: str) -> list[Account]:
    """Return those who work in a city, in all of it or at a point."""
    return [
        each
        for each in surveyors
        if covers(each.area, city_code) or each.area.startswith(f"{city_code}/")
    ]


def assign_people(work: Work, *, key: str, listed: AssignmentList) -> AssignmentCounts:
    """Store a staff list: add new assignments, replace its surveyors' supervisors and agencies.

    Raises:
        RefusedError: The wave is closed, frozen or released.
        RefusedError: Rows are wrong, or the store changed since the list was read.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key)
    if listed.errors or not listed.jobs:
        raise RefusedError("staff_wrong", msg("Please mend the list first; nothing was changed."))
    points = {point.id for point in _load_points(work.session, wave).values()}
    if any(job.point_id not in points for job in listed.jobs):
        raise RefusedError(
            "staff_wrong", msg("The sampling points have changed. Please upload the list again.")
        )
    known = _list_assigned_pairs(work.session, wave)
    fresh = [job for job in listed.jobs if (job.account_id, job.point_id) not in known]
    work.session.add_all(
        Assignment(account_id=job.account_id, point_id=job.point_id) for job in fresh
    )
    replaced = _list_replaced_postings(work.session, wave, listed)
    people = _save_postings(work.session, wave, listed)
    work.record(
        AuditEvent.WAVE_STAFFED,
        wave.id,
        {"jobs": len(listed.jobs), "assigned": len(fresh), "people": people, **replaced},
    )
    return AssignmentCounts(len(fresh), people)


def _list_replaced_postings(
    session: Session, wave: Wave, listed: AssignmentList
) -> dict[str, dict[str, str]]:
    """Return `from` and `to`: posting -> supervisor and agency, for those that `listed` changes."""
    table = table_of(Posting)
    known = {
        (row.account_id, row.city_code): f"{row.supervisor_id or ''} {row.agency}".strip()
        for row in session.connection().execute(table.select().where(table.c.wave_id == wave.id))
    }
    wanted = {
        (job.account_id, job.city_code): f"{job.supervisor_id or ''} {job.agency}".strip()
        for job in listed.jobs
    }
    changed = [key for key in wanted if key in known and known[key] != wanted[key]]
    return {
        "from": {f"{account} {city}": known[account, city] for account, city in changed},
        "to": {f"{account} {city}": wanted[account, city] for account, city in changed},
    }


def _save_postings(session: Session, wave: Wave, listed: AssignmentList) -> int:
    postings = {(job.account_id, job.city_code): job for job in listed.jobs}
    table = table_of(Posting)
    for account_id, city in postings:
        session.connection().execute(
            delete(table).where(
                table.c.wave_id == wave.id,
                table.c.account_id == account_id,
                table.c.city_code == city,
            )
        )
    session.add_all(
        Posting(
            wave_id=wave.id,
            account_id=account_id,
            city_code=city,
            supervisor_id=job.supervisor_id,
            agency=job.agency,
        )
        for (account_id, city), job in postings.items()
    )
    session.flush()
    return len(postings)
