"""A NUL and other odd bytes in addresses and forms, on both databases: nothing is there, and said.

PostgreSQL takes a NUL in no value and raises, where SQLite finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from survey.access.roles import Role
from survey.access.sessions import COOKIE, SignIn, sign_in_demo
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Account, now
from survey.web.routes import build_app, build_routes

if TYPE_CHECKING:
    from tests.conftest import Field

ODD = ("%00", "a%00b", "%00" * 64, "%ff", "%ed%a0%80", "%01", "%0d%0a", "%e2%80%ae", "%f4%8f%bf%bf")


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def visitor(field: Field, tmp_path: Path) -> Iterator[TestClient]:
    """A signed-in typist, on each database."""
    settings = Settings(
        database_url=field.url,
        data_dir=tmp_path,
        demo=True,
        # Odd addresses of a site that is there: tests/site.
        public_door=False,
        public_rate_per_minute=0,
        withdraw_rate_per_minute=0,
    )
    with session_scope(field.url) as session:
        session.add(
            Account(login="demo-typist", name="T", role=Role.TYPIST, area="110000", is_demo=True)
        )
        session.flush()
        secret = sign_in_demo(SignIn(session, now()), Role.TYPIST)
    with TestClient(build_app(settings), cookies={COOKIE: secret}) as client:
        client.app_settings = settings  # type: ignore[attr-defined]
        yield client


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    for route in build_routes(settings):
        assert isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield method, route.path


def test_odd_bytes_in_every_part_of_an_address_lead_nowhere(visitor: TestClient) -> None:
    looked_at = 0
    for method, pattern in _addresses(visitor.app_settings):  # type: ignore[attr-defined]
        for odd in ODD if "{" in pattern else ():
            path = re.sub(r"{[^}]+}", odd, pattern)
            answer = visitor.request(method, path, follow_redirects=False)
            assert answer.status_code in {400, 401, 403, 404, 410}, (method, path)
            looked_at += 1
    assert looked_at >= 4 * len(ODD)
    assert visitor.get("/form/%00.json").status_code == 404


def test_odd_bytes_in_a_query_are_no_failure(visitor: TestClient) -> None:
    for method, pattern in _addresses(visitor.app_settings):  # type: ignore[attr-defined]
        if method != "GET" or pattern.startswith("/auth/outside"):
            continue
        path = re.sub(r"{[^}]+}", "0" * 64, pattern)
        for odd in ODD:
            query = "&".join(f"{name}={odd}" for name in ("wave", "serial", "login", "next"))
            answer = visitor.get(f"{path}?{query}", follow_redirects=False)
            assert answer.status_code < 500, (path, odd)
    sheet = visitor.get("/api/paper/sheet?wave=%00&serial=%00")
    assert sheet.status_code == 409


def test_odd_bytes_in_a_form_are_no_failure(visitor: TestClient) -> None:
    for method, path in _addresses(visitor.app_settings):  # type: ignore[attr-defined]
        if method != "POST" or "{" in path or path.startswith("/api/"):
            continue
        shown = visitor.get(path.rpartition("/")[0] if path.count("/") > 2 else path)
        token = re.search('name="token" value="([0-9a-f]{64})"', shown.text)
        for odd in ODD:
            fields = ("role", "login", "password", "code", "next", "name", "again")
            body = "&".join(f"{name}={odd}" for name in fields)
            body += f"&token={token.group(1) if token else ''}"
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = visitor.post(path, content=body, headers=headers, follow_redirects=False)
            assert answer.status_code < 500, (path, odd)
