"""Every address beside Streamlit, for everybody who has no business with another city's data.

The routes are those that exist: a new one with a new kind of parameter fails until the test knows
a value for it. The canary is a surveyor, a point, a sheet and an interview in Shanghai.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from starlette.routing import Route
from starlette.testclient import TestClient

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.kit.asgi import create_app
from survey.settings import Settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.private_files import save_photo_file
from survey.store.tables import (
    Account,
    Invitation,
    LoginSession,
    Mode,
    PaperKeying,
    PaperSheet,
    Photo,
    Response,
    SamplingPoint,
    SheetState,
    Status,
    now,
    table_of,
)
from survey.web import request_middleware, site_endpoints
from survey.web.routes import build_app, build_routes
from tests.work_of import work_of

CANARY = "Kanarienvogel"
HERE, ELSEWHERE = "110000", "310000"
KEPT = (Response, Invitation, PaperSheet, PaperKeying)
STATES = ("stranger", "ended", "expired", "gone", "forged")


@dataclass(frozen=True)
class RouteHarness:
    client: TestClient
    url: str
    settings: Settings
    values: dict[str, str]
    """By the name of a parameter in an address."""
    interview: dict[str, Any]
    """A complete interview for the point in Shanghai."""


@pytest.fixture(scope="module")
def harness(
    tmp_path_factory: pytest.TempPathFactory, make_field: Any, _sqlite_template: Path
) -> Iterator[RouteHarness]:
    folder = tmp_path_factory.mktemp("routes")
    (folder / "survey.db").write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{folder / 'survey.db'}"
    field = make_field(url)
    settings = Settings(
        database_url=url, data_dir=folder, demo=False, public_rate_per_minute=0, public_door=True
    )
    with session_scope(url) as session:
        _plant(session, field)
        photo = _plant_photo(session, field, settings)
    interview = {
        "client_uuid": str(uuid4()), "instrument_sha256": field.instrument.sha256,
        "language": "en", "answers": field.complete, "timings": {},
        "started_at": (now() - timedelta(minutes=6)).isoformat(),
        "finished_at": now().isoformat(), "point_id": str(field.foreign_point.id),
    }  # fmt: skip
    values = {
        "token": new_token(bits=128), "sha256": field.instrument.sha256, "name": "form.js",
        "wave": field.wave.key, "serial": "7", "number": new_token(bits=256),
        "photo": str(photo), "release": "check.dining-2026-1",
        "figure": "main-2026-310000-composite-all-score", "path": "main-2026/310000/",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_endpoints, "PATIENCE_SECONDS", 300.0)
        with TestClient(build_app(settings), headers={"Accept-Language": "en"}) as client:
            yield RouteHarness(client, url, settings, values, interview)
    dispose_engines()


def _plant(session: Any, field: Any) -> None:
    zhao = session.get_one(Account, field.colleague.account_id)
    zhao.name = f"{CANARY} Zhao"
    point = session.get_one(SamplingPoint, field.foreign_point.id)
    point.name = f"{CANARY} Mall"
    sheet = PaperSheet(
        wave_id=field.wave.id,
        city_code=ELSEWHERE,
        serial="7",
        keyed_twice=True,
        state=SheetState.VERDICT,
    )
    session.add(sheet)
    session.flush()
    session.add(
        PaperKeying(
            sheet_id=sheet.id,
            number=1,
            account_id=zhao.id,
            client_uuid=uuid4(),
            point_id=point.id,
            surveyor_id=zhao.id,
            interview_on=now().date(),
            answers={},
        )
    )
    interview = FinishedResponse(
        client_uuid=uuid4(),
        city_code=ELSEWHERE,
        mode=Mode.ASSISTED,
        status=Status.SUBMITTED,
        submitted_at=now(),
        answers={"comment": CANARY},
        surveyor_id=zhao.id,
        started_at=now(),
        point_id=point.id,
    )
    write_responses(work_of(session, OPERATOR, now()), wave=field.wave, rows=[interview])


def _plant_photo(session: Any, field: Any, settings: Settings) -> UUID:
    """A photo of the interview in Shanghai."""
    photo = Photo(
        sha256=save_photo_file(settings.photo_dir, f"{CANARY} in a mirror".encode()),
        sent_sha256="0" * 64,
        bytes=1,
        width=1,
        height=1,
        point_id=field.foreign_point.id,
        response_id=session.scalar(
            select(Response.id).where(Response.point_id == field.foreign_point.id)  # type: ignore[call-overload]
        ),
    )
    session.add(photo)
    return photo.id


def secret_of(harness: RouteHarness, role: Role, state: str) -> str:
    """The cookie of somebody in Beijing, or of one in Shanghai whose time is over."""
    secret = new_token(bits=256)
    if state == "forged":
        return secret
    area = HERE if state == "stranger" else ELSEWHERE
    account = Account(
        login=str(uuid4()), name="Reader", role=role, area=area, active=state != "gone"
    )
    with session_scope(harness.url) as session:
        session.add(account)
        session.flush()
        session.add(
            LoginSession(
                secret_sha256=digest(secret),
                account_id=account.id,
                expires_at=now() + timedelta(hours=-1 if state == "expired" else 1),
                ended_at=now() if state == "ended" else None,
            )
        )
    return secret


def addresses(harness: RouteHarness) -> list[tuple[str, str]]:
    """Method and address of every route, with a value for every parameter."""
    requests = []
    for route in build_routes(harness.settings):
        assert isinstance(route, Route)
        path = re.sub(r"{(\w+)(:\w+)?}", lambda part: harness.values[part.group(1)], route.path)
        query = f"?wave={harness.values['wave']}&serial=7&city={ELSEWHERE}&role=administrator"
        requests += [(method, path + query) for method in (route.methods or ()) if method != "HEAD"]
    return requests


def stored(url: str) -> dict[str, int]:
    with session_scope(url) as session:
        return {
            model.__name__: session.connection()
            .execute(select(func.count()).select_from(table_of(model)))
            .scalar_one()
            for model in KEPT
        }


@pytest.mark.parametrize(("role", "state"), list(product(Role, STATES)))
def test_no_route_tells_or_takes_anything_of_another_city(
    role: Role, state: str, harness: RouteHarness
) -> None:
    cookies = {
        "Cookie": f"{COOKIE}={secret_of(harness, role, state)}",
        "Origin": "http://testserver",
    }
    before = stored(harness.url)
    for method, address in addresses(harness):
        sent = {"json": harness.interview} if method == "POST" else {}
        answer = harness.client.request(
            method, address, headers=cookies, follow_redirects=False, **sent
        )
        assert answer.status_code < 500, address
        assert CANARY not in answer.text, address
    assert stored(harness.url) == before


def test_a_surveyor_there_is_taken_at_the_same_address(harness: RouteHarness) -> None:
    """Or the test above could not fail."""
    with session_scope(harness.url) as session:
        zhao = session.execute(
            select(table_of(Account).c.id).where(table_of(Account).c.name == f"{CANARY} Zhao")
        ).scalar_one()
        secret = new_token(bits=256)
        session.add(
            LoginSession(
                secret_sha256=digest(secret), account_id=zhao, expires_at=now() + timedelta(hours=1)
            )
        )
    headers = {"Cookie": f"{COOKIE}={secret}", "Origin": "http://testserver"}
    interview = {**harness.interview, "client_uuid": str(uuid4())}
    answer = harness.client.post("/api/responses", json=interview, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def without_holding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_middleware, "HOLD_SECONDS", 0.0)


@pytest.mark.slow
@pytest.mark.usefixtures("without_holding")
def test_every_address_has_a_limit(harness: RouteHarness) -> None:
    """Also a route of tomorrow; each is asked for from a network of its own."""
    once = harness.settings.model_copy(update={"public_rate_per_minute": 1, "trusted_proxies": 1})
    pages = [
        ("GET", "/"),
        ("GET", "/plan"),
        ("GET", "/nowhere"),
        ("POST", "/_stcore/upload_file/x"),
    ]
    visitor = TestClient(create_app(once), headers={"Accept-Language": "en"})
    unlimited = []
    for number, (method, address) in enumerate([*addresses(harness), *pages], 1):
        headers = {"X-Forwarded-For": f"192.0.2.{number}", "Origin": "http://testserver"}
        asked = [visitor.request(method, address, headers=headers, follow_redirects=False)
                 for _ in range(3)]  # fmt: skip
        if method == "GET" and f"/q/{harness.values['token']}" in address:
            # It leads nowhere, so it is slowed, see test_whoever_guesses_links_is_held.
            assert {answer.status_code for answer in asked} == {404}
            continue
        if asked[-1].status_code != 429 or "Retry-After" not in asked[-1].headers:
            unlimited.append((method, address))
        if method == "GET" and not address.startswith("/api/"):
            assert "very many visitors" in asked[-1].text
    assert unlimited == []


@pytest.mark.usefixtures("without_holding")
def test_who_watches_the_server_from_a_flooded_network_is_answered(harness: RouteHarness) -> None:
    once = harness.settings.model_copy(update={"public_rate_per_minute": 1})
    visitor = TestClient(create_app(once))
    assert [visitor.get("/withdraw").status_code for _ in range(3)][-1] == 429
    assert visitor.get("/health").status_code == 200
