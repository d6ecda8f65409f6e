"""After an update of the software the tables are computed again; what was frozen stays."""

import json
import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import Session, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.results import SnapshotNotFoundError, list_waves, open_results
from survey.results.recompute import list_altered_tables, recompute_wave
from survey.results.snapshots import outdated_waves
from survey.settings import Settings
from survey.snapshot.snapshot_files import SnapshotDamagedError
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, new_id

WAVE = "minors-2024"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(frozen_supplement: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One small supplement, frozen."""
    folder = tmp_path_factory.mktemp("recompute") / "data"
    shutil.copytree(frozen_supplement, folder)
    return Settings(database_url="", data_dir=folder)


def folder_of(settings: Settings) -> Path:
    return next(settings.snapshot_dir.rglob("method.json")).parent


def again(settings: Settings, actor: Principal = OPERATOR, wave: str = WAVE) -> None:
    with session_scope(settings.store_url) as session:
        recompute_wave(settings, session, wave_key=wave, actor=actor, now=NOW)


def altered(settings: Settings, session: Session, actor: Principal = OPERATOR) -> tuple[str, ...]:
    return list_altered_tables(settings, session, wave_key=WAVE, actor=actor)


def test_tables_of_another_version_are_named_and_mended(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(settings)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with read_scope(settings.store_url) as session:
        infos = list_waves(settings, session)
        assert outdated_waves(settings, session) == []
    method = json.loads((folder / "method.json").read_text())
    (folder / "method.json").write_text(json.dumps({**method, "format": 1}))
    (folder / "cells.parquet").write_bytes(b"of an older version")
    with read_scope(settings.store_url) as session:
        assert outdated_waves(settings, session) == [WAVE]
        with pytest.raises(SnapshotDamagedError, match="survey recompute"):
            open_results(settings, session, WAVE)
        assert altered(settings, session) == ("cells.parquet", "method.json")
    with caplog.at_level(logging.WARNING):
        again(settings)
    assert "method.json of minors-2024 was changed after it was sealed" in caplog.text
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with read_scope(settings.store_url) as session:
        assert outdated_waves(settings, session) == []
        assert altered(settings, session) == ()
        assert list_waves(settings, session) == infos
        assert "wave.recomputed" in session.exec(select(AuditEntry.action)).all()


def test_responses_changed_after_the_freeze_are_not_computed_from(settings: Settings) -> None:
    responses = next(folder_of(settings).glob("responses-*.parquet"))
    kept = responses.read_bytes()
    responses.write_bytes(kept[:-1])
    try:
        with pytest.raises(
            SnapshotDamagedError, match=r"responses-\d+\.parquet .* was changed after"
        ):
            again(settings)
    finally:
        responses.write_bytes(kept)


def test_only_an_administrator_and_only_what_was_frozen(settings: Settings) -> None:
    analyst = Principal(new_id(), "reader", Role.ANALYST, "CN")
    with pytest.raises(AccessDeniedError):
        again(settings, analyst)
    with read_scope(settings.store_url) as session, pytest.raises(AccessDeniedError):
        altered(settings, session, analyst)
    with pytest.raises(SnapshotNotFoundError):
        again(settings, wave="main-2024")
