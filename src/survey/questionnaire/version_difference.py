"""Difference between two versions of a questionnaire, and what stays comparable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from survey.locale import Labels, Message, msg
from survey.questionnaire.indicator_tree import IndicatorTree
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of


class ItemChange(StrEnum):
    """Kind of change of a question between two versions, the most far-reaching first."""

    ADDED = "added"
    REMOVED = "removed"
    TYPE = "type"
    SCALE = "scale"
    INDICATOR = "indicator"
    CHOICES = "choices"
    WORDING = "wording"
    PICTURE = "picture"
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
    ItemChange.PICTURE: msg("picture changed"),
    ItemChange.ROUTE: msg("asked of others"),
    ItemChange.RULES: msg("checks changed"),
    ItemChange.POSITION: msg("moved"),
}


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """Question that differs between versions; `before` is None if new, `after` if removed."""

    name: str
    changes: tuple[ItemChange, ...]
    before: Item | None
    after: Item | None

    @property
    def label(self) -> Labels:
        """Label of the question in the later version, or in the earlier if it was removed."""
        item = self.after or self.before
        return item.label if item is not None else {}


def compare_versions(before: Instrument, after: Instrument) -> tuple[ItemDifference, ...]:
    """Return the questions that differ, in the order of the later version, removed ones last."""
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
    """Yield the changes of a question between versions, apart from its route and position."""
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
    if _images_of(before) != _images_of(after):
        yield ItemChange.PICTURE
    if before.kind is after.kind and _rules_of(before) != _rules_of(after):
        yield ItemChange.RULES


def _scale_of(item: Item) -> tuple[object, ...]:
    return item.minimum, item.maximum, item.step


def _answers_of(item: Item) -> tuple[object, ...]:
    """Return the possible answers to compare: choices with labels, and special answers."""
    choices = tuple((choice.name, tuple(sorted(choice.label.items()))) for choice in item.choices)
    return choices, frozenset(item.specials)


def _images_of(item: Item) -> tuple[object, ...]:
    return item.image, [(choice.name, choice.image) for choice in item.choices if choice.image]


def _wording_of(item: Item) -> dict[str, str]:
    texts = {"label": item.label, "hint": item.hint}
    texts |= {"low": item.low_label, "high": item.high_label}
    return {
        f"{part}/{language}": " ".join(text.split())
        for part, labels in texts.items()
        for language, text in labels.items()
    }


def _has_changed_wording(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Return whether texts differ in a language that both versions have."""
    languages = {key.partition("/")[2] for key in before} & {key.partition("/")[2] for key in after}
    return any(
        before.get(key, "") != after.get(key, "")
        for key in before.keys() | after.keys()
        if key.partition("/")[2] in languages
    )


def _rules_of(item: Item) -> tuple[object, ...]:
    bounds = () if type_of(item).is_score else (item.minimum, item.maximum, item.step)
    columns = [row for choice in item.choices for row in choice.columns]
    return (
        *(item.required, item.constraint, item.calculation, bounds, item.sensitive, item.privacy),
        *(item.choice_filter, columns),
    )


def _list_routes(instrument: Instrument) -> dict[str, tuple[str | None, str | None]]:
    """Return question name -> conditions of its section and of itself."""
    return {
        item.name: (section.relevant, item.relevant)
        for section in instrument.sections
        for item in section.items
    }


def _find_moved(before: Instrument, after: Instrument) -> frozenset[str]:
    """Return the names of questions of both versions whose relative position changed."""
    old = [item.name for item in before.items() if item.name in after.by_name]
    new = [item.name for item in after.items() if item.name in before.by_name]
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return frozenset(new).difference(
        name for block in blocks for name in new[block.b : block.b + block.size]
    )


class Comparability(StrEnum):
    """Comparability of scores with the earlier version: same, with caution, or broken."""

    SAME = "same"
    CAUTION = "caution"
    BROKEN = "broken"


COMPARABILITY_NAMES: Mapping[Comparability, Message] = {
    Comparability.SAME: msg("comparable"),
    Comparability.CAUTION: msg("comparable with caution"),
    Comparability.BROKEN: msg("not comparable"),
}
_BREAKING = frozenset({ItemChange.TYPE, ItemChange.SCALE})
_DISTURBING = frozenset({ItemChange.WORDING, ItemChange.CHOICES, ItemChange.PICTURE})


@dataclass(frozen=True, slots=True)
class IndicatorComparison:
    """One indicator, and whether and why its scores of two versions are comparable."""

    code: str
    level: int
    name: Labels
    verdict: Comparability
    reason: Message | None = None


def compare_indicators(
    before: Instrument,
    after: Instrument,
    *,
    before_tree: IndicatorTree | None = None,
    after_tree: IndicatorTree | None = None,
) -> tuple[IndicatorComparison, ...]:
    """Return the comparability of the composite and all indicators, no longer measured ones last.

    A third-level indicator is followed by its questions, not by its code, which may differ between
    trees. An upper one is as comparable as the worst below it, and not if weights or parts differ.
    """
    leaves = {
        code: _compare_leaf(code, names, before, after)
        for code, names in _group_questions_by_indicator(after).items()
    }
    verdicts = [
        *(_compare_upper(after_tree, before_tree, leaves, before, after) if after_tree else ()),
        *(_add_name(leaf, after_tree) for leaf in leaves.values()),
    ]
    position = {each.code: n for n, each in enumerate(after_tree.indicators)} if after_tree else {}
    verdicts.sort(key=lambda verdict: position.get(verdict.code, len(position)))
    gone = tuple(_iter_gone(before, after, before_tree))
    return (*_compare_whole([*verdicts, *gone]), *verdicts, *gone)


