"""Time of the first report of a process, of one in each format, and of the archive of all cities.

    python -m benchmarks.reports [--json] [--first] [--data-dir FOLDER]

A store of made-up frozen waves with 100 cities of 620 interviews; with `--first --data-dir`, first
reports alone and from the store of a demonstration, which has complaints as well. Wall time depends
on who else is at work on the machine; CPU of this process and of its workers, and its ratio to a
fixed piece of work done in the same run (`yardstick`: sorting two million numbers five times),
depend on it less.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import small_demo
from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.reports.contents import ReportKind
from survey.reports.report_batch import make_archive
from survey.reports.report_service import (
    ReportFormat,
    ReportOrder,
    make_report_file,
    read_report_waves,
)
from survey.settings import Settings
from tests.synthetic_results import synthetic_store

CITY, WAVE = "320500", "main-2024"


@dataclass(frozen=True)
class Measured:
    what: str
    wall_seconds: float
    cpu_seconds: float
    yardsticks: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure reports.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--first", action="store_true", help="first reports alone")
    parser.add_argument("--data-dir", type=Path, help="a store to read, only with --first")
    parser.add_argument("--formats", nargs="+", type=ReportFormat, default=list(ReportFormat))
    parser.add_argument("--area", default=CITY, help="of first reports: a city, or CN")
    parser.add_argument("--turns", type=int, default=2, help="processes for each first report")
    # No city of the small demo has a score: a report of one needs a store of the real size.
    smallest = {"formats": [ReportFormat.DOCX], "first": True, "area": NATION, "turns": 1}
    chosen = parse_arguments(parser, **smallest)
    with ExitStack() as stack:
        folder = data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if chosen.first and chosen.data_dir:
            data_dir = chosen.data_dir
        elif chosen.quick:
            data_dir = stack.enter_context(small_demo(folder))
        settings = Settings(data_dir=data_dir, database_url="", demo=True)
        if data_dir == folder:
            synthetic_store(settings)
        results = measure_first(settings, chosen.formats, chosen.area, chosen.turns)
        if not chosen.first:
            results += measure_all(settings, chosen.formats)
    for measured in results:
        print(json.dumps(asdict(measured)) if chosen.json else describe(measured))


def measure_first(
    settings: Settings, formats: Sequence[ReportFormat], area: str, fresh: int
) -> list[Measured]:
    """Measure the first report of a process in each format, the lowest of some fresh processes."""
    stick = time_of(yardstick)
    results = []
    for form in formats:
        for flags, what in (([], "charts beside it"), (["--alone"], "alone")):
            turns = [_run_first(settings, form, [*flags, "--area", area]) for _ in range(fresh)]
            best = min(turns, key=lambda turn: turn["own"] + turn["charts"])
            spent = best["wall"], best["own"] + best["charts"]
            results.append(measured_as(f"first {form}, {what}", spent, stick))
    return results


def _run_first(settings: Settings, form: ReportFormat, flags: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.reports.first_report", form.value, *flags]
    environment = {**os.environ, "SURVEY_DATA_DIR": str(settings.data_dir), "SURVEY_DEMO": "1"}
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    spent: dict[str, float] = json.loads(output)
    return spent


def yardstick() -> None:
    """Sort two million numbers five times."""
    for _ in range(5):
        np.sort(np.random.default_rng(7).random(2_000_000))


def measure_all(settings: Settings, formats: Sequence[ReportFormat]) -> list[Measured]:
    """Measure one report in each format, warm, and the archive of all cities."""
    stick = time_of(yardstick)
    waves = read_report_waves(settings, WAVE)

    def one(form: ReportFormat) -> object:
        order = ReportOrder(ReportKind.CITY, CITY, form, "zh")
        return make_report_file(settings, waves, principal=OPERATOR, order=order)

    def archive() -> object:
        return make_archive(
            settings, waves, principal=OPERATOR, form=ReportFormat.DOCX, language="zh"
        )

    results = []
    for form in formats:
        one(form)
        results.append(measured_as(f"one {form}", time_of(partial(one, form)), stick))
    results.append(measured_as("archive of 100 docx", time_of(archive), stick))
    return results


def time_of(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of a piece of work."""
    wall, cpu = time.perf_counter(), _processor_seconds()
    work()
    return time.perf_counter() - wall, _processor_seconds() - cpu


def _processor_seconds() -> float:
    """Return processor seconds of this process and of all workers that have ended."""
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + workers.ru_utime + workers.ru_stime


def measured_as(what: str, spent: tuple[float, float], stick: tuple[float, float]) -> Measured:
    return Measured(what, round(spent[0], 2), round(spent[1], 2), round(spent[1] / stick[1], 1))


def describe(measured: Measured) -> str:
    return (
        f"{measured.what:28} {measured.wall_seconds:7.2f} s wall {measured.cpu_seconds:7.2f} s CPU"
        f" {measured.yardsticks:7.1f} yardsticks"
    )


if __name__ == "__main__":
    main()
