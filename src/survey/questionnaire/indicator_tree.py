"""Indicator trees: versioned weights by which items add up to one score, read and written as CSV.

Columns: code, parent, level, name_zh, name_en, weight, name_status, weight_status; one row an
indicator, in any order. `parent` is empty on the first level. Weights under one parent may be
rounded (0.333333): when they add up to 1 within 0.0001 they are divided by their sum, so that the
tree's weights add up to 1 exactly (to the last bit of a double); otherwise the file is refused.
"assumed equal" is read as `assumed`.
"""

import csv
import hashlib
import io
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import orjson

from survey.locale import LANGUAGES, Labels, Message, SurveyError, msg, translator
from survey.questionnaire.model import OVERALL, FrozenModel, Instrument
from survey.questionnaire.question_types import type_of
from survey.spreadsheets import decode_table_text, escape_formula, unescape_formula


class Provenance(StrEnum):
    """Basis of an indicator's name or weight, such as sourced, assumed or unconfirmed."""

    SOURCED = "sourced"
    IMPLIED = "implied"
    ASSUMED = "assumed"
    UNCONFIRMED = "unconfirmed"
    OFFICIAL = "official"


class Indicator(FrozenModel):
    code: str
    parent: str | None
    level: int
    name: Labels
    weight: float
    """Share of the parent; the children of one parent sum to 1."""
    name_status: Provenance
    weight_status: Provenance


class IndicatorTree(FrozenModel):
    name: str
    indicators: tuple[Indicator, ...]

    def level(self, level: int) -> Iterator[Indicator]:
        return (indicator for indicator in self.indicators if indicator.level == level)

    @cached_property
    def by_code(self) -> dict[str, Indicator]:
        return {indicator.code: indicator for indicator in self.indicators}

    def without_question(self, measured: Collection[str]) -> tuple[str, ...]:
        """Return codes of indicators not in `measured` that have no measured indicator below."""
        alive = set(measured)
        for indicator in sorted(self.indicators, key=lambda node: -node.level):
            if indicator.code in alive and indicator.parent is not None:
                alive.add(indicator.parent)
        return tuple(node.code for node in self.indicators if node.code not in alive)

    def measured_by(self, measured: Collection[str]) -> "IndicatorTree":
        """Return the tree of `measured` codes and those above them, weights rescaled by parent."""
        gone = set(self.without_question(measured))
        if not gone:
            return self
        kept = [indicator for indicator in self.indicators if indicator.code not in gone]
        sums = {
            parent: math.fsum(indicator.weight for indicator in kept if indicator.parent == parent)
            for parent in {indicator.parent for indicator in kept}
        }
        scaled = (
            indicator.model_copy(update={"weight": indicator.weight / sums[indicator.parent]})
            for indicator in kept
        )
        return IndicatorTree(name=self.name, indicators=tuple(scaled))

    def document(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.document()).hexdigest()


COLUMNS = (
    "code",
    "parent",
    "level",
    "name_zh",
    "name_en",
    "weight",
    "name_status",
    "weight_status",
)
ROUNDING = 1e-4
_LEVELS = 3
_MAX_ROWS = 2_000
_MAX_BYTES = 1 << 20
_ALIASES = {"assumed equal": Provenance.ASSUMED}


class TreeError(SurveyError):
    """Raised for an invalid tree file; the message names row and column where known."""

    code = "tree"

    def __init__(self, message: Message, row: int | None = None, column: str = "") -> None:
        self.row = row
        self.column = column
        self.text = message
        """What is wrong, without the place."""
        self.all: tuple[TreeError, ...] = (self,)
        """This fault and the others of the same file."""
        if row is not None:
            message = msg(
                "Row {row}, column {column}: {text}", row=row, column=column, text=message
            )
        super().__init__(message)


def read_tree(path: Path, *, name: str | None = None) -> IndicatorTree:
    """Return the indicator tree in a CSV file; `name` defaults to `path`'s. Raises `TreeError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _build_unreadable_error(path.name, error) from error
    return read_tree_content(content, file_name=path.name, name=name or path.stem)


def read_tree_content(content: bytes, *, file_name: str, name: str) -> IndicatorTree:
    """Return the indicator tree, called `name`, in a CSV file's content. Raises `TreeError`."""
    return build_tree(_read_tree_rows(content, file_name), name=name)


