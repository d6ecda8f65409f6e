"""What a question type consists of, and the codes that its answers have in a snapshot."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Literal

from survey.locale import Message, label_text, msg
from survey.questionnaire.model import Choice, Item, ItemKind, SpecialAnswer

Answer = str | int | float | bool | list[str]
CellValue = str | int | float | list[str] | None
"""What a cell of an imported table is read as; None for an empty cell."""
ChoiceListNamer = Callable[[Item, tuple[Choice, ...]], str]
"""Returns the name of the list on the choices worksheet that holds these choices."""


@dataclass(frozen=True, slots=True)
class AnswerRefusal:
    """Code and message for an answer that is not valid for its item."""

    code: str
    message: Message


@dataclass(frozen=True, slots=True)
class XlsformCells:
    """Cells of an XLSForm survey row that determine its question type."""

    type: str
    parameters: str = ""
    appearance: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotColumn:
    """One column of a wave's frozen data: a value for each interview, and its dtype."""

    name: str
    dtype: Literal["int8", "float64", "string", "category"]
    values: Iterable[Any]
    categories: tuple[str, ...] = ()


def refuse_any(_item: object, _raw: object) -> AnswerRefusal:
    """Return the refusal of any answer, for items that are not asked."""
    return AnswerRefusal("type", msg("This is not a question."))


def format_plain(_item: Item, answer: Any, _language: str) -> str:
    """Return an answer as text, numbers without trailing zeros."""
    return f"{answer:g}" if isinstance(answer, float) else str(answer)


def format_choices(item: Item, answer: Any, language: str) -> str:
    """Return the labels of the chosen answers, joined by "; "; unknown names as they are."""
    if not isinstance(answer, str | list):
        return format_plain(item, answer, language)
    labels = {choice.name: choice.label for choice in item.choices}
    names = map(str, answer) if isinstance(answer, list) else (answer,)
    return "; ".join(label_text(labels.get(name, {}), language, name) for name in names)


def half_width(text: str) -> str:
    """Return the text with full-width characters in their usual width (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def fold_text(text: str) -> str:
    """Return the text in a form for comparing: case, width, apostrophes and blanks unified."""
    return " ".join(half_width(text).replace("\u2019", "'").casefold().split())


def strip_entered(entered: Any) -> Any:
    """Return an entered text without blanks around it; None as the empty text."""
    return (entered or "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionType:
    """Definition of one kind of item: its properties, and functions for parsing and formatting.

    A function that cannot make sense of an answer returns it unchanged, and the check of the whole
    interview then refuses it in the same words everywhere. Defaults publish and compare nothing.
    """

    kind: ItemKind
    xlsform_names: tuple[str, ...]
    """Words in the column `type` that stand for it; of a select, those in front of the list."""
    parse_answer: Callable[[Item, object], Answer | AnswerRefusal]
    """Canonical form of an answer from outside, hostile input included, or why it is refused."""
    import_hint: Message | None
    """What a column of the import template takes; None where it has no column."""
    write_xlsform: Callable[[Item, ChoiceListNamer], XlsformCells] = lambda item, _name_list: (
        XlsformCells(item.kind.value)
    )
    """A row that reads back as the same type."""

    is_shown: bool = True
    """False for what is only calculated."""
    has_value: bool = True
    """False for what is only shown."""
    has_choice_list: bool = False
    allows_several: bool = False
    is_ranked: bool = False
    """Whether an answer puts all choices in order."""
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

    list_problems: Callable[[Item], Iterator[Message]] = lambda _item: iter(())
    """What is wrong with an item, whatever it was made from."""
    list_codes: Callable[[Item], Sequence[str | int | float]] = lambda _item: ()
    """Answers to choose from, without the special ones."""
    browser_fields: Callable[[Item], Mapping[str, object]] = lambda _item: {}
    """What the control in the browser needs besides the item."""
    snapshot_columns: Callable[[Item, Sequence[Any]], tuple[SnapshotColumn, ...]] = (
        lambda _item, _values: ()
    )
    coded_columns: Callable[[Item], tuple[str, ...]] = lambda _item: ()
    """Names of the snapshot columns with codes that published interviews may hold."""
    format_answer: Callable[[Item, Any, str], str] = format_plain
    """A stored answer, but no special one, in the words of the questionnaire."""
    parse_cell: Callable[[str, Mapping[str, str]], CellValue] = lambda text, _spellings: text
    """A cell of an imported table; the mapping holds folded spellings of the choices."""
    parse_entered: Callable[[Any], Any] = strip_entered
    """What was entered in a correction or a back-check."""

    @property
    def is_asked(self) -> bool:
        """Whether people answer items of this type."""
        return self.is_shown and self.has_value

    @property
    def takes_one_choice(self) -> bool:
        """Whether the answer is the name of one choice of a list."""
        return self.has_choice_list and not self.allows_several

    @property
    def is_calculated(self) -> bool:
        """Whether the value is calculated from other answers."""
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
    """Return a rating's column of scores; negative codes: not asked, unanswered, special answer.

    An explicit null is an asked but unanswered item; an absent one was not asked.
    """
    code = _CODES.get
    scores = [value if type(value) is int else code(value, MISSING) for value in values]
    return (SnapshotColumn(item.name, "int8", scores),)


def choice_flag_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return a column per choice: 1 chosen, 0 not, negative codes for not asked or unanswered."""
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
    """Return the column of an item's numbers, NaN where there is none."""
    numbers = [float(value) if isinstance(value, int | float) else nan for value in values]
    return (SnapshotColumn(item.name, "float64", numbers),)


def text_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the column of an item's texts, null where there is none."""
    return (SnapshotColumn(item.name, "string", keep_texts(values)),)


def keep_texts(values: Sequence[Any]) -> list[str | None]:
    """Return the values with None in place of those that are not texts."""
    return [value if isinstance(value, str) else None for value in values]
