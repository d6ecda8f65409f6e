"""A wave that asks some groups more often still estimates everybody without bias.

The truth is known: a population of age x gender x guardian in three cities, whose mean answer
depends on all three and on their interactions. Samples are drawn from it as the plan asks for.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from survey.frame.city_frame import shipped_cities
from survey.frame.population_margins import SPLIT_BANDS, main_margins
from survey.frame.quotas import (
    ELDERLY,
    GUARDIAN,
    GUARDIAN_BY_AGE,
    Oversampling,
    group_shares,
    plan_quotas,
    sample_share,
)
from survey.results.analysis import WEIGHT, NotEstimableError, add_weights
from survey.results.weighting import CellMerge

CITIES = [city for city in shipped_cities() if city.code in {"110000", "420500", "540100"}]
SIZE = pd.Series({city.code: 538 for city in CITIES})
SHARES = group_shares(CITIES, "main")[GUARDIAN]
BOOSTS = {ELDERLY: 3.0, GUARDIAN: 2.0}
KNOWN = Oversampling(3.0, 2.0, SHARES.to_dict())
SPREAD = 12.0
REPEATS = 80


def _mean(band: pd.Series, gender: pd.Series, guardian: pd.Series) -> pd.Series:
    """A strong gradient with age, and guardians who are the more critical the younger they are."""
    old = (
        band.astype(str).map({name: place for place, name in enumerate(SPLIT_BANDS)}).astype(float)
    )
    critical = guardian.eq("yes") * (14.0 - 2.0 * old)
    return 60 + 2.0 * old + 9.0 * band.eq("60-70") + 2.0 * gender.eq("male") - critical


def _population() -> pd.DataFrame:
    cells = main_margins(CITIES, SPLIT_BANDS).table
    share = cells["age_band"].map(GUARDIAN_BY_AGE)
    return pd.concat(
        [
            cells.assign(guardian="yes", population=cells["population"] * share),
            cells.assign(guardian="no", population=cells["population"] * (1 - share)),
        ]
    )


def _truth() -> float:
    people = _population()
    mean = _mean(people["age_band"], people["gender"], people["guardian"])
    return float(np.average(mean, weights=people["population"]))


@lru_cache(maxsize=1)
def _quota() -> pd.DataFrame:
    return plan_quotas(CITIES, "main", SIZE, oversampling=KNOWN).cells


def _sample(rng: np.random.Generator) -> pd.DataFrame:
    """Every cell filled; inside it guardians are met at twice their odds."""
    cells = _quota()
    frame = cells.loc[cells.index.repeat(cells["target"]), ["city_code", "age_band", "gender"]]
    frame = frame.reset_index(drop=True)
    share = sample_share(frame["age_band"].map(GUARDIAN_BY_AGE), BOOSTS[GUARDIAN])
    yes = rng.random(len(frame)) < share
    frame["guardian"] = pd.Categorical(np.where(yes, "yes", "no"), categories=["yes", "no"])
    frame["age"] = frame["age_band"].map({name: low for name, (low, _) in SPLIT_BANDS.items()})
    mean = _mean(frame["age_band"], frame["gender"], frame["guardian"])
    frame["y"] = mean + rng.normal(0, SPREAD, len(frame))
    frame["age_band"] = frame["age_band"].replace({"55-59": "55-70", "60-70": "55-70"})
    return frame


def _estimates(oversampling: Oversampling | None) -> np.ndarray:
    rng = np.random.default_rng(20260520)
    estimates = []
    for _ in range(REPEATS):
        people, _report = add_weights(_sample(rng), "main", oversampling)
        estimates.append(np.average(people["y"], weights=people[WEIGHT]))
    return np.array(estimates)


@pytest.mark.slow
def test_the_national_estimate_of_an_oversampled_wave_is_unbiased() -> None:
    estimates = _estimates(KNOWN)
    error = estimates.std(ddof=1) / np.sqrt(REPEATS)
    assert abs(estimates.mean() - _truth()) < 3 * error
    assert error < 0.06


@pytest.mark.slow
@pytest.mark.parametrize(
    "forgotten", [None, Oversampling(3.0, 1.0), Oversampling(1.0, 2.0, SHARES.to_dict())]
)
def test_forgetting_either_group_would_be_visible(forgotten: Oversampling | None) -> None:
    assert abs(_estimates(forgotten).mean() - _truth()) > 0.2


def test_weights_bring_guardians_back_even_where_the_field_missed_its_quota() -> None:
    sample = _sample(np.random.default_rng(1))
    lost = sample[(sample["guardian"] == "no") | (sample.index % 3 > 0)]
    people, report = add_weights(lost, "main", KNOWN)
    weight = people.groupby(["city_code", "guardian"], observed=True)[WEIGHT].sum().unstack()
    assert np.allclose(weight["yes"] / weight.sum(axis=1), SHARES.reindex(weight.index))
    assert report.oversampled == (ELDERLY, GUARDIAN)
    assert report.merges == ()


def test_a_city_without_a_guardian_keeps_its_weights_and_says_so() -> None:
    sample = _sample(np.random.default_rng(2))
    alone = sample[(sample["city_code"] != "540100") | (sample["guardian"] == "no")]
    _people, report = add_weights(alone, "main", KNOWN)
    assert CellMerge(city_code="540100", cells=("guardian=yes", "guardian=no")) in report.merges


def test_guardians_who_did_not_say_so_keep_their_share() -> None:
    sample = _sample(np.random.default_rng(3))
    sample.loc[sample.index % 10 == 0, "guardian"] = None
    people, _report = add_weights(sample, "main", KNOWN)
    weight = people.groupby(["city_code", "guardian"], observed=True)[WEIGHT].sum().unstack()
    assert np.allclose(weight["yes"] / weight.sum(axis=1), SHARES.reindex(weight.index))


@pytest.mark.parametrize("column", ["age", "guardian"])
def test_answers_that_cannot_undo_the_plan_give_no_figure(column: str) -> None:
    sample = _sample(np.random.default_rng(4)).drop(columns=column)
    with pytest.raises(NotEstimableError, match=column):
        add_weights(sample, "main", KNOWN)
