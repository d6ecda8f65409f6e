"""Rows kept beside a snapshot: the same bytes, and never used once anything behind them changed."""

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook
from sqlmodel import Session, select

import survey
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.files.microdata import export, prepared_rows, row_preparation, rows_in_parts
from survey.files.microdata.export import MicrodataFile, export_rows
from survey.files.microdata.file_formats import FileFormat
from survey.files.microdata.prepared_rows import PREPARED_ROWS
from survey.files.microdata.row_preparation import prepare_rows
from survey.operations.backup import create_backup
from survey.results.freeze import freeze_frame
from survey.settings import PROJECT_ROOT, Settings
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions, SnapshotDamagedError
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    IndicatorTreeVersion,
    InstrumentVersion,
    RowExport,
    Snapshot,
    Wave,
    WaveState,
    now,
)
from tests.conftest import FillOnce
from tests.publish.test_exact_rows import freeze
from tests.small_waves import KEY as WAVE
from tests.small_waves import SmallWave, person, small_instrument, small_wave
from tests.work_of import work_of

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
_TIMES = re.compile(rb"\d\d \w{3} (\d{4} \d\d:\d\d|\d\d\d\d:\d\d:\d\d)")
"""When SPSS and Stata files say that they were written."""


@dataclass
class Desk:
    """A frozen wave on one of the two databases, an analyst, and how often rows were made."""

    settings: Settings
    lin: Principal
    made: int = 0

    def take(
        self, form: FileFormat = FileFormat.PARQUET, who: Principal | None = None, **more: Any
    ) -> MicrodataFile:
        with session_scope(self.settings.store_url) as session:
            return export_rows(
                work_of(session, who or self.lin, NOW, settings=self.settings),
                wave_key=WAVE,
                purpose="Check the score of elderly people",
                form=form,
                **{"language": "en", **more},
            )

    @property
    def folder(self) -> Path:
        with read_scope(self.settings.store_url) as session:
            snapshots = session.exec(select(Snapshot).order_by(sa.text("created_at"))).all()
        return self.settings.snapshot_dir / snapshots[-1].directory

    @property
    def file(self) -> Path:
        return self.folder / PREPARED_ROWS

    def entries(self, action: str) -> list[AuditEntry]:
        with read_scope(self.settings.store_url) as session:
            return list(session.exec(select(AuditEntry).where(AuditEntry.action == action)))


@pytest.fixture
def desk(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill_once: FillOnce
) -> Iterator[Desk]:
    settings = small_wave(tmp_path / "data", url=store_url).settings
    fill_once("prepared-rows", settings, lambda: freeze(settings))
    account = Account(login="lin", name="Lin", role=Role.ANALYST, area="CN")
    with session_scope(settings.store_url) as session:
        session.add(account)
    found = Desk(settings, Principal(account.id, account.name, Role.ANALYST, "CN"))
    release = rows_in_parts.release_wave

    def count_release(*args: Any, **more: Any) -> Any:
        found.made += 1
        return release(*args, **more)

    monkeypatch.setattr(rows_in_parts, "release_wave", count_release)
    monkeypatch.setattr(export, "new_pseudonym_key", lambda: "ab" * 32)
    monkeypatch.setattr(survey, "STARTED_AT", float("inf"))
    yield found
    dispose_engines()


def at_any_time(file: MicrodataFile) -> bytes:
    return _TIMES.sub(b"", file.content)


