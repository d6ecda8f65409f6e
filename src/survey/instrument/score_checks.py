"""Checks, before a wave opens, that the scores of a questionnaire can be computed."""

from collections import Counter
from collections.abc import Iterator, Mapping

from survey.instrument.findings import Finding, Severity
from survey.instrument.indicator_tree import IndicatorTree
from survey.instrument.model import Instrument, Item
from survey.instrument.question_types import type_of
from survey.locale import Message, msg

_SHEET = "survey"
RESERVED_NAMES = frozenset(
    {
        "response_id", "city_code", "psu", "stratum", "stratum_key", "surveyor", "mode", "language",
        "started_at", "submitted_at", "duration_seconds", "weight",
    }
)  # fmt: skip
"""Columns of a frozen wave; a question of the same name would be replaced by them unseen."""


def score_findings(
    instrument: Instrument, tree: IndicatorTree | None, rows: Mapping[str, int] | None = None
) -> tuple[Finding, ...]:
    """Return why the scores of `instrument` could not be computed; nothing when they can.

    Args:
        tree: the tree that the instrument names, when it is known.
        rows: row of each question in the workbook.
    """
    known = dict(rows or {})
    return tuple(_findings(instrument, tree, known))


def unknown_tree(instrument: Instrument, stored: tuple[str, ...]) -> Finding:
    """Return the finding that the instrument names a tree that is not in the store."""
    return Finding(
        msg("There is no indicator tree named {name}.", name=instrument.tree or ""),
        Severity.ERROR,
        suggestion=msg(
            "Bring it in from a CSV file first, or name one of: {names}.",
            names=", ".join(sorted(stored)) or "-",
        ),
        sheet="settings", row=2, column="tree",
    )  # fmt: skip


def rating_findings(instrument: Instrument) -> tuple[Finding, ...]:
    """Return the finding that the form has no rating, if it has none."""
    if any(type_of(item).is_score for item in instrument.items()):
        return ()
    words = msg("The form has no rating, so there would be nothing to estimate.")
    return (_error(words, "", {}, "type"),)


def _findings(
    instrument: Instrument, tree: IndicatorTree | None, rows: dict[str, int]
) -> Iterator[Finding]:
    yield from rating_findings(instrument)
    yield from _reserved_names(instrument, rows)
    if instrument.tree is None and tree is None:
        for item in instrument.scored_items:
            yield _error(
                msg("“{name}” has an indicator, but the settings name no tree.", name=item.name),
                item.name, rows,
            )  # fmt: skip
        return
    yield from _scales(instrument.scored_items, rows)
    if tree is not None:
        yield from _leaves(instrument, tree, rows)


def _reserved_names(instrument: Instrument, rows: dict[str, int]) -> Iterator[Finding]:
    for item in instrument.items():
        if item.name in RESERVED_NAMES:
            yield _error(
                msg(
                    "“{name}” is the name of a column of every frozen wave; give the question "
                    "another name.",
                    name=item.name,
                ),
                item.name, rows, "name",
            )  # fmt: skip


def _scales(items: tuple[Item, ...], rows: dict[str, int]) -> Iterator[Finding]:
    """Yield ratings on another scale than the rest: scores of one tree share one scale."""
    if not items:
        return
    usual, _ = Counter(_scale(item) for item in items).most_common(1)[0]
    for item in items:
        if _scale(item) != usual:
            low, high = _scale(item)
            yield _error(
                msg(
                    "“{name}” is rated from {low} to {high}, the other scored questions from "
                    "{usual_low} to {usual_high}; all of one tree must share one scale.",
                    name=item.name, low=low, high=high, usual_low=usual[0], usual_high=usual[1],
                ),
                item.name, rows, "type",
            )  # fmt: skip


def _scale(item: Item) -> tuple[str, str]:
    return f"{item.minimum or 0:g}", f"{item.maximum or 0:g}"


def _leaves(instrument: Instrument, tree: IndicatorTree, rows: dict[str, int]) -> Iterator[Finding]:
    if not instrument.scored_items:
        yield _error(msg("No question measures an indicator of the tree."), "", rows)
        return
    leaves = {indicator.code for indicator in tree.indicators if indicator.level == 3}
    for item in instrument.scored_items:
        if item.indicator not in leaves:
            yield _error(
                msg(
                    "{code} is not a third-level indicator of {tree}.",
                    code=item.indicator, tree=tree.name,
                ),
                item.name, rows,
            )  # fmt: skip
    if instrument.renormalise:
        return
    measured = {item.indicator for item in instrument.scored_items}
    parents = {indicator.parent for indicator in tree.indicators}
    ends = {indicator.code for indicator in tree.indicators if indicator.code not in parents}
    for code in sorted((leaves | ends) - measured):
        yield _error(msg("No question measures the indicator {code}.", code=code), code, rows)


def _error(message: Message, item: str, rows: dict[str, int], column: str = "indicator") -> Finding:
    return Finding(
        message, Severity.ERROR, sheet=_SHEET, row=rows.get(item), column=column, item=item
    )
