"""Rows of a cube, read from a frame and in the order of its sums.

Raw answers stay int8 until a chunk of whole PSUs is summed, so a wave costs little more memory
than its answers.
"""

import itertools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.cube.spec import CubeSpec, Labels, Membership, RatingScale
from survey.estimate.design import Sample, encode, get_column, numbers
from survey.estimate.errors import EstimateError
from survey.estimate.indicators import respondent_scores

Raw = npt.NDArray[np.int8]
Number = TypeVar("Number", bound=np.number)
ROW_BATCH_SIZE = 2048
NOT_A_SCORE = -5


@dataclass(frozen=True)
class Chunk:
    """Range of rows that holds whole PSUs of one block, summed at one time."""

    rows: slice
    block: int
    psus: list[tuple[int, slice]]
    """PSU and its rows within the chunk."""


@dataclass(frozen=True)
class RateRows:
    """Rates of all rows, one byte a value where a rate has few distinct ones; R rates, n rows.

    Shares and scores of questions have two to a dozen, and as floats they would be the largest
    array of a wave beside its sums.
    """

    columns: tuple[tuple[npt.NDArray[np.uint8] | None, Floats], ...]
    """Codes and the value of each code, or None and the values, NaN outside the base."""

    @classmethod
    def of(cls, rates: Iterable[Floats]) -> Self:
        """Encode rates, arrays (n,), each of which is read once."""
        return cls(tuple(map(_encode_values, rates)))

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def nbytes(self) -> int:
        """Memory of the stored rates in bytes."""
        return sum((values if codes is None else codes).nbytes for codes, values in self.columns)

    def read(self, rows: slice) -> Floats:
        """Return the rates of a range of rows as floats, rates × rows."""
        read = np.empty((len(self), rows.stop - rows.start))
        for line, (codes, values) in zip(read, self.columns, strict=True):
            line[:] = values[rows] if codes is None else values.take(codes[rows])
        return read

    def without_rows(self) -> Self:
        """Return a copy with the same number of rates and no rows."""
        return type(self)(((None, np.empty(0)),) * len(self))


def _encode_values(values: Floats) -> tuple[npt.NDArray[np.uint8] | None, Floats]:
    # By their bits: two zeros, and NaN, are values like others.
    codes, bits = pd.factorize(np.ascontiguousarray(values).view(np.int64))
    if len(bits) > np.iinfo(np.uint8).max + 1:
        return None, values
    return codes.astype(np.uint8), bits.view(np.float64)


@dataclass(frozen=True)
class CubeRows:
    """Rows of a part sorted by block, stratum and PSU; n rows, G groups, I items, R rates.

    A block is the common refinement of all area levels (the city, as a rule): every area of every
    level is a union of blocks. Arrays run along the rows, because every sum does.
    """

    answers: Raw
    """1 for a score, else 0, and its steps from the centre, else 0, stacked, shape (2I, n)."""
    rates: RateRows
    member: Flags
    """Shape (G, n)."""
    weight: Floats
    chunks: list[Chunk]
    centre: Floats
    """Whole number near the middle of each item and rate, in raw units, shape (I + R,)."""
    omega: Floats
    """Tree weights (T, I), used row by row for the per-respondent composite; empty otherwise."""

    @property
    def columns(self) -> int:
        """Number of summed columns: items (or per-respondent statistics) and rates."""
        return (len(self.omega) or self.items) + len(self.rates)

    @property
    def items(self) -> int:
        return len(self.answers) // 2

    @property
    def nbytes(self) -> int:
        """Memory of answers, rates, memberships and weights in bytes."""
        arrays = (self.answers, self.member, self.weight)
        return self.rates.nbytes + sum(array.nbytes for array in arrays)

    @property
    def widest(self) -> int:
        """Number of rows of the largest chunk."""
        return max((chunk.rows.stop - chunk.rows.start for chunk in self.chunks), default=0)

    def workspace(self, lines: int) -> Floats:
        """Return uninitialised memory for `lines` values per row of the largest chunk."""
        return np.empty(lines * self.widest)

    def features(self, chunk: Chunk, space: Floats) -> Floats:
        """Write a chunk's scored flags and centred answers into `space`; return that view."""
        rates = self.rates.read(chunk.rows)
        features = workspace_slice(space, 2 * self.columns, chunk)
        if not len(self.omega) and not len(rates):
            features[:] = self.answers[:, chunk.rows]
            return features
        scored, value = features[: self.columns], features[self.columns :]
        known, steps = np.split(self.answers[:, chunk.rows], 2)
        count = self.columns - len(rates)
        if len(self.omega):
            centre = self.centre[: self.items]
            raw = np.where(known, steps + centre[:, None], np.nan)
            own = respondent_scores(raw.T, self.omega).T
            _fill(scored[:count], value[:count], own, self.omega @ centre)
        else:
            scored[:count], value[:count] = known, steps
        _fill(scored[count:], value[count:], rates, self.centre[self.items :])
        return features

    def mass(self, chunk: Chunk, space: Floats) -> Floats:
        """Write each row's weight in its groups, else 0, into `space`; return groups × rows."""
        mass = workspace_slice(space, len(self.member), chunk)
        return np.multiply(self.member[:, chunk.rows], self.weight[chunk.rows], out=mass)


