"""Scores of venues, and their means by type and area with an interval.

The score of a visit is the mean of its rated items, each brought to 0 to 100; "does not apply" is
no score. The score of a venue is the mean of its observers. Only approved visits of observers who
were not known as such count. A mean over venues weighs each by how many of its type and city the
list held for one drawn, with the type in its city as stratum.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import stdtrit

FULL_SCORE = 100.0


@dataclass(frozen=True)
class ObservedVisit:
    """Approved visit with what was rated: item to value as it was ticked."""

    venue: str
    city: str
    venue_type: str
    round: int
    observer: str
    is_anonymous: bool
    ratings: Mapping[str, float]


@dataclass(frozen=True)
class RatingRange:
    """Lowest and highest value of a rated item."""

    low: float
    high: float

    def score(self, value: float) -> float:
        """Return the value on the scale from 0 to 100."""
        return FULL_SCORE * (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class VenueScore:
    """Score of one venue in one round."""

    venue: str
    city: str
    venue_type: str
    score: float
    visits: int


@dataclass(frozen=True)
class MeanScore:
    """Mean of venues with its interval; without two venues there is no interval."""

    mean: float
    low: float | None
    high: float | None
    n: int


def score_venues(
    visits: Iterable[ObservedVisit], ranges: Mapping[str, RatingRange], *, round_: int
) -> list[VenueScore]:
    """Return the score of every venue with a countable visit in the round, by its code."""
    of_venue: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for visit in visits:
        if visit.round != round_ or not visit.is_anonymous:
            continue
        scores = [ranges[item].score(value) for item, value in visit.ratings.items()]
        if scores:
            of_venue[visit.venue, visit.city, visit.venue_type].append(float(np.mean(scores)))
    return [
        VenueScore(*key, float(np.mean(scores)), len(scores))
        for key, scores in sorted(of_venue.items())
    ]


def compute_mean_score(
    scores: Sequence[VenueScore], listed: Mapping[tuple[str, str], int], *, level: float = 0.95
) -> MeanScore | None:
    """Return the weighted mean of venues with a t interval; None without any.

    Args:
        listed: How many venues of a city and type the list held that they were drawn from.
    """
    if not scores:
        return None
    strata = [(each.city, each.venue_type) for each in scores]
    sizes = {stratum: strata.count(stratum) for stratum in set(strata)}
    weight = np.array(
        [max(listed.get(stratum, 0), sizes[stratum]) / sizes[stratum] for stratum in strata]
    )
    values = np.array([each.score for each in scores])
    mean = float(weight @ values / weight.sum())
    linearised = weight * (values - mean) / weight.sum()
    variance = 0.0
    for stratum, size in sizes.items():
        inside = np.array([z for z, own in zip(linearised, strata, strict=True) if own == stratum])
        if size == 1:
            # A lone venue of its stratum is held against the mean of all (rule "adjust").
            variance += float((inside**2).sum())
        else:
            variance += size / (size - 1) * float(((inside - inside.mean()) ** 2).sum())
    count = len(scores)
    if count < 2:
        return MeanScore(mean, None, None, count)
    freedom = max(count - len(sizes), 1)
    half = float(stdtrit(freedom, (1 + level) / 2)) * sqrt(variance)
    return MeanScore(mean, max(mean - half, 0.0), min(mean + half, FULL_SCORE), count)
