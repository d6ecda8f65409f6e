"""A freeze beside fieldwork: nobody waits for it, and what it registers is what is in the store."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url
from sqlmodel import Session, col, func, select

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission import submit
from survey.collection.submission_envelope import Submission
from survey.locale import translator
from survey.results.change_files import write_changes
from survey.results.freeze import FrozenWave, freeze_wave
from survey.results.freeze_reading import AnswersConflictError, FreezeStage, WaveConflictError
from survey.results.recompute import recompute_wave
from survey.results.snapshots import GAPS, changes_file, get_newest_snapshot, list_changes_paths
from survey.results.tables import write_tables
from survey.results.wave_parts import WaveParts
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft, find_seals
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import AuditEntry, Mode, Response, Snapshot, Status, Wave, WaveState, now
from survey.store.transactions import RowsLockedError, StoreUnavailableError, run_in_transaction
from survey.waves.lifecycle import transition
from survey.waves.planning.wave_editing import leave_city_out
from survey.waves.waves import lock_series, lock_wave
from tests.small_waves import KEY, SmallWave, add_wave, small_wave, store_people
from tests.work_of import work_of

pytestmark = pytest.mark.slow

APPROVED, WAITING = 60, 3
LATEST_SECONDS = 120
"""Whoever waits for a freeze that computes waits for its end, which never comes before this."""


class Meanwhile:
    """Something that another thread does to the store each time that a freeze has begun to compute.

    The freeze goes on when it is done: if the freeze held a lock, it would never be.
    """

    def __init__(self, act: Callable[[], object], times: int = 1) -> None:
        self.act, self.times, self.done = act, times, 0
        self.has_read = False

    def __call__(self, stage: FreezeStage, _done: int, _total: int) -> None:
        # It goes over the answers more than once, each time from 0 on.
        has_begun = self.has_read and stage is FreezeStage.COMPUTING
        self.has_read = stage is FreezeStage.READING
        if has_begun and self.done < self.times:
            self.done += 1
            with ThreadPoolExecutor(1) as beside:
                beside.submit(self.act).result(timeout=LATEST_SECONDS)


@pytest.fixture
def wave(store_url: str, tmp_path: Path) -> Iterator[SmallWave]:
    """A closed wave of which some interviews wait for their last approval."""
    small = small_wave(tmp_path, url=store_url)
    store_people(small, {"110000": APPROVED // 2, "310000": APPROVED // 2})
    store_people(small, {"110000": WAITING}, Status.CITY_APPROVED)
    yield small
    dispose_engines()


def approve_one(url: str) -> None:
    """The last approval of an interview that waits for it."""

    def approve(session: Session) -> None:
        query = select(Response).where(Response.status == Status.CITY_APPROVED)
        response = session.exec(query.order_by(col(Response.id))).first()
        assert response is not None
        transition(
            work_of(session, OPERATOR, now()),
            response_id=response.id,
            to=Status.APPROVED,
            reason="",
            expected_version=response.lock_version,
        )

    run_in_transaction(url, approve)


def counts(url: str) -> dict[str, int]:
    with read_scope(url) as session:
        by_status = session.exec(
            select(Response.status, func.count()).group_by(col(Response.status))
        ).all()
        snapshots = session.exec(select(func.count()).select_from(Snapshot)).one()
        entries = session.exec(
            select(AuditEntry.action, func.count())
            .where(col(AuditEntry.action).in_(["wave.snapshot", "snapshot.sealed"]))
            .group_by(col(AuditEntry.action))
        ).all()
    return {
        "snapshots": snapshots,
        **{str(status): number for status, number in by_status},
        **dict(entries),
    }


def state_of(wave: SmallWave) -> WaveState:
    with read_scope(wave.settings.store_url) as session:
        return wave.read(session).state


def newest_snapshot(wave: SmallWave) -> Snapshot:
    with read_scope(wave.settings.store_url) as session:
        return get_newest_snapshot(session, wave.key)[1]


def test_interviews_are_handed_in_and_approved_beside_a_freeze(field: Any, tmp_path: Path) -> None:
    """Provisional results are a picture of the moment of reading; the next ones hold the rest."""
    settings = Settings(database_url=field.url, data_dir=tmp_path, _env_file=None)
    people = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.IMPORT,
            status=Status.APPROVED if number < 30 else Status.CITY_APPROVED,
            submitted_at=field.now,
            answers={**field.complete, "age": 20 + number},
        )
        for number in range(31)
    ]
    run_in_transaction(
        field.url,
        lambda session: write_responses(
            work_of(session, OPERATOR, field.now),
            wave=session.get_one(Wave, field.wave.id),
            rows=people,
        ),
    )

    def work() -> None:
        submission = Submission.model_validate(
            {
                "client_uuid": uuid4(),
                "token": None,
                "point_id": field.point.id,
                "instrument_sha256": field.instrument.sha256,
                "started_at": field.now - timedelta(minutes=6),
                "answers": field.complete,
            }
        )
        receipt = run_in_transaction(
            field.url,
            lambda session: submit(
                session=session, submission=submission, principal=field.surveyor, now=field.now
            ),
        )
        assert receipt is not None
        approve_one(field.url)

    meanwhile = Meanwhile(work)
    frozen = freeze_wave(settings, wave_key="main-2026", actor=OPERATOR, tick=meanwhile)
    assert meanwhile.done == 1
    assert frozen.rows == 30
    assert counts(field.url) == {
        "snapshots": 1,
        "approved": 31,
        "submitted": 1,
        "wave.snapshot": 1,
        "snapshot.sealed": 1,
    }
    assert freeze_wave(settings, wave_key="main-2026", actor=OPERATOR).rows == 31


def test_final_results_hold_what_was_approved_while_they_were_computed(wave: SmallWave) -> None:
    url = wave.settings.store_url
    meanwhile = Meanwhile(lambda: approve_one(url))
    frozen = freeze_wave(
        wave.settings,
        wave_key=wave.key,
        actor=OPERATOR,
        tick=meanwhile,
        options=FreezeOptions(final=True),
    )
    assert frozen.rows == APPROVED + 1
    assert state_of(wave) is WaveState.FROZEN
    assert counts(url) == {
        "snapshots": 1,
        "frozen": APPROVED + 1,
        "city_approved": WAITING - 1,
        "wave.snapshot": 1,
        "snapshot.sealed": 1,
    }
    folders = [path.name for path in (wave.settings.snapshot_dir / wave.key).iterdir()]
    assert folders == [frozen.sha256[:12]], "nothing of the first reading is left"


def test_a_wave_that_does_not_come_to_rest_is_refused_in_words(wave: SmallWave) -> None:
    url = wave.settings.store_url
    meanwhile = Meanwhile(lambda: approve_one(url), times=2)
    with pytest.raises(AnswersConflictError) as refused:
        freeze_wave(
            wave.settings,
            wave_key=wave.key,
            actor=OPERATOR,
            tick=meanwhile,
            options=FreezeOptions(final=True),
        )
    assert "冻结" in translator("zh")(refused.value.message)
    assert meanwhile.done == 2
    assert state_of(wave) is WaveState.CLOSED
    assert counts(url) == {"snapshots": 0, "approved": APPROVED + 2, "city_approved": WAITING - 2}
    assert list(wave.settings.snapshot_dir.rglob("*")) == []


def test_a_city_that_is_left_out_meanwhile_is_left_out(wave: SmallWave) -> None:
    url = wave.settings.store_url

    def leave_out(code: str) -> None:
        run_in_transaction(
            url,
            lambda session: leave_city_out(
                work_of(session, OPERATOR, now()),
                key=wave.key,
                city_code=code,
                reason="the points were flooded",
            ),
        )

    waiting = iter(["310000", "320100", "330100"])
    frozen = freeze_wave(
        wave.settings,
        wave_key=wave.key,
        actor=OPERATOR,
        tick=Meanwhile(lambda: leave_out(next(waiting))),
    )
    assert frozen.rows == APPROVED // 2
    with pytest.raises(WaveConflictError) as refused:
        freeze_wave(
            wave.settings,
            wave_key=wave.key,
            actor=OPERATOR,
            tick=Meanwhile(lambda: leave_out(next(waiting)), times=2),
        )
    words = translator("zh")(refused.value.message)
    assert wave.key in words
    assert "没有写入" in words
    assert counts(url)["snapshots"] == 1


def test_of_two_freezes_of_a_wave_the_last_to_end_is_the_newest(wave: SmallWave) -> None:
    """Also for the changes to a later wave, which lie with the newest snapshot."""
    url, settings = wave.settings.store_url, wave.settings
    later = add_wave(wave, "small-2027", 2027)
    store_people(later, {"110000": 24, "310000": 24})
    other = freeze_wave(settings, wave_key=later.key, actor=OPERATOR)

    def freeze_again() -> None:
        approve_one(url)
        freeze_wave(settings, wave_key=wave.key, actor=OPERATOR)

    meanwhile = Meanwhile(freeze_again)
    frozen = freeze_wave(settings, wave_key=wave.key, actor=OPERATOR, tick=meanwhile)
    assert meanwhile.done == 1
    assert frozen.rows == APPROVED + 1
    newest = newest_snapshot(wave)
    assert newest.sha256 == frozen.sha256
    folder = settings.snapshot_dir / newest.directory
    changes = [path.name for path in folder.glob("changes-*")]
    assert changes == [changes_file(later.key, other.directory)]


def test_a_provisional_freeze_that_ends_first_does_not_hide_the_released_results(
    wave: SmallWave,
) -> None:
    settings = wave.settings
    meanwhile = Meanwhile(lambda: freeze_wave(settings, wave_key=wave.key, actor=OPERATOR))
    freeze_wave(
        settings,
        wave_key=wave.key,
        actor=OPERATOR,
        tick=meanwhile,
        options=FreezeOptions(final=True, release=True),
    )
    assert counts(settings.store_url)["snapshots"] == 2
    assert state_of(wave) is WaveState.RELEASED
    assert newest_snapshot(wave).final


def test_two_waves_of_a_series_are_frozen_at_once(wave: SmallWave) -> None:
    """Neither sees the other when it begins; the change between them is written all the same."""
    later = add_wave(wave, "small-2027", 2027)
    store_people(later, {"110000": 24, "310000": 24})
    both_compute = Barrier(2)

    def freeze(key: str) -> FrozenWave:
        meet = Meanwhile(lambda: both_compute.wait(LATEST_SECONDS))
        return freeze_wave(
            wave.settings,
            wave_key=key,
            actor=OPERATOR,
            tick=meet,
            options=FreezeOptions(final=True),
        )

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(freeze, (wave.key, later.key))
    assert (first.rows, second.rows) == (APPROVED, 48)
    folders = (wave.settings.snapshot_dir / frozen.directory for frozen in (first, second))
    (changes,) = filter(Path.exists, list_changes_paths(*folders))
    at_once = changes.read_bytes()
    again = freeze_wave(wave.settings, wave_key=later.key, actor=OPERATOR)
    assert again.directory != second.directory
    changes = wave.settings.snapshot_dir / again.directory / changes_file(KEY, first.directory)
    assert changes.read_bytes() == at_once


def test_a_recomputation_that_ends_meanwhile_is_noticed(
    wave: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are in place before their seals: until then the wave fits nothing."""
    settings = wave.settings
    later = add_wave(wave, "small-2027", 2027)
    store_people(later, {"110000": 24, "310000": 24})
    earlier = freeze_wave(settings, wave_key=wave.key, actor=OPERATOR)
    installed, compared = Event(), Event()

    def recompute(session: Session) -> None:
        recompute_wave(work_of(session, OPERATOR, now(), settings=settings), wave_key=wave.key)
        installed.set()
        assert compared.wait(LATEST_SECONDS)

    def write_other_tables(
        folder: Path, source: WaveParts, draft: SnapshotDraft, *rest: Any
    ) -> None:
        write_tables(folder, source, draft, *rest)
        draft.write(folder / GAPS, b"of another version")

    def compare(*arguments: Any, **named: Any) -> None:
        write_changes(*arguments, **named)
        compared.set()

    monkeypatch.setattr("survey.results.recompute.write_tables", write_other_tables)
    monkeypatch.setattr("survey.results.freeze.write_changes", compare)
    with ThreadPoolExecutor(1) as beside:

        def begin() -> None:
            running.append(
                beside.submit(
                    lambda: run_in_transaction(settings.store_url, recompute, long_running=True)
                )
            )
            assert installed.wait(LATEST_SECONDS)

        running: list[Future[None]] = []
        frozen = freeze_wave(settings, wave_key=later.key, actor=OPERATOR, tick=Meanwhile(begin))
        running[0].result(LATEST_SECONDS)
    folder = settings.snapshot_dir / frozen.directory
    assert (folder / changes_file(KEY, earlier.directory)).exists()


