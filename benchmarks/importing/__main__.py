"""Bulk import of a whole wave, as XLSX and as CSV, into SQLite and PostgreSQL.

    python -m benchmarks.importing [--rows 62000] [--answers 45] [--stores sqlite postgresql]

The rows are complete interviews of the shipped questionnaire, no two alike; with `--answers`, of as
many of its first sections as it takes until a row answers about so many questions. Checking and
writing are timed apart, on the wall and in CPU of this process; `yardstick` is a fixed piece of
arithmetic before each, so that runs on a busy and on a quiet machine can be compared. So is the CPU
of checking over that of reading the same rows as a CSV file into lists of texts, whatever the kind
of the file.
"""

import argparse
import csv
import io
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from benchmarks.arguments import parse_arguments
from benchmarks.faults.failing_stores import postgresql
from benchmarks.submission.scenario import complete_answers
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.collection.importing.commit import commit_import
from survey.collection.importing.import_plan import plan_import
from survey.collection.importing.target_wave import ImportRequest
from survey.frame.city_frame import shipped_cities
from survey.questionnaire.model import Instrument, ItemKind
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.schema import upgrade
from survey.waves.instruments import find_instrument, load_reference_data

INSTRUMENT = "main-2023"
KINDS = 60
"""Different ways through the questionnaire; ratings are drawn anew for every row."""


def rows_of(instrument: Instrument, count: int, draw: random.Random) -> list[dict[str, Any]]:
    """One dictionary an interview, its several choices joined by spaces."""
    ways = [complete_answers(instrument, draw) for _ in range(KINDS)]
    ratings = [item.name for item in instrument.items() if item.kind is ItemKind.RATING]
    cities = [city.code for city in shipped_cities()]
    rows = []
    for number in range(count):
        answers = dict(ways[number % KINDS])
        answers.update({name: draw.randint(1, 10) for name in ratings if name in answers})
        rows.append(
            {
                "city": cities[number % len(cities)],
                **{
                    name: " ".join(value) if isinstance(value, list) else value
                    for name, value in answers.items()
                },
            }
        )
    return rows


def shorten_instrument(instrument: Instrument, answers: int) -> Instrument:
    """The first sections, as few as give a row so many answers; the whole where none do."""
    for last in range(1, len(instrument.sections)):
        short = instrument.model_copy(
            update={
                "name": f"{instrument.name}-short",
                "sections": instrument.sections[:last],
                "tree": None,
            }
        )
        rows = rows_of(short, KINDS, random.Random(1))
        if sum(len(row) - 1 for row in rows) >= answers * len(rows):
            return short
    return instrument


def to_csv(header: list[str], rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def to_xlsx(header: list[str], rows: list[dict[str, Any]]) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("answers")
    sheet.append(header)
    for row in rows:
        sheet.append([row.get(name) for name in header])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def measure_reference() -> float:
    """Seconds for twenty million additions."""
    started = time.perf_counter()
    sum(range(20_000_000))
    return time.perf_counter() - started


def measure_call(work: Callable[[], Any]) -> tuple[Any, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def measure_reading(content: bytes) -> float:
    """CPU seconds of reading a CSV file into lists of texts, the quickest of five times."""
    return min(
        measure_call(lambda: list(csv.reader(io.StringIO(content.decode(), newline=""))))[2]
        for _ in range(5)
    )


def measure(
    url: str, store: str, kind: str, content: bytes, reading: float, instrument: Instrument
) -> None:
    request = ImportRequest(
        content=content,
        instrument=instrument,
        wave_key=f"import-{kind}",
        year=2026,
        file_name=f"answers.{kind}",
    )
    stick, at = measure_reference(), datetime.now(UTC)

    def check() -> Any:
        with read_scope(url) as session:
            return plan_import(Work(session, OPERATOR, at, current_settings()), request=request)

    def write(plan: Any) -> Any:
        with session_scope(url) as session:
            return commit_import(Work(session, OPERATOR, at, current_settings()), plan=plan)

    plan, check_wall, check_cpu = measure_call(check)
    result, write_wall, write_cpu = measure_call(lambda: write(plan))
    print(
        f"{store:10} {kind:4} {len(content) / 1e6:5.1f} MB {result.written:7,} rows, "
        f"{plan.rejected_rows} refused: check {check_wall:5.1f} s ({check_cpu:5.1f} CPU, "
        f"reading times {check_cpu / reading:.1f}), write "
        f"{write_wall:5.1f} s ({write_cpu:5.1f} CPU), together {check_wall + write_wall:5.1f} s; "
        f"yardstick {stick:.2f} s",
        flush=True,
    )


@contextmanager
def stores(wanted: list[str], folder: Path) -> Iterator[list[tuple[str, str]]]:
    if "postgresql" not in wanted:
        yield [("sqlite", f"sqlite:///{folder}/survey.db")]
        return
    with postgresql(folder) as server:
        store_urls = [("postgresql", server.create("importing"))]
        if "sqlite" in wanted:
            store_urls.insert(0, ("sqlite", f"sqlite:///{folder}/survey.db"))
        yield store_urls
        dispose_engines()


def main() -> None:
    parser = argparse.ArgumentParser(description="Bulk import of a whole wave.")
    parser.add_argument("--rows", type=int, default=62_000)
    parser.add_argument("--answers", type=int)
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"])
    chosen = parse_arguments(parser, rows=100, stores=["sqlite"])
    with tempfile.TemporaryDirectory(prefix="survey-import-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the database may run as somebody else
        with stores(chosen.stores, folder) as store_urls:
            files: dict[str, bytes] = {}
            for store, url in store_urls:
                upgrade(url)
                load_reference_data(url, PROJECT_ROOT / "seed")
                with read_scope(url) as session:
                    instrument = find_instrument(session=session, name=INSTRUMENT)
                if chosen.answers is not None:
                    instrument = shorten_instrument(instrument, chosen.answers)
                if not files:
                    rows = rows_of(instrument, chosen.rows, random.Random(1))
                    header = list(dict.fromkeys(name for row in rows for name in row))
                    print(
                        f"{len(header) - 1} questions in the file, of which a row answers about "
                        f"{sum(len(row) - 1 for row in rows) // len(rows)}"
                    )
                    files = {"csv": to_csv(header, rows), "xlsx": to_xlsx(header, rows)}
                reading = measure_reading(files["csv"])
                for kind, content in files.items():
                    measure(url, store, kind, content, reading, instrument)


if __name__ == "__main__":
    main()
