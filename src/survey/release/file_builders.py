"""Builders of the files of a publication by name, tables and documents.

A builder is a function of `PublicationSource` and a choice of languages and formats, and returns
bytes by path; the same source gives the same bytes, so that `survey reproduce` can compare them.
What it makes is read by everybody, so it reads results as `PUBLIC_READER` alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from survey.access.roles import NATION
from survey.figures.figure_table import csv_bytes
from survey.figures.tables.formats import tidy_table
from survey.figures.tables.published_tables import build_records, build_tables
from survey.figures.tables.workbook_sheets import workbook_bytes
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.view_context import ViewContext
from survey.files.codebook.codebook import describe_results
from survey.files.codebook.formats import CODEBOOK_WRITERS
from survey.frame.quotas import EVERYONE
from survey.locale import Message, NotFoundError, msg, translator
from survey.release import verify
from survey.release.figure_labels import build_labels
from survey.release.figures import build_figures
from survey.release.indicator_weights import build_indicators
from survey.release.publication_source import (
    PUBLIC_READER,
    FileBuilderName,
    FileChoice,
    PublicationSource,
)
from survey.release.quality_report import build_quality_report
from survey.reports.contents import ReportKind
from survey.reports.paper_form_pdf import paper_form_pdf
from survey.reports.plain_report import write_plain_report
from survey.reports.report_batch import make_report_files
from survey.reports.report_service import ReportFormat, ReportOrder, ReportWaves, order_method
from survey.results.method_sheets import SHEETS, MethodSheet

FileBuilder = Callable[[PublicationSource, FileChoice], Mapping[str, bytes]]


def _open_reading(source: PublicationSource, language: str) -> ViewContext:
    return ViewContext(source.results, PUBLIC_READER, language)


def build_workbooks(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return path -> publication workbook, for each chosen language."""
    files = {}
    for language in choice.languages:
        context = _open_reading(source, language)
        tables = build_tables(context, next((each.wave for each in source.earlier), None))
        files[f"tables/tables.{language}.xlsx"] = workbook_bytes(context, tables)
    return files