@pytest.fixture
def impatient(postgres_url: str, tmp_path: Path) -> Iterator[SmallWave]:
    """A closed wave in a store that waits for a lock a fifth of a second."""
    url = make_url(postgres_url).update_query_dict({"options": "-c lock_timeout=200"})
    small = small_wave(tmp_path, url=url.render_as_string(hide_password=False))
    store_people(small, {"110000": 24, "310000": 24})
    yield small
    dispose_engines()


@contextmanager
def held(wave: SmallWave) -> Iterator[Event]:
    """Another transaction has the wave until the event is set, as an archive has for minutes."""
    locked, free = Event(), Event()

    def hold(session: Session) -> None:
        lock_wave(session=session, key=wave.key)
        locked.set()
        assert free.wait(3 * LATEST_SECONDS)

    with ThreadPoolExecutor(1) as beside:
        holding = beside.submit(lambda: run_in_transaction(wave.settings.store_url, hold))
        assert locked.wait(LATEST_SECONDS)
        try:
            yield free
        finally:
            free.set()
        holding.result(LATEST_SECONDS)


@pytest.mark.postgres
def test_a_freeze_waits_for_who_holds_another_wave_of_its_series(
    impatient: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, later = impatient.settings.store_url, add_wave(impatient, "small-2027", 2027)
    pauses: list[float] = []
    with held(later) as free:

        def pause(seconds: float) -> None:
            assert counts(url)["snapshots"] == 0
            pauses.append(seconds)
            if len(pauses) == 2:
                free.set()

        monkeypatch.setattr("survey.results.freeze.sleep", pause)
        frozen = freeze_wave(
            impatient.settings,
            wave_key=impatient.key,
            actor=OPERATOR,
            options=FreezeOptions(final=True),
        )
    assert len(pauses) >= 2
    assert state_of(impatient) is WaveState.FROZEN
    folder = impatient.settings.snapshot_dir / frozen.directory
    with read_scope(url) as session:
        seals = find_seals(session, frozen.directory)
    assert seals is not None
    assert sorted(seals) == sorted(path.name for path in folder.iterdir()), "all of it is sealed"


@pytest.mark.postgres
def test_a_series_that_is_never_free_is_refused_in_words(
    impatient: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = add_wave(impatient, "small-2027", 2027)
    settings = impatient.settings.model_copy(update={"database_patient_timeout": 1.0})
    monkeypatch.setattr("survey.results.freeze.LOCK_PAUSE_SECONDS", 0.1)
    with held(later), pytest.raises(StoreUnavailableError) as refused:
        freeze_wave(settings, wave_key=impatient.key, actor=OPERATOR)
    assert isinstance(refused.value, RowsLockedError)
    assert counts(settings.store_url)["snapshots"] == 0
    assert list(settings.snapshot_dir.rglob("*")) == []


@pytest.mark.postgres
def test_a_recomputation_holds_the_series(impatient: SmallWave) -> None:
    """Or a freeze would register changes to figures that are being replaced."""
    url = impatient.settings.store_url
    freeze_wave(impatient.settings, wave_key=impatient.key, actor=OPERATOR)

    def recompute(session: Session) -> None:
        recompute_wave(
            work_of(session, OPERATOR, now(), settings=impatient.settings), wave_key=impatient.key
        )
        with pytest.raises(StoreUnavailableError):
            run_in_transaction(url, lambda other: lock_series(session=other, series="main"))

    run_in_transaction(url, recompute, long_running=True)
