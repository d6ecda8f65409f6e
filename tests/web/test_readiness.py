"""Whether the platform says no when it cannot keep what it is given, and yes again afterwards."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from survey.settings import Settings
from survey.store import engine
from survey.store.engine import dispose_engines, engine_for
from survey.web import health, invitation_page
from survey.web.routes import build_app

if TYPE_CHECKING:
    from tests.conftest import Field

BUSY_SECONDS = 90
"""How long a writer of SQLite waits here for another process."""


@pytest.fixture
def visitor(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setattr(health, "WRITABLE_FOR", 0.0)
    settings = Settings(database_url=sqlite_url, data_dir=tmp_path / "data", demo=False)
    settings.data_dir.mkdir()
    with TestClient(build_app(settings)) as client:
        yield client


def test_a_folder_that_takes_nothing_is_said_and_overcome(
    visitor: TestClient, tmp_path: Path
) -> None:
    assert visitor.get("/ready").status_code == 200
    (tmp_path / "data").rename(tmp_path / "away")
    refused = visitor.get("/ready")
    assert (refused.status_code, refused.json()) == (503, {"status": "storage_not_writable"})
    assert visitor.get("/health").status_code == 200
    (tmp_path / "away").rename(tmp_path / "data")
    assert visitor.get("/ready").status_code == 200
    assert not list((tmp_path / "data").iterdir())


def test_a_full_disk_is_said_although_the_database_can_be_read(
    visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert visitor.get("/ready").json() == {"status": "storage_not_writable"}
    assert visitor.get("/ready").status_code == 200


def test_a_disk_that_took_the_probe_is_not_asked_at_every_visit(
    visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WRITABLE_FOR", 60.0)
    assert visitor.get("/ready").status_code == 200
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert visitor.get("/ready").status_code == 200


def test_a_locked_database_is_said_while_links_still_open(
    field: Field, invite: Callable[..., str], web_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Another process writes for longer than anybody would wait."""
    dispose_engines()
    monkeypatch.setattr(engine, "SQLITE_BUSY_MILLISECONDS", BUSY_SECONDS * 1000)
    monkeypatch.setattr(invitation_page, "OPEN_SECONDS", 0.3)
    address = f"/q/{invite()}"
    with TestClient(build_app(web_settings), headers={"Accept-Language": "en"}) as client:
        assert client.get("/ready").status_code == 200
        with closing(sqlite3.connect(str(engine_for(field.url).url.database))) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            page = client.get(address)
            proof = re.search(r'"device":"([0-9a-f]{64})"', page.text)
            assert proof is not None
            opened = client.post(address, json={"device": proof[1]})
            ready = client.get("/ready")
            assert time.monotonic() - began < BUSY_SECONDS
            other.rollback()
        assert page.status_code == 200
        assert opened.status_code == 503
        assert "Nothing is lost" in opened.text
        assert (ready.status_code, ready.json()) == (503, {"status": "store_unavailable"})
        assert client.post(address, json={"device": proof[1]}).status_code == 204
        assert client.get("/ready").status_code == 200


def test_a_database_that_somebody_keeps_to_himself_is_said_on_the_page_of_a_link(
    field: Field, invite: Callable[..., str], web_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As a restore keeps it: nobody can even read."""
    dispose_engines()
    monkeypatch.setattr(engine, "SQLITE_BUSY_MILLISECONDS", BUSY_SECONDS * 1000)
    monkeypatch.setattr(invitation_page, "OPEN_SECONDS", 0.3)
    address = f"/q/{invite()}"
    database = str(engine_for(field.url).url.database)
    dispose_engines()
    with TestClient(build_app(web_settings), headers={"Accept-Language": "en"}) as client:
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
            other.execute("PRAGMA journal_mode=DELETE")
            other.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            page = client.get(address)
            ready = client.get("/ready")
            assert time.monotonic() - began < BUSY_SECONDS
            other.execute("ROLLBACK")
        assert page.status_code == 503
        assert "Please reload this page" in page.text
        assert ready.json() == {"status": "store_unavailable"}
        assert client.get(address).status_code == 200
