"""Faster than anybody can read the questions: an absolute floor, without a wave to compare with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import NOT_ASKED, Bools, Floats, Interviews
from survey.fieldwork.quality.kinds import FlagKind
from survey.instrument.model import Item, Kind, Labels
from survey.instrument.reading_time import least_reading_seconds
from survey.store.tables import Mode

NOTHING, FULL = 1.0, 0.5
"""Below the floor it begins to count; at half of it, five times the usual reading, counts fully."""
MIN_TIMED_SHARE = 0.5
"""Of the questions asked; of fewer the single times say nothing about the whole."""
_SELECTS = frozenset({Kind.SELECT_ONE, Kind.SELECT_MULTIPLE})


@dataclass(frozen=True)
class _Measure:
    """Seconds that an interview took and at least takes, NaN where nothing was measured."""

    taken: Floats
    least: Floats

    @property
    def share(self) -> Floats:
        """Of the floor; 1 is as fast as the fastest reader."""
        return np.where(
            self.least > 0, self.taken / np.where(self.least > 0, self.least, 1), np.nan
        )


def reading_floor_flags(interviews: Interviews) -> Flags:
    """Flag interviews that took less time than their questions take to read, on their own route.

    The time of the whole interview and the times of its questions are held against the floor, the
    first also where no times of questions were kept, the second also where the form lay open for
    an hour. Reading aloud takes longer than reading: the floor holds for surveyors all the more.
    """
    whole, single = _whole(interviews), _single(interviews)
    whole_share = whole.share
    share = np.fmin(whole_share, single.share)
    strength = ramp(share, nothing=NOTHING, full=FULL)
    rows = rows_of(strength > 0)
    is_whole = whole_share == share
    details = [
        {
            "seconds": _figure((whole if is_whole[row] else single).taken[row]),
            "least": _figure((whole if is_whole[row] else single).least[row]),
            "measured": "whole" if is_whole[row] else "questions",
        }
        for row in rows.tolist()
    ]
    return Flags(FlagKind.READING_FLOOR, rows, strength[rows], details)


def least_seconds(interviews: Interviews, counted: Bools) -> Floats:
    """Return the floor of each interview over the questions `counted` (N, M) in its language.

    A text that several questions share is read once.
    """
    least = np.zeros(len(interviews))
    names = interviews.language.names
    for code, language in enumerate((*names, interviews.default_language)):
        known = code if code < len(names) else -1
        rows = rows_of(interviews.language.codes == known)
        if not len(rows):
            continue
        columns = np.ascontiguousarray(counted[rows].T)
        for text, places in _places_of_texts(interviews, language).items():
            is_read = np.logical_or.reduce(columns[places])
            least[rows] += least_reading_seconds(text) * is_read
    return least


def _whole(interviews: Interviews) -> _Measure:
    """An imported interview of 0 seconds has the same moment in both columns: nobody took it."""
    duration = np.where(_is_mode(interviews, Mode.PAPER), np.nan, interviews.duration)
    unmeasured = _is_mode(interviews, Mode.IMPORT) & (duration == 0)
    asked = interviews.answers != NOT_ASKED
    return _Measure(np.where(unmeasured, np.nan, duration), least_seconds(interviews, asked))


def _single(interviews: Interviews) -> _Measure:
    asked = interviews.answers != NOT_ASKED
    timed = asked & np.isfinite(interviews.seconds)
    timed_seconds = np.where(timed, interviews.seconds, 0).sum(axis=1, dtype=np.float64)
    enough = timed.sum(axis=1) >= MIN_TIMED_SHARE * np.maximum(asked.sum(axis=1), 1)
    usable = enough & ~_is_mode(interviews, Mode.PAPER)
    return _Measure(np.where(usable, timed_seconds, np.nan), least_seconds(interviews, timed))


def _is_mode(interviews: Interviews, mode: Mode) -> Bools:
    names = interviews.mode.names
    code = names.index(mode) if mode in names else len(names)
    is_mode: Bools = interviews.mode.codes == code
    return is_mode


def _places_of_texts(interviews: Interviews, language: str) -> Mapping[str, Sequence[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(interviews.items):
        for text in set(_texts(item, language, interviews.default_language)):
            places[text].append(place)
    return places


def _texts(item: Item, language: str, default: str) -> Iterable[str]:
    """What has to be read: the question, its hint, and of a list one choice, the shortest."""
    yield _text(item.label, language, default)
    yield _text(item.hint, language, default)
    if item.kind in _SELECTS and item.choices:
        labels = [_text(choice.label, language, default) for choice in item.choices]
        yield min(labels, key=least_reading_seconds)


def _text(labels: Labels, language: str, default: str) -> str:
    return labels.get(language) or labels.get(default, "")


def _figure(seconds: float) -> float:
    """One decimal below ten seconds, none above; never a trailing zero."""
    rounded = round(float(seconds), 1 if seconds < 10 else None)
    return int(rounded) if rounded == int(rounded) else rounded
