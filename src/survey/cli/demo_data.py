"""Building of the demonstration: an empty store is filled, and its waves are frozen in parallel."""

import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, wait
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
from survey.compute import LocalEngine
from survey.compute.worker import Worker
from survey.files.microdata.row_preparation import prepare_rows
from survey.locale import SurveyError, msg, translator
from survey.operations.demo_progress import (
    begin_demo,
    end_demo,
    find_demo_progress,
    record_demo_failure,
    record_demo_wave,
)
from survey.results.freeze import freeze_wave
from survey.settings import PROJECT_ROOT, Settings
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import read_scope
from survey.store.private_files import FOLDER_MODE
from survey.store.schema import upgrade
from survey.store.tables import Wave
from survey.store.transactions import run_in_transaction
from survey.waves.instruments import load_reference_data


@dataclass(frozen=True)
class DemoPlan:
    """Size, random seed, worker processes and audit seconds of a demonstration to be built."""

    size: float
    seed: int
    workers: int
    audit_seconds: float
    """Time for the interval audit of each wave; 0: every hidden count."""


def freeze_stored_wave(settings_and_key: tuple[Settings, str] | None) -> None:
    """Freeze and release the demo wave of the given key; for None only start the process."""
    if settings_and_key is None:
        return
    settings, key = settings_and_key
    print_note("Freezing and estimating {wave} …", wave=key)
    options = FreezeOptions(final=True, release=True)
    freeze_wave(settings, wave_key=key, actor=OPERATOR, options=options)
    record_demo_wave(settings, key)
    prepare_rows(settings, wave_key=key, actor=OPERATOR)


def store_beside_waves(settings_and_plan: tuple[Settings, DemoPlan]) -> None:
    """Store demo data besides frozen waves: an open wave, complaint counts, checks, education."""
    from seed.demo import (
        OPEN_WAVE,
        OPINION_YEARS,
        build_complaint_deliveries,
        draw_photos,
        store_back_checks,
        store_complaints,
        store_education,
        store_experience_checks,
        store_opinion,
        store_traders,
        store_unfinished,
    )
    from survey.review.quality.assessment import assess_wave_in_parts

    settings, plan = settings_and_plan
    seed, photos = plan.seed, settings.photo_dir
    store_unfinished(
        settings.store_url, size=plan.size, seed=seed, progress=build_progress_printer(settings)
    )
    # Frozen interviews are past review, so only those of the open wave are looked at.
    print_note("Looking for odd interviews in {wave} …", wave=OPEN_WAVE)
    store = partial(store_in_transaction, settings)
    assess_wave_in_parts(settings.store_url, wave_key=OPEN_WAVE)
    store(partial(store_back_checks, wave_key=OPEN_WAVE, seed=seed))
    print_note("Making complaint statistics and opinion counts …")
    # Who signs in meanwhile waits for one of these at most.
    for delivery in build_complaint_deliveries(seed=seed):
        store(partial(store_complaints, delivery=delivery))
    store(store_traders)
    print_note("Making experience checks …")
    draw_photos()
    store(partial(store_experience_checks, photo_dir=photos, seed=seed))
    store(partial(store_education, photo_dir=photos, seed=seed))
    for year in OPINION_YEARS:
        store(partial(store_opinion, year=year, seed=seed))


def store_in_transaction(settings: Settings, work: Callable[..., Any]) -> None:
    """Run `work`, which takes `session` and `now`, in a transaction of its own."""

    def store(session: Session) -> None:
        work(session=session, now=datetime.now(UTC))

    run_in_transaction(settings.store_url, store, long_running=True)


def publish_stored_waves(settings_and_keys: tuple[Settings, tuple[str, ...]]) -> None:
    """Publish frozen demo waves as signed public releases, the earlier one first."""
    from survey.cli.demo_releases import publish_demo_wave
    from survey.site.public_site import install_site, plan_current_site

    settings, keys = settings_and_keys
    print_note("Signing and publishing two waves …")
    published = [publish_demo_wave(settings, key) for key in keys]
    if any(published):
        # Else the first visitor of the public site would wait for it to be built.
        with read_scope(settings.store_url) as session:
            plan = plan_current_site(session, settings)
        install_site(settings, plan)
    if not all(published):
        print_note(
            "Nothing is on the public site: in a small demonstration hidden counts are not audited "
            "to the end, and no release is signed without that."
        )


