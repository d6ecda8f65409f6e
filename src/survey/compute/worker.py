"""Worker processes and their environment, seen from the process that gives them parts."""

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import survey
from survey.locale import SurveyError, msg

_PACKAGES = ("numpy", "pandas", "pyarrow", "scipy")

Environment = tuple[tuple[str, str], ...]
"""Pairs of a name and its version."""


@lru_cache(maxsize=1)
def describe_environment() -> Environment:
    """Return the versions of Python, of the packages that calculate, and of this package.

    Two checkouts may carry one version number, so the sources are hashed as well.
    """
    python = ".".join(map(str, sys.version_info[:2]))
    packages = ((name, version(name)) for name in _PACKAGES)
    return (("Python", python), *packages, ("survey", _hash_sources()))


def _hash_sources() -> str:
    """Return the first twelve hex digits of a SHA-256 hash of this package's modules."""
    folder = Path(survey.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


_PROGRAM = "survey.compute.worker_process"
NICENESS = 5
"""A worker steps back behind whoever waits for a page or hands in an interview."""
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
}
"""A worker does one thing at a time: memory for many threads made it a fifth larger, and threads
that wait for each other on the cores of other workers burn more than they help."""


def count_usable_processors() -> int:
    """Return the number of processors that this process may use, perhaps not all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkerLostError(SurveyError):
    """Raised when a worker process ends before its work is done, perhaps for lack of memory."""

    code = "worker_lost"


class Worker:
    """Worker process that applies one function to one part at a time.

    Args:
        max_bytes: Memory of the process, where the system limits it; 0 for no limit of its own.
        max_seconds: Time on a processor, after which it is ended; 0 for no limit.
    """

    def __init__(
        self, *, niceness: int = NICENESS, max_bytes: int = 0, max_seconds: int = 0
    ) -> None:
        # `-P`: modules are found on the path that is sent, not in the folder of the caller.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM, *map(str, (niceness, max_bytes, max_seconds))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self._output: IO[bytes] = self._process.stdout
        self._path: list[str] | None = list(sys.path)

    @property
    def process_id(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    def apply(self, function: Callable[[Any], Any], part: Any) -> Any:
        """Return the result of `function` for a part, computed in the process, or raise its error.

        Raises:
            WorkerLostError: the process has ended.
        """
        message = pickle.dumps((function, part))
        try:
            if self._path is not None:
                self._input.write(pickle.dumps(self._path))
                self._path = None
            self._input.write(message)
            self._input.flush()
            result, error = pickle.load(self._output)
        except (OSError, EOFError, pickle.UnpicklingError) as lost:
            self.kill()
            raise WorkerLostError(
                msg(
                    "A process that did a part of this work has ended too early (code {code}). "
                    "Please try again.",
                    code=self._process.returncode,
                )
            ) from lost
        if error is not None:
            raise error
        return result

    def kill(self) -> None:
        """Kill the process at once, and wait until it has ended."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.close()

    def close(self) -> None:
        """Close the pipes to the process, after it has ended and no thread waits for it."""
        # What was not sent any more cannot be sent now.
        with suppress(OSError):
            self._input.close()
        self._output.close()
