"""Filter questions: having been asked a question tells the answer to another."""

from collections.abc import Iterator

from survey.instrument.expressions import ExpressionError, parse, references
from survey.instrument.model import Instrument, Item

_ASKED_AS = {"age_band": "age"}
"""Columns of the analysis frame -> the item they are made of."""


def questions_filtered_by(instrument: Instrument, column: str) -> frozenset[str]:
    """Return the items whose being asked depends on the answer behind `column`.

    What `column` is calculated from, and what is calculated from it, count as well; so do
    questions that depend on a question found so.
    """
    telling = _sources(instrument, _ASKED_AS.get(column, column))
    filtered: set[str] = set()
    while True:
        asked = {
            item.name
            for item, names in _dependencies(instrument)
            if names & telling and item.name not in filtered
        }
        if not asked:
            return frozenset(filtered)
        filtered |= asked
        telling |= asked


def _sources(instrument: Instrument, name: str) -> set[str]:
    """Return the item, all that it is calculated from, and all that is calculated from these."""
    telling = {name}
    while True:
        more: set[str] = set()
        for item in instrument.items():
            inputs = _names(item.calculation)
            if item.name in telling:
                more |= inputs
            if inputs & telling:
                more.add(item.name)
        if more <= telling:
            return telling
        telling |= more


def _dependencies(instrument: Instrument) -> Iterator[tuple[Item, frozenset[str]]]:
    """Return every item with the names that decide whether it is asked."""
    for section in instrument.sections:
        around = _names(section.relevant)
        for item in section.items:
            yield item, around | _names(item.relevant)


def _names(expression: str | None) -> frozenset[str]:
    if not expression:
        return frozenset()
    try:
        return references(parse(expression))
    except ExpressionError:
        return frozenset()
