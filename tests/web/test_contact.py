"""The door for telephone numbers: only with a key, only for the holder of the code."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import select
from starlette.testclient import TestClient

from survey.settings import Settings
from survey.store.cipher import new_key
from survey.store.engine import read_scope
from survey.store.tables import ResponseContact
from survey.waves.personal_data import generate_code
from survey.web.api import CONTACT_URL
from survey.web.routes import build_app

Invite = Callable[..., str]
Interview = Callable[..., dict[str, Any]]
NUMBER = "13812345678"


@pytest.fixture
def keyed(field: Any, web_settings: Settings) -> Iterator[TestClient]:
    settings = web_settings.model_copy(update={"phone_key": SecretStr(new_key())})
    with TestClient(build_app(settings), headers={"Accept-Language": "en"}) as visitor:
        yield visitor


def handed_in(client: TestClient, invite: Invite, interview: Interview) -> str:
    code = generate_code()
    document = interview(token=invite(), withdrawal_code=code)
    assert client.post("/api/responses", json=document).status_code == 200
    return code


def kept(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        return [row.sealed for row in session.exec(select(ResponseContact))]


def test_without_a_key_no_number_is_asked_for_and_none_is_taken(
    client: TestClient, field: Any, invite: Invite, interview: Interview
) -> None:
    page = client.get(f"/q/{invite()}").text
    assert CONTACT_URL not in page
    assert "/assets/contact." not in page
    code = handed_in(client, invite, interview)
    answer = client.post(CONTACT_URL, json={"code": code, "phone": NUMBER})
    assert answer.status_code == 404
    assert kept(field) == []


def test_with_a_key_the_form_asks_and_the_number_is_kept_sealed(
    keyed: TestClient,
    field: Any,
    invite: Invite,
    interview: Interview,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    page = keyed.get(f"/q/{invite()}").text
    assert CONTACT_URL in page
    assert "/assets/contact." in page
    code = handed_in(keyed, invite, interview)
    answer = keyed.post(CONTACT_URL, json={"code": code, "phone": "138 1234 5678"})
    assert answer.status_code == 200
    (sealed,) = kept(field)
    assert NUMBER not in sealed
    assert NUMBER not in caplog.text


def test_what_is_no_number_or_no_interview_is_said(
    keyed: TestClient, field: Any, invite: Invite, interview: Interview
) -> None:
    code = handed_in(keyed, invite, interview)
    wrong = keyed.post(CONTACT_URL, json={"code": code, "phone": "12"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "number_unusable")
    stranger = keyed.post(CONTACT_URL, json={"code": generate_code(), "phone": NUMBER})
    assert (stranger.status_code, stranger.json()["code"]) == (404, "no_interview")
    assert kept(field) == []


def test_other_sites_and_other_forms_are_refused(
    keyed: TestClient, field: Any, invite: Invite, interview: Interview
) -> None:
    good = {"code": handed_in(keyed, invite, interview), "phone": NUMBER}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert keyed.post(CONTACT_URL, json=good, headers=headers).status_code == 403
    assert keyed.post(CONTACT_URL, data=good).status_code == 400
    for document in ({**good, "more": 1}, {"phone": NUMBER}, [], {**good, "phone": "1" * 5000}):
        assert keyed.post(CONTACT_URL, json=document).status_code == 400
    assert kept(field) == []
