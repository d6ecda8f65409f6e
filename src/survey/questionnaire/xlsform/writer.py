"""Writer of an instrument as an XLSForm workbook that reads back as the same instrument.

What XLSForm has no column for stands in columns of our own (indicator, measured, module, sensitive,
specials, ends, minimum, maximum, step, low_label, high_label, keeps_place, tree, unit), which other
tools ignore.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from survey.locale import Labels
from survey.questionnaire.model import (
    TEXT_FIELDS,
    Choice,
    Images,
    Instrument,
    Item,
    Language,
    Section,
)
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.numbers import write_number
from survey.questionnaire.xlsform.pictures import IMAGE
from survey.spreadsheets import write_text_cell

_PLAIN_COLUMNS = (
    *("required", "relevant", "constraint", "calculation", "appearance", "parameters"),
    "choice_filter",
)
_BOUNDS = ("minimum", "maximum", "step")
_EXTENSION_COLUMNS = (
    "specials",
    "indicator",
    "measured",
    "module",
    "sensitive",
    "keeps_place",
    "privacy",
    "ends",
    *_BOUNDS,
)
_COPIED = Item.model_fields.keys() & {*_PLAIN_COLUMNS, *_EXTENSION_COLUMNS} - {
    "appearance",
    "specials",
    *_BOUNDS,
}
"""Columns that hold what a field of the same name holds."""
_SURVEY_COLUMNS = (
    *("type", "name", "label", "hint", IMAGE),
    *_PLAIN_COLUMNS,
    *("required_message", "constraint_message"),
    *_EXTENSION_COLUMNS,
    *("low_label", "high_label"),
)
_PER_LANGUAGE = frozenset({*TEXT_FIELDS, IMAGE})
_WIDTHS = {"type": 24, "name": 22, "label": 48, "hint": 32, "relevant": 36}

Record = Mapping[str, str]


def xlsform_bytes(instrument: Instrument) -> bytes:
    """Return an instrument as the content of an XLSForm workbook (.xlsx)."""
    lists = _Lists(instrument.languages)
    survey = list(_iter_survey_records(instrument, lists))
    workbook = Workbook(write_only=True)
    header = _list_header(_SURVEY_COLUMNS, instrument.languages)
    _write_worksheet(workbook, "survey", header, survey)
    further = dict.fromkeys(column for record in lists.further for column in record)
    header = _list_header(("list_name", "name", "label", IMAGE, *further), instrument.languages)
    _write_worksheet(workbook, "choices", header, lists.records)
    settings = _build_settings(instrument)
    _write_worksheet(workbook, "settings", tuple(settings), [settings])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def xlsform_archive(instrument: Instrument, pictures: Mapping[str, bytes]) -> bytes:
    """Return an instrument as a .zip of its workbook and its pictures (SHA-256 -> JPEG)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("form.xlsx", xlsform_bytes(instrument))
        for sha256, content in sorted(pictures.items()):
            archive.writestr(_name_picture(sha256), content)
    return buffer.getvalue()


def _name_picture(sha256: str) -> str:
    return f"{sha256[:16]}.jpg"


def _format_language(language: Language) -> str:
    return f"{language.name} ({language.code})"


def _list_header(columns: Iterable[str], languages: tuple[Language, ...]) -> tuple[str, ...]:
    """Return the header of a worksheet, with text columns repeated for each language."""
    return tuple(
        name
        for column in columns
        for name in (
            tuple(f"{column}::{_format_language(language)}" for language in languages)
            if column in _PER_LANGUAGE
            else (column,)
        )
    )


def _build_settings(instrument: Instrument) -> dict[str, str]:
    default = next(
        language
        for language in instrument.languages
        if language.code == instrument.default_language
    )
    usual = instrument.title.get(instrument.default_language, instrument.name)
    return {
        "form_title": usual,
        "form_id": instrument.name,
        "version": instrument.version,
        "default_language": _format_language(default),
        "tree": instrument.tree or "",
        **({"allow_choice_duplicates": "yes"} if _has_duplicates(instrument) else {}),
        **({"renormalise": "yes"} if instrument.renormalise else {}),
        **({"unit": instrument.unit} if instrument.unit != "person" else {}),
        **{f"title_{code}": title for code, title in instrument.title.items()},
        **{f"thanks_{code}": text for code, text in instrument.thanks.items()},
    }


