"""Lists of choices by name, read from the choices sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey.locale import msg
from survey.questionnaire.model import Choice, SpecialAnswer
from survey.questionnaire.xlsform.import_log import CHOICES, ImportLog
from survey.questionnaire.xlsform.languages import Languages
from survey.questionnaire.xlsform.worksheets import (
    FormWorksheets,
    Worksheet,
    WorksheetRow,
    parse_select_type,
    read_type,
)

_SPECIAL_CODES = frozenset(special.value for special in SpecialAnswer)


@dataclass(frozen=True, slots=True)
class ChoiceList:
    choices: tuple[Choice, ...]
    row: int
    """Of the first choice."""

    def scores(self) -> tuple[int, int] | None:
        """Return the lowest and highest score of the choices; None unless they are consecutive."""
        names = [choice.name for choice in self.choices if choice.name not in _SPECIAL_CODES]
        if len(names) < 2 or not all(name.isascii() and name.isdigit() for name in names):
            return None
        numbers = sorted(int(name[:9]) for name in names)
        consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        canonical = all(name == str(int(name[:9])) for name in names)
        return (numbers[0], numbers[-1]) if consecutive and canonical else None


def read_choices(
    sheets: FormWorksheets, languages: Languages, log: ImportLog
) -> dict[str, ChoiceList]:
    sheet = sheets.choices
    lists: dict[str, list[Choice]] = {}
    first_rows: dict[str, int] = {}
    for row in sheet.rows:
        list_name, name = row.text("list_name"), row.text("name")
        if not row.cells or not list_name:
            continue
        if not name:
            log.error(
                msg("A choice of the list “{list}” has no name.", list=list_name),
                sheet=CHOICES,
                row=row.number,
                column=sheet.header("name"),
                suggestion=msg("Give it a short name, such as yes."),
            )
            continue
        first_rows.setdefault(list_name, row.number)
        lists.setdefault(list_name, []).append(
            Choice(name=name, label=languages.labels(row, "label") or languages.everywhere(name))
        )
    asked = {
        select[1] for row in sheets.survey.rows if (select := parse_select_type(read_type(row)))
    }
    _check_media(sheet, [row for row in sheet.rows if row.text("list_name") in asked], log)
    return {
        name: ChoiceList(_remove_duplicates(name, choices, first_rows[name], log), first_rows[name])
        for name, choices in lists.items()
    }


def _remove_duplicates(
    list_name: str, choices: list[Choice], row: int, log: ImportLog
) -> tuple[Choice, ...]:
    by_name: dict[str, Choice] = {}
    for choice in choices:
        by_name.setdefault(choice.name, choice)
    if len(by_name) < len(choices):
        log.warning(
            msg(
                "The list “{list}” has the same choice more than once; the first one is used.",
                list=list_name,
            ),
            sheet=CHOICES,
            row=row,
        )
    return tuple(by_name.values())


def _check_media(sheet: Worksheet, rows: Sequence[WorksheetRow], log: ImportLog) -> None:
    for column in sheet.columns:
        row = next((row for row in rows if (column.name, column.language) in row.cells), None)
        if row is not None and column.name.startswith("media::"):
            log.unsupported(
                msg("Pictures and sounds of choices are not supported; the text is shown."),
                sheet=CHOICES,
                row=row.number,
                column=column.header,
                suggestion=msg("Clear this column."),
            )
