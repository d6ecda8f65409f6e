"""Quantiles with Woodruff's intervals, against R `survey`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey.estimate.design import Design, Sample
from survey.estimate.errors import EstimateError
from survey.estimate.quantiles import QUARTILES, DistributionSums, estimate_quantiles

DATA = Path(__file__).parent / "data"
R_CASES = pd.read_csv(DATA / "r_quantiles.csv").set_index(["case", "key"])["value"]
DESIGNS = {
    "strat": ("apistrat", Design("w", "stype", "snum", "fpc")),
    "clus1": ("apiclus1", Design("w", None, "dnum")),
    "clus1_strata": ("apiclus1", Design("w", "stype", "dnum")),
    "clus2": ("apiclus2", Design("w", None, "dnum")),
}


def read_case(name):
    file, design = DESIGNS[name]
    frame = pd.read_csv(DATA / f"{file}.csv")
    frame["w"] = frame["pw"] * (1 + frame["api99"] / 3000)
    return frame, Sample.read(frame, design)


def sum_distribution(sample, values):
    grid = np.unique(values[~np.isnan(values)])
    places = np.where(np.isnan(values), -1, np.searchsorted(grid, values))
    return DistributionSums.collect(sample, places, len(grid)), grid


@pytest.mark.parametrize("variable", ["api00", "enroll", "acs_46"])
@pytest.mark.parametrize("name", DESIGNS)
def test_quantiles_equal_r(name, variable):
    frame, sample = read_case(name)
    sums, grid = sum_distribution(sample, frame[variable].to_numpy(float))
    found = estimate_quantiles(sums, grid).set_index("probability")
    for p in QUARTILES:
        expected = R_CASES[f"quantile|{name}|{variable}|{p:g}"]
        for column in ("estimate", "ci_low", "ci_high"):
            assert found.loc[p, column] == pytest.approx(expected[column], abs=1e-8)


def test_domains_together_are_the_whole():
    frame, sample = read_case("clus1_strata")
    values = frame["api00"].to_numpy(float)
    whole, grid = sum_distribution(sample, values)
    parts = []
    for _, own in frame.groupby("stype", sort=False):
        place = np.searchsorted(grid, own["api00"].to_numpy(float))
        part = Sample.read(own, DESIGNS["clus1_strata"][1])
        parts.append(DistributionSums.collect(part, place, len(grid)))
    joined = DistributionSums.join(parts)
    pd.testing.assert_frame_equal(
        estimate_quantiles(joined.together(), grid), estimate_quantiles(whole, grid), atol=1e-9
    )
    counts = frame["stype"].value_counts(sort=False)
    assert estimate_quantiles(joined, grid)["n"].tolist() == np.repeat(counts, 3).tolist()


def test_without_points_the_assumed_design_effect_widens_the_interval():
    values = np.repeat(np.arange(101.0), 4)
    frame = pd.DataFrame({"w": 1.0, "s": "a"}, index=range(len(values)))
    sample = Sample.read(frame, Design("w", "s", assumed_deff=1.4))
    sums, grid = sum_distribution(sample, values)
    found = estimate_quantiles(sums, grid, assumed_deff=1.4).set_index("probability")
    # Half of 404 people lie at 50 or below it: 204 of them. t is 1.966, se = sqrt(1.4 / 4 / 403).
    middle, half_width = 204 / 404, 1.9658 * (1.4 * 204 / 404 * 200 / 404 / 403) ** 0.5
    assert found.loc[0.5, "estimate"] == 50
    assert found.loc[0.5, "ci_low"] == np.ceil((middle - half_width) * 101) - 1
    assert found.loc[0.5, "ci_high"] == np.ceil((middle + half_width) * 101) - 1


def test_one_point_has_a_median_without_an_interval_and_nobody_has_none():
    frame = pd.DataFrame({"w": 1.0, "p": "x"}, index=range(5))
    sample = Sample.read(frame, Design("w", None, "p"))
    places = np.array([0, 1, 2, 2, -1]), np.full(5, -1)
    sums = DistributionSums.join([DistributionSums.collect(sample, each, 3) for each in places])
    found = estimate_quantiles(sums, np.array([10.0, 20, 30]))
    assert found["estimate"].tolist()[:3] == [10, 20, 30]
    assert found["estimate"][3:].isna().all()
    assert found["ci_low"].isna().all()
    assert found["n"].tolist() == [4, 4, 4, 0, 0, 0]
    with pytest.raises(EstimateError, match="grid"):
        estimate_quantiles(sums, np.array([10.0, 20]))
