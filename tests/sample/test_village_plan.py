"""The plan of a study of villages: sized by rural residents, drawn by village, quotas by role."""

from dataclasses import replace

import pytest

from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import VILLAGE_SERIES, VILLAGE_TRADER_SHARE
from survey.frame.sampling_plan import (
    ListedPoint,
    PlanRequest,
    build_sampling_plan,
    draw_sampling_points,
)
from tests.error_codes import raises_code

CITIES = tuple(city for city in shipped_cities() if city.code in {"320500", "420500", "440300"})
SIZED = PlanRequest(cities=tuple(city.code for city in CITIES))


def test_all_interviews_are_planned_at_rural_points_and_nothing_by_age() -> None:
    plan = build_sampling_plan(CITIES, VILLAGE_SERIES, SIZED)
    assert plan.quotas.cells.empty
    margins = plan.quotas.margins
    assert set(margins["dimension"]) == {"stratum", "village_role"}
    assert (margins.loc[margins["category"] == "urban", "target"] == 0).all()
    assert (margins.loc[margins["category"] == "rural", "target"] > 0).all()


@pytest.mark.parametrize("reserve", [0.0, 0.1])
def test_the_interviews_of_each_city_are_divided_between_consumers_and_traders(
    reserve: float,
) -> None:
    plan = build_sampling_plan(CITIES, VILLAGE_SERIES, replace(SIZED, reserve=reserve))
    margins = plan.quotas.margins.pivot_table(
        index=["city_code"], columns=["dimension", "category"], values="target"
    )
    rural = margins["stratum", "rural"]
    traders = margins["village_role", "trader"]
    assert (margins["village_role", "consumer"] + traders == rural).all()
    assert (abs(traders - VILLAGE_TRADER_SHARE * rural) <= 0.5).all()
    assert (rural >= plan.sample.cities["size"]).all()


def test_sizes_follow_rural_residents_not_all_residents() -> None:
    """Above the floor, a city with fewer villagers gets fewer interviews, however large it is."""
    cities = shipped_cities()
    village = build_sampling_plan(cities, VILLAGE_SERIES, PlanRequest()).sample.cities["size"]
    usual = build_sampling_plan(cities, "main", PlanRequest()).sample.cities["size"]
    shenzhen, chongqing = "440300", "500000"
    assert usual[shenzhen] > usual.min()
    assert village[shenzhen] == village.min()
    assert village[chongqing] == village.max()


def test_only_villages_are_drawn_whatever_else_is_on_the_list() -> None:
    places = [
        ListedPoint(f"{kind}{number:02}", "420500", f"{kind} {number}", kind, stratum)
        for kind, stratum in (("village", "rural"), ("mall", "urban"))
        for number in range(30)
    ]
    drawn = draw_sampling_points(
        places, {"420500": {"urban": 0, "rural": 120}}, per_city=12, seed=7
    ).points
    assert len(drawn) == 12
    assert {point.kind for point in drawn} == {"village"}
    assert sum(point.target or 0 for point in drawn) == 120


def test_no_group_of_a_village_study_is_asked_more_often() -> None:
    request = PlanRequest(elderly=2.0, cities=SIZED.cities)
    with raises_code("sample_plan"):
        build_sampling_plan(CITIES, VILLAGE_SERIES, request)
