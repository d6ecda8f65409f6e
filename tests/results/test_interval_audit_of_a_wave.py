"""The audit of intervals at a freeze and by command: what is too narrow stops it, and is named."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from sqlmodel import select
from typer.testing import CliRunner

from survey.access.principal import OPERATOR
from survey.cli.main import app
from survey.disclosure import IntervalAuditor
from survey.disclosure.interval_audit import NarrowCell
from survey.disclosure.suppression import Flags, Floats
from survey.figures.views.method import build_method_view
from survey.results import open_results
from survey.results.freeze import freeze_wave
from survey.results.method import IntervalAuditMethod
from survey.results.whole_audits import audit_wave
from survey.settings import Settings, current_settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import AuditEntry, Snapshot
from tests.error_codes import raises_code
from tests.work_of import work_of

WAVE = "main-2024"


@pytest.fixture
def store(frozen_small_demo: Path, tmp_path: Path) -> Iterator[Settings]:
    folder = tmp_path / "store"
    shutil.copytree(frozen_small_demo, folder)
    yield Settings(database_url="", data_dir=folder)
    dispose_engines()


@pytest.fixture
def survey(store: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    monkeypatch.setenv("SURVEY_DATABASE_URL", "")
    monkeypatch.setenv("SURVEY_DATA_DIR", str(store.data_dir))
    monkeypatch.setenv("SURVEY_LANGUAGE", "en")
    current_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, list(arguments))
    current_settings.cache_clear()


def _finds_the_first(self: IntervalAuditor, known: Floats, target: Flags, _: object) -> Flags:
    """As if the first hidden cell lay between 3 and 7 and nothing could be hidden beside it."""
    place = tuple(int(index) for index in np.argwhere(target)[0])
    self.hidden, self.narrow = int(target.sum()), (NarrowCell(place, 3, 7),)
    return np.zeros_like(target)


def test_the_method_says_what_was_audited(store: Settings) -> None:
    folder = next(store.snapshot_dir.glob(f"{WAVE}/*/method.json"))
    audit = json.loads(folder.read_text())["interval_audit"]
    assert audit["hidden"] > 50_000
    assert audit["not_reached"] == audit["hidden"] - audit["audited"]
    assert 0 < audit["bases"] < 100
    assert audit["programmes"] > 0
    assert audit["width"] == 10


@pytest.mark.slow
def test_a_freeze_that_tells_too_much_fails_and_names_the_cell(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_scope(store.store_url) as session:
        before = session.exec(select(Snapshot.sha256)).all()
    monkeypatch.setattr(IntervalAuditor, "narrow_cells", _finds_the_first)
    with raises_code("narrow_interval", match=r"city 110000 .* \(3–7\)"):
        freeze_wave(store, wave_key=WAVE, actor=OPERATOR)
    with read_scope(store.store_url) as session:
        assert session.exec(select(Snapshot.sha256)).all() == before


def test_the_command_names_what_it_finds_and_fails(
    survey: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = survey("disclosure", "audit", "--wave", WAVE)
    assert fine.exit_code == 0
    assert "0 are known too closely" in fine.output
    works: list[int | None] = []

    def found(self: IntervalAuditor, known: Floats, target: Flags, relations: object) -> Flags:
        works.append(self.work)
        return _finds_the_first(self, known, target, relations)

    monkeypatch.setattr(IntervalAuditor, "narrow_cells", found)
    bad = survey("disclosure", "audit", "--wave", WAVE, "--all", "--format", "json")
    assert bad.exit_code == 1
    assert works == [None]
    [cell] = json.loads(bad.stdout)
    assert (cell["area_level"], cell["low"], cell["high"]) == ("city", 3, 7)
    assert survey("disclosure", "audit", "--wave", "none").exit_code == 1


def test_who_looked_stands_in_the_trail(store: Settings) -> None:
    with session_scope(store.store_url) as session:
        audit_wave(work_of(session, OPERATOR, settings=store), wave_key=WAVE)
    with read_scope(store.store_url) as session:
        details = session.exec(
            select(AuditEntry.detail).where(AuditEntry.action == "wave.intervals_audited")
        ).all()
    assert details[0]["narrow"] == 0


@pytest.mark.parametrize(
    ("audited", "expected"),
    [
        (10_000, "about 10,000 of about 120,000 by linear programming"),
        (10_000, "About 110,000 were not reached"),
        (123_456, "every hidden count, by linear programming"),
        (0, "from one total after the other: its smallest"),
    ],
)
def test_the_method_page_says_how_much_was_audited(
    store: Settings, audited: int, expected: str
) -> None:
    """In round numbers: beside the cells not shown an exact one would tell how many are empty."""
    with read_scope(store.store_url) as session:
        results = open_results(store, session, WAVE)
    record = IntervalAuditMethod(
        seed=1, width=10, hidden=123_456, audited=audited, widened=0, programmes=1
    )
    view = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method.model_copy(update={"interval_audit": record}),
        tree=results.tree,
        language="en",
    )
    [sentence] = [text for name, text in view.disclosure if name == "Check of what is hidden"]
    assert expected in sentence
    assert "differ by at least 10" in sentence
    assert "123,456" not in sentence
