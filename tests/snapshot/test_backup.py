"""A backup holds one moment of everything; it comes back the same on either database, or not."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import Session, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.operations import backup as backing_up
from survey.operations.backup import BackupNotWrittenError, check_backup, create_backup, restore
from survey.operations.data_folder import check_unfinished_work
from survey.results import open_results
from survey.settings import Settings
from survey.store import schema
from survey.store.audit_events import AuditEvent
from survey.store.backup.archive import ArchiveWriter, FilePart, TablePart, columns_of, read_archive
from survey.store.backup.encryption import BackupSecret, new_key_file
from survey.store.backup.loader import stored_sha256
from survey.store.backup.manifest import (
    BackupDamagedError,
    BackupLockedError,
    BackupManifest,
    StoreOccupiedError,
)
from survey.store.engine import dispose_engines, engine_for, normal_url, read_scope, session_scope
from survey.store.private_files import (
    find_exposed_paths,
    hold,
    list_unfinished_work,
    remove_unfinished_work,
)
from survey.store.tables import (
    Account,
    AuditEntry,
    Mode,
    Response,
    ResponseRevision,
    Snapshot,
    Status,
    Wave,
    new_id,
    table_of,
)
from tests.error_codes import raises_code

if TYPE_CHECKING:
    from tests.conftest import Field
    from tests.next_version import NextVersion

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
KEY = BackupSecret.key_file(new_key_file().encode())
FOLDER = "main-2026/0123456789ab"
GROWS = {"audit_entry", "audit_head"}
"""Backing up and restoring leave their own entries there."""


@pytest.fixture
def source(
    _sqlite_template: Path, make_field: Callable[[str], Field], tmp_path: Path
) -> Iterator[Settings]:
    """A small store in SQLite: an open wave, three interviews, and a folder that it names."""
    data = tmp_path / "source"
    (data / "snapshots" / FOLDER).mkdir(parents=True)
    for name in ("cells.parquet", "manifest.json", "responses.parquet"):
        (data / "snapshots" / FOLDER / name).write_text(name * 100)
    shutil.copyfile(_sqlite_template, data / "survey.db")
    settings = Settings(database_url="", data_dir=data, _env_file=None)
    field = make_field(settings.store_url)
    with session_scope(settings.store_url) as session:
        session.add(
            Snapshot(wave_id=field.wave.id, final=False, sha256="x", directory=FOLDER, rows=3)
        )
        for _ in range(3):
            _add_interview(session, field)
    yield settings
    dispose_engines()


def _add_interview(session: Session, field: Field) -> None:
    response = Response(
        client_uuid=new_id(),
        wave_id=field.wave.id,
        city_code="110000",
        mode=Mode.SELF,
        instrument_id=field.wave.instrument_id,
        status=Status.SUBMITTED,
        language="zh",
        started_at=NOW,
        submitted_at=NOW,
        duration_seconds=312.5,
    )
    session.add(response)
    session.flush()
    session.add(
        ResponseRevision(
            response_id=response.id,
            wave_id=response.wave_id,
            number=1,
            is_current=True,
            reason="submitted",
            answers=field.complete,
            timings={"quality": 3.4},
            created_at=NOW,
        )
    )


@pytest.fixture
def file(source: Settings, tmp_path: Path) -> Path:
    """A backup of `source`, not encrypted."""
    saved(source, tmp_path / "source.backup")
    return tmp_path / "source.backup"


@pytest.fixture
def target(store_url: str, tmp_path: Path) -> Settings:
    """An empty store on each database, with a data folder of its own."""
    return Settings(database_url=store_url, data_dir=tmp_path / "target", _env_file=None)


def saved(settings: Settings, path: Path, secret: BackupSecret | None = None) -> BackupManifest:
    return create_backup(settings, target=path, secret=secret, actor=OPERATOR, now=NOW)


def restored(settings: Settings, path: Path, **options: Any) -> BackupManifest:
    options = {"secret": None, **options}
    return restore(settings, source=path, actor=OPERATOR, now=NOW, **options)


def checksums(manifest: BackupManifest) -> dict[str, tuple[int, str]]:
    return {
        table.name: (table.rows, table.sha256)
        for table in manifest.tables
        if table.name not in GROWS
    }


def actions(settings: Settings) -> list[str]:
    with read_scope(settings.store_url) as session:
        return list(session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "snapshots").rglob("*"))
        if path.is_file()
    }


def state(settings: Settings, manifest: BackupManifest) -> object:
    """All that a refused restore must leave as it is."""
    with engine_for(settings.store_url).connect() as connection:
        tables = {table.name: stored_sha256(connection, table) for table in manifest.tables}
    return tables, contents(settings.data_dir), sorted(p.name for p in settings.data_dir.iterdir())


def forged(
    source: Path,
    path: Path,
    tables: Callable[[str, bytes], bytes | None] = lambda _name, line: line,
    files: Callable[[str], str] = str,
    **changes: Any,
) -> Path:
    """The backup with other lines, file names or words, and checksums that agree with them."""
    manifest = check_backup(source, None)
    lines: dict[str, list[bytes]] = {table.name: [] for table in manifest.tables}
    buffer = io.BytesIO()
    writer = ArchiveWriter(buffer, None)
    held: list[FilePart] = []
    with source.open("rb") as stream:
        for part in read_archive(stream, None):
            if isinstance(part, TablePart):
                kept = (tables(part.table, line) for line in part.lines)
                lines[part.table] += [line for line in kept if line is not None]
            else:
                held.append(part)
    for table in manifest.tables:
        writer.add_table(table.name, table.columns, table.key, lines[table.name])
    for part in held:
        writer.add_file(files(part.name), part.content)
    own = {"tables": tuple(writer.tables), "files": tuple(writer.files), **changes}
    writer.finish(manifest.model_copy(update=own))
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.slow
def test_a_wave_comes_back_the_same_and_goes_on_to_the_other_database(
    frozen_small_demo: Path, postgres_url: str, tmp_path: Path
) -> None:
    """902 interviews of a full questionnaire, 620 of them frozen: SQLite, PostgreSQL, SQLite."""
    shutil.copytree(frozen_small_demo, tmp_path / "demo")
    demo, there, again = (
        Settings(database_url=url, data_dir=tmp_path / name, _env_file=None)
        for name, url in (("demo", ""), ("there", postgres_url), ("again", ""))
    )
    first = saved(demo, tmp_path / "first.backup", KEY)
    assert first.left_out == first.missing_snapshots == ()
    assert checksums(first)["response"][0] == 902
    assert restored(there, tmp_path / "first.backup", secret=KEY) == first
    assert contents(there.data_dir) == contents(demo.data_dir)
    with read_scope(there.store_url) as session:
        assert open_results(there, session, "main-2024").wave.n == 620
    second = saved(there, tmp_path / "second.backup")
    assert checksums(second) == checksums(first)
    assert second.left_out == ()
    assert actions(there) == [
        *actions(demo)[:-1],
        AuditEvent.STORE_RESTORED,
        AuditEvent.STORE_BACKED_UP,
    ]
    restored(again, tmp_path / "second.backup")
    assert checksums(saved(again, tmp_path / "third.backup")) == checksums(first)


def test_the_guards_of_the_store_stand_again_after_a_restore(
    file: Path, target: Settings, store_url: str
) -> None:
    restored(target, file)
    with pytest.raises(sa.exc.DBAPIError), session_scope(store_url) as session:
        session.connection().exec_driver_sql("UPDATE response SET status = 'frozen'")


def _write_a_pair(session: Session, number: int) -> None:
    account = Account(login=f"new-{number}", name="New", role=Role.ANALYST, area="CN")
    session.add(account)
    session.flush()
    session.add(
        AuditEntry(
            action="made",
            subject_kind="account",
            subject_id=str(account.id),
            at=NOW,
            actor_id=account.id,
        )
    )


def test_a_backup_shows_one_moment_while_others_write(
    target: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pair is written between any two tables: none is in the backup, or halves would be."""
    with session_scope(target.store_url) as session:
        _write_a_pair(session, 0)
    written = iter(range(1, 1000))
    honest = columns_of

    def reading(table: sa.Table) -> Any:
        if table.name != "account":
            with session_scope(target.store_url) as session:
                _write_a_pair(session, next(written))
        return honest(table)

    monkeypatch.setattr(backing_up, "columns_of", reading)
    manifest = saved(target, tmp_path / "busy.backup")
    rows = {table.name: table.rows for table in manifest.tables}
    assert next(written) > 20
    assert (rows["account"], rows["audit_entry"]) == (1, 1)
    check_backup(tmp_path / "busy.backup", None)


