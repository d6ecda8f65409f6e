"""`survey user …`: the first administrator of a new system, and help when nobody can sign in."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlmodel import select
from typer.testing import CliRunner

from survey.access.secret_hashes import get_account_of_link, verify_password
from survey.cli.main import app
from survey.settings import current_settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Credential, now
from tests.account_factory import PASSWORD

Survey = Callable[..., Result]


def _accounts(survey: Survey, *more: str) -> dict[str, dict[str, object]]:
    listed = json.loads(survey("user", "list", "--format", "json", *more).stdout)
    return {row["login"]: row for row in listed}


@pytest.fixture(autouse=True)
def _store(survey: Survey) -> None:
    assert survey("init").exit_code == 0


def test_the_first_administrator_gets_a_link_that_names_them(survey: Survey) -> None:
    made = survey("user", "create", "Wang", "--name", "Wang Fang")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip().rpartition("/auth/setup/")[2]
    with session_scope(current_settings().store_url) as session:
        account = get_account_of_link(session=session, token=token, now=now())
    assert (account.login, account.role, account.area) == ("wang", "administrator", "CN")
    assert _accounts(survey)["wang"]["password"] is False
    with read_scope(current_settings().store_url) as session:
        entries = session.exec(select(AuditEntry)).all()
    made_by = {entry.action: entry.detail.get("by") for entry in entries}
    assert made_by["account.created"] == made_by["account.link_made"] == "operator"
    assert token not in " ".join(str(entry.model_dump()) for entry in entries)


def test_a_password_may_be_typed_instead_and_has_to_be_changed(survey: Survey) -> None:
    arguments = ["user", "create", "wang", "--name", "Wang", "--password"]
    weak = CliRunner().invoke(app, arguments, input="password1234\npassword1234\n")
    assert weak.exit_code == 1
    assert _accounts(survey) == {}
    made = CliRunner().invoke(app, arguments, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert PASSWORD not in made.output
    with read_scope(current_settings().store_url) as session:
        credential = session.exec(select(Credential)).one()
    assert verify_password(credential.password_hash, PASSWORD)
    assert credential.must_change


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--role", "city_official"), "does not suit"),
        (("--role", "city_official", "--area", "999999"), "no such area"),
        (("--role", "surveyor", "--area", "110000/none"), "no such area"),
        (("--email", "nonsense"), "e-mail"),
        (("--role", "king"), "Invalid value"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    survey: Survey, arguments: tuple[str, ...], reason: str
) -> None:
    result = survey("user", "create", "li", "--name", "Li", *arguments)
    assert result.exit_code in {1, 2}
    assert reason in result.output
    assert _accounts(survey) == {}


def test_an_account_is_changed_closed_and_opened_again(survey: Survey) -> None:
    survey("user", "create", "li", "--name", "Li", "--role", "city_official", "--area", "110000")
    changed = survey("user", "change", "li", "--area", "310000", "--until", "2040-01-31")
    assert changed.exit_code == 0, changed.output
    row = _accounts(survey)["li"]
    assert (row["area"], row["until"], row["active"]) == ("310000", "2040-01-31", True)
    survey("user", "change", "li", "--for-good")
    assert _accounts(survey)["li"]["until"] is None
    assert survey("user", "disable", "li").exit_code == 0
    assert _accounts(survey)["li"]["active"] is False
    assert survey("user", "reset", "li").exit_code == 1
    assert survey("user", "enable", "li").exit_code == 0
    assert "/auth/setup/" in survey("user", "reset", "li").stdout
    assert survey("user", "reset-factor", "li").exit_code == 0
    assert survey("user", "sign-out", "li").exit_code == 0


def test_an_unknown_login_is_said_to_be_unknown(survey: Survey) -> None:
    for command in ("change", "disable", "enable", "reset", "reset-factor", "sign-out"):
        result = survey("user", command, "nobody")
        assert result.exit_code == 1
        assert "no such account" in result.output
    with read_scope(current_settings().store_url) as session:
        assert session.exec(select(Account)).all() == []


LIST = "name,login,role,area\nLi Na,lina,surveyor,Beijing\nSun Li,sun,supervisor,32\n"


def test_a_list_of_accounts_comes_in_once_and_its_links_go_to_a_private_file(
    survey: Survey, tmp_path: Path
) -> None:
    file, sheet = tmp_path / "people.csv", tmp_path / "links.pdf"
    file.write_text(LIST, encoding="gb18030")
    tried = survey("user", "import", str(file), "--dry-run")
    assert (tried.exit_code, _accounts(survey)) == (0, {})
    made = survey("user", "import", str(file), "--sheet", str(sheet))
    assert made.exit_code == 0, made.output
    assert sheet.read_bytes().startswith(b"%PDF")
    assert sheet.stat().st_mode & 0o077 == 0
    listed = _accounts(survey)
    assert {login: row["area"] for login, row in listed.items()} == {"lina": "110000", "sun": "32"}
    again = survey("user", "import", str(file))
    assert again.exit_code == 0
    assert "lina, sun" in again.output
    assert _accounts(survey) == listed


def test_links_are_listed_where_no_sheet_is_named(survey: Survey, tmp_path: Path) -> None:
    file = tmp_path / "people.txt"
    file.write_text(LIST, encoding="utf-8")
    made = survey("user", "import", str(file), "--format", "json")
    links = {row["login"]: row["link"] for row in json.loads(made.stdout)}
    token = links["lina"].rpartition("/auth/setup/")[2]
    with session_scope(current_settings().store_url) as session:
        account = get_account_of_link(session=session, token=token, now=now())
    assert account.login == "lina"


@pytest.mark.parametrize("content", ["Li,lina,king,Beijing\nSun,sun,surveyor,Beijing", "\x00", ""])
def test_a_list_with_a_wrong_row_creates_nobody(
    survey: Survey, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(content, encoding="utf-8")
    tried = survey("user", "import", str(file), "--format", "csv")
    assert tried.exit_code == (1 if content else 0)
    assert _accounts(survey) == {}
    if "king" in content:
        assert tried.stdout.splitlines()[1].startswith("1,")


def test_a_sheet_that_cannot_be_written_creates_nobody(survey: Survey, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(LIST, encoding="utf-8")
    tried = survey("user", "import", str(file), "--sheet", str(tmp_path / "none" / "links.pdf"))
    assert tried.exit_code == 2
    assert _accounts(survey) == {}
