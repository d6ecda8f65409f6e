"""The number of a request: in the answer, in the log, on the screen of whoever met a failure."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from survey.access.secret_hashes import new_token
from survey.observe.logs import HEADER, current_request_id
from survey.observe.metrics import INTERVIEWS, REQUESTS
from survey.settings import Settings
from survey.store import schema
from survey.web import health, invitation_page, request_middleware
from survey.web.notice_pages import OFFLINE_URL, WORKER_URL
from survey.web.request_middleware import AddressLimitMiddleware, RequestMiddleware
from survey.web.routes import build_app

if TYPE_CHECKING:
    from tests.conftest import Field


def guarded(settings: Settings) -> tuple[TestClient, Starlette]:
    app = build_app(settings)
    return TestClient(RequestMiddleware(app, settings), headers={"Accept-Language": "en"}), app


@pytest.fixture
def visitor(field: Field, web_settings: Settings) -> TestClient:
    return guarded(web_settings)[0]


def _count(counter: Any, *labels: str) -> float:
    return float(counter.labels(*labels)._value.get())


def test_every_answer_carries_a_number_of_its_own(visitor: TestClient) -> None:
    numbers = {
        visitor.get(path).headers[HEADER] for path in ("/health", "/health", "/q/x", "/api/")
    }
    assert len(numbers) == 4
    assert all(re.fullmatch("[0-9a-f]{10}", number) for number in numbers)


def test_a_number_is_taken_over_from_our_own_proxy_only(
    visitor: TestClient, web_settings: Settings
) -> None:
    claimed = {HEADER: "0123456789abcdef"}
    assert visitor.get("/health", headers=claimed).headers[HEADER] != claimed[HEADER]
    behind, _ = guarded(web_settings.model_copy(update={"trusted_proxies": 1}))
    assert behind.get("/health", headers=claimed).headers[HEADER] == claimed[HEADER]
    odd = behind.get("/health", headers={HEADER: "a<b>"}).headers[HEADER]
    assert re.fullmatch("[0-9a-f]{10}", odd)


@pytest.mark.parametrize("path", ["/q/5Kd93kXk2Qabcdefghijkl", "/api/broken"])
def test_a_failure_shows_the_number_under_which_it_is_logged(
    web_settings: Settings,
    field: Field,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    logged: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append(current_request_id() + " " + record.getMessage())

    def fail(*_: object, **__: object) -> None:
        raise ValueError("the answer of somebody")

    visitor, app = guarded(web_settings)
    monkeypatch.setattr(invitation_page, "read_invitation", fail)
    app.router.add_route("/api/broken", fail)
    keep = Keep()
    logging.getLogger("survey.web.request_middleware").addHandler(keep)
    try:
        answer = visitor.get(path)
    finally:
        logging.getLogger("survey.web.request_middleware").removeHandler(keep)
    number = answer.headers[HEADER]
    assert answer.status_code == 500
    assert number in answer.text
    assert "tell the administrator this number" in answer.text
    assert [line.partition(" ")[0] for line in logged] == [number]
    assert "5Kd93k" not in logged[0]


def test_a_store_that_is_away_shows_a_number_too(
    web_settings: Settings,
    field: Field,
    interview: Any,
    invite: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", None, Exception("gone"))

    visitor, _ = guarded(web_settings)
    document = interview(token=invite())
    monkeypatch.setattr(invitation_page, "read_invitation", away)
    page = visitor.get("/q/whatever12345678901234")
    assert page.status_code == 503
    assert page.headers[HEADER] in page.text
    monkeypatch.setattr("survey.web.submission_intake.submit_or_park", away)
    answer = visitor.post("/api/responses", json=document)
    assert answer.status_code == 503
    assert answer.json()["request"] == answer.headers[HEADER]


def test_what_is_no_failure_of_ours_shows_none(visitor: TestClient) -> None:
    for path in ("/q/unknown", "/nowhere", "/api/nowhere"):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert answer.headers[HEADER] not in answer.text


FIXED = {OFFLINE_URL, WORKER_URL}
"""Addresses below that of invitations that hold no token."""


def test_requests_and_interviews_are_counted_without_their_addresses(
    visitor: TestClient, interview: Callable[..., dict[str, Any]], invite: Callable[..., str]
) -> None:
    route = ("/api/responses", "200")
    before = _count(REQUESTS, *route), _count(INTERVIEWS, "submitted")
    doubles = _count(INTERVIEWS, "duplicate")
    document = interview(token=invite())
    for _ in range(2):
        assert visitor.post("/api/responses", json=document).status_code == 200
    assert _count(REQUESTS, *route) == before[0] + 2
    assert _count(INTERVIEWS, "submitted") == before[1] + 1
    assert _count(INTERVIEWS, "duplicate") == doubles + 1
    seen = {labels[0] for labels in REQUESTS._metrics}
    assert all("{" in label or not label.startswith("/q/") for label in seen - FIXED)


def test_ready_means_reachable_and_migrated(
    web_settings: Settings, field: Field, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    visitor, _ = guarded(web_settings)
    assert visitor.get("/ready").json() == {"status": "ready"}
    bare = Settings(database_url=f"sqlite:///{tmp_path}/bare.db", data_dir=tmp_path)
    empty = guarded(bare)[0].get("/ready")
    assert (empty.status_code, empty.json()) == (503, {"status": "store_not_migrated"})
    away = Settings(database_url="postgresql://127.0.0.1:1/none", data_dir=tmp_path)
    gone = guarded(away)[0].get("/ready")
    assert (gone.status_code, gone.json()) == (503, {"status": "store_unavailable"})
    assert guarded(away)[0].get("/health").status_code == 200
    # A newer version has migrated the database and serves beside this one.
    monkeypatch.setattr(schema, "stored_revision", lambda _url: "9999")
    assert health._StoreProbe(web_settings.store_url).problem() is None
    monkeypatch.setattr(schema, "stored_revision", lambda _url: "0003")
    assert health._StoreProbe(web_settings.store_url).problem() == "store_not_migrated"


def test_a_flood_is_slowed_and_then_refused_with_bytes_made_once(
    monkeypatch: pytest.MonkeyPatch, web_settings: Settings
) -> None:
    held: list[float] = []

    async def hold(_: AddressLimitMiddleware, seconds: float) -> bool:
        held.append(seconds)
        return True

    monkeypatch.setattr(AddressLimitMiddleware, "_hold", hold)
    often = web_settings.model_copy(update={"public_rate_per_minute": 1})
    asked: list[str] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await PlainTextResponse("here")(scope, _receive, send)

    monkeypatch.setattr(request_middleware, "BURST_SECONDS", 60.0)
    visitor = TestClient(AddressLimitMiddleware(app, often), headers={"Accept-Language": "en"})
    answers = [visitor.get("/") for _ in range(12)]
    assert [answer.status_code for answer in answers[:6]] == [200] * 6
    assert held[:6] == [request_middleware.SLOW_SECONDS] * 6
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) + len(asked) == 12
    assert len({answer.content for answer in refused}) == 1
    assert held.count(request_middleware.HOLD_SECONDS) == len(refused) > 0
    assert visitor.get("/static/js/index.js").status_code == 200


def test_whoever_guesses_links_is_held_and_locks_nobody_else_out(
    monkeypatch: pytest.MonkeyPatch, web_settings: Settings, invite: Callable[..., str]
) -> None:
    """All come from one address, as people behind one router do."""
    held: list[float] = []

    async def hold(middleware: AddressLimitMiddleware, seconds: float) -> bool:
        held.append(seconds)
        return middleware._held < request_middleware.MAX_HELD

    monkeypatch.setattr(AddressLimitMiddleware, "_hold", hold)
    limited = web_settings.model_copy(update={"public_rate_per_minute": 12})
    app = AddressLimitMiddleware(build_app(limited), limited)
    visitor = TestClient(app, headers={"Accept-Language": "en"})
    # A guess in the right form, one of the wrong form, and the call of a page's script.
    claim = {"device": "0" * 64}
    ask: list[Callable[[], int]] = [
        lambda: visitor.get(f"/q/{new_token(bits=128)}").status_code,
        lambda: visitor.get("/q/nothing").status_code,
        lambda: visitor.post(f"/q/{new_token(bits=128)}", json=claim).status_code,
    ]
    assert ask[0]() == 404
    assert request_middleware.HOLD_SECONDS not in held
    for guess in ask:
        assert [guess() for _ in range(30)] == [404] * 30
    assert held.count(request_middleware.HOLD_SECONDS) > 80
    assert visitor.get(f"/q/{invite()}").status_code == 200
    assert visitor.get("/health").status_code == 200
    # Lines that wait cost memory: of those there is an end.
    app._held = request_middleware.MAX_HELD
    assert visitor.get(f"/q/{new_token(bits=128)}").status_code == 429


@pytest.mark.parametrize("token", ["nothing", "A" * 21, "A" * 23, "A" * 21 + "=", "A" * 21 + "é"])
def test_what_no_link_looks_like_is_refused_without_the_store(
    web_settings: Settings, token: str, tmp_path: Any
) -> None:
    away = Settings(database_url="postgresql://127.0.0.1:1/none", data_dir=tmp_path)
    visitor = TestClient(build_app(away), headers={"Accept-Language": "en"})
    answers = [
        visitor.get(f"/q/{token}"), visitor.post(f"/q/{token}", json={"device": "0" * 64}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404, 404]
    assert "not complete or not valid" in answers[0].text
    assert visitor.get(f"/q/{new_token(bits=128)}").status_code == 503
