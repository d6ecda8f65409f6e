"""A workbook, or rows in its layout -> an instrument, with everything there is to say about it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyxform.errors import PyXFormError
from pyxform.xls2json import workbook_to_json

from survey.instrument.findings import Finding
from survey.instrument.model import Instrument, Labels
from survey.instrument.xlsform.choices import read_choices
from survey.instrument.xlsform.errors import XlsformError
from survey.instrument.xlsform.guard import open_guarded
from survey.instrument.xlsform.journal import SETTINGS, Journal, Unsupported
from survey.instrument.xlsform.languages import Languages
from survey.instrument.xlsform.layout import Layout
from survey.instrument.xlsform.mentions import settle_mentions
from survey.instrument.xlsform.outline import outline
from survey.instrument.xlsform.questions import Questions
from survey.instrument.xlsform.remarks import Remarks
from survey.instrument.xlsform.settle import settle
from survey.instrument.xlsform.shapes import Shapes
from survey.instrument.xlsform.sheets import Row, Sheets, from_rows, read_sheets_of
from survey.instrument.xlsform.texts import one_line, plain_text
from survey.locale import Message, msg

_UNVERSIONED = "-"


@dataclass(frozen=True, slots=True)
class Imported:
    instrument: Instrument
    skipped: tuple[Finding, ...]
    """What the form contains and the instrument does not."""
    warnings: tuple[Finding, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    """Row of each question in the sheet `survey`."""


_YES = frozenset({"yes", "true", "1"})


def read_xlsform(source: Path, *, unsupported: Unsupported = "refuse") -> Imported:
    """Read a workbook; a `WorkbookError` or an `XlsformError` says why it is not imported."""
    workbook = open_guarded(source)
    return _read(read_sheets_of(workbook), workbook.stem, unsupported, {})


def read_sheets(
    survey: Iterable[Mapping[str, str]],
    choices: Iterable[Mapping[str, str]],
    settings: Mapping[str, str],
    *,
    indicators: Mapping[str, str] | None = None,
    unsupported: Unsupported = "refuse",
) -> Imported:
    """Read rows in the layout of the sheets; `indicators` maps item names to indicator codes."""
    sheets = from_rows(survey, choices, settings)
    return _read(sheets, "form", unsupported, dict(indicators or {}))


def _read(
    sheets: Sheets, stem: str, unsupported: Unsupported, indicators: dict[str, str]
) -> Imported:
    journal = Journal(unsupported)
    languages = Languages(sheets, journal)
    lists = read_choices(sheets.choices, languages, journal)
    root = outline(sheets.survey, journal)
    remarks = Remarks(sheets.survey, journal)
    has_tree = bool(sheets.settings.text("tree"))
    shapes = Shapes(lists, languages, remarks, indicators, has_tree=has_tree)
    questions = Questions(shapes, languages, remarks)
    settled = settle(root, questions, sheets.survey, journal)
    laid_out = Layout(sheets.survey, languages, journal).sections(settled)
    rows = {question.name: question.row.number for question in root.questions()}
    sections = settle_mentions(laid_out, rows, journal)
    if not any(section.items for section in sections) and not journal.errors:
        journal.error(_nothing_to_ask(journal), row=2)
    if not journal.errors:
        _ask_pyxform(sheets, journal)
    if journal.errors:
        raise XlsformError(journal.errors, journal.skipped)
    instrument = Instrument(
        name=_name(sheets.settings, stem),
        version=sheets.settings.text("version") or _UNVERSIONED,
        title=_title(sheets.settings, languages, stem),
        default_language=languages.default.code,
        languages=languages.all,
        tree=sheets.settings.text("tree") or None,
        renormalise=sheets.settings.text("renormalise").lower() in _YES,
        sections=sections,
        thanks=_thanks(sheets.settings, languages),
    )
    languages.report()
    return Imported(
        _versioned(instrument, journal), tuple(journal.skipped), tuple(journal.warnings), rows
    )


def _ask_pyxform(sheets: Sheets, journal: Journal) -> None:
    """What other tools would say of the form: an error, unless parts of it were skipped."""
    if sheets.definition is None:
        return
    try:
        workbook_to_json(replace(sheets.definition), warnings=[])
    except PyXFormError as error:
        journal.unsupported(
            msg("The XLSForm checker says: {reason}", reason=one_line(str(error))[:500])
        )


def _name(settings: Row, stem: str) -> str:
    written = settings.text("id_string") or settings.text("name") or stem
    return re.sub(r"[^\w.-]+", "-", written).strip("-.")[:80] or "form"


def _title(settings: Row, languages: Languages, stem: str) -> Labels:
    usual = plain_text(settings.text("title")) or settings.text("id_string") or stem
    return {
        language.code: plain_text(settings.text(f"title_{language.code}")) or usual
        for language in languages.all
    }


def _thanks(settings: Row, languages: Languages) -> Labels:
    """Columns `thanks_zh`, `thanks_en` …, or one `thanks` for a form in one language."""
    texts = {
        language.code: text
        for language in languages.all
        if (text := plain_text(settings.text(f"thanks_{language.code}")))
    }
    usual = plain_text(settings.text("thanks"))
    if usual:
        texts.setdefault(languages.default.code, usual)
    return languages.complete(texts)


def _nothing_to_ask(journal: Journal) -> Message:
    if journal.skipped:
        return msg("No question is left of the form: what it asks is listed above as left out.")
    return msg("The form has no questions.")


def _versioned(instrument: Instrument, journal: Journal) -> Instrument:
    """A form without a version gets one from its content: equal forms, equal versions."""
    if instrument.version != _UNVERSIONED:
        return instrument
    version = instrument.sha256[:8]
    journal.warning(
        msg("The form has no version; “{version}” is taken from its content.", version=version),
        sheet=SETTINGS,
    )
    return instrument.model_copy(update={"version": version})