@pytest.mark.parametrize("form", [form for form in FileFormat if form is not FileFormat.XLSX])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_kept_rows_give_the_bytes_of_rows_made_without_them(
    desk: Desk, form: FileFormat, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as never_kept:
        never_kept.setattr(export, "MAX_PREPARED_ROWS", 0)
        direct = desk.take(form, language=language)
    assert not desk.file.exists()
    first, second = desk.take(form, language=language), desk.take(form, language=language)
    assert desk.made == 2
    assert at_any_time(direct) == at_any_time(first) == at_any_time(second)
    assert (direct.rows, direct.blanked, direct.dropped, direct.deviation) == (
        second.rows,
        second.blanked,
        second.dropped,
        second.deviation,
    )


def test_a_workbook_of_kept_rows_has_the_same_cells(desk: Desk) -> None:
    first, second = desk.take(FileFormat.XLSX), desk.take(FileFormat.XLSX)
    books = [CalamineWorkbook.from_filelike(io.BytesIO(file.content)) for file in (first, second)]
    assert books[0].get_sheet_by_index(0).to_python() == books[1].get_sheet_by_index(0).to_python()
    assert desk.made == 1


def test_every_export_has_names_of_its_own_and_its_own_entry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = desk.take(FileFormat.CSV)
    monkeypatch.setattr(export, "new_pseudonym_key", lambda: "cd" * 32)
    second = desk.take(FileFormat.CSV)
    assert desk.made == 1
    names = [
        {line.split(",")[0] for line in file.content.decode().splitlines()[6:]}
        for file in (first, second)
    ]
    assert len(names[0]) == len(names[1]) > 100
    assert not {name for name in names[0] & names[1] if re.fullmatch("[0-9a-f]{12}", name)}
    with read_scope(desk.settings.store_url) as session:
        secrets = {each.secret for each in session.exec(select(RowExport))}
    assert secrets == {"ab" * 32, "cd" * 32}
    assert len(desk.entries("rows.exported")) == 2
    (kept,) = desk.entries("rows.prepared")
    assert kept.actor_id == desk.lin.account_id
    assert kept.subject_id == f"{WAVE}/{desk.folder.name}"


def test_the_file_is_for_its_owner_and_in_no_backup(desk: Desk, tmp_path: Path) -> None:
    desk.take()
    assert desk.file.stat().st_mode & 0o777 == 0o600
    manifest = create_backup(
        desk.settings, target=tmp_path / "all.backup", secret=None, actor=OPERATOR, now=NOW
    )
    assert PREPARED_ROWS not in str(manifest)
    assert f"{WAVE}/{desk.folder.name}/responses" in str(manifest)


def change_document(kind: type[InstrumentVersion | IndicatorTreeVersion]) -> Callable[[Desk], None]:
    def change(desk: Desk) -> None:
        with session_scope(desk.settings.store_url) as session:
            row: Any = session.exec(select(kind)).one()
            row.document = row.document + b" "

    return change


def read_wave(session: Session) -> Wave:
    return session.exec(select(Wave).where(Wave.key == WAVE)).one()


def change_byte(desk: Desk) -> None:
    content = bytearray(desk.file.read_bytes())
    content[len(content) // 2] ^= 1
    desk.file.write_bytes(content)


def cut_short(desk: Desk) -> None:
    desk.file.write_bytes(desk.file.read_bytes()[:-50])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change_document(InstrumentVersion), id="questionnaire"),
        pytest.param(change_document(IndicatorTreeVersion), id="tree"),
        pytest.param(change_byte, id="byte"),
        pytest.param(cut_short, id="cut"),
    ],
)
def test_rows_are_made_anew_when_what_is_behind_them_changed(
    desk: Desk, change: Callable[[Desk], None]
) -> None:
    before = desk.take()
    change(desk)
    after = desk.take()
    assert desk.made == 2
    assert after.content == before.content
    desk.take()
    assert desk.made == 2


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (prepared_rows, "hash_software", lambda: "of another version"),
        (prepared_rows, "version", lambda _library: "99"),
    ],
)
def test_rows_of_other_software_are_made_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, value: Any
) -> None:
    desk.take()
    monkeypatch.setattr(where, name, value)
    desk.take()
    assert desk.made == 2


