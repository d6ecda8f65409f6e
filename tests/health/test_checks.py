"""Checks of an installation: every fault they know is found, and said with what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from survey.access.audit import record
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.access.second_factor import encrypt_secrets
from survey.operations import CheckResult, data_folder, database, exposure, installation
from survey.operations.installation import CHECKS, check_installation
from survey.release.signing_keys import add_key_to_file, register_key
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.cipher import secret_cipher
from survey.store.engine import dispose_engines, engine_for, session_scope
from survey.store.schema import upgrade
from survey.store.tables import Credential, Mode, Response, Status, now
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field
    from tests.next_version import NextVersion

Examine = Callable[[Settings], Iterator[CheckResult]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place without a `.env` and without keys."""
    monkeypatch.chdir(tmp_path)
    for name in ("SURVEY_PHONE_KEY", "SURVEY_AUDIT_KEY", "STREAMLIT_SERVER_COOKIE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def frozen(frozen_small_demo: Path, tmp_path: Path) -> Iterator[Settings]:
    shutil.copytree(frozen_small_demo, tmp_path / "demo")
    yield Settings(database_url="", data_dir=tmp_path / "demo", _env_file=None)
    dispose_engines()


def settings(**rest: Any) -> Settings:
    return Settings(_env_file=None, **rest)


def run_check(examine: Examine, of: Settings) -> tuple[bool, str]:
    (finding,) = examine(of)
    return finding.passed, str(finding.detail)


def test_a_healthy_store_has_no_fault(frozen: Settings) -> None:
    findings = [finding for examine in CHECKS for finding in examine(frozen)]
    assert [finding for finding in findings if not finding.passed] == []
    assert len(findings) > 8


def test_visitors_of_a_demonstration_read_states_and_nothing_of_the_server(
    frozen: Settings,
) -> None:
    def principal(role: Role, *, is_demo: bool) -> Principal:
        return Principal(uuid4(), "Li", role, NATION, is_demo=is_demo)

    own = check_installation(frozen, principal(Role.ADMINISTRATOR, is_demo=False))
    visited = check_installation(frozen, principal(Role.ADMINISTRATOR, is_demo=True))
    assert str(frozen.data_dir) in " ".join(str(result.detail) for result in own)
    assert len({str(result.detail) for result in visited}) == 1
    assert [(result.name, result.passed) for result in own] == [
        (result.name, result.passed) for result in visited
    ]
    with pytest.raises(AccessDeniedError):
        check_installation(frozen, principal(Role.NATIONAL_OFFICIAL, is_demo=False))


def test_a_store_that_is_away(here: Path) -> None:
    away = settings(database_url=f"postgresql://nobody@/none?host={here}", data_dir=here)
    well, words = run_check(database.check_schema, away)
    assert not well
    assert "SURVEY_DATABASE_URL" in words
    for examine in (
        database.check_connections,
        database.check_clock,
        database.check_backups,
        data_folder.check_snapshots,
    ):
        assert run_check(examine, away) == (False, "Unknown, because the store cannot be read.")


def test_a_store_that_was_not_migrated_or_by_another_version(
    bare_url: str, next_version: NextVersion
) -> None:
    bare = settings(database_url=bare_url)
    assert "survey init" in run_check(database.check_schema, bare)[1]
    upgrade(bare_url)
    assert run_check(database.check_schema, bare)[0]
    next_version()
    assert "survey init" in run_check(database.check_schema, bare)[1]
    next_version.back()
    for stored, advice in (("9999", "update this software"), ("0037", "start version 0.1.0")):
        with engine_for(bare_url).begin() as connection:
            connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{stored}'"))
        well, words = run_check(database.check_schema, bare)
        assert not well
        assert stored in words
        assert advice in words


def test_connections_that_run_out(
    postgres_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_check(database.check_connections, settings(database_url=postgres_url))[0]
    assert list(database.check_connections(settings(database_url=sqlite_url))) == []
    monkeypatch.setattr(database, "_BUSY_SHARE", 0.0)
    well, words = run_check(database.check_connections, settings(database_url=postgres_url))
    assert not well
    assert "max_connections" in words


def _note(url: str, event: AuditEvent, ago: timedelta) -> None:
    with session_scope(url) as session:
        record(session=session, actor=OPERATOR, event=event, subject_id="0", now=now() - ago)


def test_a_clock_that_is_wrong(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_check(database.check_clock, settings(database_url=store_url))[0]
    _note(store_url, AuditEvent.WAVE_CHANGED, timedelta(hours=-1))
    well, words = run_check(database.check_clock, settings(database_url=store_url))
    assert not well
    assert "in the future" in words
    monkeypatch.setattr(database, "_measure_clock_difference", lambda _: -90.4)
    well, words = run_check(database.check_clock, settings(database_url=store_url))
    assert not well
    assert "-90 s apart" in words


def test_a_backup_that_is_missing_or_old(field: Field) -> None:
    here = settings(database_url=field.url)
    assert run_check(database.check_backups, here)[0]
    with session_scope(field.url) as session:
        session.add(
            Response(
                client_uuid=field.wave.id,
                wave_id=field.wave.id,
                city_code="110000",
                instrument_id=field.wave.instrument_id,
                mode=Mode.SELF,
                status=Status.SUBMITTED,
                language="zh",
                started_at=now(),
                submitted_at=now(),
            )
        )
    well, words = run_check(database.check_backups, here)
    assert not well
    assert "survey backup" in words
    _note(field.url, AuditEvent.STORE_BACKED_UP, timedelta(hours=50))
    well, words = run_check(database.check_backups, here)
    assert not well
    assert "50 hours" in words
    _note(field.url, AuditEvent.STORE_BACKED_UP, timedelta(hours=5))
    assert run_check(database.check_backups, here) == (True, "the last one is 5 hours old")


def test_a_data_folder_that_cannot_be_written(here: Path) -> None:
    (here / "file").write_text("")
    for folder in (here / "nowhere", here / "file"):
        well, words = run_check(data_folder.check_data_folder, settings(data_dir=folder))
        assert not well
        assert str(folder) in words
    assert run_check(data_folder.check_data_folder, settings(data_dir=here))[0]


def test_a_disk_that_is_nearly_full(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "MIN_FREE_BYTES", 1 << 62)
    well, words = run_check(data_folder.check_disk_space, settings(data_dir=here / "not" / "there"))
    assert not well
    assert "interviews are refused when it is full" in words


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (shutil.rmtree, "cannot be read"),
        (lambda folder: next(folder.glob("responses-*")).write_bytes(b"x"), "changed after"),
        (lambda folder: (folder / "cells.parquet").unlink(), "are missing"),
        (lambda folder: (folder / "gaps.parquet").write_bytes(b"PAR1"), "gaps.parquet"),
        (lambda folder: (folder / "more.parquet").write_bytes(b"PAR1"), "more.parquet"),
        (lambda folder: (folder / "method.json").write_text("{}"), "survey recompute"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "cannot be read"),
    ],
)
def test_a_snapshot_that_is_gone_or_damaged(
    frozen: Settings, harm: Callable[[Path], object], expected: str
) -> None:
    (folder,) = (frozen.snapshot_dir / "main-2024").iterdir()
    harm(folder)
    well, words = run_check(data_folder.check_snapshots, frozen)
    assert not well
    assert expected in words
    assert "survey freeze --wave main-2024" in words
    assert "backup" in words


def test_a_snapshot_from_before_files_were_sealed_is_named(frozen: Settings) -> None:
    with session_scope(frozen.store_url) as session:
        session.connection().execute(sa.text("DROP TRIGGER tr_audit_entry_delete"))
        session.connection().execute(
            sa.text("DELETE FROM audit_entry WHERE action = 'snapshot.sealed'")
        )
    findings = list(data_folder.check_snapshots(frozen))
    assert [finding.passed for finding in findings] == [False, True]
    assert "survey recompute --wave main-2024" in str(findings[0].detail)


def test_what_others_on_the_machine_may_read_is_named(frozen: Settings) -> None:
    assert run_check(data_folder.check_rights, frozen)[0]
    (folder,) = (frozen.snapshot_dir / "main-2024").iterdir()
    (folder / "cells.parquet").chmod(0o644)
    well, words = run_check(data_folder.check_rights, frozen)
    assert not well
    assert "cells.parquet" in words


def test_second_factors_that_are_unencrypted_or_lost_are_counted(field: Field) -> None:
    of = settings(database_url=field.url)
    assert list(database.check_second_factors(of)) == []
    with session_scope(field.url) as session:
        session.add(Credential(account_id=field.surveyor.account_id, totp_secret="A" * 16))
    assert run_check(database.check_second_factors, of) == (
        False,
        "1 stand in the store as they are; run: survey init",
    )
    with session_scope(field.url) as session:
        encrypt_secrets(session=session, cipher=secret_cipher(of), now=now())
    assert run_check(database.check_second_factors, of) == (True, "1, all encrypted")
    with session_scope(field.url) as session:
        credential = session.get_one(Credential, field.surveyor.account_id)
        credential.totp_secret = (credential.totp_secret or "")[:-4] + "AAAA"
    assert "cannot be read" in run_check(database.check_second_factors, of)[1]


def test_another_snapshot_in_the_folder(frozen: Settings) -> None:
    with session_scope(frozen.store_url) as session:
        session.connection().execute(sa.text("UPDATE snapshot SET sha256 = 'other'"))
    assert "holds another snapshot" in run_check(data_folder.check_snapshots, frozen)[1]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ({"public_url": "survey.example.org"}, "no address"),
        ({"public_url": "https://survey.example.org"}, "no proxy is trusted"),
        ({"public_url": "http://survey.example.org", "trusted_proxies": 1}, "not encrypted"),
        ({"trusted_proxies": 1}, "SURVEY_PUBLIC_URL"),
        ({"trusted_proxies": -1}, "negative"),
    ],
)
def test_an_address_that_does_not_fit_the_proxies(rest: dict[str, Any], expected: str) -> None:
    well, words = run_check(exposure.check_public_address, settings(**rest))
    assert not well
    assert expected in words


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"public_url": "https://survey.example.org", "trusted_proxies": 1},
        {"public_url": "http://localhost:8501"},
    ],
)
def test_addresses_that_fit(rest: dict[str, Any]) -> None:
    assert run_check(exposure.check_public_address, settings(**rest))[0]


