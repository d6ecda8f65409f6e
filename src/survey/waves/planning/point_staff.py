"""Assigning one surveyor to a sampling point, ending it; reading lists of new accounts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete
from sqlmodel import Session, col, select

from survey.access.account_list import BATCH_ROLES, NewAccount
from survey.access.accounts import AccountData, clean_email, clean_login, clean_name
from survey.access.principal import covers_point, require_area
from survey.access.roles import NATION, ROLES, Action, AreaScope, Role, list_role_names, role_words
from survey.access.secret_hashes import active_filter
from survey.access.work import Work
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.plan_workbook import read_pasted_rows
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    ListedRows,
    WorkbookColumn,
    WorkbookSheet,
    read_sheet,
)
from survey.locale import Message, RefusedError, SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    Assignment,
    Posting,
    Response,
    SamplingPoint,
    Wave,
    table_of,
)
from survey.waves.planning.staff import SURVEYORS
from survey.waves.planning.wave_editing import lock_changeable_wave
from survey.waves.waves import get_wave

_PROVINCE_SUFFIXES = (
    "\u58ee\u65cf\u81ea\u6cbb\u533a", "\u56de\u65cf\u81ea\u6cbb\u533a",
    "\u7ef4\u543e\u5c14\u81ea\u6cbb\u533a", "\u81ea\u6cbb\u533a", "\u7701", "\u5e02",
)  # fmt: skip
"""What names of provinces and cities end in and people leave out, the longest first."""
_NATION_NAMES = frozenset({"cn", "china", "nation", "\u5168\u56fd", "\u4e2d\u56fd"})


@dataclass(frozen=True)
class AccountList:
    """New accounts read from a list, logins that exist already, and the problems of other rows."""

    accounts: tuple[NewAccount, ...]
    present: tuple[str, ...]
    """Logins that exist already; nothing about them is changed."""
    errors: tuple[CellError, ...]


def account_template() -> WorkbookSheet:
    """Return the worksheet for a list of new accounts, with roles and areas as drop-downs."""
    cities = shipped_cities()
    roles = {role.value: ROLES[role].name for role in BATCH_ROLES}
    areas = dict.fromkeys([city.name_zh for city in cities] + [city.province_zh for city in cities])
    return WorkbookSheet(
        "accounts",
        (
            WorkbookColumn("name", msg("Full name"), 18),
            WorkbookColumn("login", msg("Login"), 20),
            WorkbookColumn("role", msg("Role"), 18, value_names=roles),
            WorkbookColumn("area", msg("Area of work"), 22, choices=tuple(areas)),
            WorkbookColumn("last_day", msg("Last day (may stay empty)"), 18),
            WorkbookColumn("email", msg("E-mail (may stay empty)"), 26),
        ),
    )


def read_account_file(work: Work, *, name: str, content: bytes) -> AccountList:
    """Read a list of new accounts from a file; nothing is stored. Raises `WorkbookError`."""
    work.require(Action.ADMINISTER)
    return _read_accounts(work, read_sheet(name, content, account_template()))


def read_pasted_accounts(work: Work, *, text: str) -> AccountList:
    """Read a list of new accounts from pasted text; nothing is stored. Raises `RefusedError`."""
    work.require(Action.ADMINISTER)
    return _read_accounts(work, read_pasted_rows(text, account_template()))


def _read_accounts(work: Work, listed: ListedRows) -> AccountList:
    reader = _AccountListReader(work.session, china_date(work.now))
    accounts = listed.read(reader.read)
    return AccountList(accounts, tuple(reader.present), listed.problems())


class _AccountListReader:
    """Reader of the rows of an uploaded list of new accounts, with the checks of each cell."""

    def __init__(self, session: Session, today: date) -> None:
        self._session, self._today = session, today
        self._known = {login.casefold() for login in session.exec(select(Account.login))}
        stored = session.exec(select(Account.email).where(col(Account.email).is_not(None)))
        self._emails: dict[str, int | None] = {email: None for email in stored if email}
        self._rows: dict[str, int] = {}
        self._areas = area_names(shipped_cities())
        self._checked: dict[tuple[Role, str], Message | None] = {}
        self.present: list[str] = []

    def read(self, check: CellChecker) -> NewAccount | None:
        """Return the account in row `check`; None if a cell is wrong, or the login exists."""
        login = self._read_login(check)
        if login in self._known:
            self.present.append(login)
            return None
        name = self._clean_cell(check, "name", clean_name)
        role = self._read_role(check)
        area = self._read_area(check, role) if role else None
        last_day = check.day("last_day")
        if last_day is not None and last_day < self._today:
            check.fail("last_day", msg("This day is over."))
        email = self._read_email(check)
        if role is None or not area or not check.is_clean():
            return None
        return NewAccount(login, AccountData(name, role, area, last_day, email))

    def _read_login(self, check: CellChecker) -> str:
        login = self._clean_cell(check, "login", clean_login)
        before = self._rows.setdefault(login, check.row.number) if login else check.row.number
        if before != check.row.number:
            check.fail("login", msg("This login stands in row {row} as well.", row=before))
        return login

    def _clean_cell(self, check: CellChecker, key: str, clean: Callable[[str], str]) -> str:
        """Return cell `key` of row `check` cleaned by `clean`; report a wrong text, return ""."""
        text = check.text(key)
        if not text:
            return ""
        try:
            return clean(text)
        except SurveyError as error:
            check.fail(key, error.message)
            return ""

    def _read_role(self, check: CellChecker) -> Role | None:
        """Return the role that a cell names in any word for it; no list makes an administrator."""
        word = check.text("role")
        role = next((role for role in BATCH_ROLES if word.casefold() in role_words(role)), None)
        if word and role is None:
            roles = list_role_names(BATCH_ROLES)
            check.fail("role", msg("This is none of the roles of a list: {roles}.", roles=roles))
        return role

    def _read_area(self, check: CellChecker, role: Role) -> str | None:
        scopes = ROLES[role].area_scopes
        if not check.row.cells.get("area") and scopes == (AreaScope.NATION,):
            return NATION
        text = check.text("area")
        if not text:
            return None
        area = next(
            (
                self._areas[scope][text.casefold()]
                for scope in scopes
                if text.casefold() in self._areas[scope]
            ),
            text,
        )
        problem = self._find_area_problem(role, area)
        if problem is not None:
            check.fail("area", problem)
        return area

    def _find_area_problem(self, role: Role, area: str) -> Message | None:
        if (role, area) not in self._checked:
            try:
                require_area(session=self._session, role=role, area=area)
                self._checked[role, area] = None
            except SurveyError as error:
                self._checked[role, area] = error.message
        return self._checked[role, area]

    def _read_email(self, check: CellChecker) -> str:
        if not check.row.cells.get("email"):
            return ""
        email = self._clean_cell(check, "email", clean_email)
        number = check.row.number
        before = self._emails.setdefault(email, number) if email else number
        if before is None:
            check.fail("email", msg("Another account has this e-mail address."))
        elif before != number:
            check.fail("email", msg("This address stands in row {row} as well.", row=before))
        return email


def area_names(cities: Sequence[FrameCity]) -> Mapping[AreaScope, Mapping[str, str]]:
    """Return kind of area -> code or name in small letters -> area code; empty for points."""
    provinces = {
        word.casefold(): city.province_code
        for city in cities
        for word in (city.province_code, city.province_zh, _strip_province_suffix(city.province_zh))
    }
    names = {
        word.casefold(): city.code
        for city in cities
        for word in (city.code, city.name_zh, city.name_en, _strip_province_suffix(city.name_zh))
    }
    return {
        AreaScope.NATION: dict.fromkeys(_NATION_NAMES, NATION),
        AreaScope.PROVINCE: provinces,
        AreaScope.CITY: names,
        AreaScope.POINT: {},
    }


def _strip_province_suffix(name: str) -> str:
    suffix = next((suffix for suffix in _PROVINCE_SUFFIXES if name.endswith(suffix)), "")
    return name.removesuffix(suffix)


_ASSIGNMENTS, _POSTINGS = table_of(Assignment), table_of(Posting)


@dataclass(frozen=True)
class PointSurveyor:
    """Login and name of a person who works at a sampling point, or could."""

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
    wave = lock_changeable_wave(work.session, key)
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
    point = _get_point(work.session, wave, code)
    query = select(Account).where(Account.login == login).with_for_update()
    person = work.session.exec(query).one()
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
    wave = lock_changeable_wave(work.session, key)
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


def _get_point(session: Session, wave: Wave, code: str) -> SamplingPoint:
    query = select(SamplingPoint).where(
        SamplingPoint.wave_id == wave.id, SamplingPoint.code == code
    )
    point = session.exec(query).one_or_none()
    if point is None:
        raise RefusedError("staff_wrong", msg("The wave has no sampling point with this code."))
    return point


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
