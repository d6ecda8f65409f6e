"""Commands for accounts: creating the first administrator, importing lists, helping to sign in."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from survey.access.account_list import (
    AccountFilter,
    AccountSummary,
    create_accounts,
    get_account_summary,
    list_accounts,
)
from survey.access.accounts import (
    AccountData,
    change_account,
    create_account,
    create_setup_link,
    end_all_sessions,
    reset_factor,
    set_active,
    set_temporary_password,
)
from survey.access.roles import NATION, Role, UnknownRoleError, parse_role
from survey.access.sign_in_codes import SecretSheet
from survey.access.work import Work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.options import read_bytes
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.output_file import output_file
from survey.locale import Message, SurveyError, msg, translator
from survey.reports.code_sheets_pdf import setup_link_sheet_pdf
from survey.settings import current_settings
from survey.spreadsheets import decode_table_text
from survey.waves.planning.point_staff import AccountList, read_account_file, read_pasted_accounts


def import_accounts(
    accounts: Annotated[
        Path,
        typer.Argument(
            help="An XLSX workbook, or a text file with tabs or commas: name, login, role, area, "
            "last day, e-mail."
        ),
    ],
    sheet: Annotated[
        Path | None,
        typer.Option(help="PDF to write the setup links to; else they are listed here."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """Create the accounts of a list, all or none, each with a link that is shown once.

    Logins that exist already are skipped. Every row is checked first; while one is wrong nothing is
    written.
    """
    with error_reporting():
        listed = _read(accounts)
        if listed.present:
            print_note(
                "{count} logins exist already and are skipped: {logins}",
                count=len(listed.present),
                logins=", ".join(listed.present),
            )
        if listed.errors:
            _print_errors(listed, output)
            raise typer.Exit(1)
        if dry_run or not listed.accounts:
            print_note("{count} accounts would be created.", count=len(listed.accounts))
            return
        if sheet is not None:
            issued = _create_with_sheet(listed, sheet)
        else:
            issued = change_as_operator(partial(create_accounts, accounts=listed.accounts))
            rows = [
                (person.login, person.name, f"{_get_origin()}/auth/setup/{person.secret}")
                for person in issued.people
            ]
            print_table(("login", "name", "link"), rows, output)
        print_note("{count} accounts were created.", count=len(issued.people))


def _get_origin() -> str:
    settings = current_settings()
    return settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"


def _create_with_sheet(listed: AccountList, sheet: Path) -> SecretSheet:
    """Create accounts `listed` and write their setup links to file `sheet`, both or neither."""

    def create(work: Work) -> SecretSheet:
        issued = create_accounts(work, accounts=listed.accounts)
        language = work.settings.language
        draft.write(setup_link_sheet_pdf(issued, origin=_get_origin(), language=language))
        return issued

    with output_file(sheet, private=True) as draft:
        return change_as_operator(create)


def _read(path: Path) -> AccountList:
    content = read_bytes(path)
    with read_as_operator() as work:
        if path.suffix.lower() not in {".csv", ".tsv", ".txt"}:
            return read_account_file(work, name=path.name, content=content)
        try:
            text, _ = decode_table_text(content)
        except UnicodeDecodeError as error:
            raise SurveyError(msg("“{name}” is not a text file.", name=path.name)) from error
        return read_pasted_accounts(work, text=text)


def _print_errors(listed: AccountList, output: OutputFormat) -> None:
    t = translator(current_settings().language)
    rows = [(error.row, t(error.column), error.value, t(error.message)) for error in listed.errors]
    print_table(("row", "column", "found", "reason"), rows, output)
    print_note("{count} cells need another look; nothing was written.", count=len(rows))


app = typer.Typer(
    name="user",
    help="Accounts: create, list, change, close, and help people who cannot sign in.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("import")(import_accounts)

Login = Annotated[str, typer.Argument(help="What the person signs in with.")]
Until = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Last day on which the account works, for example 2027-01-31."
    ),
]


def _parse_role(word: str) -> Role:
    try:
        return parse_role(word)
    except UnknownRoleError as error:
        t = translator(current_settings().language)
        raise typer.BadParameter(t(error.message)) from error


OtherRole = Annotated[
    Role | None, typer.Option("--role", parser=_parse_role, metavar="ROLE", help="One role.")
]
AskPassword = Annotated[
    bool,
    typer.Option(
        "--password",
        help="Ask for a password here instead of printing a link; the person has to change it.",
    ),
]
MAX_LISTED_ACCOUNTS = 100_000


@app.command()
def create(
    login: Login,
    name: Annotated[str, typer.Option(help="Name of the person.")],
    role: Annotated[
        Role, typer.Option(parser=_parse_role, metavar="ROLE", help="What the person works as.")
    ] = Role.ADMINISTRATOR,
    area: Annotated[
        str, typer.Option(help="CN, a province (32), a city (320500) or city/point.")
    ] = NATION,
    until: Until = None,
    email: Annotated[
        str, typer.Option(help="How an outside provider knows the person; optional.")
    ] = "",
    password: AskPassword = False,
) -> None:
    """Make an account and print a setup link with which the person chooses a password.

    The first administrator of a new system is made like this:
    survey user create wang --name "Wang Fang"
    """
    with error_reporting():
        entry = AccountData(name, role, area, _get_day(until), email)
        # Whoever mistypes a password twice has made no account.
        typed = _ask_password() if password else ""

        def create_with_password(work: Work) -> tuple[str, str | None]:
            account = create_account(work, login=login, entry=entry)
            return account.login, _set_password_or_link(work, account.login, typed)

        print_setup_link(*change_as_operator(create_with_password))


@app.command("list")
def list_(
    role: OtherRole = None,
    area: Annotated[str, typer.Option(help="Only areas that begin like this.")] = "",
    words: Annotated[str, typer.Option("--find", help="Part of login, name or e-mail.")] = "",
    demo: Annotated[bool, typer.Option("--demo", help="Demo accounts instead of real ones.")] = (
        False
    ),
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """List accounts: who, where, until when, and whether they can sign in."""
    with error_reporting(), read_as_operator() as work:
        listing = list_accounts(
            work,
            limit=MAX_LISTED_ACCOUNTS,
            account_filter=AccountFilter(role=role, area=area, words=words, demo=demo),
        )
        columns = (
            "login", "name", "role", "area", "until", "active", "password", "second_factor",
            "sessions", "last_seen",
        )  # fmt: skip
        print_table(columns, [_build_account_row(line) for line in listing.lines], output)


@app.command()
def change(
    login: Login,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    role: OtherRole = None,
    area: Annotated[str | None, typer.Option(help="Another area.")] = None,
    until: Until = None,
    for_good: Annotated[bool, typer.Option("--for-good", help="Without an end date.")] = False,
    email: Annotated[str | None, typer.Option(help="Another e-mail; empty for none.")] = None,
) -> None:
    """Change name, role, area, end date or e-mail; what is not named stays. It holds at once."""

    def change_data(work: Work) -> None:
        line = get_account_summary(work, login=login)
        before = line.entry
        entry = AccountData(
            before.name if name is None else name,
            role or before.role,
            before.area if area is None else area,
            None if for_good else _get_day(until) or before.last_day,
            before.email if email is None else email,
        )
        change_account(work, login=login, seen=before, entry=entry)

    _run_change(change_data, msg("{login} is changed.", login=login))


@app.command()
def disable(login: Login) -> None:
    """Close an account: its sessions end, its links and codes do nothing any more."""
    _run_change(set_active, msg("{login} is closed.", login=login), login=login, active=False)


@app.command()
def enable(login: Login) -> None:
    """Open a closed account again."""
    _run_change(set_active, msg("{login} is open again.", login=login), login=login, active=True)


@app.command()
def reset(login: Login, password: AskPassword = False) -> None:
    """Print a setup link with which the person chooses a new password."""
    with error_reporting():
        typed = _ask_password() if password else ""
        token = change_as_operator(lambda work: _set_password_or_link(work, login, typed))
        print_setup_link(login, token)


@app.command("reset-factor")
def reset_factor_(login: Login) -> None:
    """For a lost phone: the person sets up another one at the next sign-in."""
    note = msg("{login} sets up a second factor at the next sign-in.", login=login)
    _run_change(reset_factor, note, login=login)


@app.command("sign-out")
def sign_out(login: Login) -> None:
    """End every session of an account."""
    note = msg("{login} is signed out everywhere.", login=login)
    _run_change(end_all_sessions, note, login=login)


def _run_change(change: Callable[..., object], note: Message, **order: object) -> None:
    with error_reporting():
        change_as_operator(lambda work: change(work, **order))
    print_note(note)


def _get_day(until: datetime | None) -> date | None:
    return until.date() if until else None


def _ask_password() -> str:
    words = translator(current_settings().language)(msg("Password"))
    typed: str = typer.prompt(words, hide_input=True, confirmation_prompt=True)
    return typed


def _set_password_or_link(work: Work, login: str, typed: str) -> str | None:
    """Set the password if `typed` and return None; else return the token of a new setup link."""
    if not typed:
        return create_setup_link(work, login=login)
    set_temporary_password(work, login=login, password=typed)
    return None


def print_setup_link(login: str, token: str | None) -> None:
    """Print the setup link of an account, or that its password was set if `token` is None."""
    if token is None:
        print_note(
            "{login} signs in with this password and has to choose another one.", login=login
        )
        return
    print_note("{login} chooses a password here, once, within three days:", login=login)
    typer.echo(f"{_get_origin()}/auth/setup/{token}")


def _build_account_row(line: AccountSummary) -> tuple[object, ...]:
    return (
        line.login,
        line.name,
        line.role.value,
        line.area,
        line.last_day,
        line.active and not line.is_over,
        line.has_password,
        line.has_factor,
        line.open_sessions,
        line.last_seen,
    )
