"""Signing in with an account in a browser without scripts, and everything that must not work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from httpx2 import Response as Answer
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.accounts import create_setup_link
from survey.access.attempt_limits import ATTEMPT_POLICIES, AttemptKind
from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.access.second_factor import plain_secret
from survey.access.secret_hashes import digest
from survey.access.sessions import COOKIE, find_principal
from survey.access.sign_in_codes import generate_codes, issue_sign_in_codes
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Credential, LoginSession, SignInTries, now
from survey.web.auth.pages import STEP_COOKIE
from survey.web.http import FORM_COOKIE
from survey.web.routes import build_app
from tests.account_factory import PASSWORD, SECRET, code_at, employ_person
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

NEW = "quiet rivers carry lanterns home"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


def token_of(client: TestClient, path: str) -> str:
    match = TOKEN.search(client.get(path).text)
    assert match is not None
    return match[1]


def send(client: TestClient, path: str, page: str | None = None, **fields: str) -> Answer:
    """Post a form as the page `page` would."""
    fields = {"token": token_of(client, page or path), **fields}
    return client.post(path, data=fields, follow_redirects=False)


def login(client: TestClient, name: str = "wang", password: str = PASSWORD, **more: str) -> Answer:
    return send(client, "/auth/login", login=name, password=password, **more)


def done(client: TestClient) -> Answer:
    return send(client, "/auth/step/done", "/auth/step")


def signed_in(client: TestClient, field: Field) -> str | None:
    with read_scope(field.url) as session:
        person = find_principal(session, client.cookies.get(COOKIE), now())
    return person.name if person else None


@pytest.fixture
def wang(field: Field) -> None:
    employ_person(field.url, "wang")


@pytest.fixture
def forget(field: Field) -> Callable[[], None]:
    """As if a day had passed since the last try."""

    def clear() -> None:
        with session_scope(field.url) as session:
            for row in session.exec(select(SignInTries)):
                session.delete(row)

    return clear


@pytest.fixture
def other(web_settings: Settings) -> Iterator[TestClient]:
    """A second browser, before another process on the same store."""
    with TestClient(build_app(web_settings), headers={"Accept-Language": "en"}) as visitor:
        yield visitor


@pytest.mark.usefixtures("wang")
def test_name_and_password_lead_to_where_the_person_wanted_to_go(
    client: TestClient, field: Field
) -> None:
    answer = login(client, next="/city?city=110000")
    assert (answer.status_code, answer.headers["location"]) == (303, "/city?city=110000")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE)).lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/;" in cookie
    assert signed_in(client, field) == "Wang"
    assert STEP_COOKIE.name not in client.cookies


@pytest.mark.usefixtures("wang")
def test_no_answer_tells_whether_a_name_exists(client: TestClient, field: Field) -> None:
    employ_person(field.url, "closed", active=False)
    employ_person(field.url, "over", ends_at=now() - timedelta(days=1))
    employ_person(field.url, "bare", password=False)
    employ_person(field.url, "demo-x", is_demo=True)
    replies = set()
    tried = [("wang", "wrong")] + [
        (name, PASSWORD) for name in ("nobody", "closed", "over", "bare", "demo-x", "", "' OR 1=1")
    ]
    for name, password in tried:
        answer = login(client, name, password)
        shown = answer.text.replace(TOKEN.search(answer.text)[1], "")  # type: ignore[index]
        replies.add((answer.status_code, re.sub(r'value="[^"]*"', "", shown)))
        assert COOKIE not in client.cookies
    assert len(replies) == 1
    with read_scope(field.url) as session:
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.action == "session.refused")
        ).all()
    assert len(entries) == len(tried)
    assert "nobody" not in " ".join(str(entry.model_dump()) for entry in entries)


@pytest.mark.parametrize("name", ["wang", "nobody"])
@pytest.mark.usefixtures("wang")
def test_too_many_tries_lock_the_name_for_every_process_whether_or_not_it_exists(
    client: TestClient, other: TestClient, name: str
) -> None:
    for _ in range(ATTEMPT_POLICIES[AttemptKind.NAME].free_attempts):
        assert login(client, name, "wrong").status_code == 403
    for browser in (client, other):
        answer = login(browser, name)
        assert answer.status_code == 429
        assert "Too many tries" in answer.text


@pytest.mark.usefixtures("wang")
def test_one_address_cannot_try_a_thousand_names(client: TestClient) -> None:
    free = ATTEMPT_POLICIES[AttemptKind.ADDRESS].free_attempts
    codes = [login(client, f"name{number}", "x").status_code for number in range(free + 1)]
    assert codes == [403] * free + [429]
    assert login(client).status_code == 429


@pytest.mark.usefixtures("wang")
def test_a_cookie_from_before_is_worth_nothing_after_signing_in(
    client: TestClient, field: Field
) -> None:
    """Neither a planted secret nor the last one of this browser becomes a session."""
    planted = "planted-by-somebody"
    client.cookies.set(COOKIE, planted)
    login(client)
    first = client.cookies.get(COOKIE, domain="testserver.local") or client.cookies.get(COOKIE)
    with read_scope(field.url) as session:
        assert session.get(LoginSession, digest(planted)) is None
    client.cookies.delete(COOKIE)
    assert first is not None
    client.cookies.set(COOKIE, first)
    assert login(client).status_code == 303
    with read_scope(field.url) as session:
        rows = session.exec(select(LoginSession)).all()
    assert len(rows) == 2
    assert [row.ended_at is None for row in rows].count(True) == 1


def test_a_step_secret_opens_no_page_and_dies_with_its_use(
    client: TestClient, field: Field
) -> None:
    employ_person(field.url, "wang", factor=now())
    login(client)
    step = client.cookies[STEP_COOKIE.name]
    client.cookies.set(COOKIE, step)
    assert signed_in(client, field) is None
    assert client.get("/auth/account", follow_redirects=False).status_code == 303
    assert "Second factor" in client.get("/auth/step").text
    assert done(client).headers["location"] == "/auth/step"
    assert signed_in(client, field) is None


def test_the_second_factor_is_asked_for_and_takes_each_code_once(
    client: TestClient, other: TestClient, field: Field
) -> None:
    employ_person(field.url, "wang", factor=now())
    login(client)
    assert send(client, "/auth/step/factor", "/auth/step", code="000000").status_code == 403
    # Two seconds at the edge of a step must not decide; the step after now is always taken.
    code = code_at(now() + timedelta(seconds=20))
    answer = send(client, "/auth/step/factor", "/auth/step", code=code)
    assert answer.headers["location"] == "/"
    assert signed_in(client, field) == "Wang"
    login(other)
    answer = send(other, "/auth/step/factor", "/auth/step", code=code)
    assert answer.status_code == 403
    assert "used already" in answer.text
    assert signed_in(other, field) is None


def test_a_thief_of_the_password_gets_few_codes_to_guess(
    client: TestClient, field: Field, forget: Callable[[], None]
) -> None:
    employ_person(field.url, "wang", factor=now())
    login(client)
    page = "/auth/step"
    codes = [send(client, "/auth/step/factor", page, code=f"{n:06d}").status_code for n in range(6)]
    assert codes == [403] * 5 + [429]
    login(client)
    assert send(client, "/auth/step/factor", page, code="999999").status_code == 429
    forget()
    assert send(client, "/auth/step/factor", page, code="999999").status_code == 403


def test_an_administrator_sets_everything_up_behind_a_one_time_link(
    client: TestClient, field: Field
) -> None:
    person = employ_person(field.url, "root", Role.ADMINISTRATOR, NATION, password=False)
    with session_scope(field.url) as session:
        token = create_setup_link(work_of(session, OPERATOR, now()), login="root")
    link = f"/auth/setup/{token}"
    for _ in range(3):
        assert "You sign in as root" in client.get(link).text
    weak = send(client, link, password="aaaaaaaaaaaa")
    assert weak.status_code == 403
    assert "Repeats like" in weak.text
    assert send(client, link, password=NEW).headers["location"] == "/auth/step"
    assert client.get(link).status_code == 410
    page = client.get("/auth/step").text
    assert "data:image/svg+xml" in page
    with read_scope(field.url) as session:
        secret = plain_secret(session.get_one(Credential, person.account_id))
    assert secret is not None
    assert " ".join(secret[i : i + 4] for i in range(0, 32, 4)) in page
    assert send(client, "/auth/step/enrol", "/auth/step", code="000000").status_code == 403
    shown = send(client, "/auth/step/enrol", "/auth/step", code=code_at(now(), secret))
    assert shown.text.count("<code>") == 10
    assert signed_in(client, field) is None
    assert done(client).headers["location"] == "/"
    assert signed_in(client, field) == "Root"


@pytest.mark.usefixtures("wang")
def test_a_form_that_is_not_ours_changes_nothing(client: TestClient, field: Field) -> None:
    fields = {"login": "wang", "password": PASSWORD}
    token = token_of(client, "/auth/login")
    strange = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for headers, sent in (
        ({}, fields),
        ({}, {**fields, "token": "0" * 64}),
        ({}, {**fields, "token": "中文"}),
        (strange, {**fields, "token": token}),
    ):
        answer = client.post("/auth/login", data=sent, headers=headers, follow_redirects=False)
        assert answer.status_code == 403
    client.cookies.delete(FORM_COOKIE.name)
    answer = client.post("/auth/login", data={**fields, "token": token}, follow_redirects=False)
    assert answer.status_code == 403
    assert STEP_COOKIE.name not in client.cookies


POSTS = [
    "/auth/login", "/auth/code", "/auth/step/factor", "/auth/step/password", "/auth/step/enrol",
    "/auth/step/done", "/auth/setup/x", "/auth/account/password", "/auth/account/factor",
    "/auth/account/factor/confirm", "/auth/account/factor/remove", "/auth/account/recovery",
    "/auth/account/everywhere",
]  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_every_post_asks_for_the_token_first(client: TestClient, path: str) -> None:
    for body in (b"", b"x" * 100_000, b"a=1&" * 50, b"\xff\x00=%zz", b"token=" + b"0" * 64):
        assert client.post(path, content=body, follow_redirects=False).status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_with_the_token_alone_no_post_opens_or_breaks_anything(
    client: TestClient, field: Field, path: str
) -> None:
    hostile = {"login": "\x00' --", "password": "\ud7ff" * 300, "code": "<b>", "shown": "x"}
    answer = send(client, path, "/auth/login", **hostile)
    assert answer.status_code in {303, 403, 410}
    assert "<b>" not in answer.text
    assert signed_in(client, field) is None


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.usefixtures("wang")
def test_signing_in_leads_to_no_other_site(client: TestClient, target: str) -> None:
    page = client.get("/auth/login", params={"next": target}).text
    assert "evil" not in page
    assert "javascript" not in page
    assert login(client, next=target).headers["location"] == "/"


@pytest.mark.usefixtures("wang")
def test_pages_of_signing_in_are_not_kept_and_not_framed(client: TestClient) -> None:
    for path in ("/auth/login", "/auth/code", "/auth/step", "/auth/setup/x"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.usefixtures("wang")
def test_ones_own_account_changes_the_password_and_ends_other_sessions(
    client: TestClient, other: TestClient, field: Field
) -> None:
    for browser in (client, other):
        login(browser)
    page = client.get("/auth/account").text
    assert page.count("last used") == 2
    assert page.count("this browser") == 1
    here = "/auth/account/password"
    wrong = send(client, here, "/auth/account", shown="wrong", password=NEW)
    assert "present password is not right" in wrong.text
    answer = send(client, here, "/auth/account", shown=PASSWORD, password=NEW)
    assert answer.status_code == 303
    assert signed_in(client, field) == "Wang"
    assert signed_in(other, field) is None
    assert login(other).status_code == 403
    assert login(other, password=NEW).status_code == 303


@pytest.mark.usefixtures("wang")
def test_a_stolen_session_cannot_guess_the_password(client: TestClient) -> None:
    login(client)
    codes = [
        send(client, "/auth/account/password", "/auth/account", shown="x", password=NEW).text
        for _ in range(6)
    ]
    assert ["Too many tries" in text for text in codes] == [False] * 5 + [True]


@pytest.mark.usefixtures("wang")
def test_a_second_factor_is_set_up_replaced_and_given_up(client: TestClient, field: Field) -> None:
    login(client)
    page = "/auth/account"
    assert send(client, f"{page}/factor", page, shown=PASSWORD).status_code == 303
    with read_scope(field.url) as session:
        query = select(Credential).join(Account).where(Account.login == "wang")
        secret = plain_secret(session.exec(query).one())
    assert secret is not None
    assert secret != SECRET
    shown = send(client, f"{page}/factor/confirm", page, code=code_at(now(), secret))
    assert shown.text.count("<code>") == 10
    assert "10 recovery codes are left" in client.get(page).text
    shown = send(client, f"{page}/recovery", page, shown=PASSWORD)
    assert shown.text.count("<code>") == 10
    assert send(client, f"{page}/factor/remove", page, shown=PASSWORD).status_code == 303
    assert "none is set up" in client.get(page).text


@pytest.mark.usefixtures("wang")
def test_signing_out_everywhere_ends_every_session(
    client: TestClient, other: TestClient, field: Field
) -> None:
    for browser in (client, other):
        login(browser)
    assert send(client, "/auth/account/everywhere", "/auth/account").status_code == 303
    assert signed_in(client, field) is None
    assert signed_in(other, field) is None


def test_a_demo_role_has_no_account_of_its_own(
    client: TestClient, demo_accounts: None, field: Field
) -> None:
    client.post("/auth/demo", data={"role": "analyst"}, follow_redirects=False)
    answer = client.get("/auth/account")
    assert answer.status_code == 403
    assert "Demo roles have no account" in answer.text


@pytest.mark.usefixtures("wang")
def test_reading_renews_a_session_at_most_once_a_minute(client: TestClient, field: Field) -> None:
    login(client)

    def seen() -> object:
        with read_scope(field.url) as session:
            return session.exec(select(LoginSession.seen_at)).one()

    first = seen()
    client.get("/auth/account")
    assert seen() == first
    with session_scope(field.url) as session:
        held = session.exec(select(LoginSession)).one()
        assert held.seen_at is not None
        assert held.idle_until is not None
        held.seen_at -= timedelta(minutes=10)
        held.idle_until -= timedelta(minutes=10)
    client.get("/auth/account")
    with read_scope(field.url) as session:
        held = session.exec(select(LoginSession)).one()
        assert held.seen_at is not None
        assert held.idle_until is not None
        assert now() - held.seen_at < timedelta(minutes=5)
        assert held.idle_until - held.seen_at == timedelta(minutes=120)


def _codes(field: Field, *logins: str) -> list[str]:
    supervisor = employ_person(field.url, "sun", Role.SUPERVISOR, "110000", password=False)
    with session_scope(field.url) as session:
        sheet = issue_sign_in_codes(
            work_of(session, supervisor, now()),
            logins=logins,
            codes=generate_codes(len(logins)),
            days=1,
        )
    return [person.secret for person in sheet.people]


def test_a_printed_code_signs_its_surveyor_in_once(
    client: TestClient, other: TestClient, field: Field
) -> None:
    (code,) = _codes(field, "li")
    assert 'value="li"' in client.get("/auth/code?login=li").text
    answer = send(client, "/auth/code", login="li", code=code.lower())
    assert (answer.status_code, answer.headers["location"]) == (303, "/tasks")
    assert signed_in(client, field) == "Li"
    again = send(other, "/auth/code", login="li", code=code)
    assert again.status_code == 403
    assert signed_in(other, field) is None


def test_a_code_is_one_persons_and_no_answer_tells_whose(client: TestClient, field: Field) -> None:
    (code,) = _codes(field, "li")
    replies = set()
    for login_, typed in (("zhao", code), ("nobody", code), ("li", "ABCD-2345"), ("", "")):
        answer = send(client, "/auth/code", login=login_, code=typed)
        shown = answer.text.replace(TOKEN.search(answer.text)[1], "")  # type: ignore[index]
        replies.add((answer.status_code, re.sub(r'value="[^"]*"', "", shown)))
    assert len(replies) == 1
    assert signed_in(client, field) is None


def test_guessing_codes_locks_the_login_and_not_its_password(
    client: TestClient, field: Field
) -> None:
    employ_person(field.url, "wu", Role.SURVEYOR)
    codes = [
        send(client, "/auth/code", login="wu", code=f"AAAA-22{n:02d}").status_code for n in range(6)
    ]
    assert codes == [403] * 5 + [429]
    assert login(client, "wu").headers["location"] == "/"


def test_a_password_given_by_somebody_else_is_changed_before_anything_opens(
    client: TestClient, field: Field
) -> None:
    employ_person(field.url, "wang", must_change=True)
    assert login(client).headers["location"] == "/auth/step"
    assert signed_in(client, field) is None
    same = send(client, "/auth/step/password", "/auth/step", password=PASSWORD)
    assert "another password" in same.text
    answer = send(client, "/auth/step/password", "/auth/step", password=NEW)
    assert answer.headers["location"] == "/"
    assert signed_in(client, field) == "Wang"
