"""Detectors on the fieldwork: odd hours, bursts, shared devices, and answers read too fast.

A one-time link serves one interview only, so a shared list of links shows here and nowhere else.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from survey.locale import Labels
from survey.questionnaire.model import Item
from survey.questionnaire.question_types import type_of
from survey.review.quality.flags import FlagKind, FlagSet, flagged_rows, linear_ramp
from survey.review.quality.response_arrays import (
    NOT_ASKED,
    Bools,
    Floats,
    Ints,
    ResponseArrays,
    RowGroups,
    sum_by_row,
)
from survey.review.quality.wave_norms import CHINA, WaveNorms, count_place_hours, phone_numbers
from survey.store.tables import Mode

READING_FLOOR_RAMP_START, READING_FLOOR_RAMP_END = 1.0, 0.5
"""Below the floor it begins to count; at half of it, five times the usual reading, counts fully."""
MIN_TIMED_SHARE = 0.5
"""Of the questions asked; of fewer the single times say nothing about the whole."""


@dataclass(frozen=True)
class _TimedReading:
    """Seconds taken by each interview and least seconds to read it; NaN if not measured."""

    seconds_taken: Floats
    min_seconds: Floats

    @property
    def share(self) -> Floats:
        """Time taken as a share of the least time; 1 is as fast as the fastest reader."""
        return np.where(
            self.min_seconds > 0,
            self.seconds_taken / np.where(self.min_seconds > 0, self.min_seconds, 1),
            np.nan,
        )


def flag_reading_floor(interviews: ResponseArrays) -> FlagSet:
    """Return flags of interviews that took less time than it takes to read their questions.

    The time of the whole interview and the times of its questions are held against the floor, the
    first also where no times of questions were kept, the second also where the form lay open for
    an hour. Reading aloud takes longer than reading: the floor holds for surveyors all the more.
    """
    whole, single = _time_whole_interviews(interviews), _time_single_questions(interviews)
    whole_share = whole.share
    share = np.fmin(whole_share, single.share)
    strength = linear_ramp(share, nothing=READING_FLOOR_RAMP_START, full=READING_FLOOR_RAMP_END)
    rows = flagged_rows(strength > 0)
    is_whole = whole_share == share
    details = [
        {
            "seconds": _round_seconds((whole if is_whole[row] else single).seconds_taken[row]),
            "least": _round_seconds((whole if is_whole[row] else single).min_seconds[row]),
            "measured": "whole" if is_whole[row] else "questions",
        }
        for row in rows.tolist()
    ]
    return FlagSet(FlagKind.READING_FLOOR, rows, strength[rows], details)


def min_seconds_of_interviews(interviews: ResponseArrays, counted: Bools) -> Floats:
    """Return each interview's least seconds to read the questions that `counted` (N, M) marks.

    A text that several questions share is read once.
    """
    least = np.zeros(len(interviews))
    names = interviews.language.names
    for code, language in enumerate((*names, interviews.default_language)):
        known = code if code < len(names) else -1
        rows = flagged_rows(interviews.language.codes == known)
        if not len(rows):
            continue
        columns = np.ascontiguousarray(counted[rows].T)
        for text, positions in _group_positions_by_text(interviews, language).items():
            is_read = np.logical_or.reduce(columns[positions])
            least[rows] += min_reading_seconds(text) * is_read
    return least


def _time_whole_interviews(interviews: ResponseArrays) -> _TimedReading:
    """Return duration and least reading time of each whole interview.

    An imported interview of 0 seconds has the same moment in both columns and was not timed.
    """
    duration = np.where(interviews.is_mode(Mode.PAPER), np.nan, interviews.duration)
    unmeasured = interviews.is_mode(Mode.IMPORT) & (duration == 0)
    asked = interviews.answers != NOT_ASKED
    return _TimedReading(
        np.where(unmeasured, np.nan, duration), min_seconds_of_interviews(interviews, asked)
    )


def _time_single_questions(interviews: ResponseArrays) -> _TimedReading:
    asked = interviews.answers != NOT_ASKED
    timed = asked & np.isfinite(interviews.seconds)
    timed_seconds = sum_by_row(np.where(timed, interviews.seconds, 0))
    enough = timed.sum(axis=1) >= MIN_TIMED_SHARE * np.maximum(asked.sum(axis=1), 1)
    usable = enough & ~interviews.is_mode(Mode.PAPER)
    return _TimedReading(
        np.where(usable, timed_seconds, np.nan), min_seconds_of_interviews(interviews, timed)
    )


def _group_positions_by_text(
    interviews: ResponseArrays, language: str
) -> Mapping[str, Sequence[int]]:
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(interviews.items):
        for text in dict.fromkeys(_list_item_texts(item, language, interviews.default_language)):
            positions[text].append(index)
    return positions


def _list_item_texts(item: Item, language: str, default: str) -> Iterable[str]:
    """Yield a question's label, hint, shortest choice of a list, in `language` or `default`."""
    yield _choose_label_text(item.label, language, default)
    yield _choose_label_text(item.hint, language, default)
    if type_of(item).has_choice_list and item.choices:
        labels = [_choose_label_text(choice.label, language, default) for choice in item.choices]
        yield min(labels, key=min_reading_seconds)