def test_a_filled_store_is_replaced_only_when_told(
    file: Path, target: Settings, tmp_path: Path
) -> None:
    with session_scope(target.store_url) as session:
        _write_a_pair(session, 0)
    before = state_of_empty = saved(target, tmp_path / "before.backup")
    with pytest.raises(StoreOccupiedError, match=r"account, audit_entry.*--replace"):
        restored(target, file)
    assert checksums(saved(target, tmp_path / "after.backup")) == checksums(state_of_empty)
    restored(target, file, replace=True)
    assert checksums(saved(target, tmp_path / "new.backup")) == checksums(check_backup(file, None))
    restored(target, tmp_path / "before.backup", replace=True)
    assert checksums(saved(target, tmp_path / "old.backup")) == checksums(before)


def test_what_migrations_make_beside_tables_is_no_hindrance(
    file: Path, postgres_url: str, tmp_path: Path
) -> None:
    """A function that is nobody's trigger, as a later migration may make one and meet again."""
    target = Settings(database_url=postgres_url, data_dir=tmp_path / "target", _env_file=None)
    with engine_for(postgres_url).begin() as connection:
        connection.exec_driver_sql("CREATE FUNCTION held(a int) RETURNS int RETURN a")
    restored(target, file)
    with engine_for(postgres_url).begin() as connection:
        connection.exec_driver_sql("CREATE FUNCTION held(a int) RETURNS int RETURN a")