def _centre_answers(centre: Floats, raw: Raw) -> Raw:
    """Return flags and centred answers (2I, n) from raw answers (I, n) and centres (I,).

    Raw answers are negative where there is no score.
    """
    answers = np.empty((2 * len(raw), raw.shape[1]), dtype=np.int8)
    known, steps = np.split(answers, 2)
    np.greater_equal(raw, 0, out=known.view(np.bool_))
    np.subtract(raw, centre.astype(np.int8)[:, None], out=steps)
    steps *= known
    return answers


def workspace_slice(space: npt.NDArray[Number], lines: int, chunk: Chunk) -> npt.NDArray[Number]:
    """Return a view (lines, rows) of the flat array `space` for the rows of a chunk.

    Products of strided pieces take twice as long.
    """
    rows = chunk.rows.stop - chunk.rows.start
    return space[: lines * rows].reshape(lines, rows)


def _fill(scored: Floats, value: Floats, given: Floats, centre: Floats) -> None:
    known = ~np.isnan(given)
    scored[:] = known
    value[:] = np.where(known, given - centre[:, None], 0.0)


def cut_into_chunks(block_of_psu: Codes, rows_of_psu: Codes) -> Iterator[Chunk]:
    """Yield chunks of whole PSUs of one block, from the block and number of rows of each PSU."""
    blocks, ends = block_of_psu.tolist(), np.cumsum(rows_of_psu).tolist()
    start, first = 0, 0
    for psu, block in enumerate(blocks):
        last = psu + 1 == len(blocks)
        if last or blocks[psu + 1] != block or ends[psu + 1] - start > ROW_BATCH_SIZE:
            edges = [0, *(end - start for end in ends[first : psu + 1])]
            pieces = [slice(a, b) for a, b in itertools.pairwise(edges)]
            psus = list(zip(range(first, psu + 1), pieces, strict=True))
            yield Chunk(slice(start, ends[psu]), block, psus)
            start, first = ends[psu], psu + 1


def read_rows(
    frame: pd.DataFrame,
    spec: CubeSpec,
    sample: Sample,
    groups: Mapping[str, Membership],
    order: Codes,
) -> CubeRows:
    """Read answers, rates and groups of `frame`, its rows in `order`; `chunks` stays empty."""
    member = _read_groups(frame, groups, order)
    raw = _read_raw(frame, spec.tree.item_columns, spec.scale, order)
    rates = RateRows.of(numbers(frame, name)[order] for name in spec.rates)
    middle = [np.rint((spec.scale.minimum + spec.scale.maximum) / 2)] * len(raw)
    middle += list(_rate_centres(frame, spec, order) if spec.centres is None else spec.centres)
    by_respondent = spec.composite == "per_respondent"
    centre = np.array(middle, dtype=np.float64)
    return CubeRows(
        answers=_centre_answers(centre[: len(raw)], raw),
        rates=rates,
        member=member,
        weight=sample.weight[order],
        chunks=[],
        centre=centre,
        omega=spec.tree.omega if by_respondent else np.empty((0, len(raw))),
    )


def _rate_centres(frame: pd.DataFrame, spec: CubeSpec, order: Codes) -> list[float]:
    """Return each rate's rounded mean over all rows, subtracted from it before sums are taken."""
    rates = (numbers(frame, name)[order] for name in spec.rates)
    return [np.rint(np.nan_to_num(values).mean()) if len(values) else 0.0 for values in rates]


