"""Analysis frame of a snapshot, with groups, weights and design; and inference on it."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.disclosure import MINIMUM_N
from survey.disclosure.suppression import encode_labels
from survey.estimate import Design, DfRule, EstimateError, bound_interval, is_error_silent
from survey.estimate.arrays import Floats
from survey.estimate.change import benjamini_hochberg
from survey.estimate.design import encode
from survey.frame.city_frame import shipped_cities
from survey.frame.population_margins import (
    SPLIT_BANDS,
    PopulationMargins,
    elderly_margins,
    main_margins,
    minors_margins,
)
from survey.frame.quotas import (
    ELDERLY,
    GUARDIAN,
    VILLAGE_SERIES,
    Oversampling,
    count_rural_residents,
)
from survey.locale import RefusedError, SurveyError, msg
from survey.results.domains import BANDS, age_band_of, list_counts
from survey.results.weighting import GUARDIAN as GUARDIAN_ITEM
from survey.results.weighting import WeightingReport, rake_weights, read_given_weights
from survey.snapshots.snapshot_files import WithoutPoint

SCALE = 100.0
"""Scores and rates lie between 0 and this, their differences between this and its negative."""
_NOT_ESTIMABLE = "not_estimable"


def pool_design_effects(
    cells: pd.DataFrame, *, otherwise: float, unbounded: Collection[str] = ()
) -> Floats:
    """Return design effects of cells, pooled over areas without `unbounded` counts, or `otherwise`.

    The sum of their variances over the sum of what simple random samples would have, at least 1: a
    cell of few or no differing answers says nothing of its own (Franco, Little, Louis and Slud
    2019). Where nobody of the level differed, that of all its indicators in the group; without any,
    `otherwise`. Cells with fewer than `MINIMUM_N` people, which are hidden, take no part; nor do
    the `unbounded` indicators, which are no scores and rates.
    """
    se, deff = (cells[name].to_numpy(dtype=float) for name in ("se", "deff"))
    used = (deff > 0) & (se > 0) & (cells["n"].to_numpy(dtype=float) >= MINIMUM_N)
    used &= ~cells["indicator"].isin(list(unbounded)).to_numpy()
    variance = np.where(used, se, 0.0) ** 2
    simple = variance / np.where(used, deff, 1.0)
    keys = cells[["area_level", "group"]], cells[["area_level", "group", "indicator"]]
    result = np.full(len(cells), otherwise)
    for columns in keys:
        place = np.zeros(len(cells), dtype=np.int64)
        for name in columns:
            codes, labels = encode_labels(cells[name])
            place = place * len(labels) + codes
        sums = (np.bincount(place, weights=each)[place] for each in (variance, simple))
        over, under = sums
        known = under > 0
        result[known] = np.maximum(over[known] / under[known], 1.0)
    return result


def bound_rate_intervals(
    cells: pd.DataFrame,
    rates: Collection[str],
    *,
    level: float,
    deff: npt.ArrayLike,
    unbounded: Collection[str] = (),
) -> pd.DataFrame:
    """Return cells with intervals within 0-100, of `rates` on log odds; `unbounded` ones unchanged.

    Args:
        rates: indicators whose interval is on the log odds throughout, as `survey.estimate.share`
            computes it; that of a score only where the t interval would leave the scale.
        deff: what divides n for rates near 0 and 100 and where all answers agree, for all rows or
            each, see `pool_design_effects`.
        unbounded: indicators that are numbers of something, and keep their t interval.
    """
    row = np.flatnonzero(~cells["indicator"].isin(list(unbounded)))
    asked = ["indicator", "estimate", "se", "df", "n", "ci_low", "ci_high"]
    part = cells[asked].iloc[row]
    is_rate = part["indicator"].isin(list(rates)).to_numpy()
    figures = (part[name].to_numpy(dtype=float) for name in ("estimate", "se", "df", "n"))
    estimate, se, df, n = figures
    size = n / np.broadcast_to(deff, len(cells))[row]
    low, high = bound_interval(estimate, se, df, size, level=level, logit=is_rate)
    linear = part[["ci_low", "ci_high"]].to_numpy(dtype=float)
    is_within_scale = ((linear >= 0) & (linear <= SCALE)).all(axis=1)
    kept = ~is_rate & is_within_scale & ~is_error_silent(se, SCALE)
    result = cells.copy(deep=False)
    for name, ends in (("ci_low", low), ("ci_high", high)):
        values = result[name].to_numpy(dtype=float, copy=True)
        values[row] = np.where(kept, values[row], ends)
        result[name] = values
    return result


def bound_difference_intervals(
    table: pd.DataFrame, unbounded: Collection[str] = ()
) -> pd.DataFrame:
    """Return differences with intervals cut to ±100, except of indicators `unbounded` (counts).

    Where the estimated error is 0, because all on both sides agreed with their own, the sample does
    not tell how far the truth may lie: no interval, no test, `not_estimable`.
    """
    result = table.copy(deep=False)
    on_scale = ~table["indicator"].isin(list(unbounded)).to_numpy()
    mute = on_scale & is_error_silent(table["se"].to_numpy(dtype=float), SCALE)
    for name in ("ci_low", "ci_high"):
        values = table[name].to_numpy(dtype=float)
        values = np.where(on_scale, np.clip(values, -SCALE, SCALE), values)
        result[name] = np.where(mute, np.nan, values)
    result["p"] = np.where(mute, np.nan, table["p"].to_numpy(dtype=float))
    codes, labels = encode_labels(table["status"])
    every = sorted({*labels, _NOT_ESTIMABLE})
    status = np.array([every.index(label) for label in labels], dtype=np.int8)[codes]
    status[mute] = every.index(_NOT_ESTIMABLE)
    result["status"] = pd.Categorical.from_codes(status, pd.Index(every)).remove_unused_categories()
    return result


Q = 0.05
"""False discovery rate at which a difference is called one."""
HIGHER, LOWER, NONE = "higher", "lower", "none"
UNTESTED = ""
"""Verdict of a row that is hidden or cannot be tested."""
_FAMILY = ("contrast", "before_wave", "area_level", "group", "indicator")


def add_verdicts(
    table: pd.DataFrame, *, up: str = HIGHER, down: str = LOWER, family: Sequence[str] = _FAMILY
) -> pd.DataFrame:
    """Return differences with a verdict (`up`, `down` …), P adjusted over rows of equal `family`.

    P values are adjusted by Benjamini and Hochberg over the rows that are shown and have the same
    values in the columns of `family`; by default over the areas, for each contrast, area level,
    group and indicator: what a page lists is one family, and a hidden row is in none. A difference
    is `up` or `down` where the adjusted P is at most `Q` and the status is `ok`; whatever else can
    be tested is `none`.
    """
    p = np.where(table["shown"], table["p"].to_numpy(dtype=float), np.nan)
    names = [name for name in family if name in table.columns]
    families = table.groupby(names, observed=True, sort=False).ngroup()
    adjusted = benjamini_hochberg(p, np.asarray(families, dtype=np.int64))
    difference = table["difference"].to_numpy(dtype=float)
    sure = (adjusted <= Q) & (table["status"] == "ok").to_numpy()
    verdicts = np.select(
        [np.isnan(adjusted), sure & (difference > 0), sure & (difference < 0)],
        [UNTESTED, up, down],
        default=NONE,
    )
    verdict = pd.Categorical(verdicts, categories=[up, down, NONE, UNTESTED])
    return table.assign(p_adjusted=adjusted, verdict=verdict)


ASSUMED_DEFF = 1.4
"""The survey's own planning figure; used, and said, where no sampling points were recorded."""
DF_RULE: DfRule = "weighted"
"""Degrees of freedom where a group lives: with R's count the intervals of villagers by city held
the truth 90 % of the time (docs/statistics.md)."""
WEIGHT = "weight"
STRATUM = "stratum_key"
_MARGINS = {"main": main_margins, "elderly": elderly_margins, "minors": minors_margins}


