"""`survey demo` in processes: served with its first wave, and the same whoever freezes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import Result

from seed.demo import OPEN_WAVE
from survey.access.principal import OPERATOR
from survey.cli import demo_data
from survey.cli.demo_data import DEMO_WAVES, DemoPlan, build_demo, demo_in_background
from survey.compute.worker import Worker
from survey.locale import SurveyError, msg
from survey.operations.demo_progress import (
    DemoProgress,
    begin_demo,
    find_demo_progress,
    record_demo_failure,
    record_demo_wave,
)
from survey.questionnaire.model import Instrument
from survey.settings import Settings, current_settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Wave
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.submission_clients import free_port
from tests.work_of import work_of

pytestmark = pytest.mark.slow

PROGRAM = "from survey.cli.main import main\nmain()"
SIZE = "0.01"
PATIENCE_SECONDS = 240


def start_demo(folder: Path, *options: str, port: int = 0) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SURVEY_DATABASE_URL": "",
        "SURVEY_DATA_DIR": str(folder),
        "SURVEY_HOST": "127.0.0.1",
        "SURVEY_PORT": str(port),
        "SURVEY_LANGUAGE": "en",
    }
    command = [sys.executable, "-c", PROGRAM, "demo", "--size", SIZE, *options]
    return subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.DEVNULL)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    latest = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert process.poll() is None, "the command has ended"
        assert time.monotonic() < latest
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """All processes below one, as long as they run."""
    below: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            below += [int(child) for child in (thread / "children").read_text().split()]
    return below + [each for child in below for each in children_of(child)]


def is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def port() -> int:
    return free_port()


Serve = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def serve(tmp_path: Path, port: int) -> Iterator[Serve]:
    """Start the command that serves; what still runs after the test is ended."""
    processes: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        processes.append(start_demo(tmp_path, "--serve", "--workers", "2", port=port))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def name_tables(folder: Path) -> dict[str, Path]:
    """Return the tables by name; a change lies with the wave that was frozen last of the two."""
    named = {}
    for path in folder.rglob("*.parquet"):
        name = str(path.relative_to(folder))
        if change := re.fullmatch(r"changes-(.+)-([0-9a-f]{12})\.parquet", path.name):
            two = sorted(
                (f"{path.parent.parent.name}/{path.parent.name}", "/".join(change.groups()))
            )
            name = f"change of {two[0]} to {two[1]}"
        named[name] = path
    return named


def status_of(port: int, method: str, path: str) -> int:
    """Status of an answer; 0 while nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, headers={"Origin": f"http://127.0.0.1:{port}"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def page_text(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/?lang=en")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_the_first_wave_is_served_while_the_others_are_made(
    serve: Serve, port: int, tmp_path: Path
) -> None:
    settings = Settings(database_url="", data_dir=tmp_path / "demo", _env_file=None)
    served = serve()
    wait_until(lambda: status_of(port, "GET", "/") == 200, served)
    progress = find_demo_progress(settings)
    assert progress is not None, "the first page did not wait for all of them"
    assert 1 <= progress.done < progress.total == 5
    assert not settings.demo_marker.exists()
    assert "of 5 surveys are done" in page_text(port)
    # Signing in writes to the store that the others are being written to.
    assert status_of(port, "POST", "/auth/demo?role=national_official") == 303

    makers = children_of(served.pid)
    assert len(makers) >= 2, "who makes the data, and who freezes"
    os.kill(makers[0], signal.SIGKILL)

    def has_failed() -> bool:
        now = find_demo_progress(settings)
        return now is not None and now.failed

    wait_until(has_failed, served)
    assert "could not be completed" in page_text(port)
    wait_until(lambda: not any(map(is_running, makers)), served)
    assert status_of(port, "GET", "/") == 200, "what is there is still served"
    served.terminate()
    assert served.wait(timeout=60) in (0, -signal.SIGTERM)
    assert not settings.demo_marker.exists()

    left_behind = settings.data_dir / "left-behind"
    left_behind.touch()
    again = serve()
    wait_until(lambda: status_of(port, "GET", "/") == 200, again)
    assert not left_behind.exists(), "the next command makes them anew, and serves no others"
    progress = find_demo_progress(settings)
    assert progress is not None
    assert not progress.failed
    assert 1 <= progress.done < progress.total


@pytest.mark.parametrize("shared", ["", "sqlite:///{}/shared.db"])
def test_what_an_interrupted_build_had_done_does_not_count(
    shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a shared database as well, once it was emptied."""
    settings = Settings(
        database_url=shared.format(tmp_path), data_dir=tmp_path / "demo", _env_file=None
    )
    begin_demo(settings, DEMO_WAVES)
    record_demo_wave(settings, DEMO_WAVES[0])
    record_demo_failure(settings)
    seen: list[DemoProgress | None] = []

    class MakesOneWave(Worker):
        def __init__(self) -> None:
            super().__init__()
            seen.append(find_demo_progress(settings))

        def apply(self, function: Callable[[Any], Any], part: Any) -> Any:
            record_demo_wave(settings, DEMO_WAVES[1])

    monkeypatch.setattr(demo_data, "Worker", MakesOneWave)
    with demo_in_background(settings, DemoPlan(size=0.01, seed=1, workers=1, audit_seconds=0.2)):
        seen.append(find_demo_progress(settings))
    dispose_engines()
    assert seen == [DemoProgress(0, len(DEMO_WAVES)), DemoProgress(1, len(DEMO_WAVES))]


def test_a_wave_that_cannot_be_frozen_ends_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more is stored, and whoever serves pages is told."""

    def refuse(wave: tuple[Settings, str] | None) -> None:
        if wave is not None:
            raise SurveyError(msg("This wave cannot be frozen."))

    monkeypatch.setattr(demo_data, "freeze_stored_wave", refuse)
    settings = Settings(database_url="", data_dir=tmp_path / "demo", _env_file=None)
    with pytest.raises(SurveyError, match="cannot be frozen"):
        build_demo(settings, DemoPlan(size=0.01, seed=1, workers=1, audit_seconds=0.2))
    with read_scope(settings.store_url) as session:
        assert session.exec(select(Wave.key)).all() == [DEMO_WAVES[0]]
    dispose_engines()
    assert find_demo_progress(settings) == DemoProgress(0, len(DEMO_WAVES), failed=True)


@pytest.mark.parametrize(
    ("chosen", "size", "expected"), [("", "1", 0), ("", SIZE, 1), ("7", "1", 7), ("7", SIZE, 7)]
)
def test_waves_of_a_full_demonstration_are_audited_whole(
    chosen: str,
    size: str,
    expected: float,
    tmp_path: Path,
    survey: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What its visitors freeze or preview is bounded."""
    monkeypatch.delenv("SURVEY_AUDIT_SECONDS", raising=False)
    if chosen:
        monkeypatch.setenv("SURVEY_AUDIT_SECONDS", chosen)
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SURVEY_DEMO", "0")
    plans: list[tuple[Settings, DemoPlan]] = []
    monkeypatch.setattr(demo_data, "build_demo", lambda *given: plans.append(given))
    made = survey("demo", "--size", size)
    assert made.exit_code == 0, made.output
    [(settings, plan)] = plans
    assert plan.audit_seconds == expected
    assert settings.audit_seconds == float(chosen or 1)


@pytest.mark.parametrize("left_behind", [DEMO_WAVES[0], OPEN_WAVE])
def test_a_shared_database_with_half_a_demonstration_is_refused(
    survey: Callable[..., Result],
    store_url: str,
    small_instrument: Instrument,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    left_behind: str,
) -> None:
    """A wave that an interrupted build left open can neither be filled up nor made again."""
    with session_scope(store_url) as session:
        plan = NewWave(
            key=left_behind,
            series="demo",
            year=2026,
            title_zh=left_behind,
            title_en=left_behind,
            instrument_id=save_instrument(session=session, instrument=small_instrument),
            is_demo=True,
        )
        create_wave(work_of(session, OPERATOR), plan=plan)
        open_wave(work_of(session, OPERATOR), key=left_behind)
    monkeypatch.setenv("SURVEY_DATABASE_URL", store_url)
    for language, words in (("en", "was not completed"), ("zh", "未完成的演示")):
        monkeypatch.setenv("SURVEY_LANGUAGE", language)
        for options in ((), ("--serve",)):
            current_settings.cache_clear()
            refused = survey("demo", "--size", SIZE, *options)
            assert refused.exit_code == 1
            assert words in refused.output
            assert left_behind in refused.output
            assert "SURVEY_DATABASE_URL" in refused.output
    assert not (tmp_path / "data" / "demo").exists(), "nothing has begun"


def test_as_many_processes_as_one_likes_make_the_same_tables(
    small_demo: Path, tmp_path: Path
) -> None:
    """The shared demonstration was made by two processes."""
    assert start_demo(tmp_path, "--workers", "1").wait(timeout=PATIENCE_SECONDS * 2) == 0
    made = tmp_path / "demo"
    tables, shared = name_tables(made), name_tables(small_demo)
    assert len([name for name in tables if name.endswith("cells.parquet")]) == 5
    assert len([name for name in tables if name.startswith("change of main-2023/")]) == 1
    assert tables.keys() == shared.keys()
    for name, path in tables.items():
        assert path.read_bytes() == shared[name].read_bytes(), name
    settings = Settings(database_url="", data_dir=made, _env_file=None)
    assert settings.demo_marker.exists()
    assert find_demo_progress(settings) is None
