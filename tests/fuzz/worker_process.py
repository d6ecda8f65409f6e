"""A parser in a process of its own, with a bound on memory and on CPU time for each input.

`python -m tests.fuzz.worker_process` reads frames from its input (number of the parser, length,
content) and
answers each with one line: `ok`, `refused`, or the fault; then the CPU seconds, counted in those
of a usual machine, and the megabytes that the process has taken at most.
"""

import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import REFUSALS, TARGETS

ROOT = Path(__file__).parents[2]
_HEAD = struct.Struct(">BQ")
MEMORY_MB = 700
"""Of the process over all inputs; code and libraries alone are about 250."""
SECONDS, PER_MEGABYTE = 1.0, 2.0
"""CPU time of one input, and what each megabyte of it may add: large files are legal."""
YARDSTICK_SECONDS = 0.01
"""CPU time of `_measure_yardstick` on a usual machine; one of half the speed is not at fault."""


@dataclass(frozen=True)
class FuzzResult:
    answer: str
    seconds: float
    """CPU time of a usual machine: this one may be busy with other things, or slow."""
    megabytes: float
    size: int = 0

    @property
    def fault(self) -> str:
        """What is wrong; empty where nothing is."""
        if self.answer not in {"ok", "refused"}:
            return self.answer
        if self.seconds > SECONDS + PER_MEGABYTE * self.size / 2**20:
            return f"{self.seconds:.1f} seconds"
        return f"{self.megabytes:.0f} MB" if self.megabytes > MEMORY_MB else ""


class FuzzWorker:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def feed(self, target: str, content: bytes) -> FuzzResult:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        try:
            pipe_in.write(_HEAD.pack(list(TARGETS).index(target), len(content)) + content)
            pipe_in.flush()
        except BrokenPipeError:
            return FuzzResult("died", 0.0, 0.0)
        line = pipe_out.readline().decode()
        if not line:
            return FuzzResult("died", 0.0, 0.0)
        answer, seconds, megabytes = line.rstrip("\n").split("\t")
        return FuzzResult(answer, float(seconds), float(megabytes), len(content))


@contextmanager
def worker_process() -> Iterator[FuzzWorker]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.worker_process"], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield FuzzWorker(process)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parsers = list(TARGETS.values())
    limit = 3 * MEMORY_MB * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    while head := sys.stdin.buffer.read(_HEAD.size):
        number, length = _HEAD.unpack(head)
        content = sys.stdin.buffer.read(length)
        began = time.process_time()
        try:
            parsers[number](content)
            answer = "ok"
        except REFUSALS:
            answer = "refused"
        except BaseException as error:  # what is not a refusal is what is looked for
            answer = f"{type(error).__name__}: {error}".replace("\t", " ").replace("\n", " ")
        seconds = time.process_time() - began
        # Measured beside each input: the speed of one machine changes within minutes.
        seconds *= min(1.0, YARDSTICK_SECONDS / _measure_yardstick())
        sys.stdout.write(f"{answer[:300]}\t{seconds}\t{_megabytes_at_most()}\n")
        sys.stdout.flush()


def _measure_yardstick() -> float:
    """The CPU seconds of a fixed piece of work in plain Python."""
    began = time.process_time()
    sum(number * number for number in range(200_000))
    return time.process_time() - began


def _megabytes_at_most() -> float:
    """Not `getrusage`: its maximum survives `exec` and would be that of the whole test run."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
