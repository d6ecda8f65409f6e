"""`survey backup` and `survey restore` as a person and a nightly script use them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Survey = Callable[..., Result]


def test_a_night_and_the_morning_after(
    survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEY_BACKUP_PASSPHRASE", "correct horse battery")
    survey("init")
    folder = tmp_path / "nightly"
    folder.mkdir()
    made = survey("backup", str(folder), "--encrypt", "--format", "json")
    assert made.exit_code == 0, made.output
    assert "not encrypted" not in made.output
    (path,) = folder.iterdir()
    assert path.name.startswith("survey-2")
    record = json.loads(made.stdout)[0]
    assert record["file"] == str(path)
    assert record["rows"] > 100
    checked = survey("restore", str(path), "--check")
    assert checked.exit_code == 0
    assert "The backup is whole." in checked.output
    refused = survey("restore", str(path))
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    elsewhere = survey("--data-dir", str(tmp_path / "new"), "restore", str(path))
    assert elsewhere.exit_code == 0, elsewhere.output
    assert "every table was read back" in elsewhere.output
    monkeypatch.setenv("SURVEY_BACKUP_PASSPHRASE", "incorrect horse battery")
    wrong = survey("restore", str(path), "--check")
    assert wrong.exit_code == 1
    assert "does not open the backup" in wrong.output


def test_a_key_file_and_a_plain_backup(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    key, sealed, plain = tmp_path / "key", tmp_path / "sealed", tmp_path / "plain"
    key.write_bytes(bytes(range(32)))
    assert survey("backup", str(sealed), "--key-file", str(key)).exit_code == 0
    assert survey("restore", str(sealed), "--check", "--key-file", str(key)).exit_code == 0
    assert "--key-file" in survey("restore", str(sealed), "--check").output
    assert "The file is not encrypted" in survey("backup", str(plain)).output
    assert survey("restore", str(plain), "--check").exit_code == 0
    assert survey("restore", str(tmp_path / "nothing"), "--check").exit_code == 2
