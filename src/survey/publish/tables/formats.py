"""Formats of the published tables, made for one reader."""

from enum import StrEnum

from survey.access.roles import Action
from survey.access.work import Work
from survey.publish.column_tables import csv_bytes
from survey.publish.tables.publication_workbook import workbook_bytes
from survey.publish.tables.published_tables import build_tables
from survey.publish.tables.sdmx import sdmx_bytes
from survey.publish.tables.tidy_table import tidy_table
from survey.publish.views.view_context import ViewContext
from survey.results import list_earlier_waves
from survey.results.row_selection import open_known_results


class TableFormat(StrEnum):
    XLSX = "xlsx"
    """Publication workbook."""
    CSV = "csv"
    """Tidy: a row for each area, group and indicator."""
    SDMX = "zip"
    """SDMX-CSV with its structure file, which belong together."""


def table_file(work: Work, *, wave_key: str, form: TableFormat, language: str) -> bytes:
    """Return the published tables of a wave, of what is open to the reader.

    Raises:
        AccessDeniedError: the reader may not read results.
        SnapshotNotFoundError: the wave was never frozen.
    """
    work.require(Action.READ_RESULTS)
    results = open_known_results(work.settings, work.session, wave_key)
    context = ViewContext(results, work.principal, language)
    if form is TableFormat.SDMX:
        return sdmx_bytes(context)
    earlier = list_earlier_waves(work.settings, work.session, results.wave)
    if form is TableFormat.CSV:
        return csv_bytes(tidy_table(context, earlier))
    return workbook_bytes(context, build_tables(context, next(iter(earlier), None)))
