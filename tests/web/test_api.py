"""`POST /api/responses` as the form uses it, and as somebody hostile would."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import Session, col, func, select
from starlette.testclient import TestClient

from survey.access.principal import OPERATOR
from survey.access.secret_hashes import new_token
from survey.access.sessions import COOKIE
from survey.collection.invitations import TOKEN_BITS
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Response, ResponseRevision, now
from survey.waves.waves import close_wave
from survey.web.api import MAX_BYTES
from survey.web.routes import build_app
from survey.web.write_queue import WriteQueue
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

URL = "/api/responses"
Made = Callable[..., dict[str, Any]]
Invite = Callable[..., str]


def stored(field: Field) -> int:
    with read_scope(field.url) as session:
        return session.exec(select(func.count(col(Response.id)))).one()


def answers_of(session: Session, response_id: str) -> dict[str, Any]:
    query = select(ResponseRevision).where(col(ResponseRevision.is_current))
    revisions = session.exec(query).all()
    return next(each.answers for each in revisions if str(each.response_id) == response_id)


def test_a_finished_interview_gets_a_receipt(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    answer = client.post(URL, json=interview(token=invite()))
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["status"], receipt["duplicate"], receipt["dropped"]) == ("submitted", False, 0)
    assert answer.headers["cache-control"] == "no-store"
    with read_scope(field.url) as session:
        assert answers_of(session, receipt["response_id"])["quality"] == 8


def test_a_second_send_of_the_same_interview_changes_nothing(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    document = interview(token=invite())
    first = client.post(URL, json=document).json()
    again = client.post(URL, json=document)
    assert again.status_code == 200
    assert again.json() == {**first, "duplicate": True}
    assert stored(field) == 1


def test_another_interview_through_a_used_link_is_refused(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    token = invite()
    client.post(URL, json=interview(token=token))
    answer = client.post(URL, json=interview(token=token))
    assert answer.status_code == 409
    assert answer.json()["code"] == "invitation_used"
    assert stored(field) == 1


def test_expired_unknown_and_closed(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    late = client.post(URL, json=interview(token=invite(ago=timedelta(days=9))))
    assert (late.status_code, late.json()["status"]) == (200, "parked")
    assert client.post(URL, json=interview(token="nothing")).status_code == 404
    token = invite()
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, now()), key=field.wave.key)
    late = client.post(URL, json=interview(token=token))
    assert (late.status_code, late.json()["status"]) == (200, "parked")
    assert stored(field) == 0


def test_what_is_no_link_is_refused_as_an_unknown_one_without_the_store(
    client: TestClient, interview: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = client.post(URL, json=interview(token=new_token(bits=TOKEN_BITS)))

    async def ask_store(*_: object) -> None:
        pytest.fail("the store was asked")

    monkeypatch.setattr(WriteQueue, "submit", ask_store)
    for token in ("nothing", "", "x" * 128, "链接"):
        answer = client.post(URL, json=interview(token=token))
        assert answer.status_code == unknown.status_code == 404
        assert answer.json() == unknown.json()


def test_invalid_answers_are_refused_item_by_item(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    answers = {**field.complete, "quality": 11, "birth_year": 1850, "topics": ["weapons"]}
    del answers["gender"]
    token = invite()
    answer = client.post(URL, json=interview(token=token, answers=answers))
    assert answer.status_code == 422
    problems = {each["item"]: each for each in answer.json()["problems"]}
    assert problems.keys() == {"quality", "birth_year", "topics", "gender"}
    assert problems["birth_year"]["message"] == "Between 1900 and 2011"
    assert problems["gender"]["code"] == "required"
    assert all(each["message"] for each in problems.values())
    chinese = client.post(URL, json=interview(token=token, answers=answers, language="zh")).json()
    by_item = {each["item"]: each["message"] for each in chinese["problems"]}
    assert by_item["birth_year"] == "1900-2011"
    assert by_item["gender"] != problems["gender"]["message"]
    assert client.post(URL, json=interview(token=token)).status_code == 200
    assert stored(field) == 1


def test_answers_off_the_route_are_dropped_and_counted(
    client: TestClient, invite: Invite, interview: Made, field: Field
) -> None:
    answers = {**field.complete, "channel": "shop", "no_such_item": 1}
    receipt = client.post(URL, json=interview(token=invite(), answers=answers)).json()
    assert receipt["dropped"] == 2


def test_a_changed_questionnaire_is_said(
    client: TestClient, invite: Invite, interview: Made
) -> None:
    answer = client.post(URL, json=interview(token=invite(), instrument_sha256="0" * 64))
    assert answer.status_code == 409
    assert answer.json()["code"] == "instrument_changed"


def test_an_assisted_interview_needs_a_signed_in_surveyor(
    client: TestClient, field: Field, interview: Made, demo_accounts: None
) -> None:
    document = interview(point_id=str(field.point.id))
    assert client.post(URL, json=document).status_code == 401
    client.cookies.set(COOKIE, "forged")
    assert client.post(URL, json=document).status_code == 401
    client.cookies.clear()
    client.post("/auth/demo", data={"role": "analyst"}, follow_redirects=False)
    assert client.post(URL, json=document).status_code == 403
    assert stored(field) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'{"answers": NaN}',
        b'{"client_uuid": "' + b"9" * 1000 + b'"}',
    ],
)
def test_hostile_json_is_refused_without_a_trace(
    client: TestClient, field: Field, body: bytes
) -> None:
    answer = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert stored(field) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"client_uuid": "not-a-uuid"},
        {"client_uuid": 7},
        {"started_at": "yesterday"},
        {"started_at": "2026-05-20T10:00:00"},
        {"timings": {"quality": -1}},
        {"timings": {"quality": "fast"}},
        {"answers": []},
        {"answers": None},
        {"is_admin": True},
        {"surveyor_id": "00000000-0000-0000-0000-000000000000"},
        {"point_id": "00000000-0000-0000-0000-000000000000"},
        {"token": None},
        {"token": "x" * 1000},
        {"token": {"$ne": ""}},
    ],
)
def test_an_envelope_of_another_shape_is_refused(
    client: TestClient, field: Field, invite: Invite, interview: Made, changes: dict[str, Any]
) -> None:
    answer = client.post(URL, json=interview(**{"token": invite(), **changes}))
    assert answer.status_code == 400
    assert stored(field) == 0


@pytest.mark.parametrize(
    "answers",
    [
        {"quality": {"$gt": 0}},
        {"quality": [8]},
        {"quality": True},
        {"quality": 8.5},
        {"quality": 10**400},
        {"gender": ["female"]},
        {"topics": {"food": True}},
        {"birth_year": "1990; DROP TABLE response"},
        {"consent": None},
    ],
)
def test_answers_of_another_shape_are_never_stored(
    client: TestClient, field: Field, invite: Invite, interview: Made, answers: dict[str, Any]
) -> None:
    document = interview(token=invite(), answers={**field.complete, **answers})
    assert client.post(URL, json=document).status_code in {400, 422}
    assert stored(field) == 0


def test_markup_and_control_characters_are_only_text(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    hostile = "<script>alert(1)</script>\x00 ' OR 1=1 -- ${consent} {0}"
    document = interview(token=invite(), answers={**field.complete, "comment": hostile})
    receipt = client.post(URL, json=document).json()
    with read_scope(field.url) as session:
        kept = answers_of(session, receipt["response_id"])["comment"]
    assert kept == hostile.replace("\x00", "")


def test_a_body_that_is_too_large_is_refused(
    client: TestClient, field: Field, invite: Invite, interview: Made
) -> None:
    huge = interview(token=invite(), answers={"comment": "x" * MAX_BYTES})
    assert client.post(URL, json=huge).status_code == 413

    def endless() -> Any:
        for _ in range(200):
            yield b"x" * 4096

    answer = client.post(URL, content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    lying = {"Content-Type": "application/json", "Content-Length": "-7"}
    assert client.post(URL, content=b"{}", headers=lying).status_code in {400, 413}
    assert stored(field) == 0


def test_only_json_from_our_own_pages(
    client: TestClient, invite: Invite, interview: Made, field: Field
) -> None:
    document = interview(token=invite())
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = client.post(URL, content=b"{}", headers={"Content-Type": media_type})
        assert answer.status_code == 415
    compressed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.post(URL, content=gzip.compress(b"{}"), headers=compressed).status_code == 400
    for strange in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert client.post(URL, json=document, headers=strange).status_code == 403
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post(URL, json=document, headers=own).status_code == 200
    assert client.get(URL).status_code == 405


def test_one_address_may_not_hammer_the_door(
    field: Field, web_settings: Settings, invite: Invite, interview: Made
) -> None:
    limited = web_settings.model_copy(update={"public_rate_per_minute": 3})
    with TestClient(build_app(limited)) as client:
        answers = [client.post(URL, json=interview(token="guess")) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert client.get(f"/q/{invite()}").status_code == 429
        forged = {"X-Forwarded-For": "203.0.113.9"}
        assert client.post(URL, json=interview(token="x"), headers=forged).status_code == 429
