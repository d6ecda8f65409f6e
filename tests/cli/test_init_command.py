"""`survey init` leaves nothing to look up: the first administrator, and a key to sign releases."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from survey.cli import init
from survey.cli.main import app
from survey.settings import current_settings

Survey = Callable[..., Result]


def accounts(survey: Survey) -> list[tuple[str, str, str]]:
    listed = json.loads(survey("user", "list", "--format", "json").stdout)
    return [(each["login"], each["name"], each["role"]) for each in listed]


def test_the_first_administrator_is_named_once(survey: Survey) -> None:
    made = survey("init", "--administrator", "wang", "--name", "Wang Fang")
    assert made.exit_code == 0, made.output
    assert "/auth/setup/" in made.stdout
    assert accounts(survey) == [("wang", "Wang Fang", "administrator")]
    again = survey("init", "--administrator", "li", "--name", "Li Na")
    assert again.exit_code == 0
    assert "/auth/setup/" not in again.stdout
    assert "nobody was added" in again.output
    assert len(accounts(survey)) == 1


@pytest.mark.parametrize(("typed", "made"), [("zhao\nZhao Min\n", 1), ("\n", 0)])
def test_on_a_terminal_it_asks(
    survey: Survey, monkeypatch: pytest.MonkeyPatch, typed: str, made: int
) -> None:
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(init, "sys", terminal)
    result = CliRunner().invoke(app, ["init"], input=typed)
    assert result.exit_code == 0, result.output
    assert "first administrator" in result.output
    assert accounts(survey) == [("zhao", "Zhao Min", "administrator")][:made]


def test_a_file_for_keys_gets_its_key_and_keeps_it(
    survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys" / "release.key"
    file.parent.mkdir()
    monkeypatch.setenv("SURVEY_RELEASE_KEY_FILE", str(file))
    current_settings.cache_clear()
    assert survey("init").exit_code == 0
    assert not file.exists(), "an upgrade makes no key"
    assert survey("init", "--administrator", "wang").exit_code == 0
    key = file.read_text()
    (listed,) = json.loads(survey("release", "key", "list", "--format", "json").stdout)
    assert listed["id"]
    assert survey("init").exit_code == 0
    assert file.read_text() == key
