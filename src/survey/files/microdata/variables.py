"""Variables of exported rows: names that every program takes, labels, values, missing values.

A file with labels holds numbers: the scores as they are, a choice by its place in the
questionnaire, and the codes below 0 of a snapshot where there is no answer to count.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from survey.locale import Message, Translator, label_text, msg, translator
from survey.questionnaire.model import Choice, Instrument, Item, SpecialAnswer
from survey.questionnaire.paper_codes import SPECIAL_NAMES
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.question_type import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    NOT_EXPERIENCED,
    REFUSED,
)

if TYPE_CHECKING:
    import pandas as pd


MAX_NAME_CHARS, _STATA_NAME_CHARS = 29, 32
"""SPSS takes 64 bytes. Stata takes 32, and pyreadstat names the labels of a variable by its name
and its place: three digits of a file with less than a thousand variables."""
SPECIAL_CODES = {
    SpecialAnswer.DONT_KNOW: DONT_KNOW,
    SpecialAnswer.NOT_EXPERIENCED: NOT_EXPERIENCED,
    SpecialAnswer.REFUSED: REFUSED,
}
_GAP_NAMES = {NOT_ASKED: msg("Not asked"), MISSING: msg("No answer recorded")}
REPLICATE_PREFIX = "repw_"
_DESIGN: Mapping[str, Message] = {
    "row": msg("Name of the row in this file only"),
    "city_code": msg("City (GB/T 2260)"),
    "stratum": msg("Kind of sampling point (stratum within the city)"),
    "psu": msg("Sampling point, named for this file only (PSU)"),
    "weight": msg("Weight"),
    "day": msg("Day of the interview (China)"),
    "mode": msg("Way in which answers were collected"),
    "language": msg("Language of the interview"),
    "age_band": msg("Age band"),
}
"""Labels of the columns that are no question."""
_VALUE_NAMES: Mapping[str, Mapping[str, Message]] = {
    "stratum": {"urban": msg("Urban"), "rural": msg("Rural")},
    "mode": {
        "self": msg("by the person, in a browser"),
        "assisted": msg("by a surveyor, in a browser"),
        "paper": msg("on paper"),
        "import": msg("imported from a file"),
    },
}
_LISTED = frozenset({"city_code", "stratum", "mode", "language", "age_band"})
"""Columns of the design whose values have labels."""
_RESERVED_NAMES = frozenset(
    {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with", "byte",
     "double", "float", "if", "in", "int", "long", "using", "strl"}
)  # fmt: skip
"""Words of SPSS and Stata that no variable may be called."""
_STATA_STRING_TYPE = re.compile(r"str\d+")

Scale = Literal["nominal", "ordinal", "scale"]


@dataclass(frozen=True)
class CodedValue:
    """Value of a column, its code in files with labels, and its label."""

    value: str | int
    code: int
    label: str
    is_missing: bool = False
    """Kept apart from the answers: not asked, refused, does not know …"""


@dataclass(frozen=True)
class Variable:
    """Column of the rows, as every file format and the codebook describe it."""

    column: str
    name: str
    """Name in SPSS and Stata files: at most 29 letters, digits and underscores."""
    label: str
    scale: Scale
    values: tuple[CodedValue, ...] = ()
    """None for numbers and names."""
    item: Item | None = None
    """Question behind the column; None for the design."""


PresentTexts = Mapping[str, Sequence[str]]
"""Column -> the texts that may stand in it; empty for numbers and for names of rows."""


def texts_present(rows: "pd.DataFrame") -> dict[str, tuple[str, ...]]:
    """Return `column -> texts that may be in it` for exported rows; empty for numbers."""
    # Not at the top, nor the names below: rows that were kept are written without either.
    import pandas as pd

    present: dict[str, tuple[str, ...]] = {}
    for column in map(str, rows.columns):
        kind = rows[column].dtype
        if isinstance(kind, pd.CategoricalDtype):
            present[column] = tuple(str(each) for each in kind.categories)
        elif column in _LISTED:
            present[column] = tuple(sorted(str(each) for each in rows[column].dropna().unique()))
        else:
            present[column] = ()
    return present


def describe_variables(
    present: PresentTexts, instrument: Instrument, language: str
) -> tuple[Variable, ...]:
    """Return name, label, scale, values of each column of `present` (column -> texts), in order."""
    names = _build_program_names(list(present))
    t = translator(language)
    return tuple(
        _describe(column, names[column], texts, instrument, language, t)
        for column, texts in present.items()
    )


def _describe(
    column: str,
    name: str,
    texts: Sequence[str],
    instrument: Instrument,
    language: str,
    t: Translator,
) -> Variable:
    question, _, choice_name = column.partition("/")
    item = instrument.by_name.get(question)
    if item is None and column.startswith(REPLICATE_PREFIX):
        label = t("Replicate weight {number}", number=int(column.removeprefix(REPLICATE_PREFIX)))
        return Variable(column, name, label, "scale")
    if item is None or column in _DESIGN:
        label = t(_DESIGN[column]) if column in _DESIGN else column
        scale: Scale = "scale" if column == "weight" else "nominal"
        values = tuple(_iterate_design_values(column, texts, instrument, language, t))
        return Variable(column, name, label, "ordinal" if column == "age_band" else scale, values)
    label = label_text(item.label, language, item.name)
    if choice_name:
        choice = next((each for each in item.choices if each.name == choice_name), None)
        label = f"{label_text(choice.label, language, choice_name) if choice else column}: {label}"
        flags = (CodedValue(0, 0, t("not chosen")), CodedValue(1, 1, t("chosen")))
        return Variable(column, name, label, "nominal", (*flags, *_iterate_gaps(t)), item)
    if type_of(item).is_score:
        return Variable(
            column, name, label, "ordinal", tuple(_iterate_scores(item, language, t)), item
        )
    values = tuple(_iterate_choices(item, texts, language))
    return Variable(column, name, label, "nominal", values, item)


def _iterate_gaps(t: Translator) -> Iterator[CodedValue]:
    for code, label in _GAP_NAMES.items():
        yield CodedValue(code, code, t(label), is_missing=True)


def _iterate_scores(item: Item, language: str, t: Translator) -> Iterator[CodedValue]:
    """Yield the scores of a rating with labels, then the codes of missing answers."""
    labels = {choice.name: label_text(choice.label, language) for choice in item.choices}
    ends = {item.minimum: item.low_label, item.maximum: item.high_label}
    for score in type_of(item).list_codes(item):
        text = labels.get(str(score)) or label_text(ends.get(float(score), {}), language, "")
        yield CodedValue(int(score), int(score), text)
    for special, code in SPECIAL_CODES.items():
        text = label_text(item.special_labels.get(special, {}), language)
        yield CodedValue(code, code, text or t(SPECIAL_NAMES[special]), is_missing=True)
    yield from _iterate_gaps(t)


def _iterate_choices(item: Item, texts: Sequence[str], language: str) -> Iterator[CodedValue]:
    """Yield choices numbered as offered, then other `texts`; special answers have codes below 0."""
    others = [Choice(name=text, label={}) for text in texts if text not in item.choice_names]
    place = 0
    for choice in (*item.choices, *others):
        label = label_text(choice.label, language, choice.name)
        special = next((code for each, code in SPECIAL_CODES.items() if each == choice.name), None)
        if special is not None:
            yield CodedValue(choice.name, special, label, is_missing=True)
            continue
        place += 1
        yield CodedValue(choice.name, place, label)


def _iterate_design_values(
    column: str, texts: Sequence[str], instrument: Instrument, language: str, t: Translator
) -> Iterator[CodedValue]:
    """Yield the labelled values of a design column; none for names, days and weights.

    Known values come first, present or not, so that a number means the same in every file.
    """
    from survey.figures.views.display_names import DisplayNames

    names = DisplayNames(language, None)
    labels = {value: t(name) for value, name in _VALUE_NAMES.get(column, {}).items()}
    if column == "language":
        labels = {each.code: each.name for each in instrument.languages}
    ordered = sorted(set(texts) - set(labels), key=_read_leading_number)
    for place, value in enumerate((*labels, *ordered), 1):
        if column == "city_code":
            code = int(value) if value.isascii() and value.isdigit() else place
            yield CodedValue(value, code, names.area(value))
        elif column == "age_band":
            yield CodedValue(value, place, names.group(f"age_band={value}"))
        elif column in _LISTED:
            yield CodedValue(value, place, labels.get(value, value))


def _read_leading_number(text: str) -> tuple[int, str]:
    """Return a sort key that puts `6-14` before `15-24`."""
    digits = re.match(r"\d+", text)
    return (int(digits.group()) if digits else 0, text)


def _build_program_names(columns: Sequence[str]) -> dict[str, str]:
    """Return `column -> name that SPSS and Stata accept`, unique even if case is ignored."""
    names: dict[str, str] = {}
    used: set[str] = set()
    most = min(MAX_NAME_CHARS, _STATA_NAME_CHARS - len(str(len(columns))))
    for place, column in enumerate(columns, 1):
        plain = re.sub(r"[^0-9A-Za-z]+", "_", column).strip("_")
        if not plain:
            plain = f"v{place}"
        lowered = plain.lower()
        if (
            not plain[0].isalpha()
            or lowered in _RESERVED_NAMES
            or _STATA_STRING_TYPE.fullmatch(lowered)
        ):
            plain = f"v_{plain}"
        name, count = plain[:most].rstrip("_"), 1
        while name.lower() in used:
            count += 1
            ending = f"_{count}"
            name = plain[: most - len(ending)].rstrip("_") + ending
        used.add(name.lower())
        names[column] = name
    return names
