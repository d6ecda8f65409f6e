"""A wave of any size from its files to all its figures: `python -m benchmarks.freeze --rows N`.

Made-up interviews lie on disk, a file a city, without a store. Measured is everything from reading
them to the tables: weights raked within each city, sums, errors, intervals, deff, differences to
the rest and to larger areas, of 20 groups and 48 statistics in 100 cities, 7 regions and the
nation. The last line says

    rows N seconds S megabytes M sha256 H

with the resident memory of this process and its workers at its highest, and a hash over the bytes
of every table. The hash is the same for any number of parts and workers.

With `--wave KEY` it is the whole freeze of a wave of SURVEY_DATA_DIR, store included: its memory,
and what the method sheets add to its processor time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.arguments import parse_arguments
from benchmarks.freeze.city_files import CITIES, write_cities
from benchmarks.freeze.measure import measure
from benchmarks.freeze.peers import measure_peers
from benchmarks.freeze.stored_wave import measure_stored_wave
from survey.compute import list_files


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a freeze of a wave of any size.")
    parser.add_argument("--rows", type=int, default=62_000)
    parser.add_argument("--engine", default="local", help="as SURVEY_ENGINE")
    parser.add_argument("--parts", type=int, default=CITIES, help="at most one a city")
    parser.add_argument("--folder", help="files of an earlier run, or for this one; may be a URI")
    parser.add_argument("--peers", action="store_true", help="time polars and DuckDB as well")
    parser.add_argument("--wave", help="freeze this wave of SURVEY_DATA_DIR once more instead")
    parser.add_argument("--only-write", action="store_true", help=argparse.SUPPRESS)
    given = parse_arguments(parser, rows=2_000)
    if given.only_write:
        write_cities(Path(given.folder), given.rows)
        return
    if given.wave:
        measure_stored_wave(given.wave)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or temporary
        if "://" not in folder:
            _write_files(Path(folder), given.rows)
        locations = list_files(folder)
        print(f"{len(locations)} files; load average {os.getloadavg()[0]:.1f}")
        if given.peers:
            measure_peers([Path(location) for location in locations])
        measure(locations, given.rows, given.engine, given.parts)


def _write_files(folder: Path, rows: int) -> None:
    """Write files unless there are some, in a process of its own: its memory is not counted."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("city-*.parquet")):
        command = [sys.executable, "-m", "benchmarks.freeze", "--only-write"]
        command += ["--rows", str(rows), "--folder", str(folder)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