def _choose_label_text(labels: Labels, language: str, default: str) -> str:
    return labels.get(language) or labels.get(default, "")


def _round_seconds(seconds: float) -> float:
    """Round to one decimal below ten seconds, else to whole seconds."""
    rounded = round(float(seconds), 1 if seconds < 10 else None)
    return int(rounded) if rounded == int(rounded) else rounded


MAX_CHARACTERS_PER_SECOND, MAX_WORDS_PER_SECOND = 16.0, 10.0
"""Rates at which people look for a word in a text; nobody reads and understands so fast.

Carver (1992), Journal of Reading 36(2), has readers of English scan at 600 words a minute (this
bound), skim at 450 and read at 300; Brysbaert (2019), Journal of Memory and Language 109, finds 238
on average and most adults between 175 and 300. For Chinese, Trauzettel-Klosinski and Dietz (2012),
Investigative Ophthalmology & Visual Science 53(9), have 255 characters a minute read aloud where
they have 228 English words; 16 a second are 960 a minute, which is more generous still.
"""

_PIPED = re.compile(r"\$\{[^}]*\}|<[^>]*>")
"""What another answer is put into, whose length is not known here, and marks of layout."""
_CHARACTER = (
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    "|[\u0f40-\u0fbc]+"
)
"""Han characters and kana one by one, Tibetan by its syllables."""
_CHARACTERS = re.compile(_CHARACTER)
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def min_reading_seconds(text: str) -> float:
    """Return the seconds the fastest reader needs for `text`; marks and signs take none."""
    plain = _PIPED.sub(" ", text)
    characters = len(_CHARACTERS.findall(plain))
    words = len(_WORD.findall(_CHARACTERS.sub(" ", plain)))
    return characters / MAX_CHARACTERS_PER_SECOND + words / MAX_WORDS_PER_SECOND


NIGHT = frozenset({0, 1, 2, 3, 4, 5})
LATE = frozenset({22, 23})
LATE_STRENGTH = 0.5
NOON = np.datetime64("2000-01-01T04:00:00", "s")
"""UTC; stands in for an hour that nobody noted."""


