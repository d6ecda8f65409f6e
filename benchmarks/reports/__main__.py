"""Time of one report in each format, and of the archive of all cities.

    python -m benchmarks.reports [--json]

A store of made-up frozen waves with 100 cities of 620 interviews. Wall time depends on who else is
at work on the machine; CPU of this process and of its workers, and its ratio to a fixed piece of
work done in the same run (`yardstick`: sorting two million numbers five times), depend on it less.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from survey.access.principal import OPERATOR
from survey.publish.reports.contents import ReportKind
from survey.publish.reports.report_archive import make_archive
from survey.publish.reports.report_service import (
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
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url="", demo=True)
        synthetic_store(settings)
        results = measure_all(settings)
    for measured in results:
        print(json.dumps(asdict(measured)) if chosen.json else describe(measured))


def measure_all(settings: Settings) -> list[Measured]:
    """Measure one report in each format, warm, and the archive of all cities."""
    stick = time_of(lambda: [np.sort(np.random.default_rng(7).random(2_000_000)) for _ in range(5)])
    waves = read_report_waves(settings, WAVE)

    def one(form: ReportFormat) -> object:
        order = ReportOrder(ReportKind.CITY, CITY, form, "zh")
        return make_report_file(settings, waves, principal=OPERATOR, order=order)

    def archive() -> object:
        return make_archive(
            settings, waves, principal=OPERATOR, form=ReportFormat.DOCX, language="zh"
        )

    results = []
    for form in ReportFormat:
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
        f"{measured.what:24} {measured.wall_seconds:7.2f} s wall {measured.cpu_seconds:7.2f} s CPU"
        f" {measured.yardsticks:7.1f} yardsticks"
    )


if __name__ == "__main__":
    main()