def _has_duplicates(instrument: Instrument) -> bool:
    """Return whether a choice has several rows, which other tools allow by a setting only."""
    return any(len(choice.columns) > 1 for item in instrument.items() for choice in item.choices)


class _Lists:
    """Choice lists of the workbook, with equal lists written once under a shared name."""

    def __init__(self, languages: tuple[Language, ...]) -> None:
        self.languages = languages
        self.records: list[Record] = []
        self.further: list[Record] = []
        """Columns of choices that a filter reads."""
        self.names: dict[tuple[str, ...], str] = {}

    def name(self, item: Item, choices: tuple[Choice, ...]) -> str:
        key = tuple(choice.model_dump_json() for choice in choices)
        if key not in self.names:
            used_names = set(self.names.values())
            name = item.name if item.name not in used_names else f"{item.name}_{len(used_names)}"
            self.names[key] = name
            for choice in choices:
                record = {"list_name": name, "name": choice.name}
                record |= self.labels("label", choice.label) | self.images(choice.image)
                self.records += [{**record, **row} for row in choice.columns or ({},)]
                self.further += choice.columns
        return self.names[key]

    def labels(self, column: str, labels: Labels) -> dict[str, str]:
        return {
            f"{column}::{_format_language(language)}": labels[language.code]
            for language in self.languages
            if language.code in labels
        }

    def images(self, images: Images) -> dict[str, str]:
        names = {code: _name_picture(picture.sha256) for code, picture in images.items()}
        return self.labels(IMAGE, names)


def _iter_survey_records(instrument: Instrument, lists: _Lists) -> Iterable[Record]:
    for section in instrument.sections:
        yield _build_group_start(section, lists)
        for item in section.items:
            yield _build_item_record(item, lists)
        yield {"type": "end_group"}


def _build_group_start(section: Section, lists: _Lists) -> Record:
    return {
        "type": "begin_group",
        "name": section.name,
        "relevant": section.relevant or "",
        "ends": section.ends.value if section.ends else "",
        **lists.labels("label", section.title),
    }


def _build_item_record(item: Item, lists: _Lists) -> Record:
    cells = type_of(item).write_xlsform(item, lists.name)
    record = {
        "type": cells.type,
        "name": item.name,
        "appearance": " ".join(word for word in (cells.appearance, item.appearance) if word),
        "parameters": cells.parameters,
        "specials": " ".join(item.specials),
        "measured": _format_cell(item.is_measured),
        **{column: _format_cell(getattr(item, column)) for column in _COPIED},
    }
    if type_of(item).is_number:
        record |= {column: write_number(getattr(item, column)) for column in _BOUNDS}
    for column in TEXT_FIELDS:
        record |= lists.labels(column, getattr(item, column))
    return record | lists.images(item.image)


def _format_cell(value: str | bool | None) -> str:
    return "yes" if value is True else value or ""


def _write_worksheet(
    workbook: Workbook, title: str, header: tuple[str, ...], records: Iterable[Record]
) -> None:
    records = list(records)
    used = [name for name in header if name in _ALWAYS or any(row.get(name) for row in records)]
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "C2"
    for number, name in enumerate(used, start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = _WIDTHS.get(name.partition("::")[0], 18)
    sheet.append([_build_cell(sheet, name, bold=True) for name in used])
    for record in records:
        sheet.append([_build_cell(sheet, record.get(name, "")) for name in used])


_ALWAYS = frozenset({"type", "name", "list_name", "form_id", "version"})


def _build_cell(sheet: object, text: str, *, bold: bool = False) -> Cell | None:
    """Return a cell of plain text, never a formula, even for `=1`; None for an empty text."""
    if not text:
        return None
    cell = WriteOnlyCell(sheet, value="")
    write_text_cell(cell, text)
    cell.font = Font(bold=bold)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell
