"""Many reports at once, in worker processes."""

from collections.abc import Callable, Sequence
from functools import partial

from survey.access.principal import Principal
from survey.compute import LocalEngine
from survey.compute.worker import count_usable_processors
from survey.publish.reports.report_service import (
    ReportFile,
    ReportOrder,
    ReportWaves,
    make_report_file,
)
from survey.settings import Settings

_MAX_WORKERS = 2
"""A report takes one processor, for the chart library draws one chart at a time in a process. More
than two would keep a larger machine from those who wait for pages."""
_MIN_FOR_WORKERS = 12
"""Fewer reports are made here sooner than two processes have started."""
Tick = Callable[[int, int], None]
"""Called with reports made and reports in all; an error that it raises ends the work."""


def make_report_files(
    settings: Settings,
    waves: ReportWaves,
    *,
    principal: Principal,
    orders: Sequence[ReportOrder],
    tick: Tick = lambda _done, _total: None,
) -> list[ReportFile]:
    """Return the files of reports in the order of their orders, as `make_report_file` makes them.

    Raises:
        WorkerLostError: a process ended before its work was done.
    """
    make = partial(_make_file, settings, waves, principal)
    files: list[ReportFile] = []

    def report_progress() -> None:
        tick(len(files), len(orders))

    report_progress()
    # Told while it waits too: the first report of a process takes some seconds.
    with LocalEngine(_count_workers(len(orders)), while_waiting=report_progress) as engine:
        for file in engine.map(make, orders):
            files.append(file)
            report_progress()
    return files


def _count_workers(reports: int) -> int:
    """Return the number of processes for so many reports; one is this process."""
    if reports < _MIN_FOR_WORKERS:
        return 1
    return min(_MAX_WORKERS, count_usable_processors())


def _make_file(
    settings: Settings, waves: ReportWaves, principal: Principal, order: ReportOrder
) -> ReportFile:
    return make_report_file(settings, waves, principal=principal, order=order)
