"""Sheets of paper at the common door, and the question what a number may be keyed as."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.roles import Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, LoginSession, PaperKeying, Response, now

Sign = Callable[[Role, str], Account]


@pytest.fixture
def sign_in(field: Any, client: TestClient) -> Sign:
    """Sign the browser in as a new account of that role and area."""

    def enter(role: Role, area: str) -> Account:
        account = Account(login=str(uuid4()), name="Wang", role=role, area=area)
        secret = new_token(bits=256)
        with session_scope(field.url) as session:
            session.add(account)
            session.flush()
            session.add(
                LoginSession(
                    secret_sha256=digest(secret),
                    account_id=account.id,
                    expires_at=now() + timedelta(hours=1),
                )
            )
        client.cookies.set(COOKIE, secret)
        return account

    return enter


@pytest.fixture
def keying(field: Any) -> Callable[..., dict[str, Any]]:
    def made(**changes: Any) -> dict[str, Any]:
        sheet = {
            "wave": field.wave.key, "serial": "77", "round": 1,
            "point_id": str(field.point.id), "surveyor_id": str(field.surveyor.account_id),
            "interview_on": china_date(now()).isoformat(), **changes.pop("sheet", {}),
        }  # fmt: skip
        return {
            "client_uuid": str(uuid4()),
            "sheet": sheet,
            "language": "en",
            "instrument_sha256": field.instrument.sha256,
            "answers": dict(field.complete),
            "missing": [],
            "seconds": 44.5,
            "strokes": 20,
            **changes,
        }

    return made


def _stored(field: Any) -> tuple[int, int]:
    with read_scope(field.url) as session:
        return (
            len(session.exec(select(PaperKeying)).all()),
            len(session.exec(select(Response)).all()),
        )


def test_a_keyed_sheet_gets_its_receipt_once(
    client: TestClient, field: Any, sign_in: Sign, keying: Callable[..., dict[str, Any]]
) -> None:
    sign_in(Role.TYPIST, "110000")
    document = keying()
    answers = [client.post("/api/responses", json=document) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["serial"] == "77"
    assert answers[0].json()["state"] in {"settled", "second"}
    assert [answer.json()["duplicate"] for answer in answers] == [False, True]
    assert _stored(field)[0] == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"instrument_sha256": "0" * 64}, 409, "instrument_changed"),
        ({"sheet": {"round": 2}}, 404, "sheet_unknown"),
        ({"sheet": {"wave": "nowhere"}}, 409, "wave_unknown"),
        ({"sheet": {"interview_on": (date(2100, 1, 1)).isoformat()}}, 409, "day_impossible"),
        ({"sheet": {"surveyor_id": str(uuid4())}}, 409, "not_at_this_point"),
        ({"sheet": {"serial": "<script>"}}, 409, "serial_invalid"),
        ({"sheet": {"round": 9}}, 400, "malformed"),
        ({"sheet": {"serial": None}}, 400, "malformed"),
        ({"token": "x"}, 400, "malformed"),
        ({"answers": {"consent": "yes"}}, 422, "answers_invalid"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: TestClient,
    field: Any,
    sign_in: Sign,
    keying: Callable[..., dict[str, Any]],
    changes: dict[str, Any],
    status: int,
    code: str,
) -> None:
    sign_in(Role.TYPIST, "CN")
    answer = client.post("/api/responses", json=keying(**changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
    assert _stored(field) == (0, 0)


@pytest.mark.parametrize("sheet", [None, [], "x", 7, {}])
def test_a_broken_head_is_malformed(
    client: TestClient, field: Any, keying: Callable[..., dict[str, Any]], sheet: Any
) -> None:
    assert client.post("/api/responses", json={**keying(), "sheet": sheet}).status_code == 400


def test_nobody_and_the_wrong_people_key_nothing(
    client: TestClient, field: Any, sign_in: Sign, keying: Callable[..., dict[str, Any]]
) -> None:
    assert client.post("/api/responses", json=keying()).status_code == 401
    assert client.get("/api/paper/sheet?wave=main-2026&serial=1").status_code == 403
    for role, area in ((Role.SURVEYOR, "110000"), (Role.TYPIST, "310000"), (Role.ANALYST, "CN")):
        sign_in(role, area)
        assert client.post("/api/responses", json=keying()).status_code == 403
    assert _stored(field) == (0, 0)


def test_a_number_is_asked_for_before_it_is_keyed(
    client: TestClient, field: Any, sign_in: Sign, keying: Callable[..., dict[str, Any]]
) -> None:
    sign_in(Role.TYPIST, "110000")
    address = f"/api/paper/sheet?wave={field.wave.key}&serial="
    fresh = client.get(address + "0077")
    assert (fresh.status_code, fresh.json()) == (200, {"round": 1})
    client.post("/api/responses", json=keying())
    refused = client.get(address + "77")
    assert (refused.status_code, refused.json()["code"]) == (409, "sheet_taken")
    for wrong in ("", "%3Cb%3E", "9" * 50):
        assert client.get(address + wrong).status_code == 409
    assert client.get("/api/paper/sheet").status_code == 409
