"""Numbers and codes of a printed questionnaire: exactly those of the keying grid.

The grid counts every question that is asked, on or off the route, and keys an answer by its place
in the list or by its score (`web/static/grid_view.js`, `web/static/keying_codes.js`). A paper that
counted otherwise would be keyed wrongly without anybody noticing, so a journey compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from survey.locale import Labels, Message, msg
from survey.questionnaire.model import Instrument, Item, ItemKind, SpecialAnswer
from survey.questionnaire.question_types import type_of

WIDEST_KEYED_SCALE = 21
"""Ratings of more scores are keyed as a number (`WIDEST_SCALE` of the grid)."""
SPECIAL_LETTERS: Mapping[SpecialAnswer, str] = {
    SpecialAnswer.DONT_KNOW: "B",
    SpecialAnswer.NOT_EXPERIENCED: "M",
    SpecialAnswer.REFUSED: "J",
}
SPECIAL_NAMES: Mapping[SpecialAnswer, Message] = {
    SpecialAnswer.DONT_KNOW: msg("Don't know"),
    SpecialAnswer.NOT_EXPERIENCED: msg("Not experienced"),
    SpecialAnswer.REFUSED: msg("Prefer not to say"),
}


@dataclass(frozen=True, slots=True)
class PrintedOption:
    """Answer to tick on paper: its printed code, its label, and the stored value."""

    code: str
    label: Labels
    value: str | int | float


def number_questions(instrument: Instrument) -> dict[str, int]:
    """Return question name -> printed number, from 1, for all items that are asked."""
    asked = (item.name for item in instrument.items() if type_of(item).is_asked)
    return {name: number for number, name in enumerate(asked, start=1)}


def list_printed_options(item: Item) -> tuple[PrintedOption, ...]:
    """Return the answers to tick of an item; empty for questions with a written answer."""
    if type_of(item).has_choice_list:
        return tuple(
            PrintedOption(str(place), choice.label, choice.name)
            for place, choice in enumerate(item.choices, start=1)
        )
    if not is_scale(item):
        return ()
    labels = {choice.name: choice.label for choice in item.choices}
    ends = {item.minimum: item.low_label, item.maximum: item.high_label}
    return tuple(
        PrintedOption(f"{score:g}", labels.get(f"{score:g}") or ends.get(score, {}), score)
        for score in type_of(item).list_codes(item)
        if not isinstance(score, str)
    )


def is_scale(item: Item) -> bool:
    """Return whether an item is a rating printed as a row of scores to tick."""
    if item.kind is not ItemKind.RATING or item.minimum is None or item.maximum is None:
        return False
    return (item.maximum - item.minimum) / (item.step or 1) < WIDEST_KEYED_SCALE
