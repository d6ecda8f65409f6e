"""After an update of the software the tables are computed again; what was frozen stays."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlmodel import Session, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.results import SnapshotNotFoundError, list_waves, open_results, recompute
from survey.results.recompute import list_altered_tables, recompute_wave
from survey.results.snapshots import outdated_waves
from survey.results.tables import write_tables
from survey.results.wave_parts import WaveParts
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import SnapshotDamagedError, parquet_bytes
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Publication,
    PublicationState,
    Shown,
    Snapshot,
    Wave,
    WaveState,
    new_id,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

pytestmark = pytest.mark.slow

WAVE, RELEASE = "minors-2024", "minors-2024-1"
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
        recompute_wave(work_of(session, actor, NOW, settings=settings), wave_key=wave)


def altered(settings: Settings, session: Session, actor: Principal = OPERATOR) -> tuple[str, ...]:
    return list_altered_tables(work_of(session, actor, settings=settings), wave_key=WAVE)


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


@pytest.fixture
def published(settings: Settings) -> Iterator[Settings]:
    """The supplement while a release of it stands at the register."""
    with session_scope(settings.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        states = [*WaveState]
        for state in states[states.index(wave.state) + 1 :]:
            wave.state = state
            session.add(wave)
            session.flush()
        snapshot = session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one()
        release = Publication(
            key=RELEASE,
            wave_id=wave.id,
            title_zh="结果",
            title_en="Results",
            state=PublicationState.PUBLISHED,
            shown=Shown.SCORES,
            contact="12315",
            embargo_until=NOW,
            snapshot_id=snapshot.id,
            first_signed_at=NOW,
            second_signed_at=NOW,
            one_person="test",
            published_at=NOW,
        )
        session.add(release)
    yield settings
    with session_scope(settings.store_url) as session:
        session.delete(session.exec(select(Publication)).one())
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        wave.state = WaveState.FROZEN


def change_table(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """Let recomputations make another table, as another version of the software may."""

    def write_other_tables(
        folder: Path, source: WaveParts, draft: SnapshotDraft, *rest: Any
    ) -> None:
        write_tables(folder, source, draft, *rest)
        table = change(pd.read_parquet(BytesIO(draft.find_new(folder / name) or b"")))
        draft.write(folder / name, parquet_bytes(table))

    monkeypatch.setattr(recompute, "write_tables", write_other_tables)


def add_to_first_shown(column: str, points: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        first = table.index[table[column].notna()][0]
        table.loc[first, column] += points
        return table

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "column"),
    [("cells.parquet", "estimate"), ("cells.parquet", "n"), ("gaps.parquet", "difference")],
)
def test_a_published_figure_is_corrected_and_never_computed_away(
    published: Settings, monkeypatch: pytest.MonkeyPatch, name: str, column: str
) -> None:
    folder = folder_of(published)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with monkeypatch.context() as patch:
        change_table(patch, name, add_to_first_shown(column, 1.0))
        with raises_code("published_figures_changed", match=f"1 figures .* {RELEASE}"):
            again(published)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with read_scope(published.store_url) as session:
        assert altered(published, session) == ()
    again(published)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_the_figures_of_every_kind_are_compared(small_demo: Path) -> None:
    """A column by a wrong name would be left out without a word."""
    folder = next((small_demo / "snapshots" / "main-2024").glob("*/method.json")).parent
    for name, columns in recompute.FIGURES.items():
        assert set(columns) <= set(pd.read_parquet(folder / name).columns), name
    # With the one of the two waves that was frozen last.
    changes = next((small_demo / "snapshots").rglob("changes-main-20*.parquet"))
    assert set(recompute.CHANGES) <= set(pd.read_parquet(changes).columns)
    tables = {path.name for path in folder.glob("*.parquet")}
    others = {name for name in tables if not name.startswith(("responses-", "changes-"))}
    assert others - set(recompute.FIGURES) == {"rank_pairs.parquet"}


@pytest.mark.slow
def test_a_published_figure_does_not_vanish(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_table(monkeypatch, "cells.parquet", lambda table: table.iloc[1:])
    with raises_code("published_figures_changed"):
        again(published)


@pytest.mark.slow
def test_what_no_release_prints_may_be_computed_anew(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update adds columns and mends design effects; no figure of the release says otherwise."""

    def update(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(deff=1.0, later=2.0, estimate=table["estimate"] + 1e-12)

    folder = folder_of(published)
    before = (folder / "cells.parquet").read_bytes()
    with monkeypatch.context() as patch:
        change_table(patch, "cells.parquet", update)
        again(published)
    assert (folder / "cells.parquet").read_bytes() != before
    again(published)
    assert (folder / "cells.parquet").read_bytes() == before


@pytest.mark.slow
def test_a_lost_table_of_a_release_is_restored_to_the_byte_or_not_at_all(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = folder_of(published) / "cells.parquet"
    before = cells.read_bytes()
    cells.write_bytes(before[:-1])
    with monkeypatch.context() as patch:
        change_table(patch, "cells.parquet", lambda table: table.assign(deff=1.0))
        with raises_code("published_figures_changed", match="backup"):
            again(published)
    assert cells.read_bytes() == before[:-1]
    again(published)
    assert cells.read_bytes() == before


def test_only_an_administrator_and_only_what_was_frozen(settings: Settings) -> None:
    analyst = Principal(new_id(), "reader", Role.ANALYST, "CN")
    with pytest.raises(AccessDeniedError):
        again(settings, analyst)
    with read_scope(settings.store_url) as session, pytest.raises(AccessDeniedError):
        altered(settings, session, analyst)
    with pytest.raises(SnapshotNotFoundError):
        again(settings, wave="main-2024")
