"""Amounts of money in a list of single complaints, counted by band while the list is in memory.

An amount is never stored: of each case only the band that it lies in is counted, together with the
other cases of its area, month and code. Bands add up over areas and months, and a median lies in
one of them (docs/complaints.md).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.usual_heads import find_unit, guess_columns, read_usual_heads
from survey.counts.count_declaration import AREA, TOTAL
from survey.counts.count_kinds import PERIOD
from survey.locale import msg
from survey.tabular.text_table import CodedColumn, TextTable
from survey.tabular.written_numbers import parse_number

Bands = NDArray[np.int64]
CLAIMED, RECOVERED = "claimed", "recovered"
AMOUNT_LENSES = (TOTAL, "nature", "goods_class")
BOUNDS = (
    0,
    *(int(step * 10**power / 10) for power, step in product(range(1, 7), (10, 15, 20, 30, 50, 70))),
    10_000_000,
)
"""Yuan at which the bands begin; the last one has no end."""
_NOTHING = frozenset({"", "-", "--", "/", "\u2014", "\u65e0"})
"""What stands where there is no amount."""


def band_of(yuan: Decimal) -> int:
    """Return the number of the band of an amount above zero."""
    return bisect_right(BOUNDS, yuan) - 1


def find_amount_column(heads: Sequence[str]) -> str | None:
    """Return the head of the column with the amounts claimed; None if there is none."""
    return guess_columns(heads, read_usual_heads("amounts", {CLAIMED: ()})).get(CLAIMED)


def count_amounts(head: str, column: CodedColumn, table: TextTable) -> pd.DataFrame:
    """Return the number of accepted cases by list, month, area, code and band of their amounts.

    What was recovered is counted of cases with an amount claimed, where it is above zero.

    Args:
        head: Head of the column with the amounts claimed, which may name a unit.
        table: The same rows in the columns of the delivery, without problems.

    Raises:
        ImportNotPossibleError: An amount cannot be read; the message has its row and no value.
    """
    bands = {CLAIMED: _read_bands(head, column, table, find_unit(head, ()))}
    if RECOVERED in table.header:
        texts = table.texts(table.header.index(RECOVERED))
        bands[RECOVERED] = _read_bands(RECOVERED, texts, table, 1)
    accepted = np.array(table.texts(table.header.index("accepted")).of_rows()) == "1"
    names = [PERIOD, AREA, *AMOUNT_LENSES[1:]]
    keys = pd.DataFrame({name: table.texts(table.header.index(name)).of_rows() for name in names})
    return sum_bands(keys[accepted], {name: each[accepted] for name, each in bands.items()})


def sum_bands(keys: pd.DataFrame, bands: Mapping[str, Bands]) -> pd.DataFrame:
    """Return the number of cases by list and band, of those with an amount claimed.

    Args:
        keys: Month, area, nature and class of each case.
        bands: Band of each case by amount, -1 where it has none.
    """
    counted = []
    for amount, of_cases in bands.items():
        rows = keys.assign(band=of_cases, amount=amount)[(bands[CLAIMED] >= 0) & (of_cases >= 0)]
        for lens in AMOUNT_LENSES:
            of_lens = rows.assign(lens=lens, code=TOTAL if lens == TOTAL else rows[lens])
            counted.append(of_lens[["lens", PERIOD, AREA, "code", "amount", "band"]])
    whole = pd.concat(counted, ignore_index=True)
    return whole.value_counts().rename("cases").reset_index().sort_values([*whole.columns])


def _read_bands(head: str, column: CodedColumn, table: TextTable, factor: int) -> Bands:
    """Return the band of each row's amount, -1 where there is none."""
    known: list[int | None] = []
    for text in column.values:
        number = "0" if text.strip() in _NOTHING else parse_number(text, factor)
        yuan = Decimal(number) if number is not None else None
        known.append(None if yuan is None else band_of(yuan) if yuan > 0 else -1)
    wrong = np.flatnonzero(column.where(band is None for band in known))
    if len(wrong):
        raise ImportNotPossibleError(
            msg(
                "The amount in row {row}, column {column}, cannot be read as money.",
                row=int(table.rows[wrong[0]]),
                column=head,
            )
        )
    return np.array([band or 0 for band in known], np.int64)[column.codes]


def find_median_band(cases: Mapping[int, int]) -> int:
    """Return the band of the lower median of cases by band."""
    half, reached = sum(cases.values()) / 2, 0
    for band in sorted(cases):
        reached += cases[band]
        if reached >= half:
            return band
    raise ValueError("there are no cases")
