"""Norms of a wave: medians, means and counts with which its interviews are compared.

They are counted part by part, and the counts of the parts are added. Only whole numbers are added,
so that the norms of a wave are the same to the last bit in whatever parts it is read.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from survey.review.quality.response_arrays import NOT_ASKED, Floats, Ints, ResponseArrays, RowGroups

CHINA = np.timedelta64(8, "h")
"""China has one time zone and no summer time since 1991."""


@dataclass(frozen=True)
class ValueCounts:
    """Distinct values in ascending order, with the number of each."""

    values: npt.NDArray[Any]
    counts: Ints

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> "ValueCounts":
        """Return the distinct values and how often each occurs; `values` hold no NaN."""
        return cls(*np.unique(values, return_counts=True))

    def added_to(self, other: "ValueCounts") -> "ValueCounts":
        """Return the counts of this and the other set of values together."""
        both = np.concatenate([other.values, self.values])
        values, at = np.unique(both, return_inverse=True)
        counts = np.zeros(len(values), dtype=np.int64)
        np.add.at(counts, at.reshape(-1), np.concatenate([other.counts, self.counts]))
        return ValueCounts(values, counts)

    def median(self) -> float:
        """Return the exact median, without rounding; NaN if there are no values."""
        ends = np.cumsum(self.counts)
        if not len(ends):
            return np.nan
        middle = [(ends[-1] - 1) // 2, ends[-1] // 2]
        return self.values[np.searchsorted(ends, middle, side="right")].mean()  # type: ignore[no-any-return]

    def mean(self) -> float:
        """Return the mean, computed exactly and rounded once; NaN if there are no values."""
        if not len(self.values):
            return np.nan
        pairs = zip(self.values.tolist(), self.counts.tolist(), strict=True)
        return float(
            sum(Fraction(value) * count for value, count in pairs) / int(self.counts.sum())
        )

    def count_of(self, values: npt.NDArray[Any]) -> Ints:
        """Return the number of each of `values`; 0 where it was not counted."""
        if not len(self.values):
            return np.zeros(len(values), dtype=np.int64)
        at = np.minimum(np.searchsorted(self.values, values), len(self.values) - 1)
        return np.where(self.values[at] == values, self.counts[at], 0)


@dataclass(frozen=True)
class PlaceHours:
    """Number of interviews begun at each place in each hour, and the hour of each interview."""

    rows: Ints
    """Interviews with a place and a time."""
    hour_of_row: Ints
    """Index of each of these among the hours below."""
    places: Ints
    """Ascending: place of each hour with interviews."""
    interviews: Ints
    """Number of interviews in each."""


def count_place_hours(interviews: ResponseArrays, places: RowGroups) -> PlaceHours:
    """Count interviews by place and hour of their beginning, for hours with any."""
    rows = np.flatnonzero(~np.isnat(interviews.started) & (places.codes >= 0))
    hour = (interviews.started[rows] + CHINA).astype("datetime64[h]").astype(np.int64)
    keys = np.stack([places.codes[rows], hour], axis=1)
    hours, own, inside = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    return PlaceHours(rows.astype(np.int64), own.reshape(-1), hours[:, 0], inside)


def seconds_per_question(interviews: ResponseArrays) -> Floats:
    """Return each interview's seconds per question asked; NaN where the duration is unknown."""
    asked = (interviews.answers != NOT_ASKED).sum(axis=1)
    return np.where(asked > 0, interviews.duration / np.maximum(asked, 1), np.nan)


def phone_numbers(devices: RowGroups) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each row's device; that of rows without a device is meaningless."""
    digests = [hashlib.blake2b(str(name).encode(), digest_size=8) for name in devices.names]
    numbers = [int.from_bytes(digest.digest(), "big") for digest in digests]
    return np.array([*numbers, 0], dtype=np.uint64)[devices.codes]