def build_tidy_files(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return path -> CSV file per language, with a row per area, group and indicator."""
    return {
        f"tables/tidy.{language}.csv": csv_bytes(
            tidy_table(_open_reading(source, language), [each.wave for each in source.earlier])
        )
        for language in choice.languages
    }


def build_codebooks(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return path -> codebook of the wave, in each of its formats and languages."""
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


def build_questionnaires(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return path -> questionnaire to read and print, in each chosen language that it has."""
    instrument = source.instrument
    known = {each.code for each in instrument.languages}
    languages = [each for each in choice.languages if each in known]
    return {
        f"questionnaire/questionnaire.{language}.pdf": paper_form_pdf(
            instrument, source.pictures, language=language
        )
        for language in languages or [instrument.default_language]
    }


def _build_reports(
    kind: ReportKind, source: PublicationSource, choice: FileChoice
) -> Mapping[str, bytes]:
    """Return path -> report, for every area of `kind` (such as city) with a public score.

    The method, to which they point, is one file for all of them.
    """
    publisher = source.publisher
    named = {"report_organisation": publisher.organisation, "report_contact": publisher.contact}
    settings = source.settings.model_copy(update={key: text for key, text in named.items() if text})
    waves = ReportWaves(source.results, source.earlier, {}, publisher=publisher)
    areas = _list_areas(source, kind)
    orders = [
        ReportOrder(kind, area, form, language)
        for area in areas
        for language in choice.languages
        for form in choice.formats
    ]
    if areas:
        orders += [order_method(language) for language in choice.languages]
    files = make_report_files(settings, waves, principal=PUBLIC_READER, orders=orders)
    return {f"reports/{file.name}": file.content for file in files}


def _list_areas(source: PublicationSource, kind: ReportKind) -> Sequence[str]:
    if source.results.tree is None:
        return ()
    if kind is ReportKind.NATION:
        return (NATION,)
    cells = _open_reading(source, "en").cells(area_level=kind.value)
    return sorted(cells.keep(cells.shown).texts("area"))


SCRIPT_BUILDER = "verify"
FIGURES_FILE, ERRATA_FILE, SCRIPT_FILE = "figures.csv", "errata.csv", "verify.py"
LABELS_FILE, INDICATORS_FILE = "labels.json", "indicators.csv"
FILES_BESIDE_FIGURES = frozenset({LABELS_FILE, INDICATORS_FILE})
"""Files that releases of earlier versions did not have."""
_LEVELS = ("nation", "region3", "region", "province", "size_tier", "city")


@dataclass(frozen=True)
class BuilderInfo:
    """Function that builds one kind of a release's files, and the kind's name on screen."""

    name: Message
    build: FileBuilder


def _build_figures(source: PublicationSource, _: FileChoice) -> Mapping[str, bytes]:
    earlier = [each.wave for each in source.earlier]
    figures = build_figures(source.results, PUBLIC_READER, earlier)
    files = {FIGURES_FILE: figures, LABELS_FILE: build_labels(source.results, figures)}
    tree = source.results.tree
    if tree is not None:
        is_demo = source.results.wave.is_demo
        files[INDICATORS_FILE] = build_indicators(tree, is_demo=is_demo)
    return files


def _build_tables(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return path -> CSV table of public scores, for each area level and language."""
    return {
        f"tables/{level}.{language}.csv": _score_table(source, level, language)
        for level in _LEVELS
        for language in choice.languages
    }


def _score_table(source: PublicationSource, level: str, language: str) -> bytes:
    results, t = source.results, translator(language)
    names = DisplayNames.of(results, language)
    cells = results.cells(PUBLIC_READER, area_level=level, group=EVERYONE)
    table = cells[cells["shown"].astype(bool)]
    columns = {
        t("Area"): [names.area(str(area)) for area in table["area"]],
        t("Indicator"): [names.indicator(str(code)) for code in table["indicator"]],
        t("Estimate"): table["estimate"].tolist(),
        t("Lower bound"): table["ci_low"].tolist(),
        t("Upper bound"): table["ci_high"].tolist(),
        "n": [int(n) for n in table["n"]],
    }
    remarks = [source.title[language], results.wave.label(language), source.publisher.contact]
    if results.wave.is_demo:
        remarks.insert(0, t("Demonstration data"))
    return csv_bytes(pd.DataFrame(columns), remarks)


def _build_sheet(
    sheet: MethodSheet, source: PublicationSource, choice: FileChoice
) -> Mapping[str, bytes]:
    """Return path -> CSV table of a method sheet, for each language."""
    rows = source.results.sheet(PUBLIC_READER, sheet)
    files = {}
    for language in choice.languages:
        t = translator(language)
        records = build_records(source.results, rows, language, with_origin=True)
        remarks = [t(sheet.summary), source.title[language], source.publisher.contact]
        if source.results.wave.is_demo:
            remarks.insert(0, t("Demonstration data"))
        table = pd.DataFrame(records, dtype=object)
        files[f"sheets/{sheet.key}.{language}.csv"] = csv_bytes(table, remarks)
    return files


def _build_quality(source: PublicationSource, choice: FileChoice) -> Mapping[str, bytes]:
    """Return path -> quality report as PDF, for each language."""
    files = {}
    for language in choice.languages:
        report = build_quality_report(
            source.settings, source.results, source.evidence, source.publisher, language
        )
        file = write_plain_report(report, f"quality.{language}", ReportFormat.PDF)
        files[f"quality/{file.name}"] = file.content
    return files


FILE_BUILDERS: Mapping[FileBuilderName, BuilderInfo] = {
    FileBuilderName.FIGURES: BuilderInfo(msg("Every figure with its id (CSV)"), _build_figures),
    FileBuilderName.TABLES: BuilderInfo(msg("Scores by area (CSV)"), _build_tables),
    FileBuilderName.WORKBOOK: BuilderInfo(msg("Publication workbook (XLSX)"), build_workbooks),
    FileBuilderName.TIDY: BuilderInfo(
        msg("Every area, group and indicator (tidy CSV)"), build_tidy_files
    ),
    FileBuilderName.CODEBOOK: BuilderInfo(msg("Codebook (XLSX, HTML, DDI)"), build_codebooks),
    FileBuilderName.QUESTIONNAIRE: BuilderInfo(msg("Questionnaire (PDF)"), build_questionnaires),
    FileBuilderName.NATION_REPORT: BuilderInfo(
        msg("National report"), partial(_build_reports, ReportKind.NATION)
    ),
    FileBuilderName.PROVINCE_REPORTS: BuilderInfo(
        msg("Reports on the provinces"), partial(_build_reports, ReportKind.PROVINCE)
    ),
    FileBuilderName.CITY_REPORTS: BuilderInfo(
        msg("Reports on the cities"), partial(_build_reports, ReportKind.CITY)
    ),
    FileBuilderName.QUALITY: BuilderInfo(msg("Quality report (PDF)"), _build_quality),
    **{
        FileBuilderName(sheet.key): BuilderInfo(sheet.name, partial(_build_sheet, sheet))
        for sheet in SHEETS.values()
    },
}
"""Every builder by its name, which is stored with the publication."""


def parse_choices(texts: Sequence[str]) -> tuple[FileChoice, ...]:
    """Return kinds of files, with languages and formats, from texts like `city-reports:zh:pdf`.

    Raises:
        NotFoundError: a text names no builder, one is named twice, or figures are missing.
    """
    choices = tuple(FileChoice.parse(text) for text in texts)
    names = [choice.name for choice in choices]
    if FileBuilderName.FIGURES not in names or len(set(names)) != len(names):
        raise NotFoundError(
            "builder_unknown",
            msg(
                "A release holds the figures and any of these, each once: {choices}",
                choices=", ".join(FILE_BUILDERS),
            ),
        )
    return choices


def build_files(source: PublicationSource, names: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Build files that the texts `names` choose and `verify.py`; return path -> (kind, content)."""
    files = {
        path: (choice.name.value, data)
        for choice in parse_choices(names)
        for path, data in FILE_BUILDERS[choice.name].build(source, choice).items()
    }
    return {**files, SCRIPT_FILE: (SCRIPT_BUILDER, Path(verify.__file__).read_bytes())}
