"""What a question type consists of, and the codes that its answers have in a snapshot."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Literal

from survey.locale import Message, msg
from survey.questionnaire.model import Choice, Item, ItemKind, SpecialAnswer

Answer = str | int | float | bool | list[str]
CellValue = str | int | float | list[str] | None
"""What a cell of an imported table is read as; None for an empty cell."""
ChoiceListNamer = Callable[[Item, tuple[Choice, ...]], str]
"""Returns the name of the list on the choices worksheet that holds these choices."""


@dataclass(frozen=True, slots=True)
class AnswerRefusal:
    """Stable code and message of an answer that is not of its item's kind."""

    code: str
    message: Message


@dataclass(frozen=True, slots=True)
class XlsformCells:
    """Cells of the survey worksheet that decide the type of a row."""

    type: str
    parameters: str = ""
    appearance: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotColumn:
    """One column of a frozen wave: a value for each interview, and how it is stored."""

    name: str
    dtype: Literal["int8", "float64", "string", "category"]
    values: Iterable[Any]
    categories: tuple[str, ...] = ()


def refuse_any(_item: object, _raw: object) -> AnswerRefusal:
    """Refuse an answer to something that is not asked."""
    return AnswerRefusal("type", msg("This is not a question."))


def no_problems(_item: Item) -> Iterator[Message]:
    """Report nothing: every item of the type is well formed."""
    return iter(())


def no_columns(_item: Item, _values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return no column: the answers stay in the store."""
    return ()


def no_coded_columns(_item: Item) -> tuple[str, ...]:
    """Return no name: the answers are not codes that could be published."""
    return ()


def no_codes(_item: Item) -> tuple[str | int | float, ...]:
    """Return no code: the answers are typed, not chosen."""
    return ()


def no_browser_fields(_item: Item) -> Mapping[str, object]:
    """Return no field: the control needs nothing beyond the item."""
    return {}


def format_plain(_item: Item, answer: Any, _language: str) -> str:
    """Return a number without trailing zeros and anything else as it is stored."""
    return f"{answer:g}" if isinstance(answer, float) else str(answer)


def parse_plain_cell(text: str, _spellings: Mapping[str, str]) -> CellValue:
    """Return the text of a cell as it stands."""
    return text


def half_width(text: str) -> str:
    """Return the text with full-width digits, letters and signs in their usual width."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def fold_text(text: str) -> str:
    """Return the text without differences in case, width, kind of apostrophe and blanks."""
    return " ".join(half_width(text).replace("\u2019", "'").casefold().split())


def strip_entered(entered: Any) -> Any:
    """Return a typed text without blanks around it."""
    return (entered or "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionType:
    """Everything the platform knows about one kind of item.

    A function that cannot make sense of an answer returns it unchanged, and the check of the whole
    interview then refuses it in the same words everywhere. Defaults publish and compare nothing.
    """

    kind: ItemKind
    xlsform_names: tuple[str, ...]
    """Words in the column `type` that stand for it; of a select, those in front of the list."""
    write_xlsform: Callable[[Item, ChoiceListNamer], XlsformCells]
    parse_answer: Callable[[Item, object], Answer | AnswerRefusal]
    """Canonical form of an answer from outside, hostile input included, or why it is refused."""
    import_hint: Message | None
    """What a column of the import template takes; None where it has no column."""

    is_shown: bool = True
    """False for what is only calculated."""
    has_value: bool = True
    """False for what is only shown."""
    has_choice_list: bool = False
    allows_several: bool = False
    is_coded: bool = False
    """Whether answers are scores or codes that an imported column can be explained by."""
    is_score: bool = False
    """Whether answers are scores on a scale, so that an item can have an indicator."""
    is_number: bool = False
    """Whether people type a number, with bounds in the columns minimum, maximum and step."""
    is_open_text: bool = False
    """Whether answers are the respondent's own words and may name people."""
    is_photo: bool = False
    """Whether the answer is the id of a photo, whose content is stored as a file."""
    is_compared: bool = False
    """Whether the quality checks compare answers between interviews."""

    list_problems: Callable[[Item], Iterator[Message]] = no_problems
    """What is wrong with an item, whatever it was made from."""
    list_codes: Callable[[Item], Sequence[str | int | float]] = no_codes
    """Answers to choose from, without the special ones."""
    browser_fields: Callable[[Item], Mapping[str, object]] = no_browser_fields
    """What the control in the browser needs besides the item."""
    snapshot_columns: Callable[[Item, Sequence[Any]], tuple[SnapshotColumn, ...]] = no_columns
    coded_columns: Callable[[Item], tuple[str, ...]] = no_coded_columns
    """Names of the snapshot columns with codes that published interviews may hold."""
    format_answer: Callable[[Item, Any, str], str] = format_plain
    """A stored answer, but no special one, in the words of the questionnaire."""
    parse_cell: Callable[[str, Mapping[str, str]], CellValue] = parse_plain_cell
    """A cell of an imported table; the mapping holds folded spellings of the choices."""
    parse_entered: Callable[[Any], Any] = strip_entered
    """What was entered in a correction or a back-check."""

    @property
    def is_asked(self) -> bool:
        """Return whether a person answers it."""
        return self.is_shown and self.has_value

    @property
    def takes_one_choice(self) -> bool:
        """Return whether the answer is the name of one choice of a list."""
        return self.has_choice_list and not self.allows_several

    @property
    def is_calculated(self) -> bool:
        """Return whether its value is worked out from other answers."""
        return self.has_value and not self.is_shown


DONT_KNOW, NOT_EXPERIENCED, REFUSED, NOT_ASKED, MISSING = -1, -2, -3, -4, -5
NOT_IN_ANSWERS = object()
"""Stands for an item that is not among the answers at all: it was off the route."""

_CODES: dict[Any, int] = {
    SpecialAnswer.DONT_KNOW.value: DONT_KNOW,
    SpecialAnswer.NOT_EXPERIENCED.value: NOT_EXPERIENCED,
    SpecialAnswer.REFUSED.value: REFUSED,
    None: MISSING,
    NOT_IN_ANSWERS: NOT_ASKED,
}


def score_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the scores of a rating with negative codes where there is none.

    An explicit null is an asked but unanswered item; an absent one was not asked.
    """
    code = _CODES.get
    scores = [value if type(value) is int else code(value, MISSING) for value in values]
    return (SnapshotColumn(item.name, "int8", scores),)


def choice_flag_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return one column a choice: 1 chosen, 0 not chosen, negative as for ratings."""
    chosen = [frozenset(value) if isinstance(value, list) else None for value in values]
    gaps = [NOT_ASKED if value is NOT_IN_ANSWERS else MISSING for value in values]
    return tuple(
        SnapshotColumn(
            f"{item.name}/{choice.name}",
            "int8",
            [
                gap if names is None else int(choice.name in names)
                for names, gap in zip(chosen, gaps, strict=True)
            ],
        )
        for choice in item.choices
    )


def number_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the numbers as one column, NaN where there is none."""
    numbers = [float(value) if isinstance(value, int | float) else nan for value in values]
    return (SnapshotColumn(item.name, "float64", numbers),)


def text_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the texts as one column, null where there is none."""
    return (SnapshotColumn(item.name, "string", keep_texts(values)),)


def keep_texts(values: Sequence[Any]) -> list[str | None]:
    """Return the values that are texts, and null for every other one."""
    return [value if isinstance(value, str) else None for value in values]
