"""Builders of the documents of a release: reports, codebook, publication workbook, tidy file.

Each reads the results as `PUBLIC_READER`, so that an area without a figure that everybody may see
has no report. Rows of people are no document: of them a release holds the codebook at most.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from survey.access.roles import NATION
from survey.publish.codebook.codebook import describe_results
from survey.publish.codebook.formats import CODEBOOK_WRITERS
from survey.publish.column_tables import csv_bytes
from survey.publish.publications.publication_source import (
    PUBLIC_READER,
    FileChoice,
    PublicationSource,
)
from survey.publish.reports.contents import ReportKind
from survey.publish.reports.report_batch import make_report_files
from survey.publish.reports.report_service import ReportOrder, ReportWaves
from survey.publish.tables.publication_workbook import workbook_bytes
from survey.publish.tables.published_tables import build_tables
from survey.publish.tables.tidy_table import tidy_table
from survey.publish.views.view_context import ViewContext

DocumentBuilder = Callable[[PublicationSource, FileChoice], Mapping[str, bytes]]


def _open_reading(source: PublicationSource, language: str) -> ViewContext:
    return ViewContext(source.results, PUBLIC_READER, language)


def build_workbooks(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return the publication workbook, one a language."""
    files = {}
    for language in choice.languages:
        context = _open_reading(source, language)
        tables = build_tables(context, next((each.wave for each in source.earlier), None))
        files[f"tables/tables.{language}.xlsx"] = workbook_bytes(context, tables)
    return files


def build_tidy_files(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return a row for each area, group and indicator, one file a language."""
    return {
        f"tables/tidy.{language}.csv": csv_bytes(
            tidy_table(_open_reading(source, language), [each.wave for each in source.earlier])
        )
        for language in choice.languages
    }


def build_codebooks(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return the codebook of the wave, in each of its formats and languages."""
    return {
        f"codebook/codebook.{language}.{form.value}": write(codebook)
        for language in choice.languages
        for codebook in [
            describe_results(
                source.results, source.instrument, principal=PUBLIC_READER, language=language
            )
        ]
        for form, write in CODEBOOK_WRITERS.items()
    }


def _build_reports(
    kind: ReportKind, source: PublicationSource, choice: FileChoice
) -> Mapping[str, bytes]:
    """Return the reports on the areas of a kind whose score everybody may see."""
    settings = source.settings.model_copy(update={"report_contact": source.contact})
    waves = ReportWaves(source.results, source.earlier, {})
    orders = [
        ReportOrder(kind, area, form, language)
        for area in _list_areas(source, kind)
        for language in choice.languages
        for form in choice.formats
    ]
    files = make_report_files(settings, waves, principal=PUBLIC_READER, orders=orders)
    return {f"reports/{file.name}": file.content for file in files}


def _list_areas(source: PublicationSource, kind: ReportKind) -> Sequence[str]:
    if source.results.tree is None:
        return ()
    if kind is ReportKind.NATION:
        return (NATION,)
    cells = _open_reading(source, "en").cells(area_level=kind.value)
    return sorted(cells.keep(cells.shown).texts("area"))


build_nation_report: DocumentBuilder = partial(_build_reports, ReportKind.NATION)
build_province_reports: DocumentBuilder = partial(_build_reports, ReportKind.PROVINCE)
build_city_reports: DocumentBuilder = partial(_build_reports, ReportKind.CITY)
