"""One measurement: the tables of a wave in parts, their time, memory and hash."""

import hashlib
import os
import resource
import time
from collections.abc import Iterator, Sequence

import pandas as pd

from benchmarks.freeze.city_files import AGAINST, CityFiles, cube_spec
from survey.compute import Engine, open_engine
from survey.estimate import Cube


def measure(locations: Sequence[str], rows: int, name: str, parts: int) -> None:
    """Print the last line of the benchmark."""
    size = -(-len(locations) // parts)
    sources = [
        CityFiles(tuple(locations[start : start + size]))
        for start in range(0, len(locations), size)
    ]
    start = time.perf_counter()
    with open_engine(name) as engine:
        sha256 = sha256_of(tables_of(sources, engine))
        seconds = time.perf_counter() - start
        memory = megabytes(engine, len(sources))
    print(f"rows {rows} seconds {seconds:.1f} megabytes {memory:.0f} sha256 {sha256}")


class StageClock:
    """Prints wall and processor seconds of each stage; those of workers are not in the second."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def stop(self, stage: str) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        print(f"{stage}: {wall - self._wall:.1f} s, {processor - self._processor:.1f} of processor")
        self._start()


def tables_of(parts: Sequence[CityFiles], engine: Engine) -> Iterator[pd.DataFrame]:
    """Yield every table of the wave in these parts."""
    clock = StageClock()
    cube = Cube.of_parts(parts, cube_spec(), engine.map)
    clock.stop("weights and sums")
    with cube.prepared(table=True, gaps=True, against=AGAINST):
        clock.stop("second look")
        yield cube.table()
        yield cube.gaps()
        for area_level, reference in AGAINST:
            yield cube.against(area_level, reference)
    clock.stop("tables")


def sha256_of(tables: Iterator[pd.DataFrame]) -> str:
    """Return a hash over the columns of every table."""
    digest = hashlib.sha256()
    for table in tables:
        for name, column in table.items():
            codes = column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
            digest.update(str(name).encode() + codes.to_numpy().tobytes())
    return digest.hexdigest()


def megabytes(engine: Engine, parts: int) -> float:
    """Return the most resident memory of this process and of the workers it has."""
    peaks = dict(engine.map(_peak_kilobytes, range(parts)))
    peaks |= dict([_peak_kilobytes(0)])
    return sum(peaks.values()) / 1024


def _peak_kilobytes(_: int) -> tuple[int, int]:
    """Return the number of this process and the most memory it had."""
    return os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
