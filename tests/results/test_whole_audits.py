"""No release is signed before every hidden count of its results has passed an audit."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from survey.access.principal import OPERATOR
from survey.operations.data_folder import check_whole_audits
from survey.release.register import PublicationDraft, plan_publication
from survey.release.signatures import prepare_signature
from survey.release.signing_keys import SigningKeyError
from survey.results.freeze import freeze_wave
from survey.results.release import release_wave
from survey.results.snapshots import CELLS, get_newest_snapshot
from survey.results.whole_audits import (
    CountAudit,
    audit_wave,
    find_audit_problem,
    find_whole_audit,
    list_released_problems,
    record_audit,
)
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Shown, now
from tests.error_codes import raises_code
from tests.small_waves import SmallWave, small_wave, store_people
from tests.work_of import ONE_PERSON, work_of

UNBOUNDED, NOTHING = 0.0, 1e-9
"""Seconds of the audit of a freeze."""


@pytest.fixture
def wave(tmp_path: Path) -> Iterator[SmallWave]:
    made = small_wave(tmp_path / "data")
    store_people(made, {"110000": 60, "310000": 50, "320100": 12})
    yield made
    dispose_engines()


def freeze(wave: SmallWave, audit_seconds: float) -> Settings:
    settings = wave.settings.model_copy(update={"audit_seconds": audit_seconds})
    freeze_wave(settings, wave_key=wave.key, actor=OPERATOR, options=FreezeOptions(final=True))
    return settings


def problem(wave: SmallWave) -> str:
    with read_scope(wave.settings.store_url) as session:
        return str(find_audit_problem(session, *get_newest_snapshot(session, wave.key)) or "")


def sign(wave: SmallWave, key: str) -> None:
    with read_scope(wave.settings.store_url) as session:
        prepare_signature(work_of(session, OPERATOR, now(), settings=wave.settings), key=key)


def test_a_release_is_signed_once_the_whole_audit_has_passed(wave: SmallWave) -> None:
    freeze(wave, NOTHING)
    draft = PublicationDraft(wave.key, "测评", "Survey", "Lin", now() + timedelta(days=1))
    with session_scope(wave.settings.store_url) as session:
        key = plan_publication(work_of(session, OPERATOR, now()), draft=draft)
    with raises_code("audit_missing", match=f"audit --wave {wave.key} --all"):
        sign(wave, key)
    with session_scope(wave.settings.store_url) as session:
        settings = wave.settings.model_copy(update={"audit_seconds": NOTHING})
        some = audit_wave(work_of(session, OPERATOR, settings=settings), wave_key=wave.key)
        assert some.audited < some.hidden
    with raises_code("audit_missing"):
        sign(wave, key)
    with session_scope(wave.settings.store_url) as session:
        work = work_of(session, OPERATOR, settings=wave.settings)
        audit_wave(work, wave_key=wave.key, every_cell=True)
    assert problem(wave) == ""
    with pytest.raises(SigningKeyError):  # the next thing that is asked for
        sign(wave, key)


def test_a_freeze_that_reached_every_hidden_count_is_such_an_audit(wave: SmallWave) -> None:
    freeze(wave, UNBOUNDED)
    with read_scope(wave.settings.store_url) as session:
        audit = find_whole_audit(session, *get_newest_snapshot(session, wave.key))
    assert audit is not None
    assert audit.hidden == audit.audited > 0
    assert audit.narrow == 0
    assert problem(wave) == ""


@pytest.mark.slow
def test_an_audit_holds_for_the_cells_that_it_looked_at(wave: SmallWave) -> None:
    freeze(wave, UNBOUNDED)
    freeze(wave, NOTHING)
    assert problem(wave) == "", "the same answers give the same cells, byte for byte"
    with session_scope(wave.settings.store_url) as session:
        _, snapshot = get_newest_snapshot(session, wave.key)
        folder = wave.settings.snapshot_dir / snapshot.directory
        draft = SnapshotDraft(wave.settings)
        draft.write(folder / CELLS, (folder / CELLS).read_bytes() + b" ")
        draft.seal(session, whole=folder, actor=OPERATOR, now=now())
    assert "Not every hidden count" in problem(wave)


def test_an_audit_that_found_counts_known_closely_lets_nothing_be_signed(wave: SmallWave) -> None:
    settings = freeze(wave, NOTHING)
    with session_scope(settings.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, now(), settings=ONE_PERSON),
            wave_key=wave.key,
            shown=Shown.SCORES,
        )
    [unknown] = check_whole_audits(settings)
    assert not unknown.passed
    with session_scope(settings.store_url) as session:
        found = get_newest_snapshot(session, wave.key)
        record_audit(
            work_of(session, OPERATOR, now()),
            wave=found[0],
            snapshot=found[1],
            audit=CountAudit(bases=3, hidden=40, audited=40, narrow=2),
        )
        [(released, text)] = list_released_problems(work_of(session, OPERATOR))
        assert released.key == wave.key
    assert "2 hidden ones" in str(text)
    [failed] = check_whole_audits(settings)
    assert not failed.passed
    assert "survey disclosure audit" in str(failed.detail)
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, settings=settings)
        audit_wave(work, wave_key=wave.key, every_cell=True)
    [passed] = check_whole_audits(settings)
    assert passed.passed
