"""Weights meet the population margins, city totals and declared merges."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.frame.population_margins import PopulationMargins
from survey.results.weighting import rake_weights

BANDS = ("15-24", "25-34", "35-70")
POPULATION = {
    ("A", "15-24", "female"): 100.0,
    ("A", "15-24", "male"): 110.0,
    ("A", "25-34", "female"): 200.0,
    ("A", "25-34", "male"): 190.0,
    ("A", "35-70", "female"): 400.0,
    ("A", "35-70", "male"): 500.0,
}


def margins() -> PopulationMargins:
    rows = [(*key, value) for key, value in POPULATION.items()]
    table = pd.DataFrame(rows, columns=["city_code", "age_band", "gender", "population"])
    return PopulationMargins(table, ("age_band", "gender"), "test", 2020, "derived")


def people(cells: list[tuple[str | None, str | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"city_code": "A", "age_band": [c[0] for c in cells], "gender": [c[1] for c in cells]}
    )


ALL_CELLS = [(band, gender) for band in BANDS for gender in ("female", "male")]


def test_every_cell_gets_its_population_share_of_the_city_total() -> None:
    frame = people(ALL_CELLS * 3)
    weights, report = rake_weights(frame, {"A": 3000.0}, margins())
    total = sum(POPULATION.values())
    sums = weights.groupby([frame["age_band"], frame["gender"]]).sum()
    for key, weight in sums.items():
        assert weight == pytest.approx(3000 * POPULATION["A", *key] / total)
    assert report.merges == ()
    assert report.largest_misfit < 1e-8


def test_an_empty_cell_is_merged_with_its_neighbour_and_the_merge_is_recorded() -> None:
    frame = people([c for c in ALL_CELLS if c != ("15-24", "male")] * 2)
    weights, report = rake_weights(frame, {"A": 1500.0}, margins())
    young_men = weights[(frame["age_band"] == "25-34") & (frame["gender"] == "male")].sum()
    assert young_men == pytest.approx(1500 * (110 + 190) / 1500)
    assert [merge.cells for merge in report.merges] == [("15-24:male", "25-34:male")]


def test_the_last_empty_cell_joins_the_one_before_in_the_same_gender() -> None:
    frame = people([c for c in ALL_CELLS if c != ("35-70", "female")])
    weights, _ = rake_weights(frame, {"A": 1500.0}, margins())
    women = weights[frame["gender"] == "female"].sum()
    assert women == pytest.approx(100 + 200 + 400)


def test_without_any_man_the_women_stand_for_the_whole_city_and_it_is_recorded() -> None:
    frame = people([c for c in ALL_CELLS if c[1] == "female"])
    weights, report = rake_weights(frame, {"A": 1500.0}, margins())
    assert weights.sum() == pytest.approx(1500)
    assert {cell for merge in report.merges for cell in merge.cells} >= {"15-24:male"}


def test_people_of_unknown_age_keep_their_base_weight() -> None:
    frame = people([*ALL_CELLS * 2, (None, "male"), ("15-24", None)])
    weights, report = rake_weights(frame, {"A": 1400.0}, margins())
    assert weights.iloc[-2:].tolist() == pytest.approx([100.0, 100.0])
    assert weights.sum() == pytest.approx(1400)
    assert report.unknown == 2


def test_without_margins_a_city_shares_its_total_equally() -> None:
    frame = pd.DataFrame({"city_code": ["A", "A", "B"]})
    weights, report = rake_weights(frame, {"A": 10.0, "B": 7.0}, None)
    assert weights.tolist() == [5.0, 5.0, 7.0]
    assert report.margin == ()


@given(st.lists(st.sampled_from(ALL_CELLS), min_size=1, max_size=40))
def test_the_city_total_is_always_met(cells: list[tuple[str, str]]) -> None:
    weights, report = rake_weights(people(cells), {"A": 1234.0}, margins())
    assert weights.sum() == pytest.approx(1234.0, rel=1e-8)
    assert np.isfinite(report.kish_deff)
    assert (weights > 0).all()
