"""Command that sets up a store, and the building of the demonstration."""

import shutil
import sys
import time
from datetime import UTC, datetime

import typer

from survey.access.principal import OPERATOR
from survey.access.second_factor import count_unencrypted, encrypt_secrets
from survey.cli.options import set_environment
from survey.cli.output import error_reporting, print_note
from survey.fieldwork.instruments import load_reference_data
from survey.fieldwork.quality.assessment import assess_wave
from survey.locale import SurveyError, msg, translator
from survey.results.freeze import freeze_wave
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.cipher import secret_cipher
from survey.store.engine import dispose_engines, read_scope
from survey.store.private_files import FOLDER_MODE, close_to_others
from survey.store.schema import upgrade
from survey.store.transactions import run_in_transaction

DEMO_WAVES = ("main-2023", "main-2024", "elderly-2024", "minors-2024", "village-2026")
PARTIAL_SUFFIX = ".partial"


def init() -> None:
    """Create or upgrade the store; load cities, indicator trees and shipped questionnaires.

    Safe to repeat: what is there already is kept.
    """
    with error_reporting():
        settings = current_settings()
        upgrade(settings.store_url)
        load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
        _encrypt_old_secrets(settings)
        close_to_others(settings)
        print_note("The store is ready.")


def _encrypt_old_secrets(settings: Settings) -> None:
    """Encrypt the secrets of second factors that were set up before secrets were encrypted."""
    with read_scope(settings.store_url) as session:
        if not count_unencrypted(session):
            return
    cipher, now = secret_cipher(settings), datetime.now(UTC)
    run_in_transaction(
        settings.store_url, lambda session: encrypt_secrets(session=session, cipher=cipher, now=now)
    )


def build_demo(settings: Settings, *, size: float, seed: int) -> None:
    """Build the demo data in a folder beside the final one and move it there when complete."""
    final = settings.data_dir
    started = time.monotonic()
    if settings.database_url:
        _fill(settings, size=size, seed=seed)
    else:
        partial = final.with_name(final.name + PARTIAL_SUFFIX)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=FOLDER_MODE, parents=True)
        _fill(set_environment({"SURVEY_DATA_DIR": str(partial)}), size=size, seed=seed)
        dispose_engines()
        shutil.rmtree(final, ignore_errors=True)
        partial.replace(final)
        set_environment({"SURVEY_DATA_DIR": str(final)})
    print_note("Demo data are ready ({seconds} s).", seconds=round(time.monotonic() - started))


def _fill(settings: Settings, *, size: float, seed: int) -> None:
    _seed_on_path()
    from seed.demo import (
        OPEN_WAVE,
        build,
        store_back_checks,
        store_complaints,
        store_education,
        store_experience_checks,
        store_opinion,
        store_problem_lists,
    )

    t = translator(settings.language)
    print_note("Making demo data: five waves, about two minutes …")
    upgrade(settings.store_url)
    load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
    build(
        settings.store_url,
        waves=DEMO_WAVES,
        size=size,
        seed=seed,
        truth_dir=settings.data_dir / "truth",
        progress=lambda text: typer.echo(f"  {t(text)}", err=True),
    )
    # Frozen interviews are past review, so only those of the open wave are looked at.
    print_note("Looking for odd interviews in {wave} …", wave=OPEN_WAVE)
    run_in_transaction(
        settings.store_url,
        lambda session: assess_wave(
            session=session, principal=OPERATOR, wave_key=OPEN_WAVE, now=datetime.now(UTC)
        ),
    )
    run_in_transaction(
        settings.store_url,
        lambda session: store_back_checks(
            session=session, wave_key=OPEN_WAVE, seed=seed, now=datetime.now(UTC)
        ),
    )
    print_note("Making complaint statistics and opinion counts …")
    run_in_transaction(
        settings.store_url,
        lambda session: store_complaints(session=session, now=datetime.now(UTC), seed=seed),
        long_running=True,
    )
    print_note("Making experience checks …")
    run_in_transaction(
        settings.store_url,
        lambda session: store_experience_checks(
            session=session, photo_dir=settings.photo_dir, seed=seed, now=datetime.now(UTC)
        ),
        long_running=True,
    )
    run_in_transaction(
        settings.store_url,
        lambda session: store_education(
            session=session, photo_dir=settings.photo_dir, seed=seed, now=datetime.now(UTC)
        ),
        long_running=True,
    )
    run_in_transaction(
        settings.store_url,
        lambda session: store_opinion(session=session, now=datetime.now(UTC), seed=seed),
        long_running=True,
    )
    for key in DEMO_WAVES:
        print_note("Freezing and estimating {wave} …", wave=key)
        freeze_wave(settings, wave_key=key, actor=OPERATOR, final=True, release=True)
    run_in_transaction(
        settings.store_url,
        lambda session: store_problem_lists(
            settings=settings, session=session, now=datetime.now(UTC)
        ),
        long_running=True,
    )
    marker = settings.demo_marker
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(f'{{"size": {size}, "seed": {seed}}}\n', encoding="utf-8")


def _seed_on_path() -> None:
    """Make `seed/`, which is beside the package in the project folder, importable."""
    if not (PROJECT_ROOT / "seed" / "demo").is_dir():
        raise SurveyError(
            msg("Demo data need the project folder; {root} has none.", root=PROJECT_ROOT)
        )
    if str(PROJECT_ROOT) not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT))