def test_the_rules_of_the_wave_count_in_the_key(desk: Desk) -> None:
    """Which the database lets nobody change once a wave was open."""
    keys = set()
    with read_scope(desk.settings.store_url) as session:
        wave = read_wave(session)
        session.expunge(wave)
        for name, value in (("year", 2026), ("composite", "other"), ("series", "other"),
                            ("instrument_id", uuid4()), ("tree_id", None)):  # fmt: skip
            setattr(wave, name, value)
            keys.add(prepared_rows.preparation_key(session, wave, desk.folder))
    assert len(keys) == 5


def test_rows_of_an_earlier_freeze_are_not_those_of_the_next(desk: Desk) -> None:
    desk.take()
    before = desk.file
    with session_scope(desk.settings.store_url) as session:
        frame = build_response_frame(
            [person(number, "110000", psu=f"p{number % 4}", age=40) for number in range(60)],
            small_instrument(few_groups=True),
        )
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=desk.settings),
            wave=SmallWave(desk.settings).read(session),
            frame=frame,
            options=FreezeOptions(final=True),
        )
    assert desk.file != before
    assert not desk.file.exists()
    assert desk.take().rows == 54, "nine in ten of 60"
    # Nor does the file of another snapshot count in the new folder.
    desk.file.write_bytes(before.read_bytes())
    assert desk.take().rows == 54, "nine in ten of 60"
    assert desk.made == 3


def test_changed_responses_are_refused_also_where_rows_are_kept(desk: Desk) -> None:
    desk.take()
    responses = next(desk.folder.glob("responses*.parquet"))
    responses.write_bytes(responses.read_bytes() + b"x")
    with pytest.raises(SnapshotDamagedError):
        desk.take()
    assert desk.made == 1
    assert len(desk.entries("rows.exported")) == 1


def test_a_smaller_area_and_an_exact_file_are_made_by_themselves(desk: Desk) -> None:
    desk.take()
    account = Account(login="beijing", name="Bei", role=Role.ANALYST, area="11")
    with session_scope(desk.settings.store_url) as session:
        session.add(account)
    desk.take(who=Principal(account.id, account.name, Role.ANALYST, "11"))
    assert desk.made == 2
    assert len(desk.entries("rows.prepared")) == 1


def test_no_file_is_left_by_a_cancelled_export_or_one_that_cannot_write(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CancelledError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        if done == total:
            raise CancelledError

    before = {path.name for path in desk.folder.iterdir()}
    with pytest.raises(CancelledError):
        desk.take(tick=cancel)
    assert {path.name for path in desk.folder.iterdir()} == before

    def disk_is_full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(prepared_rows, "replace_file", disk_is_full)
        assert desk.take().rows == 108
    with monkeypatch.context() as full:
        full.setattr(Path, "replace", disk_is_full)
        assert desk.take().rows == 108
    assert {path.name for path in desk.folder.iterdir()} == before
    assert desk.entries("rows.prepared") == []


def test_a_file_whose_export_was_rolled_back_is_not_used(desk: Desk) -> None:
    class RolledBackError(Exception):
        pass

    def export_and_fail() -> None:
        with session_scope(desk.settings.store_url) as session:
            export_rows(
                work_of(session, desk.lin, NOW, settings=desk.settings),
                wave_key=WAVE,
                purpose="Check the score of elderly people",
                form=FileFormat.CSV,
            )
            raise RolledBackError

    with pytest.raises(RolledBackError):
        export_and_fail()
    assert desk.entries("rows.prepared") == []
    desk.take()
    assert desk.made == 2


def test_software_that_was_replaced_meanwhile_keeps_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "STARTED_AT", 0.0)
    assert desk.take().rows == 108
    assert not desk.file.exists()


def test_two_exports_at_once_give_the_same_file_and_leave_one(desk: Desk) -> None:
    start = Barrier(2)

    def take(_number: int) -> bytes:
        start.wait()
        return desk.take().content

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(take, range(2)))
    assert both[0] == both[1] == desk.take().content
    assert desk.made in {1, 2}
    assert [path.name for path in desk.folder.glob(".*")] == [PREPARED_ROWS]


_WATCH = """
import json, sys
opened = set()
sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == "open" else None)
from survey.cli.main import app
try:
    app(sys.argv[1:])
finally:
    print(json.dumps(sorted(opened)))
"""


