"""Items compared by a back-check, and the tolerance within which answers agree."""

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from survey.questionnaire.model import Item, SpecialAnswer
from survey.settings import PROJECT_ROOT

ITEMS = PROJECT_ROOT / "seed" / "instruments" / "back_check_items.csv"
INSTRUMENT = "back-check"
"""Name of the shipped short questionnaire; of its versions the newest is asked."""
WAS_INTERVIEWED = "was_interviewed"
"""Its first question; whoever says no is asked nothing else."""
MIN_FAILED_FACTS = 2
"""So many stable facts that differ make a failed check: one can be a slip of the tongue."""
_NO_ANSWER = frozenset(special.value for special in SpecialAnswer)


class QuestionNature(StrEnum):
    """Nature of a compared question: it asks for a stable fact, or for an opinion."""

    FACT = "fact"
    """Does not change between the two conversations."""
    OPINION = "opinion"
    """May change from one day to the next; shows how steady answers are, fails nobody."""


class ItemComparison(BaseModel):
    """A question of the back-check questionnaire and the item of the interview that it repeats."""

    model_config = ConfigDict(frozen=True)

    item: str
    repeats: str
    """An item of the main questionnaire, or what the store knows: `point.kind`, `response.mode`,
    `response.minutes`."""
    nature: QuestionNature
    tolerance: float = 0
    """Largest difference that is still the same: of numbers, or of places in a list of choices."""


@lru_cache(maxsize=1)
def list_comparisons(path: Path = ITEMS) -> tuple[ItemComparison, ...]:
    """Return all items that a back-check compares, in the order of its questionnaire."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(
            ItemComparison.model_validate({name: text for name, text in row.items() if text})
            for row in csv.DictReader(file)
        )


def differs(comparison: ItemComparison, item: Item, then: Any, again: Any) -> bool | None:
    """Return whether answers `then` and `again` disagree; None if either is missing or unknown."""
    if _is_no_answer(then) or _is_no_answer(again):
        return None
    if _is_number(then) and _is_number(again):
        return bool(abs(then - again) > comparison.tolerance)
    if not comparison.tolerance:
        return bool(then != again)
    positions: Mapping[str, int] = {
        choice.name: position
        for position, choice in enumerate(
            choice for choice in item.choices if choice.name not in _NO_ANSWER
        )
    }
    if then not in positions or again not in positions:
        return bool(then != again)
    return abs(positions[then] - positions[again]) > comparison.tolerance


def _is_no_answer(answer: Any) -> bool:
    return (
        answer is None or answer in ("", []) or (isinstance(answer, str) and answer in _NO_ANSWER)
    )


def _is_number(answer: Any) -> bool:
    return isinstance(answer, int | float) and not isinstance(answer, bool)
