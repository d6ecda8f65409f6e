"""Quantiles with Woodruff's intervals and Rao-Scott tests, against R `survey`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey.estimate.association import CrossSums, check_association
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


def sum_distribution(sample, values, domain=None, domains=1):
    grid, place = np.unique(values[~np.isnan(values)], return_inverse=True)
    places = np.full(len(values), -1)
    places[~np.isnan(values)] = place
    home = np.zeros(len(values), dtype=int) if domain is None else domain
    return DistributionSums.collect(sample, places, len(grid), home, domains), grid


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
    home, names = pd.factorize(frame["stype"])
    values = frame["api00"].to_numpy(float)
    parts, grid = sum_distribution(sample, values, home, len(names))
    whole, _ = sum_distribution(sample, values)
    joined = parts.together(np.zeros(len(names), dtype=int), 1)
    pd.testing.assert_frame_equal(
        estimate_quantiles(joined, grid), estimate_quantiles(whole, grid), atol=1e-9
    )
    assert estimate_quantiles(parts, grid)["n"].tolist() == [
        count for name in names for count in [(frame["stype"] == name).sum()] * 3
    ]


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
    sums = DistributionSums.collect(sample, np.array([0, 1, 2, 2, -1]), 3, np.zeros(5, int), 2)
    found = estimate_quantiles(sums, np.array([10.0, 20, 30]))
    assert found["estimate"].tolist()[:3] == [10, 20, 30]
    assert found["estimate"][3:].isna().all()
    assert found["ci_low"].isna().all()
    assert found["n"].tolist() == [4, 4, 4, 0, 0, 0]
    with pytest.raises(EstimateError, match="grid"):
        estimate_quantiles(sums, np.array([10.0, 20]))


PAIRS = [("stype", "sch_wide"), ("awards", "stype"), ("sch_wide", "awards")]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", DESIGNS)
def test_association_equals_r(name, pair):
    frame, sample = read_case(name)
    (row, rows), (column, columns) = (pd.factorize(frame[each], sort=True) for each in pair)
    # A row and a column that nobody is in change nothing.
    found = check_association(
        CrossSums.collect(sample, row, column, (len(rows) + 1, len(columns) + 1))
    )
    expected = R_CASES[f"test|{name}|{pair[0]}|{pair[1]}"]
    assert found is not None
    for key in ("statistic", "ndf", "ddf", "p"):
        assert getattr(found, key) == pytest.approx(expected[key], rel=1e-8)


def test_strata_add_up_and_a_table_of_one_column_has_no_test():
    frame, sample = read_case("clus1_strata")
    row, column = (pd.factorize(frame[each], sort=True)[0] for each in ("sch_wide", "awards"))
    whole = CrossSums.collect(sample, row, column, (2, 2))
    parts = []
    for kind in frame["stype"].unique():
        inside = (frame["stype"] == kind).to_numpy()
        part = Sample.read(frame[inside], DESIGNS["clus1_strata"][1])
        parts.append(CrossSums.collect(part, row[inside], column[inside], (2, 2)))
    joined = parts[0].add(parts[1]).add(parts[2])
    assert joined.covariance == pytest.approx(whole.covariance)
    assert joined.df == whole.df
    assert check_association(joined).p == pytest.approx(check_association(whole).p)
    assert check_association(CrossSums.collect(sample, row, column * 0, (2, 1))) is None
