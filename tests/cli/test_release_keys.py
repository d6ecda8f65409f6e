"""`survey release key …` and `survey verify`: keys are made, replaced and withdrawn."""

import hashlib
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from survey.access.principal import OPERATOR
from survey.release import verify
from survey.release.signing_keys import find_signing_problem, new_key_line, read_signing_keys
from survey.release.verify import fingerprint_of
from survey.settings import Settings, current_settings
from survey.store.engine import dispose_engines, read_scope
from tests.publish.publications.signed_folders import signed_files, write_folder
from tests.work_of import work_of

Survey = Callable[..., Result]


@pytest.fixture
def key_file(survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "away" / "release.key"
    monkeypatch.setenv("SURVEY_RELEASE_KEY_FILE", str(file))
    current_settings.cache_clear()
    assert survey("init").exit_code == 0
    return file


def listed(survey: Survey) -> list[dict[str, object]]:
    keys: list[dict[str, object]] = json.loads(
        survey("release", "key", "list", "--format", "json").stdout
    )
    return keys


def test_a_key_signs_is_replaced_and_withdrawn(
    survey: Survey, key_file: Path, tmp_path: Path
) -> None:
    made = survey("release", "key", "new", "--out", str(key_file))
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    (old,) = read_signing_keys(current_settings())
    assert key_file.read_text().strip() not in made.output
    folder = write_folder(tmp_path / "release", signed_files(old))
    assert survey("verify", str(folder)).exit_code == 0

    assert survey("release", "key", "new", "--out", str(key_file)).exit_code == 0
    assert read_signing_keys(current_settings())[0].id == old.id
    assert len(listed(survey)) == 2
    assert survey("verify", str(folder / "figures.csv")).exit_code == 0

    nothing = survey("release", "key", "withdraw", old.id, "--reason", "x")
    assert (nothing.exit_code, "few words" in nothing.output) == (1, True)
    lost = survey("release", "key", "withdraw", old.id, "--reason", "The laptop was stolen")
    assert lost.exit_code == 0, lost.output
    again = survey("release", "key", "withdraw", old.id, "--reason", "The laptop was stolen")
    assert again.exit_code == 1
    refused = survey("verify", str(folder))
    assert (refused.exit_code, "withdrawn" in refused.output) == (1, True)
    assert survey("release", "key", "register").exit_code == 0
    assert sum(key["withdrawn"] is None for key in listed(survey)) == 1


def test_a_stranger_verifies_without_a_store(
    survey: Survey, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey("release", "key", "new", "--out", str(key_file))
    published = tmp_path / "release-keys.json"
    exported = survey("release", "key", "export", "--out", str(published))
    (key,) = read_signing_keys(current_settings())
    fingerprint = fingerprint_of(key.public_bytes)
    assert hashlib.sha256(key.public_bytes).hexdigest() == fingerprint.replace(" ", "")
    script = hashlib.sha256(Path(verify.__file__).read_bytes()).hexdigest()
    assert (exported.exit_code, fingerprint in exported.output, script in exported.output) == (
        0, True, True,
    )  # fmt: skip
    assert [each["fingerprint"] for each in listed(survey)] == [fingerprint]
    folder = write_folder(tmp_path / "release", signed_files(key))
    dispose_engines()
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path / "nowhere"))
    monkeypatch.delenv("SURVEY_RELEASE_KEY_FILE")
    current_settings.cache_clear()
    alone = survey("verify", str(folder))
    assert (alone.exit_code, "--keys" in alone.output) == (1, True)
    genuine = survey("verify", "--keys", str(published), str(folder))
    assert (genuine.exit_code, fingerprint in genuine.output) == (0, True)
    file = folder / "figures.csv"
    file.write_bytes(file.read_bytes().replace(b"00900", b"00901", 1))
    changed = survey("verify", "--keys", str(published), str(file), str(folder / "empty.csv"))
    assert changed.exit_code == 1
    assert "figures.csv" in changed.output
    assert "10240–11263" in changed.output
    assert not (tmp_path / "nowhere").exists()


def test_keys_that_cannot_be_used_are_said(
    survey: Survey, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = survey("release", "key", "register")
    assert (missing.exit_code, "holds a key" in missing.output) == (1, True)
    odd = tmp_path / "odd.json"
    odd.write_text("{}")
    assert survey("verify", "--keys", str(odd), str(tmp_path)).exit_code == 2
    assert Settings(data_dir=tmp_path).time_stamp_url == ""


def _find_command(words: str) -> list[str]:
    """The command of the platform that a message names, as somebody would copy it."""
    found = re.search(r"survey ((?:[a-z]+ )*[a-z]+)", words)
    assert found is not None, words
    return found[1].split()


def test_the_command_that_a_missing_key_asks_for_works_as_printed(
    survey: Survey, key_file: Path
) -> None:
    def problem() -> str:
        with read_scope(current_settings().store_url) as session:
            found = find_signing_problem(work_of(session, OPERATOR, settings=current_settings()))
        return "" if found is None else str(found)

    assert not key_file.exists()
    made = survey(*_find_command(problem()))
    assert made.exit_code == 0, made.output
    assert key_file.exists()
    assert problem() == ""


def test_a_key_that_is_not_registered_names_the_command_that_registers_it(
    survey: Survey, key_file: Path
) -> None:
    key_file.parent.mkdir(parents=True)
    key_file.write_text(new_key_line())
    with read_scope(current_settings().store_url) as session:
        found = find_signing_problem(work_of(session, OPERATOR, settings=current_settings()))
        assert found is not None
    assert survey(*_find_command(found.msgid)).exit_code == 0
    with read_scope(current_settings().store_url) as session:
        assert find_signing_problem(work_of(session, OPERATOR, settings=current_settings())) is None


def test_without_a_place_for_the_key_the_command_says_how_to_name_one(
    survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert survey("init").exit_code == 0
    monkeypatch.delenv("SURVEY_RELEASE_KEY_FILE", raising=False)
    current_settings.cache_clear()
    refused = survey("release", "key", "new")
    assert (refused.exit_code, "SURVEY_RELEASE_KEY_FILE" in refused.output) == (1, True)
