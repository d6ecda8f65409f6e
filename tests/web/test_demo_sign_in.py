"""Choosing a demo role, signing out, and who may ask for either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from httpx2 import Response
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.roles import Role
from survey.access.sessions import COOKIE, authenticate_session, find_principal
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import LoginSession, now
from survey.web.http import safe_path
from survey.web.routes import build_app

if TYPE_CHECKING:
    from tests.conftest import Field

pytestmark = pytest.mark.usefixtures("demo_accounts")


def enter(client: TestClient, **changes: str) -> Response:
    return client.post("/auth/demo", data={"role": "analyst", **changes}, follow_redirects=False)


def test_a_role_is_chosen_with_one_click(client: TestClient, field: Field) -> None:
    page = client.get("/auth/demo?next=/overview")
    assert page.status_code == 200
    assert 'value="/overview"' in page.text
    assert page.text.count('name="role"') == len(Role)
    answer = enter(client, next="/overview")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/overview"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    with read_scope(field.url) as session:
        person = find_principal(session, client.cookies[COOKIE], now())
        kept = session.exec(select(LoginSession)).one()
    assert person is not None
    assert (person.role, person.is_demo) == ("analyst", True)
    assert client.cookies[COOKIE] not in kept.secret_sha256


def test_the_cookie_is_secure_over_https(web_settings: Settings) -> None:
    app = build_app(web_settings)
    with TestClient(app, base_url="https://testserver") as client:
        assert "secure" in enter(client).headers["set-cookie"].lower()
    behind = web_settings.model_copy(update={"trusted_proxies": 1})
    with TestClient(build_app(behind)) as client:
        answer = client.post(
            "/auth/demo",
            data={"role": "analyst"},
            headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"},
            follow_redirects=False,
        )
        assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("role", ["keyer", "", "nobody", "analyst ", "<b>", "demo-analyst"])
def test_other_roles_are_not_given_away(client: TestClient, role: str) -> None:
    assert enter(client, role=role).status_code == 403
    assert COOKIE not in client.cookies


def test_without_a_demonstration_there_is_no_such_door(
    field: Field, web_settings: Settings
) -> None:
    serious = web_settings.model_copy(update={"demo": False})
    with TestClient(build_app(serious)) as client:
        assert client.get("/auth/demo").status_code == 404
        assert enter(client).status_code == 404


def test_another_site_can_neither_sign_in_nor_out(client: TestClient) -> None:
    enter(client)
    strange = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for path in ("/auth/demo", "/auth/logout"):
        answer = client.post(
            path, data={"role": "surveyor"}, headers=strange, follow_redirects=False
        )
        assert answer.status_code == 403
    assert COOKIE in client.cookies


def test_a_form_of_another_kind_is_refused(client: TestClient) -> None:
    for body in (b"role=analyst&" * 400, b"x" * 100_000, b"a=1&" * 50 + b"role=analyst"):
        answer = client.post("/auth/demo", content=body, follow_redirects=False)
        assert answer.status_code == 403


def test_signing_out_ends_the_session(client: TestClient, field: Field) -> None:
    enter(client)
    secret = client.cookies[COOKIE]
    page = client.get("/auth/logout")
    assert page.status_code == 200
    assert COOKIE in client.cookies
    answer = client.post("/auth/logout", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert COOKIE not in client.cookies
    with read_scope(field.url) as session:
        assert find_principal(session, secret, now()) is None


def test_signing_out_twice_is_no_error(client: TestClient) -> None:
    assert client.post("/auth/logout", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/overview", "/overview"),
        ("/city?city=110000&lang=en", "/city?city=110000&lang=en"),
        (None, "/"),
        ("", "/"),
        ("overview", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/\t/evil.example", "/"),
        ("/" + "a" * 600, "/"),
    ],
)
def test_a_redirect_stays_on_this_site(asked: str | None, given: str) -> None:
    assert safe_path(asked) == given


def test_a_demo_cookie_ends_when_demo_mode_ends(
    client: TestClient, web_settings: Settings, field: Field
) -> None:
    enter(client)
    secret = client.cookies[COOKIE]
    for demo in (True, False):
        person = authenticate_session(field.url, secret, now(), demo=demo)
        assert (person is not None) == demo
    serious = web_settings.model_copy(update={"demo": False})
    with TestClient(build_app(serious), cookies={COOKIE: secret}) as later:
        page = later.get("/auth/account", follow_redirects=False)
        assert (page.status_code, "/auth/login" in page.headers["location"]) == (303, True)
