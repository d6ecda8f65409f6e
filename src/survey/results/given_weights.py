"""Weights that came with the interviews of an imported wave, used as they are.

A second raking would undo the design of the sample. So nothing is scaled, trimmed or raked here,
and city totals are what the given weights add up to.
"""

import numpy as np
import pandas as pd

from survey.disclosure import MINIMUM_N
from survey.locale import Message, SurveyError, msg
from survey.results.weighting import WeightingReport, kish_deff
from survey.snapshot.response_frame import GIVEN_WEIGHT

_MAX_NAMED_CITIES = 5


class WeightsMissingError(SurveyError):
    """Raised when some interviews of a wave have a weight of their own and others none."""

    code = "weights_missing"


def read_given_weights(frame: pd.DataFrame) -> tuple[pd.Series, WeightingReport] | None:
    """Return the weights of `frame` and a report on them, or None if no interview has one.

    Raises:
        WeightsMissingError: some interviews have none.
    """
    if GIVEN_WEIGHT not in frame:
        return None
    weights = frame[GIVEN_WEIGHT].astype(float)
    without = weights.isna()
    if without.any():
        raise WeightsMissingError(_missing_weights_message(frame["city_code"].astype(str)[without]))
    return weights, _report(weights)


def _report(weights: pd.Series) -> WeightingReport:
    relative = np.sort(weights.to_numpy() / weights.mean())
    kish = kish_deff(relative)
    enough = len(relative) >= 2 * MINIMUM_N
    return WeightingReport(
        way="given",
        margin=(),
        source="",
        year=None,
        sweeps=0,
        largest_misfit=0.0,
        kish_deff=kish,
        effective_n=len(relative) / kish,
        smallest=float(relative[0]),
        largest=float(relative[-1]),
        shown_smallest=float(relative[MINIMUM_N - 1]) if enough else None,
        shown_largest=float(relative[-MINIMUM_N]) if enough else None,
        unknown=0,
        merges=(),
    )


def _missing_weights_message(cities: pd.Series) -> Message:
    counts = cities.value_counts().sort_index()
    named = ", ".join(f"{city}: {count}" for city, count in counts.iloc[:_MAX_NAMED_CITIES].items())
    more = " …" if len(counts) > _MAX_NAMED_CITIES else ""
    return msg(
        "{count} interviews have no weight although the others came with one (by city: {cities}). "
        "Void them, or import all interviews with their weights into a wave with another key.",
        count=len(cities), cities=named + more,
    )  # fmt: skip
