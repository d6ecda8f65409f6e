"""A file of a command is there whole and recorded, or there is neither file nor entry."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer
from click.testing import Result
from sqlmodel import func, select

from survey.cli import operator
from survey.cli import report as report_commands
from survey.cli.output_file import output_file
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.settings import Settings, current_settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import Account, AuditEntry
from survey.store.transactions import StoreUnavailableError
from survey.waves.instruments import list_instruments

Survey = Callable[..., Result]
WAVE = "main-2024"
COMMANDS = {
    "table": ("export", "table", "--wave", WAVE, "--out", "{folder}/table.csv"),
    "codebook": ("export", "codebook", "--wave", WAVE, "--out", "{folder}/codebook.html"),
    "report": ("report", "nation", "--wave", WAVE, "--out", "{folder}/nation.pdf"),
    "trail": ("audit", "export", "{folder}/trail.csv"),
}
_HANDED_OUT = (AuditEvent.EXPORT_DOWNLOADED, AuditEvent.EXPORT_REPORT, AuditEvent.ROWS_EXPORTED)


@pytest.fixture
def store(survey: Survey, synthetic_waves: Settings) -> Settings:
    shutil.copytree(synthetic_waves.data_dir, current_settings().data_dir)
    return current_settings()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def count_entries(store: Settings) -> int:
    query = select(func.count()).where(AuditEntry.action.in_(_HANDED_OUT))  # type: ignore[attr-defined]
    with read_scope(store.store_url) as session:
        return session.exec(query).one()


def run(survey: Survey, command: str, folder: Path) -> Result:
    return survey(*(word.format(folder=folder) for word in COMMANDS[command]))


def refuse_to_record(*_: Any, **__: Any) -> NoReturn:
    raise StoreUnavailableError


def refuse_to_write(*_: Any) -> NoReturn:
    raise OSError(28, "No space left on device")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_recorded_leaves_no_file(
    survey: Survey, store: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for module, name in ((operator, "record_download"), (report_commands, "record_reports")):
        monkeypatch.setattr(module, name, refuse_to_record)
    assert run(survey, command, folder).exit_code == 1
    assert list(folder.iterdir()) == []
    before = folder / Path(COMMANDS[command][-1]).name
    before.write_bytes(b"of last week")
    assert run(survey, command, folder).exit_code == 1
    assert [path.read_bytes() for path in folder.iterdir()] == [b"of last week"]
    assert count_entries(store) == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_written_is_not_recorded_as_done(
    survey: Survey, store: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The disk is full when the content is brought to it."""
    before = folder / Path(COMMANDS[command][-1]).name
    before.write_bytes(b"of last week")
    monkeypatch.setattr(os, "fsync", refuse_to_write)
    refused = run(survey, command, folder)
    assert (refused.exit_code, "space" in refused.output) == (2, True)
    assert [path.read_bytes() for path in folder.iterdir()] == [b"of last week"]
    assert count_entries(store) == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_there_is_replaced_at_once(
    survey: Survey, store: Settings, folder: Path, command: str
) -> None:
    file = folder / Path(COMMANDS[command][-1]).name
    file.write_bytes(b"of last week")
    file.chmod(0o640)
    before = file.stat().st_ino
    with file.open("rb") as reader:
        made = run(survey, command, folder)
        assert made.exit_code == 0, made.output
        assert reader.read() == b"of last week"
    assert file.stat().st_ino != before
    assert file.stat().st_mode & 0o777 == (0o600 if command == "trail" else 0o640)
    assert [path.name for path in folder.iterdir()] == [file.name]
    assert count_entries(store) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_in_the_place_of_a_file_is_wrong_usage_before_anything_is_done(
    survey: Survey, store: Settings, folder: Path, command: str
) -> None:
    (folder / Path(COMMANDS[command][-1]).name).mkdir()
    refused = run(survey, command, folder)
    assert (refused.exit_code, "directory" in refused.output) == (2, True)
    assert count_entries(store) == 0
    assert run(survey, command, folder / "none").exit_code == 2
    assert count_entries(store) == 0


