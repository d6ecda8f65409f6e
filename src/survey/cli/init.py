"""Command that makes or upgrades a store, its first administrator and its key to sign releases."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.access.account_list import AccountFilter, list_accounts
from survey.access.accounts import AccountData, create_account, create_setup_link
from survey.access.roles import NATION, Role
from survey.access.second_factor import count_unencrypted, encrypt_secrets
from survey.access.work import Work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import error_reporting, print_note
from survey.cli.release import make_first_signing_key
from survey.cli.user import print_setup_link
from survey.locale import translator
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.cipher import secret_cipher
from survey.store.engine import read_scope
from survey.store.private_files import close_to_others
from survey.store.schema import upgrade
from survey.store.transactions import run_in_transaction
from survey.waves.instruments import load_reference_data


def init(
    administrator: Annotated[
        str, typer.Option(help="Login of the first administrator; asked for on a terminal.")
    ] = "",
    name: Annotated[str, typer.Option(help="Name of that person.")] = "",
) -> None:
    """Create or upgrade the store; load cities, indicator trees and shipped questionnaires.

    A new store gets its first administrator, whose setup link is printed, and with that person a
    key to sign releases in the file that SURVEY_RELEASE_KEY_FILE names.

    Safe to repeat: what is there already is kept.
    """
    with error_reporting():
        settings = current_settings()
        upgrade(settings.store_url)
        load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
        _encrypt_old_secrets(settings)
        close_to_others(settings)
        print_note("The store is ready.")
        if _make_first_administrator(administrator, name):
            make_first_signing_key(settings)


def _make_first_administrator(login: str, name: str) -> bool:
    """Create the first administrator and print the setup link; return whether there was none.

    On a terminal it is asked for who that is.
    """
    with read_as_operator() as work:
        known = list_accounts(work, account_filter=AccountFilter(role=Role.ADMINISTRATOR))
    if known.count:
        if login:
            print_note("There is an administrator already; nobody was added.")
        return False
    if not login and sys.stdin.isatty():
        t = translator(current_settings().language)
        login = typer.prompt(t("Login of the first administrator (empty: later)"), default="")
        name = login and typer.prompt(t("Name of that person"))
    if not login:
        return False
    entry = AccountData(name or login, Role.ADMINISTRATOR, NATION)

    def create(work: Work) -> str:
        account = create_account(work, login=login, entry=entry)
        return create_setup_link(work, login=account.login)

    print_setup_link(login, change_as_operator(create))
    return True


def _encrypt_old_secrets(settings: Settings) -> None:
    """Encrypt those secrets of second factors that an earlier version stored in plain text."""
    with read_scope(settings.store_url) as session:
        if not count_unencrypted(session):
            return
    cipher, now = secret_cipher(settings), datetime.now(UTC)
    run_in_transaction(
        settings.store_url, lambda session: encrypt_secrets(session=session, cipher=cipher, now=now)
    )
