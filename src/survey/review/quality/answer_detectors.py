"""Detectors on answers: careless, duplicate, missing, fast and straight-lined ones."""

import warnings
from collections.abc import Iterator

import numpy as np

from survey.review.quality.flags import FlagKind, FlagSet, flagged_rows, linear_ramp
from survey.review.quality.response_arrays import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    REFUSED,
    Codes,
    Floats,
    Ints,
    ResponseArrays,
    sum_by_row,
)
from survey.review.quality.wave_norms import WaveNorms, seconds_per_question

MIN_CORRELATION_RATINGS = 12
"""Ratings below which a correlation says nothing."""
CARELESS_RAMP_START, CARELESS_RAMP_END = -0.25, -0.60
MIN_SPREAD = 0.8
"""Standard deviation of a person's own scores below which the correlation is noise."""


def flag_careless(interviews: ResponseArrays, norms: WaveNorms) -> FlagSet:
    """Return flags of interviews whose scores correlate negatively with the item means of `norms`.

    Person-total correlation (Donlon and Fischer 1968, Educational and Psychological Measurement
    28; Curran 2016, Journal of Experimental Social Psychology 66), looked at only where the
    intra-individual response variability (Dunn et al. 2018, Journal of Business and Psychology 33)
    leaves something to correlate.
    """
    scores = interviews.scores
    if scores.shape[1] < MIN_CORRELATION_RATINGS or norms.interviews < 2:
        return FlagSet.none(FlagKind.CARELESS)
    enough = np.isfinite(scores).sum(axis=1) >= MIN_CORRELATION_RATINGS
    correlation, spread = _correlate_with_means(scores, norms.mean_scores)
    strength = linear_ramp(correlation, nothing=CARELESS_RAMP_START, full=CARELESS_RAMP_END)
    rows = flagged_rows((strength > 0) & enough & (spread >= MIN_SPREAD))
    details = [{"correlation": round(float(correlation[row]), 2)} for row in rows]
    return FlagSet(FlagKind.CARELESS, rows, strength[rows], details)


def _correlate_with_means(scores: Floats, means: Floats) -> tuple[Floats, Floats]:
    """Return each row's correlation with the item means, and the standard deviation of the row.

    Over the scores that the row has; NaN where one of both does not vary. The means are those
    of the wave, so that a row does not depend on those beside it in a part.
    """
    known = np.isfinite(scores)
    count = np.maximum(known.sum(axis=1), 1)
    given = np.where(known, scores, 0.0)
    total = sum_by_row(given)
    # Of whole numbers no step but the root rounds: a spread of just the bound is the bound.
    spread = np.sqrt(np.maximum(count * sum_by_row(given * given) - total * total, 0.0)) / count
    usual = np.where(known, means, 0.0)
    given -= np.where(known, (total / count)[:, None], 0.0)
    usual -= np.where(known, (sum_by_row(usual) / count)[:, None], 0.0)
    squares, usual_squares = sum_by_row(given * given), sum_by_row(usual * usual)
    varies = (squares > 0) & (usual_squares > 0)
    size = np.where(varies, np.sqrt(squares) * np.sqrt(usual_squares), 1.0)
    correlation = np.where(varies, sum_by_row(given * usual) / size, np.nan)
    return np.clip(correlation, -1.0, 1.0), spread


MIN_DUPLICATE_ANSWERS = 20
"""Answers below which two people may well agree in all of them."""
DUPLICATE_RAMP_START, DUPLICATE_RAMP_END = 0.84, 0.94
"""Share of equal answers within one surveyor.

Kuriakose and Robbins (2016), Statistical Journal of the IAOS 32, take 85 %; Simmons et al. (2016,
Pew Research Center) show that honest interviews pass it where questions are few or alike, so it
only begins to count there.
"""
OTHER_SURVEYOR = 0.06
"""So much more has to be equal when the two surveyors differ."""
_BLOCK = 128