def _read_raw(frame: pd.DataFrame, items: Sequence[str], scale: RatingScale, order: Codes) -> Raw:
    """Return the answers to `items` as int8, items × rows in `order`; missing ones are negative."""
    kept = [item for item in items if item in frame.columns]
    columns = frame[kept]
    if len(kept) == len(items) and all(dtype == np.int8 for dtype in columns.dtypes.tolist()):
        raw = columns.to_numpy(dtype=np.int8).T.take(order, axis=1)
    else:
        raw = np.empty((len(items), len(frame)), dtype=np.int8)
        for answers, item in zip(raw, items, strict=True):
            values = numbers(frame, item)[order]
            answers[:] = np.where(np.isnan(values), NOT_A_SCORE, np.clip(values, -128, 127))
    if raw.max(initial=-1) > scale.maximum or _has_between(raw, scale.minimum):
        odd = (raw >= 0) & ((raw < scale.minimum) | (raw > scale.maximum))
        first = int(np.argmax(odd.any(axis=1)))
        raise EstimateError(
            "raw_range",
            column=items[first],
            value=int(raw[first][odd[first]][0]),
            minimum=scale.minimum,
            maximum=scale.maximum,
        )
    return raw


def _has_between(answers: npt.NDArray[np.int8], minimum: int) -> bool:
    """Return whether any answer lies in 0 … minimum - 1; negative ones do not count."""
    return bool(answers.view(np.uint8).min(initial=255) < minimum)


class _Columns:
    """Key columns of a frame as codes in row order, each encoded once for all groups."""

    def __init__(self, frame: pd.DataFrame, order: Codes) -> None:
        self._frame, self._order = frame, order
        self._read: dict[str, tuple[npt.NDArray[np.integer], dict[Hashable, int]]] = {}

    def equal(self, key: str, level: Hashable) -> Flags:
        if key not in self._read:
            codes, levels = encode(get_column(self._frame, key))
            place = {value: code for code, value in enumerate(levels.tolist())}
            self._read[key] = codes[self._order], place
        codes, place = self._read[key]
        member: Flags = codes == place.get(level, -2)
        return member


def _read_groups(frame: pd.DataFrame, groups: Mapping[str, Membership], order: Codes) -> Flags:
    """Return flags of the rows that belong to each group, groups × rows, in row order."""
    columns = _Columns(frame, order)
    member = np.empty((len(groups), len(frame)), dtype=np.bool_)
    for rows, (name, group) in zip(member, groups.items(), strict=True):
        if isinstance(group, tuple):
            rows[:] = columns.equal(*group)
        else:
            np.take(_find_membership(frame, name, group), order, out=rows)
    return member


def _find_membership(
    frame: pd.DataFrame, name: str, group: str | npt.ArrayLike | pd.Series | None
) -> Flags:
    if group is None:
        return np.ones(len(frame), dtype=np.bool_)
    values = get_column(frame, group) if isinstance(group, str) else pd.Series(np.asarray(group))
    if len(values) != len(frame):
        raise EstimateError("row_count", name=name, found=len(values), expected=len(frame))
    if not pd.api.types.is_bool_dtype(values.dtype):
        raise EstimateError("not_boolean", column=name)
    return values.fillna(False).to_numpy(np.bool_)


def read_area(frame: pd.DataFrame, level: str, labels: Labels) -> tuple[Codes, pd.Index]:
    """Return each row's area code (-1: none) and the areas' names; `labels`: column or values."""
    if labels is None:
        return np.zeros(len(frame), dtype=np.intp), pd.Index([level])
    values = get_column(frame, labels) if isinstance(labels, str) else pd.Series(np.asarray(labels))
    if len(values) != len(frame):
        raise EstimateError("row_count", name=level, found=len(values), expected=len(frame))
    codes, areas = encode(values, sort=True)
    return codes.astype(np.intp), areas


def area_of_psus(sample: Sample, level: str, code: Codes) -> Codes:
    """Return the area code of each PSU, (P,); raise an error if an area cuts through a PSU."""
    area = np.zeros(len(sample.stratum), dtype=np.intp)
    area[sample.psu] = code
    split = np.flatnonzero(area[sample.psu] != code)
    if split.size:
        label = sample.psu_labels[int(sample.psu[split[0]])]
        raise EstimateError("area_splits_psu", psu=label, level=level)
    return area