@cache
def _shipped_margins(series: str, *, split: bool = False) -> PopulationMargins:
    """Return the census margins of the shipped cities for a series; the same object each time.

    Args:
        split: with a band of its own for people of 60 and over, as `SPLIT_BANDS` has it.
    """
    cities = shipped_cities()
    return main_margins(cities, SPLIT_BANDS) if split else _MARGINS[series](cities)


class NotEstimableError(SurveyError):
    """Raised when the responses do not carry the estimates asked for."""

    code = "not_estimable"


def analysis_frame(frame: pd.DataFrame, series: str) -> pd.DataFrame:
    """Return the responses with added columns for the stratum within the city and the age band."""
    derived = frame.copy(deep=False)
    city_codes, cities = encode(frame["city_code"])
    assert (city_codes >= 0).all(), "a response without a city"
    codes, kinds = encode(frame["stratum"])
    # City and stratum of each row as one text, made once for each pair.
    pairs = [[f"{code}:{kind}" for kind in (*kinds, "")] for code in cities]
    names = np.array(pairs, dtype=object).reshape(len(cities), len(kinds) + 1)
    derived[STRATUM] = pd.Series(names[city_codes, codes], index=frame.index, dtype=object)
    if "age" in derived:
        derived["age_band"] = age_band_of(derived["age"], BANDS.get(series, {}))
    return derived


def add_weights(
    frame: pd.DataFrame, series: str, oversampling: Oversampling | None = None
) -> tuple[pd.DataFrame, WeightingReport]:
    """Return the analysis frame with its weights, which undo `oversampling`, and a report on them.

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
    population = margins or _shipped_margins("main")
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
    """Raise `NotEstimableError` for interviews from cities that have no population in `totals`."""
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
    """Raise `NotEstimableError` if `frame` or `margins` lack what undoing the `boosts` needs."""
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
    """Return the sampling design: PSUs within strata, or an assumed design effect without PSUs."""
    if frame["psu"].isna().any():
        return Design(weight=WEIGHT, strata=STRATUM, assumed_deff=ASSUMED_DEFF)
    return Design(weight=WEIGHT, strata=STRATUM, psu="psu", lonely_psu="adjust")


def _margins_of(
    series: str, frame: pd.DataFrame, boosts: Mapping[str, float]
) -> PopulationMargins | None:
    if series not in _MARGINS:
        return None
    margins = _shipped_margins(series, split=series == "main" and ELDERLY in boosts)
    return margins if set(margins.cells) <= set(frame.columns) else None


NO_POINT = "(no point)"
"""Stratum of a city's interviews without a point; each stands for itself in it."""


def require_points(missing: Mapping[str, int], way: WithoutPoint) -> None:
    """Raise `RefusedError` if `missing` (count by city) has responses and `way` refuses them.

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
    """Return responses with points in all rows or none, and how many got a point of their own.

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
