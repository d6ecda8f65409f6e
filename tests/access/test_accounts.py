"""Administering accounts: what is refused, what is written down, what holds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from survey.access.account_list import AccountFilter, list_accounts
from survey.access.accounts import (
    AccountConflictError,
    AccountData,
    InvalidAccountError,
    LastAdministratorError,
    change_account,
    create_account,
    create_setup_link,
    end_all_sessions,
    reset_factor,
    set_active,
    set_temporary_password,
)
from survey.access.principal import (
    OPERATOR,
    AccessDeniedError,
    AreaNotAllowedError,
    Principal,
    area_scope_of,
    covers,
    covers_whole_area,
)
from survey.access.roles import NATION, Action, AreaScope, Role
from survey.access.sessions import (
    AccountNotFoundError,
    SessionLimits,
    SignIn,
    find_principal,
    open_session,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, SetupLink
from survey.waves.assignments import get_assigned_point, list_tasks
from tests.account_factory import administrator, credential, employ_person
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

OFFICIAL = AccountData("Li Na", Role.CITY_OFFICIAL, "110000")
LIMITS = SessionLimits(timedelta(hours=12), timedelta(minutes=30))


@pytest.fixture
def root(field: Field) -> Principal:
    return administrator(field.url)


def _create(
    field: Field, by: Principal, entry: AccountData = OFFICIAL, login: str = "lina"
) -> Account:
    with session_scope(field.url) as session:
        return create_account(work_of(session, by, field.now), login=login, entry=entry)


def _change(field: Field, by: Principal, login: str, seen: AccountData, entry: AccountData) -> None:
    with session_scope(field.url) as session:
        change_account(work_of(session, by, field.now), login=login, seen=seen, entry=entry)


def _open(field: Field, account_id: Any) -> str:
    with session_scope(field.url) as session:
        return open_session(
            SignIn(session, field.now), session.get_one(Account, account_id), LIMITS, how="password"
        )


def _who(field: Field, secret: str) -> Principal | None:
    with read_scope(field.url) as session:
        return find_principal(session, secret, field.now)


def _audit(field: Field, action: str) -> list[dict[str, Any]]:
    with read_scope(field.url) as session:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()
    return [row.detail for row in rows]


def test_an_account_is_created_in_plain_letters_and_audited(field: Field, root: Principal) -> None:
    account = _create(field, root, login=" LiNa ")
    assert (account.login, account.active, account.is_demo) == ("lina", True, False)
    (detail,) = _audit(field, "account.created")
    assert detail["login"] == "lina"
    assert detail["area"] == "110000"


UNFIT: tuple[tuple[str, AccountData, type[Exception]], ...] = (
    ("lina", replace(OFFICIAL, area="999999"), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, area=NATION), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, area="110000/110000-u-01"), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, role=Role.SURVEYOR, area="110000/nowhere"), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, role=Role.SURVEYOR, area="310000/110000-u-01"), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, role=Role.ADMINISTRATOR), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, area=""), AreaNotAllowedError),
    ("lina", replace(OFFICIAL, name="  "), InvalidAccountError),
    ("lina", replace(OFFICIAL, name="a\nb"), InvalidAccountError),
    ("lina", replace(OFFICIAL, email="no address"), InvalidAccountError),
    ("li na", OFFICIAL, InvalidAccountError),
    ("l", OFFICIAL, InvalidAccountError),
    ("<b>", OFFICIAL, InvalidAccountError),
    ("x" * 65, OFFICIAL, InvalidAccountError),
    ("root", OFFICIAL, InvalidAccountError),
)


def test_what_does_not_fit_is_not_created(field: Field, root: Principal) -> None:
    for login, entry, error in UNFIT:
        with pytest.raises(error):
            _create(field, root, entry, login)
    assert _audit(field, "account.created") == []


def test_nobody_else_administers(field: Field, root: Principal) -> None:
    _create(field, root)
    services: list[Callable[..., Any]] = [create_setup_link, reset_factor, end_all_sessions]
    for role in Role:
        if role is Role.ADMINISTRATOR:
            continue
        person = Principal(root.account_id, "X", role, NATION)
        with pytest.raises(AccessDeniedError):
            _create(field, person, login="new")
        with pytest.raises(AccessDeniedError):
            _change(field, person, "lina", OFFICIAL, replace(OFFICIAL, area="310000"))
        with session_scope(field.url) as session:
            for service in services:
                with pytest.raises(AccessDeniedError):
                    service(work_of(session, person, field.now), login="lina")
            with pytest.raises(AccessDeniedError):
                set_active(work_of(session, person, field.now), login="lina", active=False)
            with pytest.raises(AccessDeniedError):
                list_accounts(work_of(session, person, field.now), account_filter=AccountFilter())


def test_a_change_holds_at_once_in_open_sessions_and_says_what_stood_there(
    field: Field, root: Principal
) -> None:
    account = _create(field, root)
    secret = _open(field, account.id)
    moved = replace(OFFICIAL, area="310000", last_day=date(2026, 5, 20))
    _change(field, root, "lina", OFFICIAL, moved)
    person = _who(field, secret)
    assert person is not None
    assert person.area == "310000"
    assert _audit(field, "account.changed") == [
        {
            "from": {"area": "110000", "last_day": None},
            "to": {"area": "310000", "last_day": "2026-05-20"},
        }
    ]
    with read_scope(field.url) as session:
        ends_at = session.get_one(Account, account.id).ends_at
        assert ends_at is not None
        assert ends_at.isoformat() == "2026-05-20T16:00:00+00:00"
        principal = find_principal(session, secret, ends_at)
    assert principal is None
    _change(field, root, "lina", moved, moved)
    assert len(_audit(field, "account.changed")) == 1


def test_a_change_of_what_somebody_else_changed_is_refused(field: Field, root: Principal) -> None:
    _create(field, root)
    _change(field, root, "lina", OFFICIAL, replace(OFFICIAL, name="Li Nana"))
    with pytest.raises(AccountConflictError):
        _change(field, root, "lina", OFFICIAL, replace(OFFICIAL, area="310000"))


def test_a_role_that_needs_a_second_factor_ends_sessions_without_one(
    field: Field, root: Principal
) -> None:
    account = _create(field, root)
    secret = _open(field, account.id)
    _change(field, root, "lina", OFFICIAL, replace(OFFICIAL, role=Role.ADMINISTRATOR, area=NATION))
    assert _who(field, secret) is None


def test_an_administrator_changes_neither_own_role_nor_end(field: Field, root: Principal) -> None:
    administrator(field.url, "second")
    own = AccountData("Root", Role.ADMINISTRATOR, NATION)
    for entry in (replace(own, role=Role.ANALYST), replace(own, last_day=date(2030, 1, 1))):
        with pytest.raises(AccessDeniedError):
            _change(field, root, "root", own, entry)
    _change(field, root, "root", own, replace(own, name="Root Wang"))
    with session_scope(field.url) as session:
        for service in (
            lambda: set_active(work_of(session, root, field.now), login="root", active=False),
            lambda: reset_factor(work_of(session, root, field.now), login="root"),
        ):
            with pytest.raises(AccessDeniedError):
                service()


def test_the_last_administrator_stays_whoever_asks(field: Field, root: Principal) -> None:
    own = AccountData("Root", Role.ADMINISTRATOR, NATION)
    employ_person(field.url, "invited", Role.ADMINISTRATOR, NATION, password=False)
    for entry in (replace(own, role=Role.ANALYST), replace(own, last_day=date(2030, 1, 1))):
        with pytest.raises(LastAdministratorError):
            _change(field, OPERATOR, "root", own, entry)
    with pytest.raises(LastAdministratorError), session_scope(field.url) as session:
        set_active(work_of(session, OPERATOR, field.now), login="root", active=False)
    second = administrator(field.url, "second")
    with session_scope(field.url) as session:
        set_active(work_of(session, second, field.now), login="root", active=False)
    with pytest.raises(LastAdministratorError), session_scope(field.url) as session:
        set_active(work_of(session, OPERATOR, field.now), login="second", active=False)


def test_closing_an_account_takes_everything_it_could_come_in_with(
    field: Field, root: Principal
) -> None:
    account = _create(field, root)
    secret = _open(field, account.id)
    with session_scope(field.url) as session:
        create_setup_link(work_of(session, root, field.now), login="lina")
        set_active(work_of(session, root, field.now), login="lina", active=False)
        set_active(work_of(session, root, field.now), login="lina", active=True)
    assert _who(field, secret) is None
    with read_scope(field.url) as session:
        assert session.exec(select(SetupLink)).all() == []
    assert _audit(field, "account.closed")[0]["from"] == {"active": True}


def test_help_for_somebody_who_cannot_sign_in_is_audited(field: Field, root: Principal) -> None:
    person = employ_person(field.url, "lina", factor=field.now)
    secret = _open(field, person.account_id)
    with session_scope(field.url) as session:
        assert end_all_sessions(work_of(session, root, field.now), login="lina") == 1
        reset_factor(work_of(session, root, field.now), login="lina")
        set_temporary_password(
            work_of(session, root, field.now), login="lina", password="quiet rivers carry lanterns"
        )
        kept = credential(session, person.account_id)
        assert (kept.totp_secret, kept.must_change) == (None, True)
        with pytest.raises(AccountNotFoundError):
            create_setup_link(work_of(session, root, field.now), login="nobody")
    assert _who(field, secret) is None
    for action in ("sessions_ended", "second_factor_reset", "password_given"):
        assert len(_audit(field, f"account.{action}")) == 1


def test_the_list_is_filtered_in_the_store(field: Field, root: Principal) -> None:
    employ_person(field.url, "lina", email="li.na@example.org")
    employ_person(field.url, "gone", active=False)
    employ_person(field.url, "over", ends_at=field.now)
    employ_person(field.url, "demo", is_demo=True)

    def logins(**wanted: Any) -> list[str]:
        with read_scope(field.url) as session:
            listing = list_accounts(
                work_of(session, root, field.now), account_filter=AccountFilter(**wanted)
            )
        assert listing.count == len(listing.lines)
        return [line.login for line in listing.lines]

    assert logins() == ["demo", "gone", "li", "lina", "over", "root", "zhao"]
    assert logins(active=False) == ["gone", "over"]
    assert logins(role=Role.SURVEYOR) == ["li", "zhao"]
    assert logins(area="31") == ["zhao"]
    assert logins(words="EXAMPLE.org") == ["lina"]
    assert logins(words="%") == []
    assert logins(demo=True) == ["demo"]


def test_a_surveyor_of_one_point_works_there_and_nowhere_else(field: Field) -> None:
    area = f"110000/{field.point.code}"
    here = replace(field.surveyor, area=area)
    elsewhere = replace(field.surveyor, area="110000/110000-u-02")
    with read_scope(field.url) as session:
        assert [task.point_id for task in list_tasks(work_of(session, here, field.now))] == [
            field.point.id
        ]
        assert list_tasks(work_of(session, elsewhere, field.now)) == []
        get_assigned_point(work_of(session, here), point_id=field.point.id)
        with pytest.raises(AccessDeniedError):
            get_assigned_point(work_of(session, elsewhere), point_id=field.point.id)
    for person in (here, elsewhere):
        assert not person.covers("110000")
        assert not person.covers("310000")
        with pytest.raises(AccessDeniedError):
            replace(person, role=Role.SUPERVISOR).require(Action.REVIEW, "110000")


@pytest.mark.parametrize(
    ("area", "level"),
    [
        ("CN", AreaScope.NATION),
        ("32", AreaScope.PROVINCE),
        ("320500", AreaScope.CITY),
        ("320500/a/b", AreaScope.POINT),
        ("320500/", None),
        ("32/a", None),
        ("", None),
        ("cn", None),
        ("3205", None),
        ("32050a", None),
        ("/x", None),
        ("３２", AreaScope.PROVINCE),
    ],
)
def test_areas_are_known_by_their_form(area: str, level: AreaScope | None) -> None:
    assert area_scope_of(area) is level
    if level is None:
        assert not any(covers(area, city) for city in ("110000", "320500")), area


@pytest.mark.parametrize(
    ("own", "area", "inside"),
    [
        ("CN", "320500", True),
        ("CN", "32", True),
        ("32", "320500", True),
        ("32", "320500/p", True),
        ("320500", "320500/p", True),
        ("320500", "320600", False),
        ("320500", "32", False),
        ("32", "CN", False),
        ("320500/p", "320500/p", True),
        ("320500/p", "320500", False),
        ("CN", "nonsense", False),
    ],
)
def test_whose_area_lies_within_whose(own: str, area: str, inside: bool) -> None:
    person = Principal(OPERATOR.account_id, "X", Role.SUPERVISOR, own)
    assert covers_whole_area(person, area) is inside