def test_whatever_rows_are_made_with_counts_in_their_key(
    frozen_small_demo: Path, tmp_path: Path
) -> None:
    """Files of the project that an export opens, but for those around the computation."""
    folder = tmp_path / "store"
    shutil.copytree(frozen_small_demo, folder)
    settings = Settings(database_url="", data_dir=folder)
    with session_scope(settings.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == "main-2024")).one()
        wave.state = WaveState.FROZEN
        session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one().final = True
    dispose_engines()
    asked = ["export", "rows", "--wave", "main-2024", "--out", str(tmp_path / "rows.parquet")]
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, "--data-dir", str(folder), *asked],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (tmp_path / "rows.parquet").exists(), done.stderr
    counted = {str(path) for path in prepared_rows.list_sources()}
    opened = {
        re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", path)
        for path in json.loads(done.stdout.splitlines()[-1])
    }
    around = tuple(
        f"{PROJECT_ROOT}/src/survey/{package}/"
        for package in ("access", "cli", "collection", "compute", "review", "waves")
    )
    behind = {
        path
        for path in opened
        if path.startswith((f"{PROJECT_ROOT}/src/survey", f"{PROJECT_ROOT}/seed"))
        and not path.startswith(around)
    }
    assert len(behind) > 100
    assert behind - counted == set()


def test_the_command_starts_without_the_libraries_of_statistics() -> None:
    program = (
        "import sys, survey.cli.export; "
        "print([name for name in ('pandas', 'scipy', 'altair', 'docx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_frozen_wave_has_its_rows_ready_before_anybody_asks(desk: Desk) -> None:
    assert prepare_rows(desk.settings, wave_key=WAVE, actor=OPERATOR)
    assert (desk.made, len(desk.entries("rows.prepared"))) == (1, 1)
    file = desk.take()
    assert desk.made == 1
    assert file.rows > 0
    assert not prepare_rows(desk.settings, wave_key=WAVE, actor=OPERATOR)
    assert (desk.made, len(desk.entries("rows.prepared"))) == (1, 1)


def test_rows_made_ready_give_the_file_that_would_be_made_without_them(desk: Desk) -> None:
    first = desk.take(FileFormat.CSV)
    desk.file.unlink()
    assert prepare_rows(desk.settings, wave_key=WAVE, actor=OPERATOR)
    assert at_any_time(desk.take(FileFormat.CSV)) == at_any_time(first)
    assert desk.made == 2


def test_rows_of_a_wave_that_may_change_are_not_made_ready(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = small_wave(tmp_path / "data", url=store_url).settings
    assert not prepare_rows(settings, wave_key=WAVE, actor=OPERATOR)
    freeze(settings)
    monkeypatch.setattr(row_preparation, "MAX_PREPARED_ROWS", 0)
    assert not prepare_rows(settings, wave_key=WAVE, actor=OPERATOR)
    assert not list(settings.snapshot_dir.rglob(PREPARED_ROWS))
    dispose_engines()


def test_only_who_freezes_makes_rows_ready(desk: Desk) -> None:
    with pytest.raises(AccessDeniedError):
        prepare_rows(desk.settings, wave_key=WAVE, actor=desk.lin)
    assert not desk.file.exists()


def test_rows_that_cannot_be_made_ready_are_said_in_the_log_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The freeze is done by then; the export says what is wrong to whoever asks for rows."""
    manifest = desk.folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert not prepare_rows(desk.settings, wave_key=WAVE, actor=OPERATOR)
    assert "not ready for their first export" in caplog.text
    assert not desk.entries("rows.prepared")


def test_an_error_nobody_thought_of_leaves_the_freeze_as_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: Any, **_more: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(rows_in_parts, "release_wave", fail)
    assert not prepare_rows(desk.settings, wave_key=WAVE, actor=OPERATOR)
    assert "ZeroDivisionError" in caplog.text
