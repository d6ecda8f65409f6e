"""Indicators that the disclosure gate looks at together: those of one base, and of one question.

Indicators that the same people answered have one n in every cell: all rates of a question, and all
questions that are asked of the same people. What any shown one of them tells of its n is known of
all. What was answered is known of the rates of one question only.
"""

from collections.abc import Hashable, Mapping, Sequence
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
        return cls.join(
            [sha256(counts[:, place].tobytes()).digest() for place in range(counts.shape[1])]
        )

    @classmethod
    def join(cls, keys: Sequence[Hashable]) -> "QuestionBases":
        """Join the indicators with the same key."""
        known: dict[Hashable, int] = {}
        return cls(np.array([known.setdefault(key, len(known)) for key in keys], np.int64))

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

    def find_any(self, by_indicator: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return for the rows of bases whether it holds for any of their indicators."""
        held: NDArray[np.bool_] = self.find_largest(by_indicator.astype(np.int8)) > 0
        return held

    def find_largest(self, by_indicator: Codes) -> Codes:
        """Return for the rows of bases the largest value of their indicators."""
        order = np.argsort(self.of, kind="stable")
        starts = np.searchsorted(self.of[order], np.arange(len(self.first)))
        values = by_indicator.reshape(-1, len(self.of))[:, order]
        largest: Codes = np.maximum.reduceat(values, starts, axis=1)
        return largest.ravel()
