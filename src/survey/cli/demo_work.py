"""Work of the demonstration that other processes do: freezing waves, and what stands beside them.

A process imports this module for any of it, so what only one of them needs is imported by its work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import typer
from sqlmodel import Session

from survey.access.principal import OPERATOR
from survey.access.work import operator_work
from survey.cli.output import print_note
from survey.health.demo_progress import record_demo_wave
from survey.locale import translator
from survey.publish.microdata.row_preparation import prepare_rows
from survey.results.freeze import freeze_wave
from survey.settings import Settings
from survey.store.transactions import run_in_transaction


@dataclass(frozen=True)
class DemoPlan:
    """Size, seed and processes of a demonstration."""

    size: float
    seed: int
    workers: int
    audit_seconds: float
    """Time for the interval audit of each wave; 0: every hidden count."""


@dataclass(frozen=True)
class StoredWave:
    """Wave that can be frozen."""

    settings: Settings
    key: str


def freeze_stored_wave(wave: StoredWave | None) -> None:
    """Freeze and release a wave; with None, a process has only imported what it takes."""
    if wave is None:
        return
    print_note("Freezing and estimating {wave} …", wave=wave.key)
    freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR, final=True, release=True)
    record_demo_wave(wave.settings, wave.key)
    prepare_rows(wave.settings, wave_key=wave.key, actor=OPERATOR)


def store_beside_waves(settings_and_plan: tuple[Settings, DemoPlan]) -> None:
    """Store the wave that is still collecting, and everything that is no interview."""
    from seed.demo import (
        OPEN_WAVE,
        store_back_checks,
        store_complaints,
        store_education,
        store_experience_checks,
        store_opinion,
        store_unfinished,
    )
    from survey.fieldwork.quality.assessment import assess_wave

    settings, plan = settings_and_plan
    seed, photos = plan.seed, settings.photo_dir
    store_unfinished(
        settings.store_url, size=plan.size, seed=seed, progress=build_progress_printer(settings)
    )
    # Frozen interviews are past review, so only those of the open wave are looked at.
    print_note("Looking for odd interviews in {wave} …", wave=OPEN_WAVE)
    store = partial(store_in_transaction, settings)
    run_in_transaction(
        settings.store_url,
        lambda session: assess_wave(operator_work(session, settings), wave_key=OPEN_WAVE),
        long_running=True,
    )
    store(partial(store_back_checks, wave_key=OPEN_WAVE, seed=seed))
    print_note("Making complaint statistics and opinion counts …")
    store(partial(store_complaints, seed=seed))
    print_note("Making experience checks …")
    store(partial(store_experience_checks, photo_dir=photos, seed=seed))
    store(partial(store_education, photo_dir=photos, seed=seed))
    store(partial(store_opinion, seed=seed))


def store_in_transaction(settings: Settings, work: Callable[..., Any]) -> None:
    """Run work that takes `session` and `now` in a transaction of its own."""

    def store(session: Session) -> None:
        work(session=session, now=datetime.now(UTC))

    run_in_transaction(settings.store_url, store, long_running=True)


def build_progress_printer(settings: Settings) -> Callable[..., None]:
    """Return a function that prints a message about progress in the language of the settings."""
    t = translator(settings.language)
    return lambda text: typer.echo(f"  {t(text)}", err=True)
