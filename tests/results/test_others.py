"""Cities without names: nothing of a run tells which cities are in it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.disclosure.embargo import (
    MIN_OUTSIDE_CITIES,
    MIN_RUN_CITIES,
    microaggregate,
    top_city_codes,
)

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
