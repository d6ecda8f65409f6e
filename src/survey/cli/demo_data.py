"""Building of the demonstration: waves are stored one after the other and frozen side by side."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import Any

import typer
from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR
from survey.cli.output import print_note
from survey.cli.store_setup import put_seed_on_path
from survey.compute import open_engine
from survey.compute.worker import Worker
from survey.fieldwork.instruments import load_reference_data
from survey.fieldwork.quality.assessment import assess_wave
from survey.health.demo_progress import (
    begin_demo,
    end_demo,
    find_demo_progress,
    record_demo_failure,
    record_demo_wave,
)
from survey.locale import SurveyError, msg, translator
from survey.results.freeze import freeze_wave
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import read_scope
from survey.store.private_files import FOLDER_MODE
from survey.store.schema import upgrade
from survey.store.tables import Wave
from survey.store.transactions import run_in_transaction

DEMO_WAVES = ("village-2026", "elderly-2024", "main-2024", "main-2023", "minors-2024")
"""In the order in which they are made: the newest is small, so that there is soon something to see;
the large ones follow early, so that two processes end together."""
MAX_WORKERS = 2
"""Processes that freeze large waves, by default; each takes a gigabyte at full size."""
_POLL_SECONDS = 0.1
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class DemoPlan:
    """What is asked of a demonstration."""

    size: float
    seed: int
    workers: int


@dataclass(frozen=True)
class _StoredWave:
    settings: Settings
    key: str


def default_workers() -> int:
    """Return how many processes freeze the waves of a demonstration on this machine."""
    return min(MAX_WORKERS, os.cpu_count() or 1)


def build_demo(settings: Settings, plan: DemoPlan) -> None:
    """Build the demo data; they are complete once their marker is there.

    What a build before has left is thrown away, but for the rows of a shared database.

    Raises:
        SurveyError: a shared database holds waves of a demonstration that is not complete.
    """
    _begin(settings)
    _build(settings, plan)


def _begin(settings: Settings) -> None:
    """Throw away what a build before has left: none of it may count as made by the next."""
    put_seed_on_path()
    if settings.database_url:
        _require_no_demo_waves(settings)
    else:
        shutil.rmtree(settings.data_dir, ignore_errors=True)
    settings.data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    begin_demo(settings, DEMO_WAVES)


def _require_no_demo_waves(settings: Settings) -> None:
    """Refuse a shared database with waves of a build before: they may be half filled.

    Only the keys of this build count: trying out a questionnaire makes a wave marked demo as well.
    """
    from seed.demo import OPEN_WAVE

    upgrade(settings.store_url)
    made_here = col(Wave.key).in_((*DEMO_WAVES, OPEN_WAVE))
    with read_scope(settings.store_url) as session:
        keys = session.exec(select(Wave.key).where(Wave.is_demo, made_here)).all()
    if keys:
        raise SurveyError(
            msg(
                "The database holds waves of a demonstration that was not completed, or not with "
                "this data folder: {waves}. They cannot be completed. Name an empty database in "
                "SURVEY_DATABASE_URL, or empty this one if it holds nothing else; then start "
                "again.",
                waves=", ".join(sorted(keys)),
            )
        )


def _build(settings: Settings, plan: DemoPlan) -> None:
    started = time.monotonic()
    try:
        _fill(settings, plan)
    except BaseException:
        record_demo_failure(settings)
        raise
    end_demo(settings, f'{{"size": {plan.size}, "seed": {plan.seed}}}\n')
    print_note("Demo data are ready ({seconds} s).", seconds=round(time.monotonic() - started))


@contextmanager
def demo_in_background(settings: Settings, plan: DemoPlan) -> Iterator[None]:
    """Build the demo data in another process, and enter the block once a first wave is there.

    The other process is ended with the block, whatever it is doing.

    Raises:
        Exception: the build failed before there was anything to see, or could not begin.
    """
    # Here, not in the other process: until that one starts, this one would find the progress of
    # the build before, and serve its folder.
    _begin(settings)
    build = _BackgroundBuild(settings, plan)
    try:
        build.wait_for_first_wave()
        yield
    finally:
        build.end()


class _BackgroundBuild:
    """A build in another process, and the thread that waits for it."""

    def __init__(self, settings: Settings, plan: DemoPlan) -> None:
        self._settings, self._plan = settings, plan
        self._error: Exception | None = None
        self._is_served, self._is_ended = False, False
        self._worker = Worker()
        self._thread = Thread(target=self._wait, name="demo")
        self._thread.start()

    def wait_for_first_wave(self) -> None:
        while self._thread.is_alive() and not _has_first_wave(self._settings):
            time.sleep(_POLL_SECONDS)
        if self._error is not None:
            raise self._error
        self._is_served = True

    def end(self) -> None:
        self._is_ended = True
        self._worker.kill()
        self._thread.join()
        self._worker.close()

    def _wait(self) -> None:
        try:
            self._worker.apply(_build_as_planned, (self._settings, self._plan))
        except Exception as error:
            if self._is_ended:
                return
            # A process that was ended from outside could not say so itself.
            record_demo_failure(self._settings)
            self._error = error
            if self._is_served:
                print_note("The demo data stay incomplete. To make them anew: survey demo --renew")
                _LOG.error("demo data could not be made", exc_info=error)


def _build_as_planned(settings_and_plan: tuple[Settings, DemoPlan]) -> None:
    _build(*settings_and_plan)


def _has_first_wave(settings: Settings) -> bool:
    progress = find_demo_progress(settings)
    return settings.demo_marker.exists() if progress is None else progress.done > 0


def _fill(settings: Settings, plan: DemoPlan) -> None:
    from seed.demo import store_problem_lists

    print_note("Making demo data: five waves, one to three minutes …")
    with open_engine(f"local:{plan.workers}") as engine:
        for _ in engine.map(_freeze, _store_waves(settings, plan)):
            pass
    _store(settings, partial(store_problem_lists, settings=settings))


def _store_waves(settings: Settings, plan: DemoPlan) -> Iterator[_StoredWave | None]:
    """Store everything, and yield the waves as soon as they can be frozen.

    First come as many times nothing as there are processes, which start meanwhile. The last wave is
    frozen here, beside the large ones: by then nobody waits for this process.
    """
    from seed.demo import store_waves

    yield from [None] * plan.workers
    upgrade(settings.store_url)
    load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
    waves = store_waves(
        settings.store_url,
        waves=DEMO_WAVES,
        size=plan.size,
        seed=plan.seed,
        truth_dir=settings.data_dir / "truth",
        progress=_report_progress(settings),
    )
    for key in waves:
        if key != DEMO_WAVES[-1]:
            yield _StoredWave(settings, key)
            continue
        _store_rest(settings, plan)
        _freeze(_StoredWave(settings, key))


def _freeze(wave: _StoredWave | None) -> None:
    if wave is None:
        return
    print_note("Freezing and estimating {wave} …", wave=wave.key)
    freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR, final=True, release=True)
    record_demo_wave(wave.settings, wave.key)


def _store_rest(settings: Settings, plan: DemoPlan) -> None:
    """Store what stands beside the frozen waves."""
    from seed.demo import (
        OPEN_WAVE,
        store_back_checks,
        store_complaints,
        store_education,
        store_experience_checks,
        store_opinion,
        store_unfinished,
    )

    seed, photos = plan.seed, settings.photo_dir
    store_unfinished(
        settings.store_url, size=plan.size, seed=seed, progress=_report_progress(settings)
    )
    # Frozen interviews are past review, so only those of the open wave are looked at.
    print_note("Looking for odd interviews in {wave} …", wave=OPEN_WAVE)
    _store(settings, partial(assess_wave, principal=OPERATOR, wave_key=OPEN_WAVE))
    _store(settings, partial(store_back_checks, wave_key=OPEN_WAVE, seed=seed))
    print_note("Making complaint statistics and opinion counts …")
    _store(settings, partial(store_complaints, seed=seed))
    print_note("Making experience checks …")
    _store(settings, partial(store_experience_checks, photo_dir=photos, seed=seed))
    _store(settings, partial(store_education, photo_dir=photos, seed=seed))
    _store(settings, partial(store_opinion, seed=seed))


def _store(settings: Settings, work: Callable[..., Any]) -> None:
    """Run work that takes `session` and `now` in a transaction of its own."""

    def store(session: Session) -> None:
        work(session=session, now=datetime.now(UTC))

    run_in_transaction(settings.store_url, store, long_running=True)


def _report_progress(settings: Settings) -> Callable[..., None]:
    t = translator(settings.language)
    return lambda text: typer.echo(f"  {t(text)}", err=True)
