"""An attacker who knows the weights of all respondents and looks for shares that one person makes.

A share of 1.4 per cent among 70 people is one person, and which: the weight is that of a gender and
an age. Rates about money are not shown where so few stand on a side, or between two of them.
"""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from survey.results.measures import Measure
from survey.results.rare_answers import TOLD_BY_OTHERS, find_rare_answers
from tests.disclosure.test_attack import Target, target

__all__ = ["target"]
LOST, LARGE = ("small", "large"), ("large",)
FEW = 3


def rate(key: str, choices: tuple[str, ...], min_side: int = FEW, min_n: int = 1) -> Measure:
    return Measure(
        key=key, item="loss", choices=choices, name={"en": key}, topic="detriment",
        direction="lower", sensitive=True, min_side=min_side, min_n=min_n,
    )  # fmt: skip


MEASURES = (rate("lost", LOST), rate("large", LARGE))


def values_of(answers: list[str]) -> dict[str, NDArray[np.float64]]:
    given_answers = np.array(answers)
    return {
        measure.key: np.where(np.isin(given_answers, measure.choices), 100.0, 0.0)
        for measure in MEASURES
    }


def rare_answers(
    measures: tuple[Measure, ...], values: dict[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Everybody in one area and one group."""
    chose, others = (
        {key: np.array([[int((own == answer).sum())]]) for key, own in values.items()}
        for answer in (100.0, 0.0)
    )
    return find_rare_answers(measures, chose, others)


def found(none: int, small: int, large: int) -> tuple[float, float]:
    answers = ["none"] * none + ["small"] * small + ["large"] * large
    rare = rare_answers(MEASURES, values_of(answers))
    return float(rare["lost"][0, 0]), float(rare["large"][0, 0])


def test_a_loss_of_one_or_two_people_is_rare_and_of_three_is_not() -> None:
    lost, large = found(20, 5, 2)
    assert np.isnan(lost)
    assert large == 0.0
    assert np.isnan(found(20, 5, 3)).all()
    assert found(2, 20, 20)[0] == 100.0


def test_the_step_between_two_amounts_tells_the_few_who_stand_on_it() -> None:
    assert found(20, 2, 10)[1] == TOLD_BY_OTHERS
    assert np.isnan(found(20, 0, 10)).all()


def test_a_sensitive_rate_that_declares_nothing_is_rare_where_nobody_stands_on_a_side() -> None:
    plain = (rate("lost", LOST, min_side=1),)
    assert np.isnan(rare_answers(plain, {"lost": np.array([100.0, *[0.0] * 20])})["lost"])
    assert rare_answers(plain, {"lost": np.zeros(20)})["lost"] == 0.0
    public = (rate("lost", LOST, min_side=1).model_copy(update={"sensitive": False}),)
    assert rare_answers(public, {"lost": np.zeros(20)}) == {}


def test_a_rate_that_asks_for_more_respondents_is_not_looked_at_where_there_are_fewer() -> None:
    """It is hidden there whatever was answered, and so the others need not be."""
    asks = (MEASURES[0], rate("large", LARGE, min_n=30))
    few = rare_answers(asks, values_of(["none"] * 20 + ["small"] * 5 + ["large"]))
    assert np.isnan(few["lost"]).all()
    assert np.isnan(few["large"]).all()
    more = rare_answers(asks, values_of(["none"] * 24 + ["small"] * 5 + ["large"]))
    assert more["large"] == 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["none", "small", "large"]), min_size=10, max_size=40))
def test_whatever_is_left_has_few_people_on_no_side(answers: list[str]) -> None:
    values = values_of(answers)
    rare = rare_answers(MEASURES, values)
    shown = [key for key in values if np.isnan(rare[key]).all()]
    for key in shown:
        chose = int((values[key] == 100.0).sum())
        assert min(chose, len(answers) - chose) >= FEW
    if len(shown) == len(values):
        assert answers.count("small") == 0 or answers.count("small") >= FEW


def test_no_loss_of_the_frozen_wave_is_that_of_one_or_two_people(target: Target) -> None:
    careful = [measure for measure in target.source.measures if measure.min_side > 1]
    assert {measure.topic for measure in careful} == {"detriment"}
    values = target.source.unscored_values()
    looked = 0
    for measure in careful:
        chose = (values[measure.key] == 100.0).astype(float)
        rows = shown_rows(target, measure)
        sides = target.people(rows)
        count = sides @ chose
        assert (count >= FEW).all()
        assert (sides.sum(axis=1) - count >= FEW).all()
        looked += len(rows)
    assert looked > 20


def test_no_step_between_two_amounts_is_that_of_one_or_two_people(target: Target) -> None:
    careful = [measure for measure in target.source.measures if measure.min_side > 1]
    values = target.source.unscored_values()
    looked = 0
    for one, other in combinations(careful, 2):
        if one.item != other.item:
            continue
        step = (values[one.key] != values[other.key]).astype(float)
        both = set(keys_of(target, one)) & set(keys_of(target, other))
        rows = shown_rows(target, one)
        rows = rows[[key in both for key in keys_of(target, one)]]
        between = target.people(rows) @ step
        assert ((between == 0) | (between >= FEW)).all()
        looked += len(rows)
    assert looked > 20


def test_a_large_loss_that_is_hidden_beside_a_smaller_one_tells_nothing(target: Target) -> None:
    """Where it was looked at, few people on a side would have hidden the whole question."""
    values = target.source.unscored_values()
    shown = target.cells["shown"].to_numpy()
    by_rule = others = 0
    for measure in target.source.measures:
        if measure.min_n > 1:
            rows = np.flatnonzero(target.cells["indicator"] == measure.key)
            wide = np.flatnonzero(target.cells["indicator"] == "detriment_lost")
            assert not (shown[rows] & ~shown[wide]).any()
            beside = rows[~shown[rows] & shown[wide]]
            enough = beside[target.n[beside] >= measure.min_n]
            sides = target.people(enough)
            count = sides @ (values[measure.key] == 100.0).astype(float)
            assert (count >= FEW).all()
            assert (sides.sum(axis=1) - count >= FEW).all()
            by_rule += len(beside) - len(enough)
            others += int(shown[rows].sum())
    assert by_rule > 50
    assert others


def shown_rows(target: Target, measure: Measure) -> NDArray[np.int64]:
    here = target.cells["shown"] & (target.cells["indicator"] == measure.key)
    return np.flatnonzero(here)


def keys_of(target: Target, measure: Measure) -> list[tuple[str, str, str]]:
    cells = target.cells.iloc[shown_rows(target, measure)]
    return list(
        cells[["area_level", "area", "group"]].astype(str).itertuples(index=False, name=None)
    )
