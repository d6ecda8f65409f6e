"""Indicators of a release with their weights (`indicators.csv`): how its composite is made."""

import csv
import io

from survey.questionnaire.indicator_tree import IndicatorTree
from survey.release.figures import DEMO_MARK
from survey.spreadsheets import csv_row

INDICATOR_COLUMNS = ("code", "parent", "level", "weight", "share", "name_zh", "name_en", "mark")


def build_indicators(tree: IndicatorTree, *, is_demo: bool) -> bytes:
    """Return the tree as CSV: `weight` within its parent, `share` of the composite.

    Only an indicator without others below it has a share: the composite is the sum of these scores
    times their shares, where it is made of means of items.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(INDICATOR_COLUMNS)
    parents = {indicator.parent for indicator in tree.indicators}
    shares: dict[str | None, float] = {None: 1.0}
    for indicator in sorted(tree.indicators, key=lambda each: each.level):
        shares[indicator.code] = shares[indicator.parent] * indicator.weight
    for indicator in tree.indicators:
        share = "" if indicator.code in parents else f"{shares[indicator.code]:.12g}"
        names = (indicator.name.get("zh", ""), indicator.name.get("en", ""))
        weight = f"{indicator.weight:.12g}"
        row = (indicator.code, indicator.parent, indicator.level, weight, share, *names)
        writer.writerow(csv_row((*row, DEMO_MARK if is_demo else "")))
    return buffer.getvalue().encode()