def build_progress_printer(settings: Settings) -> Callable[..., None]:
    """Return a function that prints a progress message in the language of the settings."""
    t = translator(settings.language)
    return lambda text: typer.echo(f"  {t(text)}", err=True)


def put_seed_on_path() -> None:
    """Make `seed/` in the project folder importable; raise `SurveyError` if it is missing."""
    if not (PROJECT_ROOT / "seed" / "demo").is_dir():
        raise SurveyError(
            msg("Demo data need the project folder; {root} has none.", root=PROJECT_ROOT)
        )
    if str(PROJECT_ROOT) not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT))


DEMO_WAVES = ("village-2026", "elderly-2024", "main-2024", "main-2023", "minors-2024")
"""In the order in which they are made: the newest is small, so that there is soon something to see;
the next is frozen while the first large one is stored, and the last one beside the other."""
MAX_WORKERS = 2
"""Processes that freeze large waves, by default; each takes half a gigabyte at full size."""
_POLL_SECONDS = 0.1
_LOG = logging.getLogger(__name__)


def default_workers() -> int:
    """Return how many processes freeze demo waves on this machine unless told otherwise."""
    return min(MAX_WORKERS, os.cpu_count() or 1)


def build_demo(settings: Settings, plan: DemoPlan) -> None:
    """Build the whole demonstration in place of what an earlier build has left.

    What a build before has left is thrown away, but for the rows of a shared database.

    Raises:
        SurveyError: a shared database holds waves of a demonstration that is not complete.
    """
    _begin(settings)
    _build(settings, plan)


def _begin(settings: Settings) -> None:
    """Delete what an earlier build of the demonstration left, and record the start of a new one."""
    put_seed_on_path()
    if settings.database_url:
        _require_no_demo_waves(settings)
    else:
        shutil.rmtree(settings.data_dir, ignore_errors=True)
    settings.data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    begin_demo(settings, DEMO_WAVES)


def _require_no_demo_waves(settings: Settings) -> None:
    """Raise `SurveyError` if a shared database holds demo waves of an earlier build.

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
    """Start building the demonstration in another process; begin the block once a wave is ready.

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
    """Build of the demonstration in another process, with the thread that waits for it."""

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
    """Store the demo waves in this process, and freeze them in worker processes.

    Everything is begun as soon as what it needs is there, so that hardly a core is idle: what
    stands beside the waves is stored while nothing large can be frozen yet, and the problem lists
    are made as soon as the two waves are frozen that they are about.
    """
    from seed.demo import LAST_WAVE, THIS_WAVE, store_open_answers, store_problem_lists

    print_note("Making demo data: five waves, some minutes …")
    audited = settings.model_copy(update={"audit_seconds": plan.audit_seconds})
    with LocalEngine(plan.workers) as engine:
        # As many times nothing as there are processes, which start meanwhile.
        begun = [engine.submit(freeze_stored_wave, None) for _ in range(plan.workers)]
        frozen: dict[str, Future[None]] = {}
        for key in _store_waves(settings, plan):
            frozen[key] = engine.submit(freeze_stored_wave, (audited, key))
            _require_no_failure([*begun, *frozen.values()])
            if key == DEMO_WAVES[0]:
                begun.append(engine.submit(store_beside_waves, (settings, plan)))
        _wait_for([*begun, frozen[LAST_WAVE], frozen[THIS_WAVE]])
        store_in_transaction(settings, partial(store_problem_lists, settings=settings))
        published = engine.submit(publish_stored_waves, (settings, (LAST_WAVE, THIS_WAVE)))
        _wait_for([*frozen.values(), published])
    store_in_transaction(settings, partial(store_open_answers, seed=plan.seed))


def _wait_for(futures: Iterable[Future[None]]) -> None:
    """Wait for all futures; as soon as one fails, raise its error."""
    futures = tuple(futures)
    wait(futures, return_when=FIRST_EXCEPTION)
    _require_no_failure(futures)


def _require_no_failure(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        if future.done():
            future.result()


def _store_waves(settings: Settings, plan: DemoPlan) -> Iterator[str]:
    from seed.demo import store_waves

    upgrade(settings.store_url)
    load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
    return store_waves(
        settings.store_url,
        waves=DEMO_WAVES,
        size=plan.size,
        seed=plan.seed,
        truth_dir=settings.data_dir / "truth",
        progress=build_progress_printer(settings),
    )
