"""Lists of choices by name, read from the choices sheet."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from survey.locale import msg
from survey.questionnaire.model import Choice, Images, SpecialAnswer
from survey.questionnaire.xlsform.import_log import (
    CHOICES,
    EXTERNAL_CHOICES,
    FindingPlace,
    ImportLog,
)
from survey.questionnaire.xlsform.languages import Languages
from survey.questionnaire.xlsform.pictures import IMAGE, UNSUPPORTED_MEDIA, Pictures
from survey.questionnaire.xlsform.worksheets import (
    FormWorksheets,
    Worksheet,
    WorksheetRow,
    parse_select_type,
    read_csv_choices,
    read_type,
)
from survey.tabular.workbook_safety import WorkbookError

MAX_FILE_CHOICES = 5_000
"""All of them travel with the form to every phone."""
_OWN_COLUMNS = ("list_name", "name", "label")
_SPECIAL_CODES = frozenset(special.value for special in SpecialAnswer)


@dataclass(frozen=True, slots=True)
class ChoiceList:
    choices: tuple[Choice, ...]
    columns: Mapping[str, tuple[Mapping[str, str], ...]]
    """Choice -> further columns of each of its rows, for a choice filter."""

    def filtered(self) -> tuple[Choice, ...]:
        """Return the choices with the columns that a choice filter may read."""
        return tuple(
            choice.model_copy(update={"columns": self.columns[choice.name]})
            for choice in self.choices
        )

    def scores(self) -> tuple[int, int] | None:
        """Return the lowest and highest score of the choices; None unless they are consecutive."""
        names = [choice.name for choice in self.choices if choice.name not in _SPECIAL_CODES]
        if len(names) < 2 or not all(name.isascii() and name.isdigit() for name in names):
            return None
        numbers = sorted(int(name[:9]) for name in names)
        consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        canonical = all(name == str(int(name[:9])) for name in names)
        return (numbers[0], numbers[-1]) if consecutive and canonical else None


class ChoiceLists:
    """Lists of choices of a form: on its worksheets, and in files that came with it."""

    def __init__(self, sheets: FormWorksheets, languages: Languages, log: ImportLog) -> None:
        self._find_file, self._languages, self._log = sheets.find_file, languages, log
        self._lists: dict[str, ChoiceList] = {}
        self._files: dict[tuple[str, str, str], ChoiceList | None] = {}
        asked = {
            select[1] for row in sheets.survey.rows if (select := parse_select_type(read_type(row)))
        }
        self.pictures = Pictures(sheets, languages, log, asked)
        """Of all questions and of the lists that they use."""
        for title, sheet in (
            (CHOICES, sheets.choices),
            (EXTERNAL_CHOICES, sheets.external_choices),
        ):
            reader = _ChoicesReader(title, sheet, languages, log, self.pictures, asked)
            reader.check_media()
            self._lists = reader.read() | self._lists

    def find(self, name: str) -> ChoiceList | None:
        """Return the list with a name on a worksheet; None without any."""
        return self._lists.get(name)

    @property
    def names(self) -> Collection[str]:
        """Names of the lists on the worksheets."""
        return self._lists.keys()

    def find_in_file(self, name: str, value: str, label: str) -> ChoiceList | None:
        """Return the list in a CSV file, by the columns of its values and labels; None without it.

        Raises:
            WorkbookError: The file cannot be read, or has too many rows.
        """
        key = (name, value, label)
        if key not in self._files:
            content = self._find_file(name)
            self._files[key] = None if content is None else self._read_file(content, *key)
        return self._files[key]

    def _read_file(self, content: bytes, name: str, value: str, label: str) -> ChoiceList:
        sheet = read_csv_choices(content, name, value, label)
        if len(sheet.rows) > MAX_FILE_CHOICES:
            raise WorkbookError(
                msg("“{name}” has more than {limit} rows.", name=name, limit=MAX_FILE_CHOICES)
            )
        lists = _ChoicesReader(name, sheet, self._languages, self._log).read()
        if name not in lists:
            raise WorkbookError(msg("The file “{name}” has no choices.", name=name))
        return lists[name]


@dataclass(frozen=True, slots=True)
class _ChoicesReader:
    title: str
    sheet: Worksheet
    languages: Languages
    log: ImportLog
    pictures: Pictures | None = None
    asked: Collection[str] = ()
    """Lists whose pictures are looked for: those that a question uses."""

    def read(self) -> dict[str, ChoiceList]:
        rows: dict[str, list[WorksheetRow]] = {}
        for row in self.sheet.rows:
            list_name = row.text("list_name")
            if not row.cells or not list_name:
                continue
            if row.text("name"):
                rows.setdefault(list_name, []).append(row)
                continue
            self.log.error(
                msg("A choice of the list “{list}” has no name.", list=list_name),
                sheet=self.title,
                row=row.number,
                column=self.sheet.header("name"),
                suggestion=msg("Give it a short name, such as yes."),
            )
        return {name: self.build_list(name, listed) for name, listed in rows.items()}

    def build_list(self, list_name: str, rows: list[WorksheetRow]) -> ChoiceList:
        """Return a list with the first row of each name as its choice, and the columns of all."""
        choices: dict[str, Choice] = {}
        columns: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
        is_ambiguous = False
        for row in rows:
            name = row.text("name")
            label = self.languages.labels(row, "label") or self.languages.everywhere(
                row.text("label") or name
            )
            further = _read_further_columns(row)
            # With further columns a filter can tell rows of one name apart.
            is_ambiguous |= name in choices and (not further or choices[name].label != label)
            if name not in choices:
                image = self.find_image(row) if list_name in self.asked else {}
                choices[name] = Choice(name=name, label=label, image=image)
            columns[name].append(further)
        if is_ambiguous:
            self.log.warning(
                msg(
                    "The list “{list}” has the same choice more than once; the first one is used.",
                    list=list_name,
                ),
                sheet=self.title,
                row=rows[0].number,
            )
        return ChoiceList(
            tuple(choices.values()), {name: tuple(each) for name, each in columns.items()}
        )

    def find_image(self, row: WorksheetRow) -> Images:
        if self.pictures is None:
            return {}
        place: FindingPlace = {"row": row.number, "column": self.sheet.header(IMAGE)}
        return self.pictures.find(row, self.title, place)

    def check_media(self) -> None:
        """Log the first sound or video of each column, in lists that questions use."""
        rows = [row for row in self.sheet.rows if row.text("list_name") in self.asked]
        for column in self.sheet.columns:
            row = next((row for row in rows if (column.name, column.language) in row.cells), None)
            if row is not None and column.name in UNSUPPORTED_MEDIA:
                self.log.unsupported(
                    msg("Sounds and videos are not supported; the text is shown."),
                    sheet=self.title,
                    row=row.number,
                    column=column.header,
                    suggestion=msg("Clear this column."),
                )


def _read_further_columns(row: WorksheetRow) -> dict[str, str]:
    return {
        column: text
        for (column, language), text in row.cells.items()
        if language is None and column not in _OWN_COLUMNS and not column.startswith("media::")
    }
