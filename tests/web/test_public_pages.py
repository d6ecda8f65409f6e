"""The bare pages: what they carry, what they weigh, and what they refuse."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select
from starlette.requests import Request
from starlette.testclient import TestClient

from survey.locale import translator
from survey.questionnaire.browser_payload import browser_form
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Invitation
from survey.web.http import PAGE_HEADERS
from survey.web.notice_pages import HtmlPage, html_response

if TYPE_CHECKING:
    from tests.conftest import Field

Invite = Callable[..., str]
ASSET = re.compile(r'"(/assets/[^"]+)"')
FIRST_LOAD = 60_000
FORM_SIZE = 21_600
"""XLSForms as people write them took 1.1 kB (filters of choices, times, rankings), pictures 0.1."""


def boot_of(html: str) -> dict[str, Any]:
    match = re.search(r'<script type="application/json" id="boot">(.*?)</script>', html, re.DOTALL)
    assert match is not None
    document: dict[str, Any] = json.loads(match[1])
    return document


def wire_size(client: TestClient, path: str) -> int:
    """Bytes of the body as sent, with what the headers add."""
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        body = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding") == "gzip", path
        headers = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    assert gzip.decompress(body)
    return len(body) + headers


def test_the_page_behind_a_link(client: TestClient, field: Field, invite: Invite) -> None:
    token = invite()
    answer = client.get(f"/q/{token}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "streamlit" not in answer.text.lower()
    boot = boot_of(answer.text)
    assert boot["meta"]["submission"] == {"token": token}
    assert boot["texts"].keys() == {"zh", "en"}
    assert token not in str(boot["draft_key"])
    for name, value in PAGE_HEADERS.items():
        assert answer.headers[name] == value


def test_opening_a_link_is_remembered_and_may_be_repeated(
    client: TestClient, field: Field, invite: Invite
) -> None:
    token = invite()
    for _ in range(3):
        page = client.get(f"/q/{token}")
        assert page.status_code == 200
        device = boot_of(page.text)["device"]
        assert client.post(f"/q/{token}", json={"device": device}).status_code == 204
    with read_scope(field.url) as session:
        opened = [each.opened_at for each in session.exec(select(Invitation))]
    assert len(opened) == 1
    assert opened[0] is not None


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB", "en"), ("fr-FR,fr", "zh"), ("", "zh")],
)
def test_the_page_speaks_the_readers_language(
    client: TestClient, invite: Invite, accepted: str, language: str
) -> None:
    answer = client.get(f"/q/{invite()}", headers={"Accept-Language": accepted})
    assert boot_of(answer.text)["language"] == language
    assert answer.headers["content-language"] == language


def test_links_that_open_nothing_are_answered_kindly(
    client: TestClient, field: Field, invite: Invite
) -> None:
    used = invite()
    with session_scope(field.url) as session:
        for each in session.exec(select(Invitation)):
            each.used_at = field.now
            session.add(each)
    for token, status in ((used, 410), (invite(ago=timedelta(days=9)), 410), ("x" * 22, 404)):
        english = client.get(f"/q/{token}")
        chinese = client.get(f"/q/{token}", headers={"Accept-Language": "zh-CN"})
        assert english.status_code == chinese.status_code == status
        assert english.headers["cache-control"] == "no-store"
        assert english.text != chinese.text
        assert "<h1" in english.text


def test_a_link_is_only_text(client: TestClient) -> None:
    for token in ("<script>alert(1)</script>", "%00", "a" * 5000, "..%2f..%2fetc%2fpasswd"):
        answer = client.get(f"/q/{token}")
        assert answer.status_code == 404
        assert "alert(1)" not in answer.text


def test_data_in_the_page_cannot_end_its_script(
    client: TestClient, field: Field, invite: Invite
) -> None:
    evil = "</script><script>alert(1)</script>"
    request = Request({"type": "http", "headers": []})
    for is_cached in (False, True):
        for boot in ({"kind": "form", "x": evil}, {"kind": "form", "x": "another <boot> of it"}):
            values = {"form_url": evil, "loading": evil, "no_script": "<boot>"}
            page = HtmlPage("form", "zh", evil, values, boot, is_cached=is_cached)
            text = bytes(html_response(request, page).body).decode()
            assert "</script><script>alert" not in text
            inert = text.split('id="boot">', 1)[1].split("</script>")[0]
            assert json.loads(inert) == boot


def test_the_questionnaire_is_kept_for_ever(client: TestClient, field: Field) -> None:
    sha256 = field.instrument.sha256
    answer = client.get(f"/form/{sha256}.json")
    assert answer.json() == browser_form(field.instrument)
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/form/{'0' * 64}.json").status_code == 404
    assert client.get("/form/../../etc.json").status_code == 404


def test_assets_are_named_after_their_content(client: TestClient, invite: Invite) -> None:
    paths = ASSET.findall(client.get(f"/q/{invite()}").text)
    assert len(paths) == 2
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
    assert client.get("/assets/form.0000000000000000.js").status_code == 404


def test_the_whole_first_load_is_small(client: TestClient, field: Field, invite: Invite) -> None:
    page = f"/q/{invite()}"
    paths = [page, *ASSET.findall(client.get(page).text), f"/form/{field.instrument.sha256}.json"]
    sizes = {path: wire_size(client, path) for path in paths}
    assert sum(sizes.values()) <= FIRST_LOAD
    scripts = sum(size for path, size in sizes.items() if path.startswith("/assets/"))
    assert scripts <= FORM_SIZE


def test_health_and_readiness(client: TestClient, field: Field) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}


def test_not_ready_without_a_store(client: TestClient, field: Field) -> None:
    with session_scope(field.url) as session:
        session.connection().exec_driver_sql("ALTER TABLE instrument_version RENAME TO gone")
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert client.get("/health").status_code == 200


def test_every_word_of_the_form_is_translated() -> None:
    from survey.web.form_texts import form_texts

    chinese, english = form_texts("zh"), form_texts("en")
    assert chinese.keys() == english.keys()
    same = {key for key in english if chinese[key] == english[key]}
    assert same == set()
    assert translator("zh")("Continue") == chinese["next"]