def build_tree(rows: Sequence[tuple[int, Mapping[str, str]]], *, name: str) -> IndicatorTree:
    """Return the indicator tree in rows (number, column -> text). Raises `TreeError`."""
    faults: list[TreeError] = []
    indicators = [
        indicator
        for number, row in rows
        if (indicator := _read_row_or_note(number, row, faults)) is not None
    ]
    if not faults:
        faults += _iter_structure_faults(indicators, [number for number, _ in rows])
    if faults:
        faults[0].all = tuple(faults)
        raise faults[0]
    return IndicatorTree(name=name, indicators=_normalise_weights(indicators))


def _read_row_or_note(
    number: int, row: Mapping[str, str], faults: list[TreeError]
) -> Indicator | None:
    try:
        return _parse_indicator(number, row)
    except TreeError as error:
        faults.append(error)
        return None


def can_weigh_equally(instrument: Instrument) -> bool:
    """Return whether a questionnaire has ratings, and neither a tree nor indicators."""
    has_ratings = any(type_of(item).is_score for item in instrument.items())
    return has_ratings and instrument.tree is None and not instrument.scored_items


def weigh_equally(instrument: Instrument) -> tuple[Instrument, IndicatorTree]:
    """Return a questionnaire without a tree as one with it: every rating counts the same.

    Each rating gets an indicator of the third level, below one of the first and one of the second.
    A rating of everything together stays beside the score, unless it is the only one.

    Raises:
        TreeError: It names a tree, has indicators, or has no rating.
    """
    if not can_weigh_equally(instrument):
        raise TreeError(msg("Equal weights are for a questionnaire with ratings and no tree."))
    rated = [item for item in instrument.items() if type_of(item).is_score]
    rated = [item for item in rated if item.name != OVERALL] or rated
    codes = {item.name: f"1.1.{number}" for number, item in enumerate(rated, start=1)}
    name = f"{instrument.name}-{instrument.version}-equal"
    whole = {language: translator(language)(msg("All ratings")) for language in LANGUAGES}
    nodes: list[tuple[str, str | None, int, Labels, float]] = [
        ("1", None, 1, whole, 1.0), ("1.1", "1", 2, whole, 1.0),
    ]  # fmt: skip
    nodes += [
        (codes[item.name], "1.1", 3, item.label or {"en": item.name}, 1 / len(rated))
        for item in rated
    ]
    tree = IndicatorTree(
        name=name,
        indicators=tuple(
            Indicator(
                code=code,
                parent=parent,
                level=level,
                name=label,
                weight=weight,
                name_status=Provenance.IMPLIED,
                weight_status=Provenance.ASSUMED,
            )
            for code, parent, level, label, weight in nodes
        ),
    )
    sections = tuple(
        section.model_copy(
            update={
                "items": tuple(
                    item.model_copy(update={"indicator": codes.get(item.name)})
                    for item in section.items
                )
            }
        )
        for section in instrument.sections
    )
    return instrument.model_copy(update={"tree": name, "sections": sections}), tree


