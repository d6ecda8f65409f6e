"""What no freeze has reached is audited beside the pages, by one process at a time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from survey.access.principal import OPERATOR
from survey.results import audit_runs
from survey.results.audit_runs import AuditTakenOverError, audit_beside, audit_frozen_waves
from survey.results.freeze import freeze_wave
from survey.results.recompute import recompute_wave
from survey.results.snapshots import get_newest_snapshot
from survey.results.whole_audits import (
    AUDIT_TASK,
    find_audit_standing,
    find_whole_audit,
    is_audit_due,
    read_progress,
)
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.leases import acquire_lease
from survey.store.tables import now
from tests.small_waves import SmallWave, small_wave, store_people
from tests.work_of import work_of

pytestmark = pytest.mark.slow

NOTHING = 1e-9
"""Seconds of the audit of the freeze."""


@pytest.fixture
def wave(tmp_path: Path) -> Iterator[SmallWave]:
    made = small_wave(tmp_path / "data")
    store_people(made, {"110000": 60, "310000": 50, "320100": 12})
    # Not everybody answered everything, so that there is more than one base.
    store_people(made, {"110000": 12, "310000": 15}, service=None)
    settings = made.settings.model_copy(update={"audit_seconds": NOTHING})
    freeze_wave(settings, wave_key=made.key, actor=OPERATOR, options=FreezeOptions(final=True))
    yield made
    dispose_engines()


def standing(wave: SmallWave) -> str:
    with read_scope(wave.settings.store_url) as session:
        return str(find_audit_standing(work_of(session, OPERATOR), wave.key, now()).text)


def is_due(wave: SmallWave) -> bool:
    with read_scope(wave.settings.store_url) as session:
        return is_audit_due(session, now())


class KilledError(BaseException):
    """The process ends here."""


def stop_after(notes: int, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the next run note every slice, and end after some of them."""
    left = [notes]
    renew = audit_runs._AuditRun._renew

    def renew_or_stop(self: Any, progress: Any) -> None:
        renew(self, progress)
        left[0] -= 1
        if not left[0]:
            raise error

    monkeypatch.setattr(audit_runs, "NOTE_SECONDS", 0.0)
    monkeypatch.setattr(audit_runs._AuditRun, "_renew", renew_or_stop)


def test_it_looks_at_every_hidden_count_once(wave: SmallWave) -> None:
    assert is_due(wave)
    assert "not begun" in standing(wave)
    assert audit_frozen_waves(wave.settings, actor=OPERATOR) == [wave.key]
    assert standing(wave).startswith("passed")
    assert not is_due(wave)
    assert audit_frozen_waves(wave.settings, actor=OPERATOR) == []
    with read_scope(wave.settings.store_url) as session:
        audit = find_whole_audit(session, *get_newest_snapshot(session, wave.key))
    assert audit is not None
    assert audit.hidden == audit.audited > 0


@pytest.mark.parametrize(("seconds", "passes"), [(0.0, True), (NOTHING, False)])
def test_tables_made_again_without_a_bound_have_passed(
    wave: SmallWave, seconds: float, *, passes: bool
) -> None:
    settings = wave.settings.model_copy(update={"audit_seconds": seconds})
    with session_scope(settings.store_url) as session:
        recompute_wave(work_of(session, OPERATOR, now(), settings=settings), wave_key=wave.key)
    assert standing(wave).startswith("passed") == passes
    assert is_due(wave) != passes


def test_another_process_does_not_run_it_meanwhile(wave: SmallWave) -> None:
    with session_scope(wave.settings.store_url) as session:
        acquire_lease(session, AUDIT_TASK, began=now(), lasts=timedelta(minutes=1))
    assert not is_due(wave)
    assert audit_beside(wave.settings, OPERATOR) == []
    with read_scope(wave.settings.store_url) as session:
        assert not find_audit_standing(work_of(session, OPERATOR), wave.key, now()).may_start


def test_a_killed_one_goes_on_where_it_was(
    wave: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        stop_after(1, patched, KilledError())
        patched.setattr(audit_runs._AuditRun, "release", lambda self: None)
        with pytest.raises(KilledError):
            audit_frozen_waves(wave.settings, actor=OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        left = read_progress(session)
        held = find_audit_standing(work_of(session, OPERATOR), wave.key, now())
        later = find_audit_standing(
            work_of(session, OPERATOR), wave.key, now() + timedelta(minutes=6)
        )
    assert left.slices == 1
    assert 0 < left.audited <= left.hidden
    assert not held.may_start
    assert later.may_start
    assert f"{left.audited} of {left.hidden}" in str(later.text)

    looked_at: list[int] = []
    monkeypatch.setattr(audit_runs, "now", lambda: now() + timedelta(minutes=6))
    note = audit_runs._AuditRun._note

    def follow(self: Any, progress: Any) -> None:
        looked_at.append(progress.slices)
        note(self, progress)

    monkeypatch.setattr(audit_runs._AuditRun, "_note", follow)
    assert audit_frozen_waves(wave.settings, actor=OPERATOR) == [wave.key]
    with read_scope(wave.settings.store_url) as session:
        audit = find_whole_audit(session, *get_newest_snapshot(session, wave.key))
    assert audit is not None
    assert audit.hidden == audit.audited == left.hidden
    assert audit.bases > 1
    assert looked_at == list(range(2, audit.bases + 1))


def test_one_whose_lease_was_taken_stops_and_records_nothing(
    wave: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew = audit_runs._AuditRun._renew

    def lose(self: Any, progress: Any) -> None:
        with session_scope(wave.settings.store_url) as session:
            later = now() + timedelta(hours=1)
            assert acquire_lease(session, AUDIT_TASK, began=later, lasts=timedelta(minutes=5))
        renew(self, progress)

    monkeypatch.setattr(audit_runs, "NOTE_SECONDS", 0.0)
    monkeypatch.setattr(audit_runs._AuditRun, "_renew", lose)
    with pytest.raises(AuditTakenOverError):
        audit_frozen_waves(wave.settings, actor=OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        assert find_whole_audit(session, *get_newest_snapshot(session, wave.key)) is None


def test_a_wave_whose_answers_are_gone_waits_ten_minutes(wave: SmallWave) -> None:
    for path in wave.settings.snapshot_dir.rglob("responses*"):
        path.unlink()
    assert audit_frozen_waves(wave.settings, actor=OPERATOR) == []
    assert not is_due(wave)
    with read_scope(wave.settings.store_url) as session:
        assert is_audit_due(session, now() + timedelta(minutes=11))
