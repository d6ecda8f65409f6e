"""A draw in the words of the questionnaire: columns of a snapshot, or answers as they are stored.

The questionnaire decides names, order and choices; the draw only holds codes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seed.demo.model import WaveModel
from seed.demo.sample_draw import DONT_KNOW, MISSING, NOT_EXPERIENCED, OFF_ROUTE, DrawnInterviews
from survey.questionnaire.model import Instrument, Item, ItemKind, SpecialAnswer

Codes = npt.NDArray[np.int16]
ABSENT = object()
"""The value of a question that was not asked."""
_FIXED = {
    "consent": "yes", "lived_6m": "yes", "offline_purchase": "yes",
    "guardian": "yes", "village_6m": "yes",
}  # fmt: skip
"""What every completed interview has answered on its way in, unless the draw knows better."""
_CODE_VALUES: Mapping[int, object] = {
    DONT_KNOW: SpecialAnswer.DONT_KNOW.value,
    NOT_EXPERIENCED: SpecialAnswer.NOT_EXPERIENCED.value,
    OFF_ROUTE: ABSENT,
    MISSING: None,
}
_SPREAD = 128
"""Codes are moved up by this much to look their values up in a table."""


def options_of(model: WaveModel) -> dict[str, tuple[str, ...]]:
    """Names of the options of every choice, in the order of the codes in a draw."""
    people = model.people
    options = {name: levels for name, levels in people.levels.items() if name != "age_part"}
    options |= people.given_levels
    return options | {choice.name: tuple(choice.shares) for choice in model.plan.choices}


def snapshot_columns(
    model: WaveModel, drawn: DrawnInterviews, born: Codes | None, instrument: Instrument
) -> dict[str, Any]:
    """One typed column, or several, for each question, as freezing would make them."""
    columns: dict[str, Any] = {}
    for item in instrument.items():
        if item.kind is ItemKind.RATING:
            columns[item.name] = drawn.ratings[item.name]
        elif item.kind is ItemKind.SELECT_ONE:
            codes, names = _code_single(model, drawn, item)
            columns[item.name] = categorical(np.maximum(codes, -1), names)
        elif item.kind is ItemKind.SELECT_MULTIPLE:
            for place, column in enumerate(_order_ticks(model, drawn, item).T):
                columns[f"{item.name}/{item.choices[place].name}"] = np.ascontiguousarray(column)
        elif item.kind in {ItemKind.INTEGER, ItemKind.CALCULATE}:
            values = _get_numbers(drawn, born, item)
            columns[item.name] = np.where(values < 0, np.nan, values.astype(np.float64))
    return columns


def stored_values(
    model: WaveModel,
    drawn: DrawnInterviews,
    born: Codes | None,
    instrument: Instrument,
    comments: Sequence[str | None],
) -> Iterator[tuple[str, list[Any]]]:
    """Each question with its stored values: `ABSENT` off the route, None where left open."""
    for item in instrument.items():
        if item.kind is ItemKind.RATING:
            scores = {score: score for score in range(1, 11)}
            yield item.name, _look_up_values(drawn.ratings[item.name], scores)
        elif item.kind is ItemKind.SELECT_ONE:
            codes, names = _code_single(model, drawn, item)
            yield item.name, _look_up_values(codes, dict(enumerate(names)))
        elif item.kind is ItemKind.SELECT_MULTIPLE:
            yield item.name, _list_ticked(_order_ticks(model, drawn, item), item)
        elif item.kind in {ItemKind.INTEGER, ItemKind.CALCULATE}:
            values = _get_numbers(drawn, born, item)
            known = {int(v): int(v) for v in np.unique(values) if v >= 0}
            yield item.name, [known.get(v, _CODE_VALUES.get(v)) for v in values.tolist()]
        elif item.kind is ItemKind.TEXT:
            yield item.name, list(comments)


def categorical(codes: npt.NDArray[Any], names: Sequence[str]) -> Any:
    """A pandas categorical with all the names, seen or not; a code of -1 is missing."""
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(names)))


def _code_single(model: WaveModel, drawn: DrawnInterviews, item: Item) -> tuple[Codes, list[str]]:
    names = [choice.name for choice in item.choices]
    if item.name not in drawn.choices:
        return np.full(len(drawn), names.index(_FIXED[item.name]), dtype=np.int16), names
    ours = drawn.choices[item.name].astype(np.int16)
    place = np.array([names.index(option) for option in options_of(model)[item.name]])
    return np.where(ours < 0, ours, place[np.maximum(ours, 0)]).astype(np.int16), names


def _order_ticks(model: WaveModel, drawn: DrawnInterviews, item: Item) -> npt.NDArray[np.int8]:
    options = options_of(model)[item.name]
    order = [options.index(choice.name) for choice in item.choices]
    return drawn.ticks[item.name][:, order]


def _get_numbers(drawn: DrawnInterviews, born: Codes | None, item: Item) -> Codes:
    if item.name == "birth_year" and born is not None:
        return born
    return drawn.numbers[item.name]


def _look_up_values(codes: npt.NDArray[Any], values: Mapping[int, object]) -> list[Any]:
    table = np.empty(2 * _SPREAD, dtype=object)
    for code, value in {**_CODE_VALUES, **values}.items():
        table[code + _SPREAD] = value
    decoded: list[Any] = table[codes.astype(np.intp) + _SPREAD].tolist()
    return decoded


def _list_ticked(ticks: npt.NDArray[np.int8], item: Item) -> list[Any]:
    """Return the names of the ticked choices; equal answers share one list."""
    bits = (ticks == 1) @ (1 << np.arange(ticks.shape[1]))
    patterns = np.where(ticks[:, 0] == OFF_ROUTE, -1, bits)
    known: dict[int, object] = {-1: ABSENT}
    for pattern in np.unique(patterns[patterns >= 0]).tolist():
        known[pattern] = [
            choice.name for place, choice in enumerate(item.choices) if pattern >> place & 1
        ]
    return [known[pattern] for pattern in patterns.tolist()]
