"""A master of Apache Spark and its workers as processes on this machine."""

import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from survey.compute import SparkEngine
from survey.settings import PROJECT_ROOT
from tests.submission_clients import wait_for

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For processes that live a minute: they start with half of the processor's time."""
_DEFAULTS = f"""
spark.executor.memory 512m
spark.driver.bindAddress 127.0.0.1
spark.driver.host 127.0.0.1
spark.driver.extraJavaOptions {JAVA_OPTIONS}
spark.executor.extraJavaOptions {JAVA_OPTIONS}
"""
_MASTER_ADDRESS = re.compile(r"spark://127\.0\.0\.1:\d+")
_REGISTERED = "Successfully registered with master"


def require_spark() -> Path:
    """Return the folder of Spark; a test that needs it is skipped, loudly, where there is none."""
    message = "NO APACHE SPARK OR NO JAVA: the tests of a cluster are skipped"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            import pyspark
        except ModuleNotFoundError:
            pyspark = None
    if pyspark is None or shutil.which("java") is None:
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return Path(pyspark.__file__).parent


class KillingMap:
    """Maps on an engine, and kills a worker once some results of the first look are there."""

    def __init__(self, engine: SparkEngine, after: int, kill: Callable[[], None]) -> None:
        self.engine, self.after, self.kill = engine, after, kill
        self.results = 0

    def map(self, function: Callable[[Any], Any], parts: Any) -> Iterator[Any]:
        for result in self.engine.map(function, parts):
            self.results += 1
            if self.results == self.after:
                self.kill()
            yield result


class SparkProcesses:
    """A standalone master and workers of one core each, which end with `stop`."""

    def __init__(self, folder: Path) -> None:
        self._spark, self._folder = require_spark(), folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.configuration = folder / "conf"
        self.configuration.mkdir()
        (self.configuration / "spark-defaults.conf").write_text(_DEFAULTS)
        self.master = ""

    def start(self, workers: int) -> None:
        """Start the master, then the workers, and wait until they have found it."""
        name = "org.apache.spark.deploy.master.Master"
        self._run("master", name, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        wait_for(lambda: bool(_MASTER_ADDRESS.search(self._log("master"))), "the master starts")
        found = _MASTER_ADDRESS.search(self._log("master"))
        assert found is not None
        self.master = found[0]
        names = [f"worker-{number}" for number in range(workers)]
        for worker in names:
            self._run(
                worker,
                "org.apache.spark.deploy.worker.Worker",
                *("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
                *("--cores", "1", "--memory", "600M", "--work-dir", str(self._folder / worker)),
                self.master,
            )
        for worker in names:
            wait_for(lambda log=worker: _REGISTERED in self._log(log), "a worker registers")

    def kill_worker(self, number: int) -> None:
        """Kill a worker with everything that it has started, as a power cut does."""
        self._kill(f"worker-{number}")

    def stop(self) -> None:
        """Kill whatever still runs."""
        for name in list(self._processes):
            self._kill(name)

    def _run(self, name: str, java_class: str, *arguments: str) -> None:
        environment = {
            **os.environ,
            "SPARK_HOME": str(self._spark),
            "SPARK_CONF_DIR": str(self.configuration),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self._folder),
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": JAVA_OPTIONS,
            # Workers find tests and benchmarks beside the installed package.
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [self._spark / "bin" / "spark-class", java_class, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # A session of its own, by which its executors and their Pythons are found.
                start_new_session=True,
            )

    def _log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        for number in processes_of_session(process.pid):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait(30)


def processes_of_session(session: int) -> list[int]:
    """Return the numbers of all processes of a session."""
    if sys.platform != "linux":
        return [session]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, ValueError):
                if os.getsid(int(folder.name)) == session:
                    found.append(int(folder.name))
    return found


def bare_interpreter() -> str:
    """Return the interpreter behind the environment of the tests, which lacks its packages."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
