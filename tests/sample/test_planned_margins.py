"""Population margins: census totals are met exactly, the filling is the declared one."""

from dataclasses import replace

import numpy as np
import pytest

from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.population_margins import (
    build_age_structure,
    elderly_margins,
    main_margins,
    minors_margins,
    national_pyramid,
)
from survey.locale import translator


def test_the_national_pyramid_is_the_census() -> None:
    pyramid = national_pyramid()
    assert pyramid[15:60].sum() == pytest.approx(892_376_568)  # as published, without servicemen
    assert pyramid[60:].sum() == pytest.approx(264_018_766, rel=1e-5)
    assert pyramid[65:].sum() == pytest.approx(190_635_280, rel=1e-5)
    assert pyramid[30:35, 0].sum() == pytest.approx(63_871_808)
    assert (pyramid > 0).all()


def test_people_of_all_ages_are_the_resident_population() -> None:
    cities = shipped_cities()
    people = build_age_structure(cities).people
    expected = [city.resident_population_2020 for city in cities]
    assert people.sum(axis=(1, 2)) == pytest.approx(expected)
    assert people[:, :, 0].sum(axis=1) / people.sum(axis=(1, 2)) == pytest.approx(
        [city.share_male for city in cities], abs=1e-9
    )
    elderly = people[:, 65:].sum(axis=(1, 2)) / people.sum(axis=(1, 2))
    assert elderly == pytest.approx([c.share_age_65_plus for c in cities], abs=2e-4)


def test_a_city_that_is_the_nation_gets_the_nation() -> None:
    pyramid = national_pyramid()
    total = pyramid.sum()

    def share(low: int, high: int) -> float:
        return float(pyramid[low : high + 1].sum() / total)

    nation = replace(
        shipped_cities()[0],
        resident_population_2020=round(total),
        share_male=float(pyramid[:, 0].sum() / total),
        share_age_0_14=share(0, 14),
        share_age_15_59=share(15, 59),
        share_age_60_plus=share(60, 90),
        share_age_65_plus=share(65, 90),
    )
    assert build_age_structure([nation]).people[0] == pytest.approx(pyramid, rel=1e-6)


def test_margins_by_hand_for_beijing() -> None:
    """15-24 of Beijing: 21,893,095 x 68.53 % x the national share of 15-24 within 15-59."""
    beijing = shipped_cities()[0]
    inside = (72_684_140 + 74_941_675) / 892_376_568
    census = 0.1184 + 0.6853 + 0.1963
    expected = 21_893_095 * 0.6853 / census * inside
    table = main_margins([beijing]).table
    young = table.loc[table["age_band"] == "15-24", "population"].sum()
    assert young == pytest.approx(expected, rel=1e-9)


def test_main_margins_are_15_to_70() -> None:
    cities = shipped_cities()
    margins = main_margins(cities)
    assert margins.cells == ("age_band", "gender")
    assert len(margins.table) == 100 * 5 * 2
    people = build_age_structure(cities).people[:, 15:71].sum(axis=(1, 2))
    assert margins.city_totals().to_numpy() == pytest.approx(people)
    assert margins.year == 2020
    assert margins.status == "derived"
    assert "assumption" in margins.source
    assert "假设" in translator("zh")(margins.source)


def test_elderly_and_minors_cover_what_the_main_study_leaves_out() -> None:
    cities = shipped_cities()
    people = build_age_structure(cities).people
    elderly = elderly_margins(cities)
    assert set(elderly.table["age_band"]) == {"60-69", "70-79", "80+"}
    assert elderly.city_totals().to_numpy() == pytest.approx(people[:, 60:].sum(axis=(1, 2)))
    minors = minors_margins(cities)
    assert minors.city_totals().to_numpy() == pytest.approx(people[:, :18].sum(axis=(1, 2)))
    by_stage = minors.table.groupby("school_stage")["population"].sum()
    assert by_stage["senior"] / by_stage["vocational_other"] == pytest.approx(1.5)


def test_a_man_heavy_city_keeps_its_men() -> None:
    city: FrameCity = next(c for c in shipped_cities() if c.code == "441900")
    men = build_age_structure([city]).people[0, :, 0].sum() / city.resident_population_2020
    assert men == pytest.approx(0.5653)
    assert np.all(build_age_structure([city]).people >= 0)
