"""From a snapshot's responses to what the estimator takes: groups, weights and design."""

import pandas as pd

from survey.estimate import Design, DfRule, EstimateError
from survey.locale import SurveyError, msg
from survey.publish.results.domains import age_band_of
from survey.publish.results.weighting import WeightingReport, weigh
from survey.sample.frame import shipped_cities
from survey.sample.margins import Margins, elderly_margins, main_margins, minors_margins

ASSUMED_DEFF = 1.4
"""The survey's own planning figure; used, and said, where no sampling points were recorded."""
DF_RULE: DfRule = "weighted"
"""Degrees of freedom where a group lives: with R's count the intervals of villagers by city held
the truth 90 % of the time (docs/statistics.md)."""
WEIGHT = "weight"
STRATUM = "stratum_key"
_MARGINS = {"main": main_margins, "elderly": elderly_margins, "minors": minors_margins}


class NotEstimable(SurveyError):
    """The responses do not carry the estimates asked for."""

    code = "not_estimable"


def analysis_frame(frame: pd.DataFrame, series: str) -> pd.DataFrame:
    """The responses with the columns that domains and design are made of."""
    derived = frame.copy(deep=False)
    stratum = frame["stratum"].astype("string").fillna("")
    derived[STRATUM] = (frame["city_code"].astype("string") + ":" + stratum).astype(object)
    if "age" in derived:
        derived["age_band"] = age_band_of(derived["age"], series)
    return derived


def weighted(frame: pd.DataFrame, series: str) -> tuple[pd.DataFrame, WeightingReport]:
    """The analysis frame with its weights, and how they were made."""
    margins = _margins_of(series, frame)
    population = margins or main_margins(shipped_cities())
    totals = {str(code): float(people) for code, people in population.city_totals().items()}
    try:
        weights, report = weigh(frame, totals, margins)
    except EstimateError as error:
        raise NotEstimable(msg("The weights cannot be computed: {reason}", reason=error)) from error
    return frame.assign(**{WEIGHT: weights}), report


def design_for(frame: pd.DataFrame) -> Design:
    """Points within strata within cities; without recorded points, the assumed design effect."""
    if frame["psu"].isna().any():
        return Design(weight=WEIGHT, strata=STRATUM, assumed_deff=ASSUMED_DEFF)
    return Design(weight=WEIGHT, strata=STRATUM, psu="psu", lonely_psu="adjust")


def _margins_of(series: str, frame: pd.DataFrame) -> Margins | None:
    make = _MARGINS.get(series)
    if make is None:
        return None
    margins = make(shipped_cities())
    return margins if set(margins.cells) <= set(frame.columns) else None