def flag_duplicates(interviews: ResponseArrays) -> FlagSet:
    """Return flags of the later of two interviews of a city with largely equal answers.

    Agreement is the number of equal answers over the number of answers of the fuller interview.
    Pairs are compared within a city only.
    """
    agreement, earlier, same = _find_closest(interviews)
    strength = linear_ramp(
        agreement - np.where(same, 0.0, OTHER_SURVEYOR),
        nothing=DUPLICATE_RAMP_START,
        full=DUPLICATE_RAMP_END,
    )
    rows = flagged_rows(strength > 0)
    details = [
        {
            "percent": int(100 * agreement[row]),
            "of": str(interviews.ids[earlier[row]]),
            "same_surveyor": bool(same[row]),
        }
        for row in rows
    ]
    return FlagSet(FlagKind.NEAR_DUPLICATE, rows, strength[rows], details)


def _find_closest(interviews: ResponseArrays) -> tuple[Floats, Ints, np.ndarray]:
    """Return (equal share, row, same surveyor) of each one's closest earlier interview in its city.

    With the row of that interview, and whether one person asked both. Agreement is 0 and the row -1
    where there is none to compare with.
    """
    count = len(interviews)
    agreement, earlier = np.zeros(count), np.full(count, -1)
    same = np.zeros(count, dtype=np.bool_)
    surveyor = interviews.surveyor.codes
    for rows in _iterate_cities(interviews):
        own = surveyor[rows]
        for first, shares in _compare_blocks(interviews.answers[rows]):
            here = np.arange(first, first + len(shares))
            hands = (own[here, None] == own[None, : shares.shape[1]]) & (own[here, None] >= 0)
            best = np.argmax(shares - np.where(hands, 0.0, OTHER_SURVEYOR), axis=1)
            at = np.arange(len(here))
            agreement[rows[here]] = shares[at, best]
            has_match = shares[at, best] > 0
            earlier[rows[here]] = np.where(has_match, rows[best], -1)
            same[rows[here]] = has_match & hands[at, best]
    return agreement, earlier, same


