"""Sums of complaint counts by area and the codes of one list, which pages read.

They are made once, when a delivery is stored: a page over a million counts reads a few thousand
rows.
"""

from collections.abc import Iterator

import pandas as pd

from survey.context.complaints.columns import AREA, CODES, PERIOD
from survey.context.complaints.count_checks import CheckedCounts
from survey.context.count_check import NOT_GIVEN

TOTAL = "total"
LENSES = (TOTAL, *CODES)


def summarise_counts(counts: CheckedCounts) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each lens with its sums: period, area, code and the measures.

    A list that the delivery does not use has none: "not given" is no channel.
    """
    measures = list(counts.measures)
    for lens in LENSES:
        if lens in CODES and set(counts.frame[lens].cat.categories) == {NOT_GIVEN}:
            continue
        by = [PERIOD, AREA, *([lens] if lens != TOTAL else [])]
        sums = counts.frame.groupby(by, observed=True, sort=True)[measures].sum().reset_index()
        sums["code"] = sums[lens].astype(str) if lens != TOTAL else TOTAL
        yield lens, sums[[PERIOD, AREA, "code", *measures]]