def test_keys_that_are_missing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = {"public_url": "https://survey.example.org", "data_dir": here}
    assert run_check(exposure.check_keys, settings(data_dir=here))[0]
    well, words = run_check(exposure.check_keys, settings(**served))
    assert not well
    assert "missing: SURVEY_AUDIT_KEY, SURVEY_PHONE_KEY." in words
    (here / ".env").write_text("SURVEY_PHONE_KEY=a\nSURVEY_AUDIT_KEY=b\n")
    assert run_check(exposure.check_keys, settings(**served))[0]
    well, words = run_check(exposure.check_keys, settings(**served, trusted_proxies=1))
    assert not well
    assert "STREAMLIT_SERVER_COOKIE_SECRET" in words
    monkeypatch.setenv("STREAMLIT_SERVER_COOKIE_SECRET", "c")
    assert run_check(exposure.check_keys, settings(**served, trusted_proxies=1))[0]


def test_a_real_wave_needs_a_key_that_signs_its_releases(field: Field, tmp_path: Path) -> None:
    file = tmp_path / "away" / "release.key"
    served = settings(database_url=field.url, release_key_file=file)
    well, words = run_check(exposure.check_signing_key, served)
    assert (well, "survey release key new" in words) == (False, True)
    key = add_key_to_file(file)
    well, words = run_check(exposure.check_signing_key, served)
    assert (well, "survey release key register" in words) == (False, True)
    with session_scope(field.url) as session:
        register_key(work_of(session, OPERATOR, field.now), public_key=key.public_bytes)
    assert run_check(exposure.check_signing_key, served)[0]
    assert run_check(exposure.check_signing_key, served.model_copy(update={"demo": True}))[0]


