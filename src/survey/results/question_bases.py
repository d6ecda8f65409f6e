"""Bases of questions: indicators that the same people answered have one n in every cell.

These are all rates of a question, and all questions that are asked of the same people. What any
shown one of them tells of its n is known of all, so the disclosure gate looks at bases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Codes = NDArray[np.int8]
_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, eq=False)
class QuestionBases:
    """Base of each indicator, numbered in the order of their first indicators.

    Tables have a row an area, group and indicator, in this order; those of bases one an area, group
    and base.
    """

    of: Numbers

    @classmethod
    def compare(cls, counts: NDArray[np.int32]) -> "QuestionBases":
        """Join the indicators of which the same people are counted, cities x indicators x pairs."""
        known: dict[bytes, int] = {}
        contents = (sha256(counts[:, place].tobytes()).digest() for place in range(counts.shape[1]))
        return cls(np.array([known.setdefault(each, len(known)) for each in contents], np.int64))

    @cached_property
    def first(self) -> Numbers:
        """Place of the first indicator of each base."""
        places: Numbers = np.unique(self.of, return_index=True)[1]
        return places

    def name_by_first(self, indicators: Sequence[str]) -> Mapping[str, str]:
        """Return indicator -> the first indicator of its base."""
        names = (indicators[self.first[base]] for base in self.of)
        return dict(zip(indicators, names, strict=True))

    def select_rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the first indicator of each base."""
        rows = np.arange(len(table)).reshape(-1, len(self.of))[:, self.first]
        return table.iloc[rows.ravel()].reset_index(drop=True)

    def spread(self, by_base: NDArray[_Value]) -> NDArray[_Value]:
        """Return for the rows of indicators what holds for those of their bases."""
        return by_base.reshape(-1, len(self.first))[:, self.of].ravel()

    def find_largest(self, by_indicator: Codes) -> Codes:
        """Return for the rows of bases the largest value of their indicators."""
        order = np.argsort(self.of, kind="stable")
        starts = np.searchsorted(self.of[order], np.arange(len(self.first)))
        values = by_indicator.reshape(-1, len(self.of))[:, order]
        largest: Codes = np.maximum.reduceat(values, starts, axis=1)
        return largest.ravel()