def test_accounts_whose_links_cannot_be_written_are_not_made(
    survey: Survey, store: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = folder / "people.csv"
    people.write_text("Li Na,lina,city_official,Beijing,,\n")
    monkeypatch.setattr(os, "fsync", refuse_to_write)
    refused = survey("user", "import", str(people), "--sheet", str(folder / "links.pdf"))
    assert (refused.exit_code, "space" in refused.output) == (2, True), refused.output
    assert list(folder.iterdir()) == [people]
    with read_scope(store.store_url) as session:
        assert session.exec(select(Account).where(Account.login == "lina")).all() == []


def test_a_questionnaire_is_written_whole_or_not_at_all(
    survey: Survey, store: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_scope(store.store_url) as session:
        name = list_instruments(session=session)[0].name
    form = folder / "new" / "form.xlsx"
    made = survey("form", "export", name, str(form))
    assert made.exit_code == 0, made.output
    assert read_xlsform(form).instrument.name == name
    form.write_bytes(b"of last week")
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "fsync", refuse_to_write)
        refused = survey("form", "export", name, str(form))
    assert (refused.exit_code, "space" in refused.output) == (2, True)
    assert [path.read_bytes() for path in form.parent.iterdir()] == [b"of last week"]
    assert survey("form", "export", name, str(form)).exit_code == 0
    assert read_xlsform(form).instrument.name == name
    assert list(form.parent.iterdir()) == [form]
    refused = survey("form", "export", name, str(folder))
    assert (refused.exit_code, "directory" in refused.output) == (2, True)


@pytest.mark.parametrize("kind", ["table", "codebook", "rows"])
def test_a_wave_that_nobody_knows_is_said_to_be_unknown(
    survey: Survey, store: Settings, folder: Path, kind: str
) -> None:
    ending = "csv" if kind != "codebook" else "xml"
    out = folder / f"file.{ending}"
    refused = survey("export", kind, "--wave", "main-2031", "--out", str(out))
    assert refused.exit_code == 1
    assert "There is no wave main-2031 with results. Choose from: " in refused.output
    assert list(folder.iterdir()) == []


def test_a_trail_on_standard_output_is_recorded_before_it_is_printed(
    survey: Survey, store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = survey("audit", "export", "-")
    assert printed.stdout.startswith("\ufeffNumber,")
    assert count_entries(store) == 1
    monkeypatch.setattr(operator, "record_download", refuse_to_record)
    refused = survey("audit", "export", "-")
    assert (refused.exit_code, refused.stdout) == (1, "")


@pytest.fixture
def link(folder: Path) -> Path:
    (folder / "real.csv").write_bytes(b"old")
    (folder / "link.csv").symlink_to(folder / "real.csv")
    return folder / "link.csv"


def test_a_link_is_followed_and_stays_one(folder: Path, link: Path) -> None:
    with output_file(link) as draft:
        draft.write(b"first")
        draft.write(b"new")
        assert link.read_bytes() == b"old"
    assert link.is_symlink()
    assert (folder / "real.csv").read_bytes() == b"new"
    with pytest.raises(typer.BadParameter), output_file(link, overwrite=False):
        raise AssertionError
    assert (folder / "real.csv").read_bytes() == b"new"


def test_a_new_file_has_the_permissions_of_every_new_file(folder: Path) -> None:
    umask = os.umask(0o027)
    try:
        for name, private in (("open", False), ("private", True)):
            with output_file(folder / name, private=private) as draft:
                draft.write(b"1")
    finally:
        os.umask(umask)
    modes = [(folder / name).stat().st_mode & 0o777 for name in ("open", "private")]
    assert modes == [0o640, 0o600]


def test_a_pipe_gets_the_content_at_the_end(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with output_file(pipe) as draft:
        draft.write(b"content")
        assert os.read(descriptor, 10) == b""
    assert os.read(descriptor, 10) == b"content"
    os.close(descriptor)
