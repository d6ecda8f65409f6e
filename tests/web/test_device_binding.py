"""A link is for one device: the page binds it, others are refused kindly, a reload never is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from survey.access.secret_hashes import digest
from survey.collection.invitations import InvitationState, get_invitation_states
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Invitation, QuotaCell, Response, now
from survey.web.invitation_page import DEVICE_COOKIE
from survey.web.routes import build_routes
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

Invite = Callable[..., str]
OTHER = "0" * 64


@pytest.fixture
def stranger(field: Field, web_settings: Settings) -> TestClient:
    """Another phone."""
    app = Starlette(routes=build_routes(web_settings))
    return TestClient(app, headers={"Accept-Language": "en"})


def _boot(html: str) -> dict[str, Any]:
    match = re.search(r'<script type="application/json" id="boot">(.*?)</script>', html, re.DOTALL)
    assert match is not None
    document: dict[str, Any] = json.loads(match[1])
    return document


def _bind(client: TestClient, token: str, device: str, **more: Any) -> Any:
    return client.post(f"/q/{token}", json={"device": device, **more})


def _open_and_bind(client: TestClient, token: str) -> str:
    proof: str = _boot(client.get(f"/q/{token}").text)["device"]
    assert _bind(client, token, proof).status_code == 204
    return proof


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_pages(
    client: TestClient, invite: Invite
) -> None:
    words = client.get(f"/q/{invite()}").headers["set-cookie"].lower()
    assert DEVICE_COOKIE.name in words
    for part in ("httponly", "samesite=lax", "path=/q/"):
        assert part in words
    assert "secure" not in words


def test_a_second_device_is_refused_and_the_surveyor_sees_it(
    client: TestClient, stranger: TestClient, field: Field, invite: Invite
) -> None:
    token = invite()
    _open_and_bind(client, token)
    for _ in range(2):
        refused = stranger.get(f"/q/{token}")
        assert refused.status_code == 409
        assert "opened on another device" in refused.text
        assert token not in refused.text
    assert client.get(f"/q/{token}").status_code == 200
    with read_scope(field.url) as session:
        (row,) = session.exec(select(Invitation)).all()
        states = get_invitation_states(
            work_of(session, field.surveyor, now()), invitation_ids=[row.id]
        )
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.action == "invitation.refused_elsewhere")
        ).all()
    assert states == {row.id: InvitationState.OTHER_DEVICE}
    assert len(entries) == 1


def test_fetching_a_link_without_running_its_page_takes_it_from_nobody(
    client: TestClient, stranger: TestClient, invite: Invite
) -> None:
    """Messengers look at a link before a person does."""
    token = invite()
    assert stranger.get(f"/q/{token}").status_code == 200
    _open_and_bind(client, token)
    assert stranger.get(f"/q/{token}").status_code == 409


def test_of_two_that_open_it_together_the_first_one_keeps_it(
    client: TestClient, stranger: TestClient, invite: Invite
) -> None:
    token = invite()
    first, second = (_boot(each.get(f"/q/{token}").text)["device"] for each in (client, stranger))
    assert first != second
    assert _bind(client, token, first).status_code == 204
    assert _bind(stranger, token, second).status_code == 409
    assert _bind(client, token, first).status_code == 204


def test_a_browser_without_cookies_shows_what_its_page_kept(
    client: TestClient, field: Field, invite: Invite
) -> None:
    token = invite()
    proof = _open_and_bind(client, token)
    client.cookies.clear()
    refused = client.get(f"/q/{token}")
    assert refused.status_code == 409
    assert _boot(refused.text)["draft_key"] == digest(token)[:24]
    again = _bind(client, token, proof, page=True)
    assert again.status_code == 200
    assert again.json()["device"] == proof
    assert again.json()["meta"]["submission"] == {"token": token}
    assert _bind(client, token, OTHER, page=True).status_code == 409


def test_a_device_is_recognised_within_a_wave_by_a_hash_of_its_own(
    client: TestClient, field: Field, invite: Invite
) -> None:
    proofs = {_open_and_bind(client, invite()) for _ in range(2)}
    assert len(proofs) == 1
    secret = client.cookies[DEVICE_COOKIE.name]
    with read_scope(field.url) as session:
        stored = set(session.exec(select(Invitation.device_sha256)).all())
    assert stored == {digest(*proofs)}
    assert secret not in str(stored) + str(proofs)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"device": 1}', b'{"device": "x"}', b"x" * 5000, b"\xff"]
)
def test_nonsense_binds_nothing(
    client: TestClient, field: Field, invite: Invite, content: bytes
) -> None:
    token = invite()
    assert client.post(f"/q/{token}", content=content).status_code == 403
    with read_scope(field.url) as session:
        assert session.exec(select(Invitation.device_sha256)).one() is None


def test_other_sites_bind_nothing(client: TestClient, invite: Invite) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    answer = client.post(f"/q/{invite()}", json={"device": OTHER}, headers=elsewhere)
    assert answer.status_code == 403
    assert _bind(client, "no-such-link", OTHER).status_code == 404


def test_finished_answers_are_taken_from_any_device(
    client: TestClient,
    stranger: TestClient,
    invite: Invite,
    interview: Callable[..., dict[str, Any]],
) -> None:
    """Only opening is refused: what was answered is never lost for want of a cookie."""
    token = invite()
    _open_and_bind(client, token)
    assert stranger.post("/api/responses", json=interview(token=token)).status_code == 200


def test_a_code_that_was_taken_back_opens_nothing(
    client: TestClient, field: Field, invite: Invite, interview: Callable[..., dict[str, Any]]
) -> None:
    token = invite()
    with session_scope(field.url) as session:
        session.exec(select(Invitation)).one().voided_at = field.now
    answer = client.get(f"/q/{token}")
    assert answer.status_code == 410
    assert "not used any more" in answer.text
    answer = client.post("/api/responses", json=interview(token=token))
    assert answer.json()["status"] == "parked"
    with session_scope(field.url) as session:
        assert session.exec(select(Response)).all() == []


def test_the_page_knows_who_is_not_needed_any_more(
    client: TestClient, field: Field, invite: Invite
) -> None:
    with session_scope(field.url) as session:
        for cell in session.exec(select(QuotaCell).where(QuotaCell.age_band == "35-44")):
            cell.target = 0
    boot = _boot(client.get(f"/q/{invite()}").text)
    full = sorted(boot["meta"]["full"], key=lambda group: group["gender"])
    assert full == [{"youngest": 35, "oldest": 44, "gender": each} for each in ("female", "male")]
    assert boot["texts"]["en"]["quota_title"]


def test_the_worker_and_its_shell_carry_no_link(client: TestClient) -> None:
    worker = client.get("/q/worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-store"
    kept = json.loads(re.search(r"const FILES = (\[.*?\]);", worker.text)[1])  # type: ignore[index]
    for path in kept:
        answer = client.get(path)
        assert answer.status_code == 200
    shell = client.get(kept[0])
    assert _boot(shell.text)["kind"] == "offline"
    assert "set-cookie" not in shell.headers
