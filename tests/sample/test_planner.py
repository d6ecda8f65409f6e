"""The sample-size planner: hand-computed sizes, and promises that hold for any plan."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.frame.sample_size import AllocationRule, PrecisionTarget, compute_sample
from tests.error_codes import raises_code

THREE = pd.Series({"110000": 9_000_000, "320500": 4_000_000, "410500": 1_000_000})


def test_the_survey_s_own_floor() -> None:
    assert PrecisionTarget().floor == 538
    assert PrecisionTarget(deff=1.0).floor == 385
    assert PrecisionTarget(margin=3.0, deff=1.0).floor == 1068
    assert PrecisionTarget(level=0.99, deff=1.0).floor == 664


def test_sizes_by_hand() -> None:
    aim = PrecisionTarget(margin=10, deff=1.0, total=1_400)
    assert aim.floor == 97
    sizes = {
        rule: compute_sample(
            THREE, PrecisionTarget(margin=10, deff=1.0, total=1_400, rule=rule)
        ).cities["size"]
        for rule in AllocationRule
    }
    assert sizes[AllocationRule.PROPORTIONAL].tolist() == [900, 400, 100]
    assert sizes[AllocationRule.SQUARE_ROOT].tolist() == [700, 467, 233]
    assert sizes[AllocationRule.EQUAL].tolist() == [467, 467, 466]


def test_a_small_city_is_raised_to_the_floor() -> None:
    plan = compute_sample(THREE, PrecisionTarget(total=2_000))
    assert plan.cities["size"].tolist() == [924, 538, 538]
    assert plan.cities["half_width"].round(2).tolist() == [3.81, 5.0, 5.0]


def test_what_a_special_group_can_tell() -> None:
    share = pd.Series({"110000": 0.2, "320500": 0.1, "410500": 0.0})
    plan = compute_sample(THREE, PrecisionTarget(total=2_000), shares={"elderly=yes": share})
    groups = plan.groups.set_index("city_code")
    assert groups["expected"].round(1).tolist() == [184.8, 53.8, 0.0]
    expected = 1.959964 * np.sqrt(1.4 * 0.25 / 184.8) * 100
    assert groups.loc["110000", "half_width"] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(groups.loc["410500", "half_width"])


def test_the_budget_is_a_limit_that_names_what_it_pays() -> None:
    aim = PrecisionTarget(total=2_000, price=30.0, budget=60_000.0)
    assert compute_sample(THREE, aim).cost == 60_000
    with raises_code("sample_plan", match="pays for 1999 interviews") as caught:
        compute_sample(THREE, PrecisionTarget(total=2_000, price=30.0, budget=59_999.0))
    assert "1614" in str(caught.value)


def test_too_few_interviews_for_the_floor() -> None:
    with raises_code("allocation", match="cannot give 3 cities 538"):
        compute_sample(THREE, PrecisionTarget(total=1_613))


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin": 0.0},
        {"margin": 50.0},
        {"level": 1.0},
        {"deff": 0.9},
        {"total": 0},
        {"price": -1.0},
        {"budget": 100.0},
    ],
)
def test_an_impossible_aim_is_refused(wrong: dict[str, float]) -> None:
    with raises_code("sample_plan"):
        PrecisionTarget(**wrong)


def test_a_share_beyond_one_is_refused() -> None:
    share = pd.Series(1.2, index=THREE.index)
    with raises_code("sample_plan", match="between 0 and 1"):
        compute_sample(THREE, PrecisionTarget(total=2_000), shares={"guardian=yes": share})


@given(
    population=st.lists(st.integers(1, 40_000_000), min_size=1, max_size=30),
    margin=st.floats(2, 20),
    deff=st.floats(1, 3),
    rule=st.sampled_from(list(AllocationRule)),
    spare=st.integers(0, 50_000),
)
def test_every_plan_keeps_its_promises(
    population: list[int], margin: float, deff: float, rule: AllocationRule, spare: int
) -> None:
    people = pd.Series(population, index=[f"{code:06d}" for code in range(len(population))])
    floor = PrecisionTarget(margin=margin, deff=deff).floor
    aim = PrecisionTarget(margin=margin, deff=deff, rule=rule, total=floor * len(people) + spare)
    plan = compute_sample(people, aim)
    size = plan.cities["size"]
    assert plan.total == aim.total
    assert (size >= floor).all()
    assert (plan.cities["half_width"] <= margin + 1e-6).all()
    larger = people.rank(method="min")
    assert all(
        size[a] >= size[b] - 1 for a in people.index for b in people.index if larger[a] > larger[b]
    )
