"""Reports of all cities that a reader may open, in one archive."""

from dataclasses import dataclass

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.locale import RefusedError, msg
from survey.publish.reports.contents import ReportKind
from survey.publish.reports.office_zip import write_zip
from survey.publish.reports.report_batch import Tick, make_report_files
from survey.publish.reports.report_builder import NO_REPORTS
from survey.publish.reports.report_service import ReportFile, ReportFormat, ReportOrder, ReportWaves
from survey.publish.views.view_context import ViewContext
from survey.settings import Settings

ARCHIVE_MEDIA_TYPE = "application/zip"
_STORED = 1
"""Level of compression: Office files and PDF are compressed already."""


@dataclass(frozen=True)
class ReportArchive:
    """Archive of reports, with the order and the file of each."""

    name: str
    content: bytes
    files: tuple[tuple[ReportOrder, ReportFile], ...]


def list_report_cities(waves: ReportWaves, principal: Principal, language: str) -> dict[str, str]:
    """Return code and name of the cities on which the reader can have a report."""
    principal.require(Action.READ_RESULTS)
    reading = ViewContext(waves.results, principal, language)
    cells = reading.cells(area_level="city")
    codes = sorted(cells.keep(cells.shown).texts("area"))
    return {code: reading.names.area(code) for code in codes}


def make_archive(
    settings: Settings,
    waves: ReportWaves,
    *,
    principal: Principal,
    form: ReportFormat,
    language: str,
    tick: Tick = lambda _done, _total: None,
) -> ReportArchive:
    """Return the reports of all cities that the reader may open.

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
    files = make_report_files(settings, waves, principal=principal, orders=orders, tick=tick)
    members = {file.name: file.content for file in files}
    return ReportArchive(
        f"{waves.results.wave.key}-reports-{language}-{form}.zip",
        write_zip(members, level=_STORED),
        tuple(zip(orders, files, strict=True)),
    )
