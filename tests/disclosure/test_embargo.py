"""Larger areas that would tell one city before release."""

from survey.disclosure import areas_to_withhold

AREAS = {
    ("nation", "CN"): ("11", "21", "22", "31", "32", "33"),
    ("province", "1"): ("11",),
    ("province", "2"): ("21", "22"),
    ("province", "3"): ("31", "32", "33"),
}


def test_an_area_of_a_single_city_is_that_city() -> None:
    assert ("province", "1") in areas_to_withhold(AREAS, ["31"])
    assert ("province", "1") not in areas_to_withhold(AREAS, ["11"])


def test_an_area_of_two_tells_one_of_them_the_other() -> None:
    assert areas_to_withhold(AREAS, ["21"]) == {("province", "1"), ("province", "2")}


def test_a_reader_of_the_whole_area_keeps_it() -> None:
    assert ("province", "2") not in areas_to_withhold(AREAS, ["21", "22"])


def test_the_smallest_area_goes_until_no_rest_is_a_single_city() -> None:
    """Without province 1 the nation less 2 and 3 still is city 11."""
    assert areas_to_withhold(AREAS, ["31"]) == {("province", "1"), ("province", "2")}


def test_areas_that_tell_a_city_only_together() -> None:
    """The nation less the provinces 2 and 3 is city 11, though nobody sees province 1."""
    hidden = {key: cities for key, cities in AREAS.items() if key != ("province", "1")}
    assert areas_to_withhold(hidden, ["21", "22"]) == {("province", "3")}
    assert areas_to_withhold(hidden, ["31", "32", "33"]) == {("province", "2")}


def test_nothing_is_withheld_from_a_reader_of_all_cities() -> None:
    assert areas_to_withhold(AREAS, AREAS["nation", "CN"]) == frozenset()
