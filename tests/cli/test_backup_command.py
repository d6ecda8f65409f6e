"""`survey backup` and `survey restore` as a person and a nightly script use them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Survey = Callable[..., Result]


@pytest.mark.slow
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
    key.write_text(survey("keys", "new-backup").stdout)
    assert survey("backup", str(sealed), "--key-file", str(key)).exit_code == 0
    assert survey("restore", str(sealed), "--check", "--key-file", str(key)).exit_code == 0
    assert "--key-file" in survey("restore", str(sealed), "--check").output
    assert "The file is not encrypted" in survey("backup", str(plain)).output
    assert survey("restore", str(plain), "--check").exit_code == 0
    assert survey("restore", str(tmp_path / "nothing"), "--check").exit_code == 2


def test_a_server_that_cannot_open_its_own_backups(survey: Survey, tmp_path: Path) -> None:
    """It knows the public key only; the key file lies in a safe."""
    survey("init")
    key, sealed = tmp_path / "key", tmp_path / "sealed"
    key.write_text(survey("keys", "new-backup").stdout)
    public = key.read_text().split()[3]
    made = survey("backup", str(sealed), "--recipient", public)
    assert made.exit_code == 0, made.output
    assert sealed.stat().st_mode & 0o777 == 0o600
    assert survey("restore", str(sealed), "--check").exit_code == 1
    assert survey("restore", str(sealed), "--check", "--key-file", str(key)).exit_code == 0
    other = tmp_path / "other"
    other.write_text(survey("keys", "new-backup").stdout)
    wrong = survey("restore", str(sealed), "--check", "--key-file", str(other))
    assert "does not open the backup" in wrong.output
    assert survey("backup", str(tmp_path / "x"), "--recipient", "age1nobody").exit_code == 1
    assert survey("backup", str(tmp_path / "x"), "--recipient", public, "--encrypt").exit_code == 2
    plain = tmp_path / "plain.key"
    plain.write_bytes(bytes(range(32)))
    refused = survey("backup", str(tmp_path / "x"), "--key-file", str(plain))
    assert "AGE-SECRET-KEY-1" in refused.output
    assert not (tmp_path / "x").exists()


def test_a_file_of_the_format_before_is_told_in_words(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    old = tmp_path / "old.backup"
    old.write_bytes(b"survey-sealed-1\n\0" + bytes(200))
    result = survey("restore", str(old))
    assert result.exit_code == 1
    assert "0.1.0" in result.output