def flag_interview_hours(interviews: ResponseArrays) -> FlagSet:
    """Return flags of interviews not self-completed, from 22:00 (half strength) or 0:00 until 6:00.

    Whoever fills a form in alone does so when there is time; at night that is no sign of anything.
    """
    known = ~np.isnat(interviews.started) & ~interviews.is_mode(Mode.SELF)
    local = np.where(known, interviews.started, NOON) + CHINA
    minutes = ((local - local.astype("datetime64[D]")) // np.timedelta64(1, "m")).astype(np.int64)
    hour = minutes // 60
    strength = np.where(
        np.isin(hour, list(NIGHT)), 1.0, np.where(np.isin(hour, list(LATE)), LATE_STRENGTH, 0.0)
    )
    rows = flagged_rows(strength > 0)
    details = [{"time": f"{minutes[row] // 60:02d}:{minutes[row] % 60:02d}"} for row in rows]
    return FlagSet(FlagKind.HOUR, rows, strength[rows], details)


MIN_BURST_INTERVIEWS = 6
"""Interviews in an hour below which nothing is a burst."""
CHANCE = 1e-6
"""Poisson probability of so many in an hour that is still taken for chance."""
TIMES = 4.0
"""So many times the usual number, because busy hours vary by more than Poisson."""
MIN_OWN_MEDIAN_HOURS = 5
"""Hours with interviews from which a place's own median says what is usual there."""


@dataclass(frozen=True)
class _BurstCounts:
    """For each interview, how many began at its place in the same hour, and the usual number."""

    count: Ints
    usual: Floats
    surplus: Floats
    """Share of the hour's interviews beyond the usual number; 0 unless it is a burst."""


def flag_bursts(interviews: ResponseArrays, norms: WaveNorms) -> FlagSet:
    """Return flags of interviews in hours with far more than usual at their point or in their city.

    Many links opened in one hour are a sign of mobilisation. Usual is the larger of the wave's mean
    over all hours with interviews at such a place and the place's own median. The strength is the
    share of the hour's interviews beyond that.
    """
    point = _count_bursts(interviews, interviews.point, norms.interviews_per_point_hour)
    city = _count_bursts(interviews, interviews.city, norms.interviews_per_city_hour)
    at_point = point.surplus >= city.surplus
    strength = np.where(at_point, point.surplus, city.surplus)
    rows = flagged_rows(strength > 0)
    details: list[dict[str, Any]] = [
        {
            "at": "point" if at_point[row] else "city",
            "count": int((point if at_point[row] else city).count[row]),
            "usual": round(float((point if at_point[row] else city).usual[row]), 1),
        }
        for row in rows
    ]
    return FlagSet(FlagKind.BURST, rows, strength[rows], details)


def _count_bursts(interviews: ResponseArrays, places: RowGroups, mean: float) -> _BurstCounts:
    count = np.zeros(len(interviews), dtype=np.int64)
    usual, surplus = np.zeros(len(interviews)), np.zeros(len(interviews))
    hours = count_place_hours(interviews, places)
    rows, own, inside = hours.rows, hours.hour_of_row, hours.interviews
    if not len(rows):
        return _BurstCounts(count, usual, surplus)
    expected = _estimate_per_hour(hours.places, inside, mean)
    chance = special.pdtrc(inside - 1, expected)
    burst = (inside >= MIN_BURST_INTERVIEWS) & (inside >= TIMES * expected) & (chance < CHANCE)
    count[rows], usual[rows] = inside[own], expected[own]
    surplus[rows] = np.where(burst, np.round(1 - expected / inside, 4), 0.0)[own]
    return _BurstCounts(count, usual, surplus)


def _estimate_per_hour(places: Ints, inside: Ints, mean: float) -> Floats:
    """Return each hour's usual number: the median of `inside` at its place, but at least `mean`."""
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    expected = np.full(len(places), mean)
    for first, last in zip(starts, np.append(starts[1:], len(places)), strict=True):
        if last - first >= MIN_OWN_MEDIAN_HOURS:
            expected[first:last] = max(mean, float(np.median(inside[first:last])))
    return expected


DEVICE_RAMP_START, DEVICE_RAMP_END = 1, 5
"""Interviews on one phone: two of a household are common, from four on a person should look."""


def flag_shared_devices(interviews: ResponseArrays, norms: WaveNorms) -> FlagSet:
    """Return flags of interviews on a phone that answered other links of the wave as well.

    Only links know a phone: what surveyors ask on their own tablet is not looked at.
    """
    known = interviews.device.codes >= 0
    count = np.where(known, norms.shared_phones.count_of(phone_numbers(interviews.device)), 0)
    strength = linear_ramp(
        count.astype(np.float64), nothing=DEVICE_RAMP_START, full=DEVICE_RAMP_END
    )
    rows = flagged_rows(strength > 0)
    details = [{"count": int(count[row])} for row in rows]
    return FlagSet(FlagKind.SAME_DEVICE, rows, strength[rows], details)


TOLERANCE = 0.10
"""Beyond the target by so much is the ordinary course of fieldwork."""
OVERFILL_RAMP_END = 1.0


def flag_over_quota(interviews: ResponseArrays) -> FlagSet:
    """Return flags of interviews that came when their cell's target and tolerance were exceeded."""
    number = _number_in_cell(interviews)
    over = np.full(len(interviews), np.nan)
    np.divide(number, interviews.target, out=over, where=number > 0)
    over -= 1
    strength = linear_ramp(over, nothing=TOLERANCE, full=OVERFILL_RAMP_END)
    rows = flagged_rows(strength > 0)
    details = [{"number": int(number[r]), "target": int(interviews.target[r])} for r in rows]
    return FlagSet(FlagKind.OVER_QUOTA, rows, strength[rows], details)


def _number_in_cell(interviews: ResponseArrays) -> np.ndarray:
    """Return each interview's position in its quota cell, from 1; 0 if not counted. Shape (N,)."""
    cell = interviews.cell.codes
    counts = interviews.counted & (cell >= 0) & (interviews.target > 0)
    rows = np.flatnonzero(counts)
    order = rows[np.argsort(cell[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    number = np.zeros(len(interviews))
    number[order] = np.arange(len(order)) - np.repeat(starts, lengths) + 1
    return number


ONE_DAY_STRENGTH = 0.7
"""Strength one day off: worth a look, since a visit may have been moved by a day."""


def flag_wrong_points(interviews: ResponseArrays) -> FlagSet:
    """Return flags of interviews outside their point's days, or by a surveyor not assigned to it.

    Nobody is flagged at a point without assignments.
    """
    off = np.abs(interviews.days_off)
    strength = np.where(off >= 2, 1.0, np.where(off == 1, ONE_DAY_STRENGTH, 0.0))
    strength = np.where(interviews.assigned, strength, 1.0)
    rows = flagged_rows(strength > 0)
    return FlagSet(
        FlagKind.OUT_OF_POINT,
        rows,
        strength[rows],
        [_describe_point(interviews, row) for row in rows],
    )


def _describe_point(interviews: ResponseArrays, row: int) -> dict[str, Any]:
    off = int(interviews.days_off[row])
    if not off:
        return {"why": "unassigned"}
    day = str(interviews.day[row])
    return {"why": "before" if off < 0 else "after", "days": abs(off), "day": day}
