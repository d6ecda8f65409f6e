"""Reading floor: the least time in which an interview's questions can be read."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.fieldwork.quality.flags import FlagKind, FlagSet, flagged_rows, linear_ramp
from survey.fieldwork.quality.response_arrays import (
    NOT_ASKED,
    Bools,
    Floats,
    ResponseArrays,
    sum_by_row,
)
from survey.instrument.model import Item
from survey.instrument.question_types import type_of
from survey.locale import Labels
from survey.store.tables import Mode

READING_FLOOR_RAMP_START, READING_FLOOR_RAMP_END = 1.0, 0.5
"""Below the floor it begins to count; at half of it, five times the usual reading, counts fully."""
MIN_TIMED_SHARE = 0.5
"""Of the questions asked; of fewer the single times say nothing about the whole."""


@dataclass(frozen=True)
class _TimedReading:
    """Seconds that interviews took, and the least they can take; NaN where not measured."""

    seconds_taken: Floats
    min_seconds: Floats

    @property
    def share(self) -> Floats:
        """Time taken as a share of the floor; 1 is as fast as the fastest reader."""
        return np.where(
            self.min_seconds > 0,
            self.seconds_taken / np.where(self.min_seconds > 0, self.min_seconds, 1),
            np.nan,
        )


def flag_reading_floor(interviews: ResponseArrays) -> FlagSet:
    """Flag interviews that took less time than their questions take to read, on their own route.

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
    """Return the floor of each interview over the questions `counted` (N, M) in its language.

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
    """Return duration and floor of whole interviews.

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
    """Yield the texts to be read: question, hint, and the shortest choice of a list."""
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
