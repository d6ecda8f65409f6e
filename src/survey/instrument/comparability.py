"""Comparisons over the years that a new version of a questionnaire breaks, by indicator."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from survey.instrument.indicator_tree import IndicatorTree
from survey.instrument.model import Instrument
from survey.instrument.version_difference import ItemChange, item_changes
from survey.locale import Labels, Message, msg


class Comparability(StrEnum):
    """Whether an indicator can be compared with the version before."""

    SAME = "same"
    CAUTION = "caution"
    BROKEN = "broken"


COMPARABILITY_NAMES: Mapping[Comparability, Message] = {
    Comparability.SAME: msg("comparable"),
    Comparability.CAUTION: msg("comparable with caution"),
    Comparability.BROKEN: msg("not comparable"),
}
_BREAKING = frozenset({ItemChange.TYPE, ItemChange.SCALE})
_DISTURBING = frozenset({ItemChange.WORDING, ItemChange.CHOICES})


@dataclass(frozen=True, slots=True)
class IndicatorComparison:
    """Verdict on one indicator of the later version, or on one that is gone."""

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
    """Return the verdict on every indicator of the later version and on those that are gone.

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
    """Yield the verdict on the composite, which has no code and the level 0."""
    if not verdicts:
        return
    worst = _find_worst(verdicts)
    reason = None if worst is Comparability.SAME else msg("as the worst of its indicators")
    yield IndicatorComparison("", 0, {}, worst, reason)


def _group_questions_by_indicator(instrument: Instrument) -> dict[str, frozenset[str]]:
    """Return the names of the scored questions by the code of their indicator."""
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
        reason = msg("its question is worded anew or has other answers")
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
    """Yield the verdicts on the indicators above the third level."""
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
    """Return what each indicator is made of: questions with their share of it."""
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
    """Yield the indicators of which no question is scored any more."""
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
