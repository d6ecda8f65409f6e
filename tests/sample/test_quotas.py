"""Quota cells and margins: they add up, keep the floor, and aim where the factors say."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import (
    ELDERLY,
    GUARDIAN,
    RURAL,
    Oversampling,
    group_shares,
    plan_quotas,
    sample_share,
    weighting_design_effect,
)
from survey.frame.sample_size import PrecisionTarget, compute_sample, evaluate_sample
from tests.error_codes import raises_code

CITIES = shipped_cities()[:4]
SIZE = pd.Series({city.code: 538 + place for place, city in enumerate(CITIES)})
GUARDIANS = group_shares(CITIES, "main")[GUARDIAN]


def _sum(table: pd.DataFrame, **where: str) -> pd.Series:
    for column, value in where.items():
        table = table[table[column] == value]
    return table.groupby("city_code")["target"].sum().reindex(SIZE.index)


def test_crossed_cells_add_up_and_the_strata_follow_the_census() -> None:
    quotas = plan_quotas(CITIES, "main", SIZE)
    assert (_sum(quotas.cells) == SIZE).all()
    assert set(quotas.margins["dimension"]) == {"stratum"}
    assert (_sum(quotas.margins) == SIZE).all()
    rural = _sum(quotas.margins, category="rural") / SIZE
    assert np.allclose(rural, [1 - city.urbanization_rate for city in CITIES], atol=1 / 538)


def test_marginal_quotas_are_the_sums_of_the_cells() -> None:
    quotas = plan_quotas(CITIES, "main", SIZE, crossed=False, reserve=0.1)
    for dimension in ("age_band", "gender"):
        for category, cells in quotas.cells.groupby(dimension):
            margin = _sum(quotas.margins, dimension=dimension, category=str(category))
            assert (margin == cells.groupby("city_code")["target"].sum()).all()


def test_asking_the_elderly_three_times_as_often_cuts_their_band_off_and_triples_their_odds() -> (
    None
):
    shares = group_shares(CITIES, "main")
    quotas = plan_quotas(CITIES, "main", SIZE, oversampling=Oversampling(3.0))
    assert {"55-59", "60-70"} <= set(quotas.cells["age_band"])
    asked = _sum(quotas.cells, age_band="60-70") / SIZE
    odds = (asked / (1 - asked)) / (shares[ELDERLY] / (1 - shares[ELDERLY]))
    assert np.allclose(odds, 3.0, rtol=0.02)
    assert "55-70" in set(plan_quotas(CITIES, "main", SIZE).cells["age_band"])


def test_guardians_get_a_target_of_their_own() -> None:
    quotas = plan_quotas(
        CITIES, "main", SIZE, oversampling=Oversampling(1.0, 2.0, GUARDIANS.to_dict())
    )
    yes = _sum(quotas.margins, dimension="guardian", category="yes")
    assert ((yes / SIZE - sample_share(GUARDIANS, 2.0)).abs() < 1 / 500).all()
    assert (yes + _sum(quotas.margins, dimension="guardian", category="no") == SIZE).all()


def test_the_supplements_have_their_own_cells() -> None:
    elderly = plan_quotas(CITIES, "elderly", SIZE)
    assert set(elderly.cells["age_band"]) == {"60-69", "70-79", "80+"}
    minors = plan_quotas(CITIES, "minors", SIZE)
    assert minors.cells.empty
    assert (_sum(minors.margins, dimension="school_stage") == SIZE).all()


@pytest.mark.parametrize("series", ["main", "elderly", "minors"])
def test_shares_are_shares_of_the_people_asked(series: str) -> None:
    shares = group_shares(shipped_cities(), series)
    assert RURAL in shares
    parts = [share for name, share in shares.items() if name.startswith(("age_band", "school"))]
    assert all(share.between(0, 1).all() for share in shares.values())
    assert not parts or np.allclose(sum(parts), 1.0)


@given(share=st.floats(0.001, 0.999), factor=st.floats(1, 10))
def test_unequal_weights_cost_what_kish_says(share: float, factor: float) -> None:
    series = pd.Series([share])
    asked = float(sample_share(series, factor).iloc[0])
    weights = np.array([share / asked, (1 - share) / (1 - asked)])
    parts = np.array([asked, 1 - asked])
    kish = (parts * weights**2).sum() / (parts * weights).sum() ** 2
    assert float(weighting_design_effect(series, factor).iloc[0]) == pytest.approx(kish)
    assert kish >= 1 - 1e-9


def test_oversampling_sharpens_the_group_and_blunts_the_city() -> None:
    shares = group_shares(CITIES, "main")
    plain, more = (
        evaluate_sample(SIZE, PrecisionTarget(total=2_200), shares=shares, boosts=boosts)
        for boosts in ({}, {ELDERLY: 3.0})
    )
    assert (more.cities["half_width"] > plain.cities["half_width"]).all()
    assert (plain.missed, more.missed) == (0, len(CITIES))
    before, after = (
        plan.groups.set_index(["group", "city_code"])["half_width"] for plan in (plain, more)
    )
    assert (after[ELDERLY] < before[ELDERLY]).all()
    assert (after[GUARDIAN] > before[GUARDIAN]).all()


@pytest.mark.parametrize("boosts", [{ELDERLY: 0.5}, {"income=lt3000": 2.0}])
def test_asking_less_often_or_an_unknown_group_is_refused(boosts: dict[str, float]) -> None:
    with raises_code("sample_plan", match="more often"):
        compute_sample(
            SIZE, PrecisionTarget(total=3_000), shares=group_shares(CITIES, "main"), boosts=boosts
        )


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 5_000), min_size=4, max_size=4),
    elderly=st.floats(1, 5),
    guardians=st.floats(1, 5),
    reserve=st.floats(0, 0.5),
    crossed=st.booleans(),
)
def test_whatever_is_planned_targets_add_up(
    sizes: list[int], elderly: float, guardians: float, reserve: float, crossed: bool
) -> None:
    size = pd.Series(sizes, index=SIZE.index)
    quotas = plan_quotas(
        CITIES,
        "main",
        size,
        oversampling=Oversampling(elderly, guardians, GUARDIANS.to_dict()),
        crossed=crossed,
        reserve=reserve,
    )
    cells = quotas.cells.groupby("city_code")["target"].sum().reindex(size.index)
    strata = quotas.margins[quotas.margins["dimension"] == "stratum"]
    planned = np.ceil(size * (1 + reserve) - 1e-9)
    assert (cells == planned).all()
    assert (strata.groupby("city_code")["target"].sum().reindex(size.index) == planned).all()
    assert (quotas.margins["target"] >= 0).all()
