"""Sample sizes: the floor, proportionality above it, and totals that add up."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from survey.frame.city_frame import shipped_cities
from survey.frame.population_margins import main_margins
from survey.frame.quotas import FLOOR, allocate, largest_remainders, quota_targets
from tests.error_codes import raises_code


def test_the_floor_is_the_planning_figure() -> None:
    assert FLOOR == 538  # 384 x 1.4 = 537.6


def test_by_hand() -> None:
    """1000 interviews, floor 200, populations 10 : 30 : 60.

    Proportional would be 100 : 300 : 600; the first is raised to 200 and 800 are shared 30 : 60.
    """
    people = pd.Series([10.0, 30.0, 60.0], index=["a", "b", "c"])
    assert allocate(people, total=1000, floor=200).to_dict() == {"a": 200, "b": 267, "c": 533}


def test_raising_one_city_can_push_another_below() -> None:
    people = pd.Series([1.0, 21.0, 78.0], index=["a", "b", "c"])
    sizes = allocate(people, total=1000, floor=200)
    assert sizes.to_dict() == {"a": 200, "b": 200, "c": 600}


def test_the_shipped_cities() -> None:
    population = main_margins(shipped_cities()).city_totals()
    sizes = allocate(population)
    assert sizes.sum() == 62_000
    assert sizes.min() == 538
    assert sizes.idxmax() == "500000"
    free = sizes[sizes > FLOOR + 1]
    ratio = free / population[free.index]
    assert ratio.max() / ratio.min() < 1.002


def test_too_few_interviews_are_refused_in_words() -> None:
    people = pd.Series([1.0, 2.0], index=["a", "b"])
    with raises_code("allocation", match="cannot give 2 cities 538 each"):
        allocate(people, total=1000)


@given(
    st.lists(st.floats(1e3, 1e8), min_size=1, max_size=40), st.integers(1, 50), st.integers(0, 5000)
)
def test_any_allocation_adds_up_and_respects_the_floor(
    people: list[float], floor: int, extra: int
) -> None:
    population = pd.Series(people, index=[str(i) for i in range(len(people))])
    total = floor * len(people) + extra
    sizes = allocate(population, total=total, floor=floor).to_numpy()
    assert sizes.sum() == total
    assert sizes.min() >= floor
    order = np.argsort(people, kind="stable")
    assert (np.diff(sizes[order]) >= -1).all()


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50))
def test_largest_remainders_stay_within_one(values: list[float]) -> None:
    exact = np.array(values)
    total = round(exact.sum())
    exact = exact * total / exact.sum() if exact.sum() else exact
    whole = largest_remainders(exact, total)
    assert whole.sum() == total
    assert (np.abs(whole - exact) < 1 + 1e-6).all()


def test_quota_cells_add_up_to_the_city_and_follow_its_people() -> None:
    margins = main_margins(shipped_cities())
    sizes = allocate(margins.city_totals())
    targets = quota_targets(margins, sizes)
    assert targets.groupby("city_code")["target"].sum().to_dict() == sizes.to_dict()
    beijing = targets[targets["city_code"] == "110000"]["target"].to_numpy()
    people = margins.table[margins.table["city_code"] == "110000"]["population"].to_numpy()
    assert np.abs(beijing - sizes["110000"] * people / people.sum()).max() < 1


def test_a_reserve_is_rounded_once_for_a_city_and_takes_from_no_cell() -> None:
    margins = main_margins(shipped_cities()[:2])
    sizes = pd.Series([600, 61], index=["110000", "120000"])
    plain = quota_targets(margins, sizes)
    more = quota_targets(margins, sizes, reserve=0.1)
    assert more.groupby("city_code")["target"].sum().to_dict() == {"110000": 660, "120000": 68}
    assert (more["target"] >= plain["target"]).all()
    assert (more["target"] <= plain["target"] * 1.1 + 2).all()
