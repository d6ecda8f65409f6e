"""Every answer carries the headers that browsers heed, whoever made it."""

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from survey.kit.asgi import SecurityHeadersMiddleware
from survey.web.http import DASHBOARD_HEADERS, PAGE_HEADERS, STRICT_TRANSPORT
from tests.coroutine_runner import run_in_thread


async def _bare(scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"x-frame-options", b"DENY")] if scope["path"] == "/own" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def answered(path: str, proxies: int = 0, **scope: Any) -> dict[str, str]:
    sent: list[Message] = []

    async def ask() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        whole = {"type": "http", "path": path, "scheme": "http", "headers": [], **scope}
        await SecurityHeadersMiddleware(_bare, proxies)(whole, receive, send)

    run_in_thread(ask())
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    ("path", "expected"), [("/overview", DASHBOARD_HEADERS), ("/api/x", PAGE_HEADERS)]
)
def test_answers_get_the_headers_of_their_door(path: str, expected: dict[str, str]) -> None:
    assert answered(path) == {name.lower(): value for name, value in expected.items()}


def test_what_an_answer_says_itself_stands() -> None:
    assert answered("/own")["x-frame-options"] == "DENY"


def test_transport_is_strict_only_over_https() -> None:
    header = "strict-transport-security"
    assert answered("/", scheme="https")[header] == STRICT_TRANSPORT
    headers = [(b"x-forwarded-proto", b"https")]
    assert answered("/", 1, headers=headers)[header] == STRICT_TRANSPORT
    assert header not in answered("/", 0, headers=headers)
    assert header not in answered("/")


def test_no_policy_lets_other_sites_in() -> None:
    for headers in (DASHBOARD_HEADERS, PAGE_HEADERS):
        policy = headers["Content-Security-Policy"]
        assert "http:" not in policy
        assert "https:" not in policy
        assert "*" not in policy
        assert "base-uri 'none'" in policy
    assert "unsafe" not in PAGE_HEADERS["Content-Security-Policy"]