def test_a_store_that_only_knows_its_cities_counts_as_empty(file: Path, target: Settings) -> None:
    with session_scope(target.store_url) as session:
        row = "INSERT INTO instrument_version VALUES (:id, 'x', '1', 'y', :document, :at)"
        values = {"id": new_id(), "document": b"{}", "at": NOW}
        uuid = sa.bindparam("id", type_=sa.Uuid())
        at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
        session.connection().execute(sa.text(row).bindparams(uuid, at), values)
    assert restored(target, file).rows > 20


@pytest.mark.parametrize("keep", [10, 0.3, 0.7])
@pytest.mark.parametrize("secret", [None, KEY], ids=["plain", "sealed"])
def test_a_file_that_is_cut_off_restores_nothing(
    source: Settings, tmp_path: Path, secret: BackupSecret | None, keep: float
) -> None:
    saved(source, tmp_path / "whole.backup", secret)
    data = (tmp_path / "whole.backup").read_bytes()
    size = int(keep * len(data)) if isinstance(keep, float) else keep
    (tmp_path / "cut.backup").write_bytes(data[:size])
    before = state(source, check_backup(tmp_path / "whole.backup", secret))
    with pytest.raises(BackupDamagedError, match="Nothing was restored"):
        restored(source, tmp_path / "cut.backup", secret=secret, replace=True)
    assert state(source, check_backup(tmp_path / "whole.backup", secret)) == before


