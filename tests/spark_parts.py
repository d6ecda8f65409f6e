"""Functions that tests send to workers of Spark, which import them by their whole path."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.freeze.city_files import CityFiles
from survey.estimate import CubeSpec, EstimateError


@dataclass(frozen=True)
class SlowCities:
    """Part of a wave that takes a while to read."""

    files: CityFiles

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        time.sleep(0.3)
        return self.files()


def slow_parts(locations: Sequence[str | Path]) -> list[SlowCities]:
    """Return parts of two cities each."""
    return [
        SlowCities(CityFiles(tuple(pair)))
        for pair in zip(locations[::2], locations[1::2], strict=True)
    ]


def sleep_when_early(number: int) -> int:
    """Return the number, the first ones last."""
    time.sleep(0.3 * (3 - number) if number < 3 else 0)
    return number


def folder_of_executor(_: int) -> str:
    """Return which executor runs this, by the folder that it works in."""
    time.sleep(0.05)
    return str(Path.cwd())


def refuse(_: int) -> None:
    """Raise an error of the estimates."""
    raise EstimateError("missing_column", column="x")


def read_file(path: str) -> bytes:
    """Return the bytes of a file."""
    return Path(path).read_bytes()


def kill_executor(_: int) -> None:
    """End the executor that runs this, as a node does whose memory is short."""
    os.kill(os.getsid(0), signal.SIGKILL)