def _iterate_cities(interviews: ResponseArrays) -> Iterator[Ints]:
    """Yield the rows of each city in the order of receipt."""
    codes = interviews.city.codes
    order = np.argsort(codes, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _compare_blocks(answers: Codes) -> Iterator[tuple[int, Floats]]:
    """Yield for each block of rows its first row, and shares of answers equal to earlier rows'."""
    given = (answers != 0) & (answers != MISSING)
    size = given.sum(axis=1)
    left = np.ascontiguousarray(np.where(given, answers, 0).T)
    right = np.ascontiguousarray(np.where(given, answers, MISSING).T)
    for first in range(0, len(answers), _BLOCK):
        last = min(first + _BLOCK, len(answers))
        equal = np.zeros((last - first, last), dtype=np.uint16)
        for ours, theirs in zip(left, right, strict=True):
            equal += ours[first:last, None] == theirs[None, :last]
        fuller = np.maximum(size[first:last, None], size[None, :last])
        shares = equal / np.maximum(fuller, 1)
        shares[fuller < MIN_DUPLICATE_ANSWERS] = 0.0
        shares[np.arange(first, last)[:, None] <= np.arange(last)[None, :]] = 0.0
        yield first, shares


MIN_OMISSION_QUESTIONS = 10
"""Questions below which a share says nothing."""
OMISSION_RAMP_START, OMISSION_RAMP_END = 0.25, 0.60


def flag_item_nonresponse(interviews: ResponseArrays) -> FlagSet:
    """Return flags of interviews with many unanswered, refused or "do not know" questions.

    "Not experienced" is an answer: somebody who buys no insurance cannot rate it.
    """
    asked = (interviews.answers != NOT_ASKED).sum(axis=1)
    without = np.isin(interviews.answers, (MISSING, DONT_KNOW, REFUSED)).sum(axis=1)
    strength = linear_ramp(
        without / np.maximum(asked, 1), nothing=OMISSION_RAMP_START, full=OMISSION_RAMP_END
    )
    rows = flagged_rows((strength > 0) & (asked >= MIN_OMISSION_QUESTIONS))
    details = [{"without": int(without[row]), "asked": int(asked[row])} for row in rows]
    return FlagSet(FlagKind.NON_RESPONSE, rows, strength[rows], details)


PACE_RAMP_START, PACE_RAMP_END = 0.60, 0.33
"""Below 60 % of the usual time it begins to count; a third or less counts fully.

Greszki, Meyer and Schoen (2015), Public Opinion Quarterly 79(2), take 30 to 50 % off the median
page time as mild to strict cuts for speeding.
"""


def relative_pace(interviews: ResponseArrays, norms: WaveNorms) -> Floats:
    """Return the median, over questions, of time / the median time for the question in `norms`.

    1 is usual, 0.5 twice as fast; a pause at one question changes nothing. Without times for single
    questions it is the seconds for each question asked against the wave's median of those; NaN
    where no time was kept at all. Shape (N,).
    """
    seconds = np.where(interviews.seconds > 0, interviews.seconds, np.nan)
    with warnings.catch_warnings():
        # An interview without any time is NaN, as it should be.
        warnings.simplefilter("ignore", RuntimeWarning)
        pace = np.nanmedian(seconds / norms.question_seconds, axis=1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where most durations are 0 seconds, as some imports have them, no pace is known.
        whole = seconds_per_question(interviews) / norms.seconds_per_question
    return np.where(np.isfinite(pace), pace, whole)


def flag_speeding(interviews: ResponseArrays, pace: Floats) -> FlagSet:
    """Return flags of interviews that are much faster than usual, by `pace` (1 is usual)."""
    strength = linear_ramp(pace, nothing=PACE_RAMP_START, full=PACE_RAMP_END)
    rows = flagged_rows(strength > 0)
    seconds = seconds_per_question(interviews)
    details = [
        {
            "percent": round(100 * float(pace[row])),
            "seconds": round(float(seconds[row]), 1) if np.isfinite(seconds[row]) else None,
        }
        for row in rows
    ]
    return FlagSet(FlagKind.SPEED, rows, strength[rows], details)


MIN_STRAIGHTLINE_RATINGS = 8
"""Ratings below which one score throughout says nothing."""
STRAIGHTLINE_RAMP_START, STRAIGHTLINE_RAMP_END = 0.80, 0.97
LONG_RUN = 0.40
"""Share of the ratings that one unbroken run must cover as well."""


def flag_straightlining(interviews: ResponseArrays) -> FlagSet:
    """Return flags of interviews in which one score covers most of the ratings.

    Two indices have to agree: the share of the most frequent score, which one slip hardly moves,
    and the longest unbroken run of one score ("longstring": Johnson 2005, Journal of Research in
    Personality 39; Meade and Craig 2012, Psychological Methods 17).
    """
    scores = interviews.scores
    if scores.shape[1] < MIN_STRAIGHTLINE_RATINGS or not len(interviews):
        return FlagSet.none(FlagKind.STRAIGHT_LINING)
    rated = np.isfinite(scores).sum(axis=1)
    score, same = _find_most_frequent(scores)
    share = same / np.maximum(rated, 1)
    strength = linear_ramp(share, nothing=STRAIGHTLINE_RAMP_START, full=STRAIGHTLINE_RAMP_END)
    run = _measure_longest_runs(scores) / np.maximum(rated, 1)
    rows = flagged_rows((strength > 0) & (rated >= MIN_STRAIGHTLINE_RATINGS) & (run >= LONG_RUN))
    details = [
        {"same": int(same[row]), "rated": int(rated[row]), "score": f"{score[row]:g}"}
        for row in rows
    ]
    return FlagSet(FlagKind.STRAIGHT_LINING, rows, strength[rows], details)


def _measure_longest_runs(scores: Floats) -> Floats:
    """Return the length of the longest run of one score in each row; missing scores are skipped."""
    last, run, longest = np.full(len(scores), np.nan), np.zeros(len(scores)), np.zeros(len(scores))
    for column in scores.T:
        known = np.isfinite(column)
        run = np.where(known, np.where(column == last, run + 1, 1), run)
        last = np.where(known, column, last)
        longest = np.maximum(longest, run)
    return longest


def _find_most_frequent(scores: Floats) -> tuple[Floats, Floats]:
    """Return the most frequent score of each row (the lowest of several) and its count."""
    values = np.unique(scores[np.isfinite(scores)])
    if not len(values):
        return np.full(len(scores), np.nan), np.zeros(len(scores))
    counts = np.stack([(scores == value).sum(axis=1) for value in values], axis=1)
    best = counts.argmax(axis=1)
    return values[best], counts[np.arange(len(scores)), best].astype(np.float64)