def test_a_changed_byte_is_noticed_or_means_nothing(file: Path, tmp_path: Path) -> None:
    """Not encrypted: what the padding of a tar file says does not matter, all else does."""
    whole, data = check_backup(file, None), file.read_bytes()
    noticed, changed_file = 0, tmp_path / "changed.backup"
    for place in range(3, len(data), len(data) // 60):
        spoilt = bytearray(data)
        spoilt[place] ^= 0x55
        changed_file.write_bytes(spoilt)
        try:
            assert check_backup(changed_file, None) == whole
        except BackupDamagedError:
            noticed += 1
    assert noticed > 10


def test_a_wrong_key_and_other_files_are_told(source: Settings, tmp_path: Path) -> None:
    saved(source, tmp_path / "sealed.backup", KEY)
    assert b"main-2026" not in (tmp_path / "sealed.backup").read_bytes()
    with pytest.raises(BackupLockedError):
        check_backup(tmp_path / "sealed.backup", BackupSecret.key_file(new_key_file().encode()))
    with pytest.raises(BackupLockedError):
        check_backup(tmp_path / "sealed.backup", None)
    with pytest.raises(BackupDamagedError, match="not a backup"):
        check_backup(source.data_dir / "survey.db", None)
    with pytest.raises(BackupDamagedError, match="No such file"):
        check_backup(tmp_path / "nowhere.backup", None)


def test_what_the_database_refuses_leaves_everything_as_it_was(
    file: Path, target: Settings, tmp_path: Path
) -> None:
    """A consistent file whose wave is gone: its interviews refer to nothing."""
    orphans = forged(
        file,
        tmp_path / "orphans.backup",
        tables=lambda name, line: None if name == "wave" else line,
    )
    restored(target, file)
    before = state(target, check_backup(file, None))
    with raises_code("backup_not_taken", match="as it was before"):
        restored(target, orphans, replace=True)
    assert state(target, check_backup(file, None)) == before


def test_files_that_cannot_be_put_back_leave_everything_as_it_was(
    file: Path, target: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored(target, file)
    before = state(target, check_backup(file, None))
    moves: list[Path] = []

    def move(source: Path, final: Path) -> None:
        if len(moves) == 1 and "new" in source.parts:
            moves.append(final)
            raise OSError(28, "No space left on device")
        moves.append(final)
        source.rename(final)

    monkeypatch.setattr("survey.operations.backup.shutil.move", move)
    with raises_code("files_not_restored", match="No space left"):
        restored(target, file, replace=True)
    assert len(moves) == 3
    assert state(target, check_backup(file, None)) == before


def _change_column(name: str, value: Any) -> Callable[[str, bytes], bytes]:
    place = [column.name for column in columns_of(table_of(Wave))].index(name)

    def change(table: str, line: bytes) -> bytes:
        if table != "wave":
            return line
        values = orjson.loads(line)
        values[place] = value
        return orjson.dumps(values) + b"\n"

    return change


def _change_line(change: Callable[[bytes], bytes]) -> Callable[[str, bytes], bytes]:
    return lambda table, line: change(line) if table == "wave" else line


@pytest.mark.parametrize(
    "change",
    [
        _change_column("id", "no uuid at all"),
        _change_column("id", str(uuid4()).upper()),
        _change_column("id", None),
        _change_column("key", 7),
        _change_column("year", "2026"),
        _change_column("year", 2**63),
        _change_column("year", True),
        _change_column("is_demo", 1),
        _change_column("opens_on", "2026-13-01"),
        _change_line(lambda line: b"no json\n"),
        _change_line(lambda line: b"7\n"),
        _change_line(lambda line: line.replace(b"[", b'["one more",', 1)),
        _change_line(lambda line: b"[]\n"),
        _change_line(lambda line: line.replace(b",", b", ", 1)),
        _change_line(lambda line: line * 2),
    ],
)
def test_a_consistent_file_with_rows_that_no_backup_holds_is_refused_by_both(
    file: Path, source: Settings, tmp_path: Path, change: Callable[[str, bytes], bytes]
) -> None:
    path = forged(file, tmp_path / "forged.backup", tables=change)
    before = state(source, check_backup(file, None))
    words = []
    for act in (partial(check_backup, path, None), partial(restored, source, path, replace=True)):
        with pytest.raises(BackupDamagedError) as caught:
            act()
        words.append(str(caught.value))
    assert "(wave)" in words[0]
    assert words[0] == words[1]
    assert state(source, check_backup(file, None)) == before


def test_rows_in_another_order_are_refused_by_both(
    file: Path, source: Settings, tmp_path: Path
) -> None:
    """They would come back in the order of their key, which has another checksum."""
    manifest = check_backup(file, None)
    rows: list[bytes] = []
    with file.open("rb") as stream:
        for part in read_archive(stream, None):
            if isinstance(part, TablePart) and part.table == "city":
                rows += part.lines
    path = forged(
        file,
        tmp_path / "forged.backup",
        tables=lambda name, line: rows.pop() if name == "city" else line,
    )
    assert checksums(manifest)["city"][0] > 1
    for act in (partial(check_backup, path, None), partial(restored, source, path, replace=True)):
        with pytest.raises(BackupDamagedError, match="city"):
            act()


def test_a_manifest_that_names_a_table_or_column_twice_is_refused(file: Path) -> None:
    manifest = check_backup(file, None)
    first, *others = manifest.tables
    twice = first.model_copy(update={"columns": (*first.columns, first.columns[0])})
    elsewhere = first.model_copy(update={"key": ("elsewhere",)})
    for tables in ((first, first, *others), (twice, *others), (elsewhere, *others)):
        changed = manifest.model_copy(update={"tables": tables})
        with pytest.raises(ValidationError):
            BackupManifest.model_validate_json(changed.model_dump_json())


@pytest.mark.parametrize("name", ["survey.db", "snapshots/x", "snapshots/a/b/c/d"])
def test_a_backup_chooses_no_file_of_its_own(
    file: Path, source: Settings, tmp_path: Path, name: str
) -> None:
    path = forged(file, tmp_path / "forged.backup", files=lambda _: name)
    for act in (partial(check_backup, path, None), partial(restored, source, path, replace=True)):
        with pytest.raises(BackupDamagedError):
            act()


def test_a_path_that_climbs_is_refused(file: Path, tmp_path: Path) -> None:
    path = forged(file, tmp_path / "forged.backup", files=lambda _: "../../etc/passwd")
    with pytest.raises(BackupDamagedError):
        check_backup(path, None)


def test_a_store_in_use_is_not_pulled_away(file: Path, target: Settings) -> None:
    other = sa.create_engine(engine_for(target.store_url).url)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT count(*) FROM wave")).scalar_one()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        with pytest.raises(StoreOccupiedError, match="in use"):
            restored(target, file)
    other.dispose()
    restored(target, file)


def test_a_newer_backup_waits_for_newer_software(
    file: Path, target: Settings, tmp_path: Path
) -> None:
    path = forged(file, tmp_path / "newer.backup", migration="9999")
    for act in (partial(check_backup, path, None), partial(restored, target, path)):
        with raises_code("backup_too_new"):
            act()


def test_an_older_backup_is_brought_up_to_date(
    file: Path, target: Settings, tmp_path: Path, next_version: NextVersion
) -> None:
    before = checksums(check_backup(file, None))
    next_version()
    restored(target, file)
    assert schema.stored_revision(target.store_url) == schema.head_revision() == "9001"
    columns = sa.inspect(engine_for(target.store_url)).get_columns("response")
    assert "next_note" in {column["name"] for column in columns}
    assert checksums(saved(target, tmp_path / "now.backup")) == before


def test_a_backup_from_before_the_release_is_restored_by_the_release(
    file: Path, target: Settings, tmp_path: Path
) -> None:
    path = forged(file, tmp_path / "older.backup", migration="0037")
    for act in (partial(check_backup, path, None), partial(restored, target, path)):
        with raises_code("backup_too_old", match=r"version 0\.1\.0"):
            act()


def test_a_snapshot_that_is_gone_is_told_and_the_rest_is_saved(
    source: Settings, tmp_path: Path
) -> None:
    shutil.rmtree(source.snapshot_dir / FOLDER)
    manifest = saved(source, tmp_path / "a.backup")
    assert manifest.missing_snapshots == (FOLDER,)
    assert manifest.rows > 20


def test_nothing_half_is_left_where_a_backup_cannot_be_written(
    source: Settings, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackupNotWrittenError, match="exists"):
        saved(source, file)
    with pytest.raises(BackupNotWrittenError):
        saved(source, tmp_path / "nowhere" / "a.backup")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ArchiveWriter, "add_file", full)
    with pytest.raises(BackupNotWrittenError, match="No space left"):
        saved(source, tmp_path / "full.backup")
    assert sorted(p.name for p in tmp_path.iterdir() if "backup" in p.name) == ["source.backup"]
    assert file.stat().st_mode & 0o077 == 0


def test_a_store_of_another_version_or_none_is_not_backed_up(
    bare_url: str, tmp_path: Path, next_version: NextVersion
) -> None:
    settings = Settings(database_url=bare_url, data_dir=tmp_path, _env_file=None)
    with raises_code("nothing_to_back_up", match="no store"):
        saved(settings, tmp_path / "a.backup")
    schema.upgrade(bare_url)
    next_version()
    with raises_code("nothing_to_back_up", match=r"0061.*9001"):
        saved(settings, tmp_path / "a.backup")


def test_only_who_administers_backs_up_and_restores(file: Path, source: Settings) -> None:
    analyst = Principal(new_id(), "A", Role.ANALYST, "CN")
    with pytest.raises(AccessDeniedError):
        create_backup(source, target=file, secret=None, actor=analyst, now=NOW)
    with pytest.raises(AccessDeniedError):
        restore(source, source=file, secret=None, actor=analyst, now=NOW)


def test_a_small_backup_takes_little_memory(file: Path, tmp_path: Path) -> None:
    """A few thousand bytes may hold millions of rows that are empty, or a file that is all zero."""
    path = tmp_path / "bomb.backup"
    for mebibytes, most in ((8, 100), (200, 256)):
        with path.open("wb") as sink:
            writer = ArchiveWriter(sink, None)
            writer._add_part("wave", 0, b"\n" * (mebibytes << 20))
            writer._tar.close()
        assert path.stat().st_size < 1 << 20
        tracemalloc.start()
        with pytest.raises(BackupDamagedError):
            check_backup(path, None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < most << 20


@pytest.mark.parametrize("sparse_map", ["0,0", "", "x", f"0,{200 << 20}"])
def test_a_member_that_holds_less_than_it_says_is_refused(tmp_path: Path, sparse_map: str) -> None:
    path = tmp_path / "sparse.backup"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("files/demo.json")
        member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.size": str(200 << 20),
                              "GNU.sparse.map": sparse_map}  # fmt: skip
        tar.addfile(member)
    with pytest.raises(BackupDamagedError):
        check_backup(path, None)


def test_files_of_a_restore_are_for_their_owner_only(
    file: Path, target: Settings, tmp_path: Path
) -> None:
    path = forged(
        file, tmp_path / "forged.backup", files=lambda name: f"releases/{Path(name).stem}.zip"
    )
    before = os.umask(0o022)
    try:
        restored(target, path)
    finally:
        os.umask(before)
    assert target.release_dir.stat().st_mode & 0o777 == 0o700
    target.release_dir.chmod(0o755)
    assert target.release_dir in set(find_exposed_paths(target))


KILLED_RESTORE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from survey.access.principal import OPERATOR
from survey.settings import Settings
from survey.operations import backup

def wait(names):
    print("unpacked", flush=True)
    time.sleep(300)

backup._list_units = wait
settings = Settings(database_url=sys.argv[1], data_dir=Path(sys.argv[2]), _env_file=None)
backup.restore(settings, source=Path(sys.argv[3]), secret=None, actor=OPERATOR,
               now=datetime.now(UTC), replace=True)
"""


def test_a_killed_restore_is_named_and_leaves_nothing_for_good(
    file: Path, target: Settings
) -> None:
    program = [sys.executable, "-c", KILLED_RESTORE, target.store_url, str(target.data_dir)]
    with subprocess.Popen([*program, str(file)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"unpacked\n"
        # While it goes on, nothing of it is taken away.
        remove_unfinished_work(target.data_dir)
        assert list_unfinished_work(target.data_dir) == []
        assert len(list(target.data_dir.glob(".restore-*/new/snapshots"))) == 1
        process.kill()
    left = list_unfinished_work(target.data_dir)
    assert any(path.name.startswith(".restore-") for path in left)
    if normal_url(target.store_url).get_backend_name() == "sqlite":
        assert any(path.name.endswith(".restoring") for path in left)
    named = [check for check in check_unfinished_work(target) if not check.passed]
    assert len(named) == len(left)
    # A version before this one left folders without a note.
    (target.data_dir / ".restore-old").mkdir()
    assert target.data_dir / ".restore-old" in list_unfinished_work(target.data_dir)
    restored(target, file, replace=True)
    assert list_unfinished_work(target.data_dir) == []
    assert list(target.data_dir.glob(".[rw]*-*")) == []
    assert [path for path in left if path.exists()] == []


def test_a_killed_backup_is_removed_by_the_next(source: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    killed = folder / ".survey-20260101T000000Z.backup.partial"
    going_on = folder / ".survey-20260102T000000Z.backup.partial"
    killed.write_bytes(b"answers")
    with going_on.open("wb") as held:
        hold(held)
        saved(source, folder / "survey-20260103T000000Z.backup")
    assert sorted(path.name for path in folder.iterdir()) == [
        going_on.name, "survey-20260103T000000Z.backup",
    ]  # fmt: skip
