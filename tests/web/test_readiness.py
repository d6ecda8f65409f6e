"""Whether the platform says no when it cannot keep what it is given, and yes again afterwards."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from survey.settings import Settings
from survey.web import health
from survey.web.routes import build_app


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
