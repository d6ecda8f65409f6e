"""Chosen answers: what the questions with a list of choices have in common."""

from collections.abc import Iterator
from typing import Any

from survey.locale import Message, label_text, msg
from survey.questionnaire.model import Item
from survey.questionnaire.question_types.question_type import (
    ChoiceListNamer,
    XlsformCells,
    format_plain,
)


def write_select(item: Item, name_list: ChoiceListNamer) -> XlsformCells:
    """Return the type of a select with the name of its list of choices."""
    return XlsformCells(f"{item.kind.value} {name_list(item, item.choices)}")


def list_choice_problems(item: Item) -> Iterator[Message]:
    """Yield a problem if there is nothing to choose from."""
    if not item.choices:
        yield msg("This question has no choices.")


def list_choice_names(item: Item) -> tuple[str, ...]:
    """Return the names of the choices in the order they are offered."""
    return tuple(choice.name for choice in item.choices)


def format_choices(item: Item, answer: Any, language: str) -> str:
    """Return the labels of the chosen answers, or the value itself if it is no name."""
    if isinstance(answer, list):
        return "; ".join(_label_choice(item, str(name), language) for name in answer)
    if isinstance(answer, str):
        return _label_choice(item, answer, language)
    return format_plain(item, answer, language)


def _label_choice(item: Item, name: str, language: str) -> str:
    label = next((choice.label for choice in item.choices if choice.name == name), {})
    return label_text(label, language, name)


def keep_entered(entered: Any) -> Any:
    """Return the chosen answer as the field holds it."""
    return entered
