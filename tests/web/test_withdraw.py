"""The page for withdrawing: kind, in two languages, and safe against other sites and guessing."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Response, ResponseRevision, Wave, WaveState
from survey.waves.personal_data import format_code, generate_code
from survey.web.http import PAGE_HEADERS
from survey.web.routes import build_app

Invite = Callable[..., str]
Interview = Callable[..., dict[str, Any]]
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


@pytest.fixture
def code(client: TestClient, invite: Invite, interview: Interview) -> str:
    """The code of an interview that was handed in."""
    code = generate_code()
    sent = client.post("/api/responses", json=interview(token=invite(), withdrawal_code=code))
    assert sent.status_code == 200
    return code


def send(client: TestClient, typed: str, **headers: str) -> Any:
    token = TOKEN.search(client.get("/withdraw").text)
    assert token is not None
    return client.post("/withdraw", data={"code": typed, "token": token[1]}, headers=headers)


def one(field: Any) -> Response:
    with read_scope(field.url) as session:
        return session.exec(select(Response)).one()


def test_the_page_has_a_label_a_keypad_and_no_inline_script(client: TestClient) -> None:
    answer = client.get("/withdraw")
    assert answer.status_code == 200
    assert 'inputmode="numeric"' in answer.text
    assert '<label class="sf-label" for="code">' in answer.text
    assert not re.search(r"<script>|\son\w+=|style=", answer.text)
    for name, value in PAGE_HEADERS.items():
        assert answer.headers[name] == value
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    chinese = client.get("/withdraw", headers={"Accept-Language": "zh-CN"})
    assert "撤回" in chinese.text


def test_a_typed_code_withdraws_once_and_says_so_again(
    client: TestClient, field: Any, code: str
) -> None:
    first = send(client, format_code(code))
    assert first.status_code == 200
    assert "deleted" in first.text
    assert one(field).withdrawn_at is not None
    with read_scope(field.url) as session:
        assert session.exec(select(ResponseRevision)).one().answers == {}
    again = send(client, code)
    assert (again.status_code, "withdrawn before" in again.text) == (200, True)


def test_a_wrong_code_is_shown_again_with_what_is_wrong(
    client: TestClient, field: Any, code: str
) -> None:
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    typo, unknown = send(client, wrong), send(client, generate_code())
    assert (typo.status_code, unknown.status_code) == (422, 404)
    for answer in (typo, unknown):
        assert 'role="alert"' in answer.text
    assert wrong in typo.text
    hostile = send(client, '"><script>alert(1)</script>')
    assert "<script>alert" not in hostile.text
    assert one(field).withdrawn_at is None


def test_after_freezing_it_says_whom_to_ask(client: TestClient, field: Any, code: str) -> None:
    with session_scope(field.url) as session:
        wave = session.get_one(Wave, field.wave.id)
        for state in (WaveState.CLOSED, WaveState.FROZEN):
            wave.state = state
            session.flush()
    answer = send(client, code)
    assert (answer.status_code, "12315" in answer.text) == (409, True)
    assert one(field).withdrawn_at is None


def test_other_sites_can_withdraw_nothing(client: TestClient, field: Any, code: str) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert send(client, code, **headers).status_code == 403
    for token in ("", "0" * 64):
        answer = client.post("/withdraw", data={"code": code, "token": token})
        assert answer.status_code == 403
    client.get("/withdraw")
    stolen = TOKEN.search(client.get("/withdraw").text)
    assert stolen is not None
    client.cookies.clear()
    answer = client.post("/withdraw", data={"code": code, "token": stolen[1]})
    assert answer.status_code == 403
    assert one(field).withdrawn_at is None


def test_a_large_or_broken_body_is_no_form(client: TestClient) -> None:
    for content in (b"code=" + b"1" * 10_000, b"\xff\xfe", b"&" * 100):
        answer = client.post(
            "/withdraw",
            content=content,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 403


@pytest.fixture
def slow_door(field: Any, web_settings: Settings) -> Iterator[TestClient]:
    settings = web_settings.model_copy(update={"withdraw_rate_per_minute": 3})
    with TestClient(build_app(settings), headers={"Accept-Language": "en"}) as visitor:
        yield visitor


def test_guessing_is_slow(slow_door: TestClient) -> None:
    statuses = [send(slow_door, generate_code()).status_code for _ in range(5)]
    assert statuses == [404, 404, 404, 429, 429]


def test_the_address_is_ours_and_nothing_else_is(client: TestClient) -> None:
    assert client.get("/withdraw/").status_code == 404
    assert client.put("/withdraw").status_code == 405
    assert client.get(f"/withdraw?code={generate_code()}").status_code == 200


def test_an_interview_without_a_code_is_stored_and_cannot_be_withdrawn_here(
    client: TestClient, field: Any, invite: Invite, interview: Interview
) -> None:
    assert client.post("/api/responses", json=interview(token=invite())).status_code == 200
    assert one(field).withdrawal_sha256 is None
    assert send(client, generate_code()).status_code == 404