def test_a_real_wave_behind_a_door_of_the_demo(field: Field, frozen: Settings) -> None:
    well, words = run_check(exposure.check_demo, settings(database_url=field.url, demo=True))
    assert not well
    assert "main-2026" in words
    assert list(exposure.check_demo(settings(database_url=field.url))) == []
    assert run_check(exposure.check_demo, frozen.model_copy(update={"demo": True}))[0]


def test_what_the_software_itself_misses(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "catalog_file", lambda *_: here / "nothing.mo")
    assert "make setup" in run_check(installation.check_catalogs, settings())[1]
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert not run_check(installation.check_python, settings())[0]


def test_a_folder_that_a_broken_off_freeze_left(frozen: Settings) -> None:
    wave = next(frozen.snapshot_dir.iterdir())
    for name in ("0123456789ab", ".draft-x1"):
        left = wave / name
        left.mkdir()
        (left / "responses.parquet").write_bytes(b"half")
        faults = [finding for finding in data_folder.check_snapshots(frozen) if not finding.passed]
        assert [str(left) in str(finding.detail) for finding in faults] == [True]
        assert "belongs to no snapshot" in str(faults[0].detail)
        shutil.rmtree(left)
    assert all(finding.passed for finding in data_folder.check_snapshots(frozen))


def test_the_engine_that_sums_waves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_check(installation.check_engine, settings())[0]
    assert list(installation.try_engine(settings())) == []
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert run_check(installation.check_engine, settings(engine="local:2"))[0]
    well, words = run_check(installation.check_engine, settings(engine="local:8"))
    assert not well
    assert "local:2" in words


def test_the_folder_for_files_of_an_engine(tmp_path: Path) -> None:
    """A key in its address is never shown."""
    (tmp_path / "shared").mkdir()
    for location in (str(tmp_path / "shared"), (tmp_path / "shared").as_uri()):
        well, words = run_check(installation.try_files, settings(engine_files=location))
        assert well
        assert "SURVEY_ENGINE_FILES" in words
    assert list((tmp_path / "shared").iterdir()) == []
    (tmp_path / "file").write_text("no folder")
    well, words = run_check(installation.try_files, settings(engine_files=f"{tmp_path}/file"))
    assert not well
    well, words = run_check(
        installation.try_files, settings(engine_files="gopher://me:" + "key@host/x?k=key")
    )
    assert not well
    assert "gopher://host/x" in words
    assert "key" not in words


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """With or without Java, what is missing is said, on the page and by the command."""
    away = settings(engine="spark://127.0.0.1:1", engine_start_seconds=5)
    for examine in (installation.check_engine, installation.try_engine):
        well, words = run_check(examine, away)
        assert not well
        assert "Spark" in words
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert "pip install" in run_check(installation.check_engine, away)[1]
