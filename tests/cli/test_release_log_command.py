"""`survey release log …`: the association signs its log, a province witnesses it by files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from survey.release.verify import parse_checkpoint, parse_note_key
from survey.settings import current_settings
from survey.store.engine import dispose_engines

Survey = Callable[..., Result]


@pytest.fixture
def association(survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a key and its published list; returns the folder to exchange files in."""
    monkeypatch.setenv("SURVEY_RELEASE_KEY_FILE", str(tmp_path / "away" / "release.key"))
    current_settings.cache_clear()
    run(survey, "init")
    run(survey, "release", "key", "new")
    return publish(survey, tmp_path / "public")


def run(survey: Survey, *arguments: str, code: int = 0) -> str:
    result = survey(*arguments)
    assert result.exit_code == code, result.output
    return result.output


def publish(survey: Survey, folder: Path) -> Path:
    """Write what the association's site carries: keys and log; a site of no release has both."""
    shutil.rmtree(folder, ignore_errors=True)
    run(survey, "release", "log", "checkpoint")
    run(survey, "release", "site", "--out", str(folder))
    return folder


def listed(survey: Survey) -> list[dict[str, object]]:
    acts: list[dict[str, object]] = json.loads(
        survey("release", "log", "show", "--format", "json").stdout
    )
    return acts


def test_a_province_witnesses_the_log_and_the_association_takes_it_up(
    survey: Survey, association: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [act["kind"] for act in listed(survey)] == ["key"]

    def witness(*more: str, log: Path = association / "log" / "log.zip", code: int = 0) -> str:
        # The province has no store: nothing may look for one.
        with monkeypatch.context() as patch:
            patch.setenv("SURVEY_DATA_DIR", "/nowhere")
            current_settings.cache_clear()
            said = run(
                survey, "release", "log", "witness", str(log),
                "--keys", str(association / "files" / "release-keys.json"),
                "--key", str(tmp_path / "province" / "witness.key"), "--name", "zj.example",
                "--remember", str(tmp_path / "log.seen"), "--out", str(tmp_path / "cosignature"),
                *more, code=code,
            )  # fmt: skip
        current_settings.cache_clear()
        return said

    assert "--first" in witness(code=1)
    assert not (tmp_path / "province").exists()
    said = witness("--first")
    key = said.split(": ")[-1].strip()
    assert parse_note_key(key).name == "zj.example"
    assert "--first" in witness("--first", code=1)

    take_up = ("--cosignature", str(tmp_path / "cosignature"), "--witness", key)
    run(survey, "release", "log", "checkpoint", *take_up)
    assert key in run(survey, "release", "log", "show")
    publish(survey, association)
    signed = parse_checkpoint((association / "log" / "checkpoint").read_bytes())
    assert signed.is_signed(parse_note_key(key))
    assert key in (association / "log" / "index.html").read_text("utf-8").replace("&#43;", "+")

    # The log grows by another key; the witness sees that it goes on, and so does anybody else.
    run(survey, "release", "key", "new")
    publish(survey, association)
    witness()
    assert parse_checkpoint((tmp_path / "log.seen").read_bytes()).size == 2
    keys = str(association / "files" / "release-keys.json")
    checked = ("--keys", keys, "--checkpoint", str(tmp_path / "log.seen"), "--witness", key)
    run(survey, "release", "log", "verify", str(association / "log"), *checked)
    run(survey, "release", "log", "verify", "--checkpoint", str(tmp_path / "log.seen"))

    # A second history: another store with the same key says something else from the first entry on.
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path / "second"))
    current_settings.cache_clear()
    run(survey, "init")
    run(survey, "release", "key", "register")
    other = publish(survey, tmp_path / "other")
    assert "not the same log" in witness(log=other / "log", code=1)
    refused = run(survey, "release", "log", "verify", str(other / "log"), *checked, code=1)
    assert "not" in refused
    run(survey, "release", "log", "checkpoint", *take_up, code=1)
    assert parse_checkpoint((tmp_path / "log.seen").read_bytes()).size == 2


def test_a_key_that_the_server_does_not_hold_signs_by_its_file(
    survey: Survey, association: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "away" / "release.key"
    kept = key.rename(tmp_path / "kept.key")
    run(survey, "release", "key", "withdraw", _key_of(survey), "--reason", "The disk was sold")
    run(survey, "release", "log", "checkpoint", code=1)
    run(survey, "release", "log", "checkpoint", "--key", str(kept), code=1)
    run(survey, "release", "key", "new")
    newer = key.rename(tmp_path / "newer.key")
    state = run(survey, "release", "log", "checkpoint", "--key", str(newer))
    assert "\n3\n" in state
    assert "withdrawn" in "".join(str(act["kind"]) for act in listed(survey))


def _key_of(survey: Survey) -> str:
    keys = json.loads(survey("release", "key", "list", "--format", "json").stdout)
    return str(keys[0]["id"])


def test_a_restored_store_takes_up_the_published_log(
    survey: Survey, association: Path, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    run(survey, "release", "key", "new")
    publish(survey, association)
    dispose_engines()
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "backup").rename(tmp_path / "data")
    checkpoint = str(association / "log" / "checkpoint")
    assert "second history" in run(
        survey, "release", "log", "verify", "--checkpoint", checkpoint, code=1
    )
    log = association / "log"
    assert "\n2\n" in run(survey, "release", "log", "checkpoint", "--continue", str(log))
    run(survey, "release", "key", "register")
    assert [act["kind"] for act in listed(survey)] == ["key", "key"]
    run(survey, "release", "log", "verify", "--checkpoint", checkpoint)
    assert run(survey, "release", "log", "checkpoint") == (log / "checkpoint").read_text(
        "utf-8"
    ).partition("\n\n")[0] + "\n"  # fmt: skip
    (log / "checkpoint").write_text("nonsense")
    run(survey, "release", "log", "checkpoint", "--continue", str(log), code=2)
