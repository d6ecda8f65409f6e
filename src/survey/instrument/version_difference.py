"""Difference between two versions of a questionnaire, question by question."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from survey.instrument.model import Instrument, Item
from survey.instrument.question_types import type_of
from survey.locale import Labels, Message, msg


class ItemChange(StrEnum):
    """Kind of change of one question, the most far-reaching first."""

    ADDED = "added"
    REMOVED = "removed"
    TYPE = "type"
    SCALE = "scale"
    INDICATOR = "indicator"
    CHOICES = "choices"
    WORDING = "wording"
    ROUTE = "route"
    RULES = "rules"
    POSITION = "position"


ITEM_CHANGE_NAMES: Mapping[ItemChange, Message] = {
    ItemChange.ADDED: msg("added"),
    ItemChange.REMOVED: msg("removed"),
    ItemChange.TYPE: msg("type changed"),
    ItemChange.SCALE: msg("scale changed"),
    ItemChange.INDICATOR: msg("measures another indicator"),
    ItemChange.CHOICES: msg("answers changed"),
    ItemChange.WORDING: msg("worded anew"),
    ItemChange.ROUTE: msg("asked of others"),
    ItemChange.RULES: msg("checks changed"),
    ItemChange.POSITION: msg("moved"),
}


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """A question that differs; `before` is None for a new one, `after` for one that is gone."""

    name: str
    changes: tuple[ItemChange, ...]
    before: Item | None
    after: Item | None

    @property
    def label(self) -> Labels:
        """Return the label, of the later version if it has the question."""
        item = self.after or self.before
        return item.label if item is not None else {}


def compare_versions(before: Instrument, after: Instrument) -> tuple[ItemDifference, ...]:
    """Return the questions that differ, in the order of the later version, then those gone."""
    return (*_iter_kept_and_added(before, after), *_iter_removed(before, after))


def _iter_kept_and_added(before: Instrument, after: Instrument) -> Iterator[ItemDifference]:
    earlier, moved = before.by_name, _find_moved(before, after)
    routes = _list_routes(before), _list_routes(after)
    for item in after.items():
        old = earlier.get(item.name)
        if old is None:
            yield ItemDifference(item.name, (ItemChange.ADDED,), None, item)
            continue
        changes = list(item_changes(old, item))
        if routes[0][item.name] != routes[1][item.name]:
            changes.append(ItemChange.ROUTE)
        if item.name in moved:
            changes.append(ItemChange.POSITION)
        if changes:
            order = list(ItemChange)
            yield ItemDifference(item.name, tuple(sorted(changes, key=order.index)), old, item)


def _iter_removed(before: Instrument, after: Instrument) -> Iterator[ItemDifference]:
    for item in before.items():
        if item.name not in after.by_name:
            yield ItemDifference(item.name, (ItemChange.REMOVED,), item, None)


def item_changes(before: Item, after: Item) -> Iterator[ItemChange]:
    """Yield how a question itself differs, without its place in the questionnaire."""
    if before.kind is not after.kind:
        yield ItemChange.TYPE
    elif type_of(after).is_score and _scale_of(before) != _scale_of(after):
        yield ItemChange.SCALE
    if before.indicator != after.indicator:
        yield ItemChange.INDICATOR
    if _answers_of(before) != _answers_of(after):
        yield ItemChange.CHOICES
    if _has_changed_wording(_wording_of(before), _wording_of(after)):
        yield ItemChange.WORDING
    if before.kind is after.kind and _rules_of(before) != _rules_of(after):
        yield ItemChange.RULES


def _scale_of(item: Item) -> tuple[object, ...]:
    return item.minimum, item.maximum, item.step


def _answers_of(item: Item) -> tuple[object, ...]:
    """Return what can be answered: choices with their words, and special answers."""
    choices = tuple((choice.name, tuple(sorted(choice.label.items()))) for choice in item.choices)
    return choices, frozenset(item.specials)


def _wording_of(item: Item) -> dict[str, str]:
    texts = {"label": item.label, "hint": item.hint}
    texts |= {"low": item.low_label, "high": item.high_label}
    return {
        f"{part}/{language}": " ".join(text.split())
        for part, labels in texts.items()
        for language, text in labels.items()
    }


def _has_changed_wording(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Return whether texts differ in a language of both; a new translation is no new wording."""
    languages = {key.partition("/")[2] for key in before} & {key.partition("/")[2] for key in after}
    return any(
        before.get(key, "") != after.get(key, "")
        for key in before.keys() | after.keys()
        if key.partition("/")[2] in languages
    )


def _rules_of(item: Item) -> tuple[object, ...]:
    bounds = () if type_of(item).is_score else (item.minimum, item.maximum, item.step)
    return item.required, item.constraint, item.calculation, bounds, item.sensitive, item.privacy


def _list_routes(instrument: Instrument) -> dict[str, tuple[str | None, str | None]]:
    """Return the conditions of each question: of its section, and its own."""
    return {
        item.name: (section.relevant, item.relevant)
        for section in instrument.sections
        for item in section.items
    }


def _find_moved(before: Instrument, after: Instrument) -> frozenset[str]:
    """Return the questions of both versions that stand elsewhere among the others."""
    old = [item.name for item in before.items() if item.name in after.by_name]
    new = [item.name for item in after.items() if item.name in before.by_name]
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return frozenset(new).difference(
        name for block in blocks for name in new[block.b : block.b + block.size]
    )
