"""`survey export …`: files of a frozen wave by the ending of their names."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pyreadstat
import pytest
from click.testing import Result
from sqlmodel import select

from survey.access.roles import Role
from survey.settings import Settings, current_settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, RowExport, Snapshot, WaveState
from survey.waves.waves import get_wave

Survey = Callable[..., Result]
WAVE = "main-2024"
PURPOSE = "Check the score of elderly people"


@pytest.fixture
def demo(survey: Survey, frozen_small_demo: Path) -> Iterator[Settings]:
    """The data folder of `survey` with the small demo wave, frozen for good, and an analyst."""
    settings = current_settings()
    shutil.copytree(frozen_small_demo, settings.data_dir)
    with session_scope(settings.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        wave.state = WaveState.FROZEN
        session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one().final = True
        session.add(Account(login="lin", name="Lin", role=Role.ANALYST, area="CN"))
    yield settings
    dispose_engines()


def export(survey: Survey, kind: str, out: Path, *more: str) -> Result:
    return survey("export", kind, "--wave", WAVE, "--out", str(out), *more)


@pytest.mark.parametrize("ending", ["sav", "dta", "parquet", "csv", "xlsx"])
def test_rows_of_a_demonstration_are_recorded_and_for_their_owner_only(
    survey: Survey, demo: Settings, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"rows.{ending}"
    made = export(survey, "rows", file)
    assert made.exit_code == 0, made.output
    assert "written" in made.output
    assert file.stat().st_mode & 0o777 == 0o600
    with read_scope(demo.store_url) as session:
        kept = session.exec(select(RowExport)).one()
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "rows.exported")).one()
    assert (kept.form, kept.purpose) == (ending, "To try out the demonstration")
    assert (entry.actor_id, entry.detail["login"]) == (None, "demo-analyst")


def test_rows_name_the_analyst_and_the_purpose(
    survey: Survey, demo: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "rows.sav"
    made = export(survey, "rows", file, "--account", "lin", "--purpose", PURPOSE)
    assert made.exit_code == 0, made.output
    _, meta = pyreadstat.read_sav(file, metadataonly=True)
    assert "Exported for Lin" in "".join(meta.notes)
    assert PURPOSE in "".join(meta.notes)


def test_rows_of_a_survey_take_an_analyst_and_a_purpose(
    survey: Survey, demo: Settings, tmp_path: Path
) -> None:
    with session_scope(demo.store_url) as session:
        get_wave(session=session, key=WAVE).is_demo = False
    file = tmp_path / "rows.csv"
    refusals = (
        ((), "name both"),
        (("--account", "lin"), "name both"),
        (("--purpose", PURPOSE), "name both"),
        (("--account", "lin", "--purpose", "short"), "what the rows are needed for"),
        (("--account", "demo-analyst", "--purpose", PURPOSE), "demonstration data only"),
        (("--account", "nobody", "--purpose", PURPOSE), ""),
    )
    for options, reason in refusals:
        refused = export(survey, "rows", file, *options)
        assert (refused.exit_code, reason in refused.output) == (1, True), refused.output
        assert not file.exists()
    with read_scope(demo.store_url) as session:
        assert session.exec(select(RowExport)).all() == []


def test_rows_that_cannot_be_written_are_not_recorded_as_taken(
    survey: Survey, demo: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    file = folder / "rows.csv"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", Mock(side_effect=OSError(28, "No space left on device")))
        refused = export(survey, "rows", file)
        assert (refused.exit_code, "space" in refused.output) == (2, True), refused.output
    assert list(folder.iterdir()) == []
    with read_scope(demo.store_url) as session:
        assert session.exec(select(RowExport)).all() == []
    file.write_text("mine")
    assert export(survey, "rows", file).exit_code == 2
    assert file.read_text() == "mine"


def test_an_unknown_ending_is_wrong_usage(survey: Survey, demo: Settings, tmp_path: Path) -> None:
    assert export(survey, "rows", tmp_path / "rows.exe").exit_code == 2
    assert list(tmp_path.glob("rows.*")) == []


@pytest.mark.parametrize("ending", ["xlsx", "html", "xml", "json", "zip"])
def test_the_codebook_is_written_in_every_format(
    survey: Survey, demo: Settings, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"codebook.{ending}"
    made = export(survey, "codebook", file)
    assert made.exit_code == 0, made.output
    assert file.stat().st_size > 10_000
    unknown = survey("export", "codebook", "--wave", "none-2024", "--out", str(tmp_path / "x.xml"))
    assert unknown.exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_the_tables_are_written_in_both_formats(
    survey: Survey, demo: Settings, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"tables.{ending}"
    made = export(survey, "table", file)
    assert made.exit_code == 0, made.output
    assert file.stat().st_size > 10_000
    assert export(survey, "table", tmp_path / "tables.sav").exit_code == 2
    with read_scope(demo.store_url) as session:
        query = select(AuditEntry.subject_id, AuditEntry.detail).where(
            AuditEntry.action == AuditEvent.EXPORT_DOWNLOADED
        )
        assert (file.name, {"by": "operator", "bytes": file.stat().st_size}) in session.exec(
            query
        ).all()
