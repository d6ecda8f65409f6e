"""Template of a workbook of answers: one column an item, with the codes as drop-downs."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.collection.importing.column_mapping import ROLE_NAMES, ColumnRole
from survey.collection.importing.rejections import text_cell
from survey.collection.importing.row_answers import SPECIAL_NAMES
from survey.locale import Message, Translator, label_text, msg, translator
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of
from survey.questionnaire.translations import ConditionText
from survey.tabular.reading import ANSWERS, CODES, REMARK

ROLES = (
    ColumnRole.CITY,
    ColumnRole.POINT,
    ColumnRole.SURVEYOR,
    ColumnRole.STARTED_AT,
    ColumnRole.DURATION,
)
MAX_TEMPLATE_ROWS = 20_000
"""Rows of the worksheet in which the drop-downs work."""
_GREY = PatternFill("solid", fgColor="EFEDE8")
_NOTES: tuple[Message, ...] = (
    msg("Fill in one row an interview in the sheet “answers”, from row 3 on."),
    msg("Do not change the first row: it names the questions. Columns may be left out or moved."),
    msg("Row 2 explains the columns; it is not read."),
    msg("A question that was not asked, or not answered, stays empty."),
    msg("Formulas are not calculated: paste values. Do not merge cells."),
    msg("The sheet “codes” lists every code with its meaning."),
)


def write_template(
    *, principal: Principal, instrument: Instrument, cities: Mapping[str, str], language: str
) -> bytes:
    """Return the content of an .xlsx file to fill in with interviews of this questionnaire.

    Args:
        cities: Code -> name of the cities that are offered.
    """
    principal.require(Action.IMPORT)
    t = translator(language)
    workbook = Workbook(write_only=True)
    answers = workbook.create_sheet(ANSWERS)
    codes = workbook.create_sheet(CODES)
    notes = workbook.create_sheet(t("Notes"))
    lists = _Lists(codes, t)
    columns = _list_columns(instrument, cities, lists, language, t)
    answers.freeze_panes = "B3"
    for number, (name, _, _) in enumerate(columns, start=1):
        answers.column_dimensions[get_column_letter(number)].width = max(12, len(name) + 2)
    answers.append([_add_header_cell(answers, name) for name, _, _ in columns])
    answers.append(
        [
            _add_note_cell(answers, words, first=index == 0)
            for index, (_, words, _) in enumerate(columns)
        ]
    )
    for number, (_, _, source) in enumerate(columns, start=1):
        if source:
            letter = get_column_letter(number)
            answers.data_validations.append(
                DataValidation(
                    type="list",
                    formula1=f"={source}",
                    allow_blank=True,
                    showErrorMessage=True,
                    errorTitle=t("Not in the list"),
                    error=t("Please choose one of the codes of the list."),
                    sqref=f"{letter}3:{letter}{MAX_TEMPLATE_ROWS}",
                )
            )
    notes.column_dimensions["A"].width = 100
    title = label_text(instrument.title, language, instrument.name)
    notes.append([_add_header_cell(notes, f"{title} ({instrument.name} {instrument.version})")])
    for note in _NOTES:
        notes.append([text_cell(notes, t(note))])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


_Column = tuple[str, str, str]
"""Name, explanation, and the range of cells with its codes; empty if it has none."""


class _Lists:
    """Writer of the worksheet of codes, one list after the other."""

    def __init__(self, sheet: Any, t: Translator) -> None:
        self._sheet, self._row = sheet, 1
        sheet.column_dimensions["A"].width = 24
        sheet.column_dimensions["C"].width = 48
        sheet.append(
            [_add_header_cell(sheet, word) for word in (t("question"), t("code"), t("meaning"))]
        )

    def write(self, name: str, codes: Sequence[tuple[str | int | float, str]]) -> str:
        """Write the codes of one column and return the range of cells that holds them."""
        first = self._row + 1
        for code, meaning in codes:
            shown = code if isinstance(code, int | float) else text_cell(self._sheet, code)
            self._sheet.append(
                [text_cell(self._sheet, name), shown, text_cell(self._sheet, meaning)]
            )
            self._row += 1
        return f"{CODES}!$B${first}:$B${self._row}" if codes else ""


def _list_columns(
    instrument: Instrument, cities: Mapping[str, str], lists: _Lists, language: str, t: Translator
) -> list[_Column]:
    columns: list[_Column] = []
    for role in ROLES:
        if role.value in instrument.by_name:
            continue
        source = lists.write(role.value, list(cities.items())) if role is ColumnRole.CITY else ""
        columns.append((role.value, t(ROLE_NAMES[role]), source))
    for item in instrument.items():
        hint = type_of(item).import_hint
        if hint is None:
            continue
        source = lists.write(item.name, _list_codes(item, language, t))
        if type_of(item).allows_several or type_of(item).is_ranked:
            # A drop-down takes one code only.
            source = ""
        depends = ConditionText(instrument, t, language).write_filter(item)
        words = f"{label_text(item.label, language, item.name)}\n({t(hint)})"
        words += f"\n{depends}" if depends else ""
        columns.append((item.name, words, source))
    return columns


def _list_codes(item: Item, language: str, t: Translator) -> list[tuple[str | int | float, str]]:
    named = {
        choice.name: label_text(choice.label, language, choice.name) for choice in item.choices
    }
    codes = [(code, named.get(str(code), "")) for code in type_of(item).list_codes(item)]
    for special in item.specials:
        own = item.special_labels.get(special)
        words = label_text(own, language, special.value) if own else t(SPECIAL_NAMES[special])
        codes.append((special.value, words))
    return codes


def _add_header_cell(sheet: object, text: str) -> Any:
    cell = text_cell(sheet, text)
    cell.font, cell.fill = Font(bold=True), _GREY
    return cell


def _add_note_cell(sheet: object, words: str, *, first: bool) -> Any:
    cell = text_cell(sheet, f"{REMARK} {words}" if first else words)
    cell.fill, cell.alignment = _GREY, Alignment(wrap_text=True, vertical="top")
    return cell