def _compare_whole(verdicts: Sequence[IndicatorComparison]) -> Iterator[IndicatorComparison]:
    """Yield the comparability of the composite (no code, level 0): the worst of its indicators."""
    if not verdicts:
        return
    worst = _find_worst(verdicts)
    reason = None if worst is Comparability.SAME else msg("as the worst of its indicators")
    yield IndicatorComparison("", 0, {}, worst, reason)


def _group_questions_by_indicator(instrument: Instrument) -> dict[str, frozenset[str]]:
    """Return indicator code -> names of the questions that measure it."""
    by_code: dict[str, set[str]] = {}
    for item in instrument.scored_items:
        by_code.setdefault(item.indicator or "", set()).add(item.name)
    return {code: frozenset(names) for code, names in by_code.items()}


def _compare_leaf(
    code: str, names: frozenset[str], before: Instrument, after: Instrument
) -> IndicatorComparison:
    earlier = _group_questions_by_indicator(before)
    if not any(names & asked for asked in earlier.values()):
        return _build_broken_comparison(code, msg("newly measured"))
    if names not in earlier.values():
        return _build_broken_comparison(code, msg("measured by other questions"))
    changes = {
        change
        for name in names
        for change in item_changes(before.by_name[name], after.by_name[name])
    }
    if changes & _BREAKING:
        return _build_broken_comparison(code, msg("type or scale of its question changed"))
    if changes & _DISTURBING:
        reason = msg("its question is worded anew, or has other answers or pictures")
        return IndicatorComparison(code, 3, {}, Comparability.CAUTION, reason)
    return IndicatorComparison(code, 3, {}, Comparability.SAME)


def _build_broken_comparison(code: str, reason: Message, level: int = 3) -> IndicatorComparison:
    return IndicatorComparison(code, level, {}, Comparability.BROKEN, reason)


def _add_name(leaf: IndicatorComparison, tree: IndicatorTree | None) -> IndicatorComparison:
    known = tree.by_code.get(leaf.code) if tree else None
    if known is None:
        return leaf
    return IndicatorComparison(leaf.code, known.level, known.name, leaf.verdict, leaf.reason)


def _compare_upper(
    tree: IndicatorTree,
    earlier: IndicatorTree | None,
    leaves: Mapping[str, IndicatorComparison],
    before: Instrument,
    after: Instrument,
) -> Iterator[IndicatorComparison]:
    """Yield the comparability of indicators of `tree` above measured third-level `leaves`."""
    recipes = _list_recipes(earlier, before).values() if earlier else ()
    own = _list_recipes(tree, after)
    for indicator in tree.indicators:
        below = [
            leaves[code] for code in _iter_leaves_below(tree, indicator.code) if code in leaves
        ]
        if indicator.code in leaves or not below:
            continue
        worst = _find_worst(below)
        reason: Message | None = None
        if worst is Comparability.BROKEN:
            reason = msg("an indicator below it is not comparable")
        elif own[indicator.code] not in recipes:
            worst, reason = Comparability.BROKEN, msg("made of other parts or with other weights")
        elif worst is Comparability.CAUTION:
            reason = msg("an indicator below it needs caution")
        yield IndicatorComparison(indicator.code, indicator.level, indicator.name, worst, reason)


def _find_worst(verdicts: Sequence[IndicatorComparison]) -> Comparability:
    order = list(Comparability)
    return max((each.verdict for each in verdicts), key=order.index)


def _iter_leaves_below(tree: IndicatorTree, code: str) -> Iterator[str]:
    children = [each.code for each in tree.indicators if each.parent == code]
    if not children:
        yield code
    for child in children:
        yield from _iter_leaves_below(tree, child)


Recipe = frozenset[tuple[frozenset[str], float]]


def _list_recipes(tree: IndicatorTree, instrument: Instrument) -> dict[str, Recipe]:
    """Return indicator -> set of (questions, share) of the lowest-level indicators below it."""
    questions = _group_questions_by_indicator(instrument)
    return {
        indicator.code: frozenset(
            (questions.get(leaf, frozenset()), round(_compute_share(tree, leaf, indicator.code), 9))
            for leaf in _iter_leaves_below(tree, indicator.code)
        )
        for indicator in tree.indicators
    }


def _compute_share(tree: IndicatorTree, leaf: str, top: str) -> float:
    share, code = 1.0, leaf
    while code != top:
        indicator = tree.by_code[code]
        share *= indicator.weight
        code = indicator.parent or top
    return share


def _iter_gone(
    before: Instrument, after: Instrument, tree: IndicatorTree | None
) -> Iterator[IndicatorComparison]:
    """Yield as not comparable the third-level indicators that are no longer measured."""
    scored = {item.name for item in after.scored_items}
    for code, names in _group_questions_by_indicator(before).items():
        if not names & scored:
            known = tree.by_code.get(code) if tree else None
            yield IndicatorComparison(
                code,
                3,
                known.name if known else {},
                Comparability.BROKEN,
                msg("no longer measured"),
            )
