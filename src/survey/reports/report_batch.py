"""Many reports at once, in worker processes, and as one archive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.compute import LocalEngine
from survey.compute.worker import count_usable_processors
from survey.figures.office_zip import write_zip
from survey.figures.views.view_context import ViewContext
from survey.locale import RefusedError, msg
from survey.reports.contents import ReportKind
from survey.reports.report_builder import NO_REPORTS
from survey.reports.report_service import (
    ReportFile,
    ReportFormat,
    ReportOrder,
    ReportWaves,
    make_report_file,
    order_method,
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
    """Make the files of `orders`, in worker processes if many; `tick(done, all)` is called.

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
    """Return how many processes make this number of reports; 1 means this process alone."""
    if reports < _MIN_FOR_WORKERS:
        return 1
    return min(_MAX_WORKERS, count_usable_processors())


def _make_file(
    settings: Settings, waves: ReportWaves, principal: Principal, order: ReportOrder
) -> ReportFile:
    return make_report_file(settings, waves, principal=principal, order=order)


ARCHIVE_MEDIA_TYPE = "application/zip"
_STORED = 1
"""Level of compression: Office files and PDF are compressed already."""


@dataclass(frozen=True)
class ReportArchive:
    """Zip archive of reports, with the order and the file of each."""

    name: str
    content: bytes
    files: tuple[tuple[ReportOrder, ReportFile], ...]


def list_report_cities(waves: ReportWaves, principal: Principal, language: str) -> dict[str, str]:
    """Return the names of the cities on which the reader can have a report, by code."""
    principal.require(Action.READ_RESULTS)
    context = ViewContext(waves.results, principal, language)
    cells = context.cells(area_level="city")
    codes = sorted(cells.keep(cells.shown).texts("area"))
    return {code: context.names.area(code) for code in codes}


def make_archive(
    settings: Settings,
    waves: ReportWaves,
    *,
    principal: Principal,
    form: ReportFormat,
    language: str,
    tick: Tick = lambda _done, _total: None,
) -> ReportArchive:
    """Make reports on all cities that the reader may open, and the method, as one zip archive.

    Raises:
        RefusedError: there is none.
    """
    cities = list_report_cities(waves, principal, language)
    if not cities:
        if waves.results.tree is None:
            raise RefusedError("no_reports", NO_REPORTS)
        raise RefusedError(
            "no_reports", msg("There is no city of this wave on which you can have a report.")
        )
    orders = [ReportOrder(ReportKind.CITY, code, form, language) for code in cities]
    orders.append(order_method(language))
    files = make_report_files(settings, waves, principal=principal, orders=orders, tick=tick)
    members = {file.name: file.content for file in files}
    return ReportArchive(
        f"{waves.results.wave.key}-reports-{language}-{form}.zip",
        write_zip(members, level=_STORED),
        tuple(zip(orders, files, strict=True)),
    )
