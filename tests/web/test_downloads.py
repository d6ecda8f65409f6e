"""A file goes to the session that asked for it, once, while the right to it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.principal import Principal
from survey.access.roles import Action, Role
from survey.access.sessions import COOKIE, SignIn, end_sessions, principal_of, sign_in_demo
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, now
from survey.web import downloads
from survey.web.downloads import (
    DOWNLOAD_STORE,
    LIFETIME_SECONDS,
    Download,
    DownloadStore,
    content_disposition,
)
from tests.error_codes import raises_code

if TYPE_CHECKING:
    from tests.conftest import Field

Offer = Callable[..., str]
CONTENT = "城市,得分\n北京市,81.2\n".encode()


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    yield
    DOWNLOAD_STORE._pending.clear()


def signed_in(field: Field, role: Role) -> tuple[str, Principal]:
    with session_scope(field.url) as session:
        secret = sign_in_demo(SignIn(session, now()), role)
        account = session.exec(select(Account).where(Account.login == f"demo-{role}")).one()
        return secret, principal_of(account)


@pytest.fixture
def analyst(field: Field, demo_accounts: None) -> tuple[str, Principal]:
    return signed_in(field, Role.ANALYST)


def offered(holder: tuple[str, Principal], name: str = "rows.csv", content: bytes = CONTENT) -> str:
    secret, person = holder
    return DOWNLOAD_STORE.add(
        secret, Download(name, "text/csv", content, person, Action.EXPORT_ROWS)
    )


def ask(client: TestClient, address: str, secret: str | None, **headers: str) -> Any:
    if secret is not None:
        headers["Cookie"] = f"{COOKIE}={secret}"
    return client.get(address, headers=headers)


def entries(field: Field) -> list[AuditEntry]:
    with read_scope(field.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == AuditEvent.EXPORT_DOWNLOADED)
        return list(session.exec(query).all())


def test_the_owner_gets_it_once_and_the_trail_says_so(
    client: TestClient, field: Field, analyst: tuple[str, Principal]
) -> None:
    address = offered(analyst, "得分 2026.csv")
    answer = ask(client, address, analyst[0])
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["content-disposition"]
    assert disposition == (
        "attachment; filename=\"2026.csv\"; filename*=UTF-8''%E5%BE%97%E5%88%86%202026.csv"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    (entry,) = entries(field)
    assert (entry.actor_id, entry.subject_id) == (analyst[1].account_id, "得分 2026.csv")
    assert entry.detail == {"bytes": len(CONTENT)}
    again = ask(client, address, analyst[0])
    assert again.status_code == 404
    assert "press the button again" in again.text
    assert len(entries(field)) == 1


def test_without_the_cookie_of_that_session_there_is_nothing(
    client: TestClient, field: Field, analyst: tuple[str, Principal]
) -> None:
    address = offered(analyst)
    other, _ = signed_in(field, Role.NATIONAL_OFFICIAL)
    same_person_elsewhere, _ = signed_in(field, Role.ANALYST)
    assert ask(client, address, None).status_code == 403
    assert ask(client, address, "forged").status_code == 403
    assert ask(client, address, other).status_code == 404
    assert ask(client, address, same_person_elsewhere).status_code == 404
    foreign = ask(client, address, analyst[0], **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert ask(client, "/download/" + "0" * 43, analyst[0]).status_code == 404
    assert not entries(field)
    # None of them has used it up.
    assert ask(client, address, analyst[0]).content == CONTENT


def test_other_methods_do_not_use_it_up(client: TestClient, analyst: tuple[str, Principal]) -> None:
    address = offered(analyst)
    cookie = {"Cookie": f"{COOKIE}={analyst[0]}"}
    for method in ("HEAD", "POST", "PUT", "DELETE"):
        assert client.request(method, address, headers=cookie).status_code == 405
    assert ask(client, address, analyst[0]).status_code == 200


def test_signing_out_takes_it_away(
    client: TestClient, field: Field, analyst: tuple[str, Principal]
) -> None:
    address = offered(analyst)
    assert DOWNLOAD_STORE.held_bytes
    left = client.post(
        "/auth/logout", headers={"Cookie": f"{COOKIE}={analyst[0]}"}, follow_redirects=False
    )
    assert left.status_code == 303
    assert not DOWNLOAD_STORE.held_bytes
    assert ask(client, address, analyst[0]).status_code == 403
    assert not entries(field)


def _lock(account: Account) -> None:
    account.active = False


def _other_role(account: Account) -> None:
    account.role = Role.CITY_OFFICIAL


def _other_area(account: Account) -> None:
    account.area = "310000"


def _other_role_with_the_right(account: Account) -> None:
    account.role = Role.NATIONAL_OFFICIAL


@pytest.mark.parametrize(
    "change",
    [_lock, _other_role, _other_area, _other_role_with_the_right],
    ids=lambda change: change.__name__,
)
def test_a_right_that_was_lost_in_between_counts(
    client: TestClient,
    field: Field,
    analyst: tuple[str, Principal],
    change: Callable[[Account], None],
) -> None:
    address = offered(analyst)
    with session_scope(field.url) as session:
        change(session.get_one(Account, analyst[1].account_id))
    assert ask(client, address, analyst[0]).status_code == 403
    assert not entries(field)


def test_a_right_that_the_role_has_not_is_refused_whoever_made_the_file(
    client: TestClient, field: Field, demo_accounts: None
) -> None:
    official = signed_in(field, Role.CITY_OFFICIAL)
    assert ask(client, offered(official), official[0]).status_code == 403


def test_sessions_ended_elsewhere_end_it_too(
    client: TestClient, field: Field, analyst: tuple[str, Principal]
) -> None:
    address = offered(analyst)
    with session_scope(field.url) as session:
        end_sessions(session=session, account_id=analyst[1].account_id, now=now())
    assert ask(client, address, analyst[0]).status_code == 403


def test_what_cannot_be_entered_is_not_given_away(
    client: TestClient, analyst: tuple[str, Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    from survey.store.transactions import StoreUnavailableError

    def full(**_: Any) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr(downloads, "record_download", full)
    answer = ask(client, offered(analyst), analyst[0])
    assert answer.status_code == 503
    assert CONTENT not in answer.content


def test_two_at_the_same_moment_get_one_file(analyst: tuple[str, Principal]) -> None:
    number = offered(analyst).removeprefix(downloads.PREFIX)
    start, got = threading.Barrier(8), []

    def take() -> None:
        start.wait()
        got.append(DOWNLOAD_STORE.pop(number, analyst[0]))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([file for file in got if file is not None]) == 1


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_file_waits_a_minute_and_its_bytes_do_not_stay(analyst: tuple[str, Principal]) -> None:
    clock = Clock()
    room = DownloadStore(clock=clock)
    file = Download("a", "text/csv", CONTENT, analyst[1], None)
    address = room.add("one", file)
    clock.now = LIFETIME_SECONDS
    # Nobody comes any more: what was set up with the first file looks again by itself.
    assert room._sweeper is not None
    assert room._sweeper.daemon
    room._sweep_expired()
    assert room.held_bytes == 0
    assert room._sweeper is None
    assert room.pop(address.removeprefix(downloads.PREFIX), "one") is None


def test_what_one_session_and_all_together_hold_is_bounded(analyst: tuple[str, Principal]) -> None:
    room = DownloadStore(max_session_bytes=100, max_process_bytes=250)
    file = Download("a", "text/csv", b"x" * 60, analyst[1], None)
    first = room.add("one", file)
    room.add("one", file)
    assert room.held_bytes == 60
    assert room.pop(first.removeprefix(downloads.PREFIX), "one") is None
    with raises_code("download_too_large"):
        room.add("one", replace(file, content=b"x" * 101))
    for holder in ("two", "three", "four"):
        room.add(holder, file)
    with raises_code("too_many_downloads"):
        room.add("five", file)
    assert room.held_bytes == 240
    small = DownloadStore()
    for _ in range(50):
        small.add("one", replace(file, content=b""))
    assert len(small._pending) <= 8
    for each in (room, small):
        assert each._sweeper is not None
        each._sweeper.cancel()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.csv", "a.csv"),
        ("样本 计划.xlsx", "xlsx"),
        ('a"b\r\nX: y.csv', "a_b_X_y.csv"),
        ("..", "file"),
        ("", "file"),
        ("../../etc/passwd", "etc_passwd"),
    ],
)
def test_a_name_cannot_add_to_the_header(name: str, plain: str) -> None:
    disposition = content_disposition(name)
    assert f'filename="{plain}"' in disposition
    assert disposition.isascii()
    assert disposition.isprintable()