def tree_bytes(tree: IndicatorTree) -> bytes:
    """Return `tree` as the content of a CSV file."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in tree_rows(tree):
        writer.writerow({name: escape_formula(text) for name, text in row.items()})
    return buffer.getvalue().encode()


def tree_rows(tree: IndicatorTree) -> list[dict[str, str]]:
    """Return the indicators as rows of text (keys: `COLUMNS`) that `build_tree` can read."""
    return [
        {
            "code": indicator.code,
            "parent": indicator.parent or "",
            "level": str(indicator.level),
            "name_zh": indicator.name.get("zh", ""),
            "name_en": indicator.name.get("en", ""),
            "weight": repr(indicator.weight),
            "name_status": indicator.name_status.value,
            "weight_status": indicator.weight_status.value,
        }
        for indicator in tree.indicators
    ]


@dataclass(frozen=True, slots=True)
class WeightSum:
    """Sum of the weights of all indicators under one parent."""

    total: float

    @property
    def is_right(self) -> bool:
        """Whether the sum is 1 within the tolerance for rounding."""
        return abs(self.total - 1) <= ROUNDING


def sum_weights(rows: Iterable[Mapping[str, str]]) -> dict[str, WeightSum]:
    """Return parent code (empty: first level) -> sum of weights; non-numbers count as 0."""
    weights: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        try:
            weight = float(row["weight"])
        except ValueError:
            weight = 0.0
        weights[row["parent"]].append(weight)
    return {parent: WeightSum(math.fsum(listed)) for parent, listed in weights.items()}


def _clean_text(cell: str | None) -> str:
    return unescape_formula((cell or "").strip())


def _build_unreadable_error(file_name: str, error: Exception) -> TreeError:
    return TreeError(msg("“{name}” cannot be read: {reason}", name=file_name, reason=str(error)))


def _read_tree_rows(content: bytes, file_name: str) -> list[tuple[int, dict[str, str]]]:
    if len(content) > _MAX_BYTES:
        raise TreeError(msg("The file has no rows, or more than {limit}.", limit=_MAX_ROWS))
    try:
        with io.StringIO(decode_table_text(content)[0], newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise TreeError(
                    msg("The columns {columns} are missing.", columns=", ".join(missing))
                )
            rows = [
                (reader.line_num, {column: _clean_text(row[column]) for column in COLUMNS})
                for row in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _build_unreadable_error(file_name, error) from error
    if not rows or len(rows) > _MAX_ROWS:
        raise TreeError(msg("The file has no rows, or more than {limit}.", limit=_MAX_ROWS))
    return rows


def _parse_indicator(number: int, row: Mapping[str, str]) -> Indicator:
    if not row["code"]:
        raise TreeError(msg("The code is missing."), number, "code")
    if not row["name_zh"] and not row["name_en"]:
        raise TreeError(msg("The name is missing."), number, "name_zh")
    names = {"zh": row["name_zh"], "en": row["name_en"]}
    return Indicator(
        code=row["code"],
        parent=row["parent"] or None,
        level=_parse_level(number, row["level"]),
        name={language: name for language, name in names.items() if name},
        weight=_parse_weight(number, row["weight"]),
        name_status=_parse_provenance(number, row, "name_status"),
        weight_status=_parse_provenance(number, row, "weight_status"),
    )


def _parse_level(number: int, text: str) -> int:
    if text not in {str(level) for level in range(1, _LEVELS + 1)}:
        raise TreeError(
            msg("“{text}” is not a level from 1 to {levels}.", text=text, levels=_LEVELS),
            number,
            "level",
        )
    return int(text)


def _parse_weight(number: int, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight <= 1 + ROUNDING:
        raise TreeError(
            msg("“{text}” is not a weight above 0 and up to 1.", text=text), number, "weight"
        )
    return weight


def _parse_provenance(number: int, row: Mapping[str, str], column: str) -> Provenance:
    text = row[column].lower()
    if text in _ALIASES:
        return _ALIASES[text]
    try:
        return Provenance(text)
    except ValueError:
        raise TreeError(
            msg(
                "“{text}” is not one of {allowed}.",
                text=row[column],
                allowed=", ".join(status.value for status in Provenance),
            ),
            number,
            column,
        ) from None


def _iter_structure_faults(indicators: list[Indicator], numbers: list[int]) -> Iterator[TreeError]:
    by_code: dict[str, Indicator] = {}
    for number, indicator in zip(numbers, indicators, strict=True):
        if indicator.code in by_code:
            yield TreeError(
                msg("The code {code} occurs twice.", code=indicator.code), number, "code"
            )
        by_code[indicator.code] = indicator
    for number, indicator in zip(numbers, indicators, strict=True):
        yield from _iter_parent_faults(number, indicator, by_code)


def _iter_parent_faults(
    number: int, indicator: Indicator, by_code: Mapping[str, Indicator]
) -> Iterator[TreeError]:
    if indicator.level == 1:
        if indicator.parent is not None:
            yield TreeError(msg("An indicator of the first level has no parent."), number, "parent")
        return
    parent = by_code.get(indicator.parent or "")
    if parent is None or parent.level != indicator.level - 1:
        yield TreeError(
            msg(
                "“{parent}” is not an indicator of level {level}.",
                parent=indicator.parent or "",
                level=indicator.level - 1,
            ),
            number,
            "parent",
        )


def _normalise_weights(indicators: Iterable[Indicator]) -> tuple[Indicator, ...]:
    listed = tuple(indicators)
    totals: dict[str | None, list[float]] = defaultdict(list)
    for indicator in listed:
        totals[indicator.parent].append(indicator.weight)
    sums = {parent: math.fsum(weights) for parent, weights in totals.items()}
    for parent, total in sums.items():
        if abs(total - 1) > ROUNDING:
            raise TreeError(_describe_weight_sum(parent, total))
    return tuple(_scale_weight(indicator, sums[indicator.parent]) for indicator in listed)


def _scale_weight(indicator: Indicator, total: float) -> Indicator:
    """Return the indicator with its weight divided by `total`, unchanged if that is 1."""
    if abs(total - 1) < 1e-15 * 8:
        return indicator
    return indicator.model_copy(update={"weight": indicator.weight / total})


def _describe_weight_sum(parent: str | None, total: float) -> Message:
    if parent is None:
        return msg("The weights of the first level add up to {total}, not to 1.", total=total)
    return msg(
        "The weights under {parent} add up to {total}, not to 1.", parent=parent, total=total
    )