@dataclass(frozen=True)
class PartCounts:
    """Counts of part of a wave (whole cities), from which its medians and means are computed.

    A point lies in one city, so its hours lie in one part; a phone may be used in several.
    """

    interviews: int
    question_seconds: tuple[ValueCounts, ...]
    """Of each question: seconds in view."""
    seconds_per_question: ValueCounts
    scores: tuple[ValueCounts, ...]
    """Of each rating."""
    point_hours: tuple[int, int]
    """Interviews that began at a point at a known time, and hours in which any did."""
    city_hours: tuple[int, int]
    phones: ValueCounts

    @classmethod
    def of(cls, interviews: ResponseArrays) -> "PartCounts":
        """Return the counts of one part that the norms of the wave need."""
        whole = seconds_per_question(interviews)
        phones = phone_numbers(interviews.device)[interviews.device.codes >= 0]
        return cls(
            len(interviews),
            tuple(ValueCounts.of(seconds[seconds > 0]) for seconds in interviews.seconds.T),
            ValueCounts.of(whole[np.isfinite(whole)]),
            tuple(ValueCounts.of(scores[np.isfinite(scores)]) for scores in interviews.scores.T),
            _count_hours(interviews, interviews.point),
            _count_hours(interviews, interviews.city),
            ValueCounts.of(phones),
        )

    def added_to(self, other: "PartCounts") -> "PartCounts":
        """Return the counts of this and the other part of the wave together."""
        return PartCounts(
            other.interviews + self.interviews,
            _add_all(other.question_seconds, self.question_seconds),
            self.seconds_per_question.added_to(other.seconds_per_question),
            _add_all(other.scores, self.scores),
            _add_hours(other.point_hours, self.point_hours),
            _add_hours(other.city_hours, self.city_hours),
            self.phones.added_to(other.phones),
        )


def _count_hours(interviews: ResponseArrays, places: RowGroups) -> tuple[int, int]:
    hours = count_place_hours(interviews, places)
    return len(hours.rows), len(hours.interviews)


def _add_hours(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return first[0] + second[0], first[1] + second[1]


def _add_all(
    first: Sequence[ValueCounts], second: Sequence[ValueCounts]
) -> tuple[ValueCounts, ...]:
    return tuple(more.added_to(counts) for counts, more in zip(first, second, strict=True))


@dataclass(frozen=True)
class WaveNorms:
    """Medians and means of a wave, and phones shared by its parts, to compare interviews with."""

    interviews: int
    question_seconds: npt.NDArray[np.float32]
    """Median of each question; NaN where none was measured."""
    seconds_per_question: float
    """Median of the interviews'; NaN where none has a duration."""
    mean_scores: Floats
    """Of each rating; NaN where nobody gave one."""
    interviews_per_point_hour: float
    """Mean over the hours with interviews at a point; NaN where there are none."""
    interviews_per_city_hour: float
    shared_phones: ValueCounts
    """Phones with two interviews or more."""

    @classmethod
    def of(cls, parts: Iterable[PartCounts]) -> "WaveNorms":
        """Return the norms of a wave from the counts of its parts, at least one."""
        wave = _add_parts(parts)
        shared = wave.phones.counts > 1
        return cls(
            wave.interviews,
            np.array([counts.median() for counts in wave.question_seconds], dtype=np.float32),
            wave.seconds_per_question.median(),
            np.array([counts.mean() for counts in wave.scores]),
            _compute_mean_per_hour(wave.point_hours),
            _compute_mean_per_hour(wave.city_hours),
            ValueCounts(wave.phones.values[shared], wave.phones.counts[shared]),
        )


def _add_parts(parts: Iterable[PartCounts]) -> PartCounts:
    """Return the sum of all parts' counts, added pairwise by size to save time."""
    sums: list[tuple[int, PartCounts]] = []
    for part in parts:
        size, counts = 1, part
        while sums and sums[-1][0] == size:
            counts = counts.added_to(sums.pop()[1])
            size *= 2
        sums.append((size, counts))
    _, wave = sums.pop()
    while sums:
        wave = wave.added_to(sums.pop()[1])
    return wave


def _compute_mean_per_hour(counts: tuple[int, int]) -> float:
    interviews, hours = counts
    return interviews / hours if hours else np.nan
