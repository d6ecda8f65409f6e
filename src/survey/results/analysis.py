"""Analysis frame: a snapshot's responses with groups, weights, sampling points and design."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from survey.estimate import Design, DfRule, EstimateError
from survey.estimate.design import encode
from survey.locale import RefusedError, SurveyError, msg
from survey.results.domains import BANDS, age_band_of, list_counts
from survey.results.weighting import GUARDIAN as GUARDIAN_ITEM
from survey.results.weighting import WeightingReport, rake_weights, read_given_weights
from survey.sample.city_frame import shipped_cities
from survey.sample.population_margins import (
    SPLIT_BANDS,
    PopulationMargins,
    elderly_margins,
    main_margins,
    minors_margins,
)
from survey.sample.special_groups import (
    ELDERLY,
    GUARDIAN,
    VILLAGE_SERIES,
    Oversampling,
    count_rural_residents,
)
from survey.snapshot.snapshot_files import WithoutPoint

ASSUMED_DEFF = 1.4
"""The survey's own planning figure; used, and said, where no sampling points were recorded."""
DF_RULE: DfRule = "weighted"
"""Degrees of freedom where a group lives: with R's count the intervals of villagers by city held
the truth 90 % of the time (docs/statistics.md)."""
WEIGHT = "weight"
STRATUM = "stratum_key"
_MARGINS = {"main": main_margins, "elderly": elderly_margins, "minors": minors_margins}


class NotEstimableError(SurveyError):
    """Raised when the responses do not carry the estimates asked for."""

    code = "not_estimable"


def analysis_frame(frame: pd.DataFrame, series: str) -> pd.DataFrame:
    """Return the responses with the columns that domains and design are made of."""
    derived = frame.copy(deep=False)
    derived[STRATUM] = _join_city_and_stratum(frame["city_code"], frame["stratum"])
    if "age" in derived:
        derived["age_band"] = age_band_of(derived["age"], BANDS.get(series, {}))
    return derived


def _join_city_and_stratum(city: pd.Series, stratum: pd.Series) -> pd.Series:
    """Return city and stratum of each row as one text, made once for each pair."""
    city_codes, cities = encode(city)
    assert (city_codes >= 0).all(), "a response without a city"
    codes, kinds = encode(stratum)
    pairs = [[f"{code}:{kind}" for kind in (*kinds, "")] for code in cities]
    names = np.array(pairs, dtype=object).reshape(len(cities), len(kinds) + 1)
    return pd.Series(names[city_codes, codes], index=city.index, dtype=object)


def add_weights(
    frame: pd.DataFrame, series: str, oversampling: Oversampling | None = None
) -> tuple[pd.DataFrame, WeightingReport]:
    """Return the analysis frame with its weights, and a report on them.

    Interviews that came with weights of their own keep them.

    Raises:
        RefusedError: only some came with weights.
        NotEstimableError: margins that cannot be met, or oversampling that the answers cannot undo.
    """
    given = read_given_weights(frame)
    if given is not None:
        return frame.assign(**{WEIGHT: given[0]}), given[1]
    boosts = oversampling.boosts if oversampling else {}
    margins = _margins_of(series, frame, boosts)
    _require_undoable(boosts, frame, margins)
    population = margins or main_margins(shipped_cities())
    residents = population.city_totals()
    if series == VILLAGE_SERIES:
        residents = count_rural_residents(residents, shipped_cities())
    totals = {str(code): float(people) for code, people in residents.items()}
    _require_known_cities(frame, totals)
    asked = frame
    if ELDERLY in boosts:
        asked = frame.assign(age_band=age_band_of(frame["age"], SPLIT_BANDS))
    share = oversampling.guardian_share if oversampling and GUARDIAN in boosts else None
    try:
        weights, report = rake_weights(asked, totals, margins, guardian_share=share)
    except EstimateError as error:
        raise NotEstimableError(
            msg("The weights cannot be computed: {reason}", reason=error)
        ) from error
    report = report.model_copy(update={"oversampled": tuple(boosts)})
    return frame.assign(**{WEIGHT: weights}), report


def _require_known_cities(frame: pd.DataFrame, totals: Mapping[str, float]) -> None:
    """Raise an error for interviews from cities without a declared population."""
    strange = sorted({str(code) for code in frame["city_code"].unique()} - totals.keys())
    if strange:
        raise NotEstimableError(
            msg(
                "There are interviews from cities without a declared population, so they have no "
                "weight: {cities}. Give them their right city, or void them.",
                cities=", ".join(strange),
            )
        )


def _require_undoable(
    boosts: Mapping[str, float], frame: pd.DataFrame, margins: PopulationMargins | None
) -> None:
    """Raise an error if oversampling cannot be undone because its members are unknown."""
    needed = {ELDERLY: "age", GUARDIAN: GUARDIAN_ITEM}
    missing = [needed[group] for group in boosts if needed[group] not in frame]
    if boosts and (missing or margins is None):
        raise NotEstimableError(
            msg(
                "The plan asked some groups more often than others, but the answers lack what the "
                "weights need to undo it: {columns}.",
                columns=", ".join(missing) or "age, gender",
            )
        )


def sampling_design(frame: pd.DataFrame) -> Design:
    """Return the design: points within strata within cities, or the assumed design effect."""
    if frame["psu"].isna().any():
        return Design(weight=WEIGHT, strata=STRATUM, assumed_deff=ASSUMED_DEFF)
    return Design(weight=WEIGHT, strata=STRATUM, psu="psu", lonely_psu="adjust")


def _margins_of(
    series: str, frame: pd.DataFrame, boosts: Mapping[str, float]
) -> PopulationMargins | None:
    make = _MARGINS.get(series)
    if make is None:
        return None
    if make is main_margins and ELDERLY in boosts:
        margins = main_margins(shipped_cities(), SPLIT_BANDS)
    else:
        margins = make(shipped_cities())
    return margins if set(margins.cells) <= set(frame.columns) else None


NO_POINT = "(no point)"
"""Stratum of a city's interviews without a point; each stands for itself in it."""


def require_points(missing: Mapping[str, int], way: WithoutPoint) -> None:
    """Raise an error if responses lack a point that others have and `way` is to refuse them.

    Args:
        missing: responses without a point, by city code.
    """
    count = sum(missing.values())
    if way is WithoutPoint.REFUSE and count:
        raise RefusedError(
            "points_missing",
            msg(
                "{count} interviews have no sampling point although others have one (by city: "
                "{cities}). Give them their points, or choose to count them as a stratum of their "
                "own in each city (--without-point stratum).",
                count=count,
                cities=list_counts(missing),
            ),
        )


def resolve_missing_points(
    frame: pd.DataFrame, way: WithoutPoint, *, others_have_points: bool = False
) -> tuple[pd.DataFrame, int]:
    """Return responses with a point in every row or in none, and how many got a stratum.

    Args:
        others_have_points: whether responses of the wave that are not in `frame` have points.

    Raises:
        RefusedError: some rows lack the point that others have, and `way` is to refuse them.
    """
    without = frame["psu"].isna()
    count = int(without.sum())
    if count == 0 or (count == len(frame) and not others_have_points):
        return frame, 0
    missing = frame["city_code"][without].astype(str).value_counts()
    require_points({str(code): int(n) for code, n in missing.items()}, way)
    alone = NO_POINT + " " + frame["response_id"].astype(str)
    psu = frame["psu"].astype(object).where(~without, alone)
    stratum = frame["stratum"].astype(object).where(~without, NO_POINT)
    given = frame.assign(psu=psu.astype("category"), stratum=stratum.astype("category"))
    return given, count
