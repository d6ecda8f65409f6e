"""What charts of the public site show, said in words from released figures."""

from collections.abc import Sequence
from typing import NamedTuple

from survey.locale import Translator
from survey.site.page_rows import PageRow, format_gap
from survey.site.released_archive import GAP_TO_NATION, ReleasedArchive

_MAX_CHART_DEPTH = 2
"""Level of indicators down to which a chart of a city shows them."""


def list_chart_rows(rows: Sequence[PageRow]) -> Sequence[PageRow]:
    """Return the rows that a chart of a city shows: the upper levels of the tree, if it has one."""
    tree = [row for row in rows if row.is_numbered and row.depth <= _MAX_CHART_DEPTH]
    return tree or rows


class AgainstNation(NamedTuple):
    """How a city's indicators of one level stand against the nation, by their differences."""

    text: str
    best: str
    worst: str


def describe_range(t: Translator, rows: Sequence[PageRow]) -> str:
    """Return the highest and the lowest of `rows`, each with its interval."""
    ordered = sorted(
        (row for row in rows if row.bar is not None), key=lambda row: -float(row.figure.estimate)
    )
    if not ordered:
        return ""
    high, low = ordered[0], ordered[-1]
    return t(
        "{count} lines. Highest: {high} {high_value} ({high_interval}). Lowest: {low} {low_value} "
        "({low_interval}).",
        count=len(ordered),
        high=high.name,
        high_value=high.value,
        high_interval=high.interval,
        low=low.name,
        low_value=low.value,
        low_interval=low.interval,
    )


def compare_with_nation(
    t: Translator, release: ReleasedArchive, rows: Sequence[PageRow]
) -> AgainstNation | None:
    """Return how the deepest drawn level of a city's indicators compares; None without any."""
    drawn = list_chart_rows(rows)
    level = max((row.depth for row in drawn), default=0)
    gaps = [
        (row, gap)
        for row in drawn
        if row.depth == level
        and (gap := release.find(row.figure.area, row.figure.indicator, measure=GAP_TO_NATION))
        and gap.ci_low
    ]
    if not gaps:
        return None
    above = sum(float(gap.ci_low) > 0 for _, gap in gaps)
    below = sum(float(gap.ci_high) < 0 for _, gap in gaps)
    gaps.sort(key=lambda each: -float(each[1].estimate))
    text = t(
        "Of the {count} indicators of level {level}, {above} lie above the nation and {below} "
        "below it; for {even} the difference is within the sampling error.",
        count=len(gaps),
        level=level,
        above=above,
        below=below,
        even=len(gaps) - above - below,
    )
    best, worst = (f"{row.name} {format_gap(t, gap)}" for row, gap in (gaps[0], gaps[-1]))
    return AgainstNation(text, best, worst)
