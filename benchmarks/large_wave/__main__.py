"""A wave of millions of interviews on PostgreSQL: loaded, reviewed, weighed, its plans, its freeze.

    python -m benchmarks.large_wave --rows 100000 [--drawn 31000] [--review N]
        [--folder DIR] [--keep] [--freeze]

Interviews of the demonstration's model of the main questionnaire are drawn once (`--drawn`) and
stored so often that there are `--rows`, each with ids of its own, by the same COPY as an import,
with every partition, trigger, index and audit entry. Then two administrators approve all of them
through the services of review, a sampling point at a time (`--review N`: that many in each step,
the others by one statement). Printed are seconds, the bytes of tables
and indexes, and the plans of the hottest queries, as the services themselves send them. With
`--keep` the database stays in the folder, and a second call goes on from there. With `--freeze` the
wave is closed and frozen for good at the end, in a process of its own, whose processor and memory
are printed for every look at the parts; its data folder is `frozen` in the folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.arguments import parse_arguments
from benchmarks.large_wave.filling import fill, find_filled
from benchmarks.large_wave.hot_queries import print_plans
from benchmarks.large_wave.reviewing import review
from benchmarks.large_wave.server import running
from benchmarks.large_wave.sizes import print_sizes
from survey.store.engine import dispose_engines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--drawn", type=int, default=31_000, help="Interviews that are drawn.")
    parser.add_argument("--review", type=int, help="Interviews reviewed by services; all of them.")
    parser.add_argument("--folder", type=Path, help="Where the database lies; a temporary one.")
    parser.add_argument("--keep", action="store_true", help="Leave the database there.")
    parser.add_argument("--freeze", action="store_true", help="Freeze the wave for good as well.")
    chosen = parse_arguments(parser, rows=300, drawn=100)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="survey-large-wave-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        with running(folder) as url:
            print(f"store: {url}", flush=True)
            wave = find_filled(url)
            if wave is None:
                wave = fill(url, rows=chosen.rows, drawn=min(chosen.drawn, chosen.rows))
            review(url, wave, chosen.review if chosen.review is not None else chosen.rows)
            print_sizes(url, wave)
            print_plans(url, wave)
            dispose_engines()
            if chosen.freeze:
                _freeze(url, folder)
    finally:
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _freeze(url: str, folder: Path) -> None:
    """Freeze the wave in another process: what this one took to fill the store is not counted."""
    environment = {
        "SURVEY_DATABASE_URL": url,
        "SURVEY_DATA_DIR": str(folder / "frozen"),
        # One second: the sums are measured, not the audit, which takes as long as it is given.
        "SURVEY_AUDIT_SECONDS": "1",
        # Requests have tests of their own.
        "SURVEY_TWO_PERSON_FREEZE": "0",
    }
    command = [sys.executable, "-m", "benchmarks.large_wave.freezing"]
    subprocess.run(command, env={**os.environ, **environment}, check=True)


if __name__ == "__main__":
    main()
