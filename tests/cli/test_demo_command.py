"""`survey demo` in processes: served with its first wave, and the same whoever freezes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from survey.health.demo_progress import find_demo_progress
from survey.settings import Settings
from tests.submission_clients import free_port

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


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = start_demo(tmp_path, "--serve", "--workers", "2", port=port)
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()


def list_tables(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))


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
    served: subprocess.Popen[bytes], port: int, tmp_path: Path
) -> None:
    settings = Settings(database_url="", data_dir=tmp_path / "demo", _env_file=None)
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
    assert not settings.demo_marker.exists(), "the next command makes them anew"


def test_as_many_processes_as_one_likes_make_the_same_tables(
    small_demo: Path, tmp_path: Path
) -> None:
    """The shared demonstration was made by two processes."""
    assert start_demo(tmp_path, "--workers", "1").wait(timeout=PATIENCE_SECONDS * 2) == 0
    made = tmp_path / "demo"
    names = list_tables(made)
    assert len([name for name in names if name.endswith("cells.parquet")]) == 5
    assert len([name for name in names if "/changes-main-2023-" in name]) == 1
    assert names == sorted(
        str(path.relative_to(small_demo)) for path in small_demo.rglob("*.parquet")
    )
    for name in names:
        assert (made / name).read_bytes() == (small_demo / name).read_bytes(), name
    settings = Settings(database_url="", data_dir=made, _env_file=None)
    assert settings.demo_marker.exists()
    assert find_demo_progress(settings) is None
