"""What a stranger checks a release with, for anybody: the published keys, and the script."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from survey.access.principal import OPERATOR
from survey.release import publishing_steps, verify
from survey.release.signing_keys import register_key, withdraw_key
from survey.release.verify import fingerprint_of, parse_keys
from survey.settings import Settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from survey.web import release_check
from survey.web.routes import build_app, is_own_path
from tests.publish.publications.signed_folders import new_signing_key, signed_files, write_folder
from tests.work_of import work_of

KEY = new_signing_key()


@pytest.fixture
def url(tmp_path: Path, _sqlite_template: Path) -> Iterator[str]:
    (tmp_path / "survey.db").write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{tmp_path / 'survey.db'}"
    with session_scope(url) as session:
        register_key(work_of(session, OPERATOR, now()), public_key=KEY.public_bytes)
    yield url
    dispose_engines()


def client_of(url: str, tmp_path: Path, *, per_minute: int = 0) -> TestClient:
    settings = Settings(
        database_url=url, data_dir=tmp_path, demo=False, public_rate_per_minute=per_minute
    )
    return TestClient(build_app(settings))


def test_a_stranger_checks_a_release_with_what_anybody_fetches(url: str, tmp_path: Path) -> None:
    with client_of(url, tmp_path) as client:
        for path in release_check.PATHS:
            assert is_own_path(path)
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=60"
            assert path.removeprefix("/") in answer.headers["content-disposition"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            (tmp_path / path.removeprefix("/")).write_bytes(answer.content)
    folder = write_folder(tmp_path / "release", signed_files(KEY))
    (folder / "verify.py").write_text("print('genuine')")  # a forger's, which nobody is to run
    run = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "--keys", "release-keys.json", "release"],
        cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip
    assert (run.returncode, "release: verify.py: " in run.stdout) == (1, True), run.stderr
    (folder / "verify.py").unlink()
    run = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "--keys", "release-keys.json", "release"],
        cwd=tmp_path, capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    assert fingerprint_of(KEY.public_bytes) in run.stdout


def test_a_withdrawn_key_is_said_once_the_kept_list_is_old(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_check, "KEPT_SECONDS", 0)
    with client_of(url, tmp_path) as client:
        assert not parse_keys(client.get("/release-keys.json").text).keys[KEY.id].withdrawn
        with session_scope(url) as session:
            withdraw_key(
                work_of(session, OPERATOR, now() + timedelta(seconds=1)),
                key_id=KEY.id,
                reason="The laptop was stolen",
            )
        assert parse_keys(client.get("/release-keys.json").text).keys[KEY.id].withdrawn


def test_a_flood_reads_the_store_once_and_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, build = [], publishing_steps.build_key_list

    def count_reads(*given: object) -> bytes:
        reads.append(1)
        return build(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing_steps, "build_key_list", count_reads)
    with client_of(url, tmp_path, per_minute=20) as client:
        states = [client.get("/release-keys.json").status_code for _ in range(30)]
        assert client.get("/verify.py").status_code == 429
    assert states == [200] * 20 + [429] * 10
    assert len(reads) == 1


def test_the_script_is_the_one_that_releases_hold(url: str, tmp_path: Path) -> None:
    with client_of(url, tmp_path) as client:
        assert client.get("/verify.py").content == Path(verify.__file__).read_bytes()
