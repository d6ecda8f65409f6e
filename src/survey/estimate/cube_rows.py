"""The rows of a cube in the order its sums want them: raw answers stay int8 until a chunk of
whole PSUs is summed, so a wave costs little more memory than its answers."""

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.design import Sample, column, numbers
from survey.estimate.errors import EstimateError
from survey.estimate.indicators import respondent_scores

Raw = npt.NDArray[np.int8]
Labels = str | npt.ArrayLike | pd.Series | None
Membership = str | tuple[str, Hashable] | npt.ArrayLike | pd.Series | None
NOT_A_SCORE = -5
ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Scale:
    """The instrument's scale; a score is (x - minimum) / (maximum - minimum) * 100."""

    minimum: int = 1
    maximum: int = 10

    @property
    def unit(self) -> float:
        """Score points per step."""
        return 100 / (self.maximum - self.minimum)


@dataclass(frozen=True)
class Chunk:
    """Rows of whole PSUs of one block."""

    rows: slice
    block: int
    psus: list[tuple[int, slice]]
    """PSU and its rows within the chunk."""


@dataclass(frozen=True)
class Rows:
    """All rows, sorted by block, stratum and PSU; n rows, G groups, I items, R rates.

    A block is the common refinement of all area levels (the city, as a rule): every area of every
    level is a union of blocks.
    """

    raw: Raw
    rates: Floats
    member: Flags
    weight: Floats
    chunks: list[Chunk]
    centre: Floats
    """Whole number near the mean of each item and rate, in raw units, shape (I + R,)."""
    omega: Floats
    """Tree weights (T, I), used row by row for the per-respondent composite; empty otherwise."""
    scale: Scale

    @property
    def columns(self) -> int:
        """Columns that are summed: items and rates, or per-respondent statistics and rates."""
        return len(self.centre) if not len(self.omega) else len(self.omega) + self.rates.shape[1]

    def features(self, chunk: Chunk) -> Floats:
        """[r | r (y - centre)] of each column, shape (rows, 2 * columns)."""
        raw, rates = self.raw[chunk.rows], self.rates[chunk.rows]
        answers = self.columns - rates.shape[1]
        features = np.empty((len(raw), 2 * self.columns))
        scored, value = features[:, : self.columns], features[:, self.columns :]
        if len(self.omega):
            own = respondent_scores(np.where(raw < 0, np.nan, raw.astype(np.float64)), self.omega)
            np.subtract(own, self.omega @ self.centre[: raw.shape[1]], out=value[:, :answers])
            np.logical_not(np.isnan(own), out=scored[:, :answers])
        else:
            np.greater(raw, -1, out=scored[:, :answers])
            np.subtract(raw, self.centre[:answers], out=value[:, :answers])
        if rates.shape[1]:
            np.logical_not(np.isnan(rates), out=scored[:, answers:])
            np.subtract(rates, self.centre[raw.shape[1] :], out=value[:, answers:])
        if len(self.omega) or rates.shape[1]:
            np.nan_to_num(value, copy=False)
        value *= scored
        return features

    def mass(self, chunk: Chunk) -> Floats:
        """Weight of each row in each group, 0 for no member, shape (rows, G)."""
        return self.member[chunk.rows] * self.weight[chunk.rows, None]


def read_raw(frame: pd.DataFrame, items: Sequence[str], scale: Scale, order: Codes) -> Raw:
    """Raw answers as int8 in row order, shape (n, I); missing values become a negative code."""
    raw = np.empty((len(frame), len(items)), dtype=np.int8)
    for k, item in enumerate(items):
        series = column(frame, item)
        if series.dtype == np.int8:
            raw[:, k] = series.to_numpy()[order]
        else:
            values = numbers(frame, item)[order]
            raw[:, k] = np.where(np.isnan(values), NOT_A_SCORE, np.clip(values, -128, 127))
    odd = (raw >= 0) & (raw < scale.minimum) | (raw > scale.maximum)
    if odd.any():
        row, k = np.argwhere(odd)[0]
        raise EstimateError(
            "raw_range",
            column=items[k],
            value=int(raw[row, k]),
            minimum=scale.minimum,
            maximum=scale.maximum,
        )
    return raw


def read_groups(frame: pd.DataFrame, groups: Mapping[str, Membership]) -> Flags:
    """Membership of each row in each group, shape (n, G)."""
    if not groups:
        raise EstimateError("no_groups")
    return np.column_stack([_membership(frame, name, group) for name, group in groups.items()])


def _membership(frame: pd.DataFrame, name: str, group: Membership) -> Flags:
    if group is None:
        return np.ones(len(frame), dtype=np.bool_)
    if isinstance(group, tuple):
        key, level = group
        series = column(frame, key)
        return np.asarray((series == level).fillna(False), dtype=np.bool_)
    values = column(frame, group) if isinstance(group, str) else pd.Series(np.asarray(group))
    if len(values) != len(frame):
        raise EstimateError("row_count", name=name, found=len(values), expected=len(frame))
    if not pd.api.types.is_bool_dtype(values.dtype):
        raise EstimateError("not_boolean", column=name)
    return values.fillna(False).to_numpy(np.bool_)


def read_area(frame: pd.DataFrame, level: str, labels: Labels) -> tuple[Codes, pd.Index]:
    """Area code of each row (-1 for none) and the areas, sorted."""
    if labels is None:
        return np.zeros(len(frame), dtype=np.intp), pd.Index([level])
    values = column(frame, labels) if isinstance(labels, str) else pd.Series(np.asarray(labels))
    if len(values) != len(frame):
        raise EstimateError("row_count", name=level, found=len(values), expected=len(frame))
    codes, areas = pd.factorize(values, sort=True)
    return codes.astype(np.intp), pd.Index(areas)


def of_psus(sample: Sample, level: str, code: Codes) -> Codes:
    """Area of each PSU; an area that cuts through a PSU is an error."""
    area = np.zeros(len(sample.stratum), dtype=np.intp)
    area[sample.psu] = code
    split = np.flatnonzero(area[sample.psu] != code)
    if split.size:
        label = sample.psu_labels[int(sample.psu[split[0]])]
        raise EstimateError("area_splits_psu", psu=label, level=level)
    return area


def cut(block_of_psu: Codes, rows_of_psu: Codes) -> Iterator[Chunk]:
    """Chunks of whole PSUs; PSUs are given in row order."""
    ends = np.cumsum(rows_of_psu)
    start, first = 0, 0
    for psu in range(len(block_of_psu)):
        last = psu + 1 == len(block_of_psu)
        full = not last and (
            block_of_psu[psu + 1] != block_of_psu[psu]
            or ends[psu] - start + rows_of_psu[psu + 1] > ROWS_AT_ONCE
        )
        if last or full:
            edges = np.concatenate([[start], ends[first : psu + 1]]) - start
            pieces = [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]
            rows = slice(start, int(ends[psu]))
            psus = list(zip(range(first, psu + 1), pieces, strict=True))
            yield Chunk(rows, int(block_of_psu[psu]), psus)
            start, first = int(ends[psu]), psu + 1
