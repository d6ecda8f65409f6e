"""Larger areas that would tell one city before a release, and runs that tell nothing of which."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.disclosure import areas_to_withhold
from survey.disclosure.embargo import (
    MIN_OUTSIDE_CITIES,
    MIN_RUN_CITIES,
    microaggregate,
    top_city_codes,
)

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


CODES = [f"{number:06d}" for number in range(1, 101)]


def table(scores: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"area": CODES[: len(scores)], "estimate": scores})


def names_no_city(_code: str) -> bool:
    return False


SCORES = st.lists(st.floats(0, 100).map(lambda x: round(x, 6)), min_size=10, max_size=100)


@given(SCORES, st.randoms(use_true_random=False))
def test_which_city_has_which_score_leaves_no_trace(scores: list[float], random: object) -> None:
    shuffled = list(scores)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert microaggregate(table(scores), names_no_city) == microaggregate(
        table(shuffled), names_no_city
    )


@given(SCORES)
def test_runs_cover_all_places_and_hold_several_cities(scores: list[float]) -> None:
    all_runs = microaggregate(table(scores), names_no_city)
    sizes = [run.last - run.first + 1 for run in all_runs]
    assert min(sizes) >= MIN_RUN_CITIES
    assert sum(sizes) == len(scores)
    assert all_runs[0].first == 1
    means = [run.mean for run in all_runs]
    assert means == sorted(means, reverse=True)


@given(SCORES, st.sets(st.sampled_from(CODES)))
def test_two_readers_see_the_same_runs_or_fewer(scores: list[float], own: set[str]) -> None:
    """So putting two readers' runs together tells neither of them a third city."""
    everything = microaggregate(table(scores), names_no_city)
    seen = microaggregate(table(scores), own.__contains__)
    assert set(seen) <= set(everything)
    ordered = table(scores).sort_values(["estimate", "area"], ascending=[False, True])
    for run in seen:
        members = ordered["area"].iloc[run.first - 1 : run.last]
        assert sum(code not in own for code in members) >= MIN_OUTSIDE_CITIES


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_handful_of_cities_is_not_told_at_all(count: int) -> None:
    assert microaggregate(table([50.0] * count), names_no_city) == ()


def test_first_places_are_named_without_their_order() -> None:
    ranks = pd.DataFrame({"area": ["3", "1", "2", "4"], "rank": [1.0, 2.0, 2.0, np.nan]})
    assert top_city_codes(ranks, 2) == ("1", "2", "3")
    assert top_city_codes(ranks, 1) == ("3",)
