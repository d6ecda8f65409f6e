"""Signing in through a real OpenID Connect provider on this machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.roles import NATION, Role
from survey.access.sessions import COOKIE, find_principal
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, OutsideIdentity, now
from survey.web.routes import build_app
from tests.account_factory import employ_person

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from oidc_provider_mock import User, run_server_in_thread

if TYPE_CHECKING:
    from tests.conftest import Field

WANG = "wang@example.org"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    people = [
        User(sub="w-1", claims={"email": "WANG@example.org", "email_verified": True}),
        User(sub="w-2", claims={"email": WANG, "email_verified": True}),
        User(sub="unverified", claims={"email": WANG, "email_verified": False}),
        User(sub="words", claims={"email": WANG, "email_verified": "true"}),
        User(sub="stranger", claims={"email": "x@example.org", "email_verified": True}),
        User(sub="nothing", claims={}),
    ]
    with run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def outside(field: Field, web_settings: Settings, issuer: str) -> Callable[..., TestClient]:
    def made(**changes: Any) -> TestClient:
        settings = web_settings.model_copy(
            update={
                "oidc_issuer": issuer,
                "oidc_client_id": "survey",
                "oidc_client_secret": "s",
                "oidc_name": "Association",
                **changes,
            }
        )
        return TestClient(build_app(settings), headers={"Accept-Language": "en"})

    return made


def go(client: TestClient, subject: str, then: str = "/") -> str:
    """To the provider, sign in there as `subject`; the address to which it sends back."""
    away = client.get("/auth/outside", params={"next": then}, follow_redirects=False)
    assert away.status_code == 303, away.text
    back = httpx2.post(away.headers["location"], data={"sub": subject}, follow_redirects=False)
    assert back.status_code == 302
    return back.headers["location"].replace("http://testserver", "")


def who(client: TestClient, field: Field) -> str | None:
    with read_scope(field.url) as session:
        person = find_principal(session, client.cookies.get(COOKIE), now())
    return person.name if person else None


def identities(field: Field) -> list[str]:
    with read_scope(field.url) as session:
        return sorted(session.exec(select(OutsideIdentity.subject)))


def test_a_verified_address_that_an_administrator_entered_links_once(
    outside: Callable[..., TestClient], field: Field
) -> None:
    employ_person(field.url, "wang", email=WANG)
    client = outside()
    assert "Sign in with Association" in client.get("/auth/login").text
    answer = client.get(go(client, "w-1", "/city"), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/city")
    assert who(client, field) == "Wang"
    assert identities(field) == ["w-1"]
    with session_scope(field.url) as session:
        account = session.exec(select(Account).where(Account.login == "wang")).one()
        account.email = None
    second = outside()
    second.get(go(second, "w-1"), follow_redirects=False)
    assert who(second, field) == "Wang", "known by issuer and subject from now on"
    with read_scope(field.url) as session:
        actions = session.exec(select(AuditEntry.action)).all()
    assert actions.count("account.outside_linked") == 1


def test_nobody_else_comes_in_and_no_account_is_made(
    outside: Callable[..., TestClient], field: Field
) -> None:
    employ_person(field.url, "wang", email=WANG)
    with read_scope(field.url) as session:
        before = len(session.exec(select(Account)).all())
    for subject in ("unverified", "words", "stranger", "nothing"):
        client = outside()
        answer = client.get(go(client, subject), follow_redirects=False)
        assert answer.status_code == 403, subject
        assert "no account here belongs to you" in answer.text
        assert COOKIE not in client.cookies
    client = outside()
    client.get(go(client, "w-1"), follow_redirects=False)
    other = outside()
    assert other.get(go(other, "w-2"), follow_redirects=False).status_code == 403
    assert identities(field) == ["w-1"]
    with read_scope(field.url) as session:
        assert len(session.exec(select(Account)).all()) == before


@pytest.mark.parametrize("changes", [{"active": False}, {"is_demo": True}])
def test_a_dead_account_stays_closed(
    outside: Callable[..., TestClient], field: Field, changes: dict[str, Any]
) -> None:
    employ_person(field.url, "wang", email=WANG, **changes)
    client = outside()
    assert client.get(go(client, "w-1"), follow_redirects=False).status_code == 403
    assert identities(field) == []


def test_our_second_factor_is_asked_for_unless_the_provider_asks_for_one(
    outside: Callable[..., TestClient], field: Field
) -> None:
    employ_person(field.url, "root", Role.ADMINISTRATOR, NATION, email=WANG)
    client = outside()
    answer = client.get(go(client, "w-1"), follow_redirects=False)
    assert answer.headers["location"] == "/auth/step"
    assert "Set up the second factor" in client.get("/auth/step").text
    assert who(client, field) is None
    trusting = outside(oidc_second_factor=True)
    trusting.get(go(trusting, "w-1"), follow_redirects=False)
    assert who(trusting, field) == "Root"


def test_an_answer_belongs_to_one_question_of_one_browser(
    outside: Callable[..., TestClient], field: Field
) -> None:
    employ_person(field.url, "wang", email=WANG)
    client, thief = outside(), outside()
    back = go(client, "w-1")
    assert thief.get(back, follow_redirects=False).status_code == 403
    go(thief, "stranger")
    assert thief.get(back, follow_redirects=False).status_code == 403
    changed = back.replace("state=", "state=x")
    assert client.get(changed, follow_redirects=False).status_code == 403
    assert client.get(back, follow_redirects=False).status_code == 303
    assert client.get(back, follow_redirects=False).status_code == 403, "a second time"
    assert who(thief, field) is None


def test_hostile_answers_are_refused_in_words(
    outside: Callable[..., TestClient], field: Field
) -> None:
    client = outside()
    for query in ("", "state=", "state=x&code=y", "error=access_denied", "state=%ff%00&code=<b>"):
        answer = client.get(f"/auth/outside/back?{query}", follow_redirects=False)
        assert answer.status_code == 403
        assert "<b>" not in answer.text
    back = go(client, "w-1")
    state = parse_qs(urlsplit(back).query)["state"][0]
    forged = f"/auth/outside/back?state={state}&code=forged"
    answer = client.get(forged, follow_redirects=False)
    assert "did not work" in answer.text
    strange = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/auth/outside", headers=strange).status_code == 403


def test_an_id_token_for_somebody_else_is_refused(
    outside: Callable[..., TestClient], field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider answers with a token that it made for another question."""

    employ_person(field.url, "wang", email=WANG)
    for name in ("nonce", "aud", "iss"):
        real = jwt.decode

        def changed(*given: Any, name: str = name, real: Any = real, **more: Any) -> Any:
            token = real(*given, **more)
            token.claims[name] = "other"
            return token

        with monkeypatch.context() as patch:
            patch.setattr(jwt, "decode", changed)
            client = outside()
            answer = client.get(go(client, "w-1"), follow_redirects=False)
        assert answer.status_code == 403, name
        assert "did not work" in answer.text


def test_a_provider_that_does_not_answer_is_said_so(
    outside: Callable[..., TestClient], issuer: str
) -> None:
    for wrong in ("http://127.0.0.1:9", f"{issuer}/", f"{issuer}/nowhere"):
        client = outside(oidc_issuer=wrong)
        answer = client.get("/auth/outside", follow_redirects=False)
        assert answer.status_code == 503
        assert "did not work" in answer.text


def test_without_a_provider_there_is_no_such_door(client: TestClient) -> None:
    assert client.get("/auth/outside").status_code == 404
    assert client.get("/auth/outside/back").status_code == 404
    assert "/auth/outside" not in client.get("/auth/login").text
