"""Cities without names: nothing of a run tells which cities are in it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.publish.results.others import OUTSIDE, TOGETHER, first_named, runs

CODES = [f"{number:06d}" for number in range(1, 101)]


def table(scores: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"area": CODES[: len(scores)], "estimate": scores})


def nobody(_code: str) -> bool:
    return False


SCORES = st.lists(st.floats(0, 100).map(lambda x: round(x, 6)), min_size=10, max_size=100)


@given(SCORES, st.randoms(use_true_random=False))
def test_which_city_has_which_score_leaves_no_trace(scores: list[float], random: object) -> None:
    shuffled = list(scores)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert runs(table(scores), nobody) == runs(table(shuffled), nobody)


@given(SCORES)
def test_runs_cover_all_places_and_hold_several_cities(scores: list[float]) -> None:
    all_runs = runs(table(scores), nobody)
    sizes = [run.last - run.first + 1 for run in all_runs]
    assert min(sizes) >= TOGETHER
    assert sum(sizes) == len(scores)
    assert all_runs[0].first == 1
    means = [run.mean for run in all_runs]
    assert means == sorted(means, reverse=True)


@given(SCORES, st.sets(st.sampled_from(CODES)))
def test_two_readers_see_the_same_runs_or_fewer(scores: list[float], own: set[str]) -> None:
    """So putting two readers' runs together tells neither of them a third city."""
    everything = runs(table(scores), nobody)
    seen = runs(table(scores), own.__contains__)
    assert set(seen) <= set(everything)
    ordered = table(scores).sort_values(["estimate", "area"], ascending=[False, True])
    for run in seen:
        members = ordered["area"].iloc[run.first - 1 : run.last]
        assert sum(code not in own for code in members) >= OUTSIDE


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_handful_of_cities_is_not_told_at_all(count: int) -> None:
    assert runs(table([50.0] * count), nobody) == ()


def test_first_places_are_named_without_their_order() -> None:
    ranks = pd.DataFrame({"area": ["3", "1", "2", "4"], "rank": [1.0, 2.0, 2.0, np.nan]})
    assert first_named(ranks, 2) == ("1", "2", "3")
    assert first_named(ranks, 1) == ("3",)
