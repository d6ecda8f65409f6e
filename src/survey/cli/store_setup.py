"""Command that sets up a store, and the path to the data that come with the project."""

import sys
from datetime import UTC, datetime

from survey.access.second_factor import count_unencrypted, encrypt_secrets
from survey.cli.output import error_reporting, print_note
from survey.fieldwork.instruments import load_reference_data
from survey.locale import SurveyError, msg
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.cipher import secret_cipher
from survey.store.engine import read_scope
from survey.store.private_files import close_to_others
from survey.store.schema import upgrade
from survey.store.transactions import run_in_transaction


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


def put_seed_on_path() -> None:
    """Make `seed/`, which is beside the package in the project folder, importable."""
    if not (PROJECT_ROOT / "seed" / "demo").is_dir():
        raise SurveyError(
            msg("Demo data need the project folder; {root} has none.", root=PROJECT_ROOT)
        )
    if str(PROJECT_ROOT) not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT))
