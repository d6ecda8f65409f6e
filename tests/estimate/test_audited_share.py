"""Shares of codes: what a model says of all texts, corrected by what people found in some."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.truth import open_answers
from survey.estimate import Design, EstimateError, estimate
from survey.estimate.audited_share import MIN_AUDITED, NOT_AUDITED, estimate_audited_shares
from survey.estimate.text_codes import propose_codes

DESIGN = Design(weight="weight", strata="stratum", psu="psu")


def texts(size: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 20, size)
    frame = pd.DataFrame({"weight": rng.uniform(1, 3, size), "psu": psu, "stratum": psu // 5})
    return frame, rng.integers(0, 2, size)


def test_share_is_that_of_the_model_plus_what_people_found_beyond_it():
    # 100 texts of weight 1, of which the first 40 are read. The model gives code "a" to 60 of the
    # 100. Of the 40 it gave "a" to 20, people to 25: the same 20 and 5 more.
    frame = pd.DataFrame({"weight": 1.0, "psu": range(100), "stratum": 0})
    says = np.r_[np.ones(20), np.zeros(20), np.ones(40), np.zeros(20)]
    found = np.r_[np.zeros(25), np.ones(15), np.full(60, NOT_AUDITED)].astype(int)
    table = estimate_audited_shares(frame, ["a", "b"], np.c_[says, 1 - says], found, DESIGN)
    # y on f over the 40: P(y=1 | f=1) - P(y=1 | f=0) = 1 - 5/20, so lambda is 0.75.
    assert table["estimate"].tolist() == pytest.approx([0.7, 0.3])
    assert pytest.approx(0.7) == 0.75 * 0.6 + 25 / 40 - 0.75 * 20 / 40
    assert table["n"].tolist() == [100, 100]
    assert table["audited"].tolist() == [40, 40]
    assert (table["ci_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["ci_high"]).all()


def test_where_people_coded_every_text_it_is_the_usual_estimate():
    frame, code = texts(400)
    table = estimate_audited_shares(frame, ["a", "b"], np.zeros((400, 2)), code, DESIGN)
    usual = estimate(frame.assign(a=1.0 * (code == 0)), "a", DESIGN)
    assert table["estimate"][0] == pytest.approx(usual["estimate"][0], rel=1e-12)
    assert table["se"][0] == pytest.approx(usual["se"][0], rel=1e-12)


def test_a_domain_with_too_few_read_texts_has_no_share_and_does_not_touch_another():
    frame, code = texts(600)
    frame["region"] = np.where(np.arange(600) < 300, "east", "west")
    known = np.full(600, NOT_AUDITED)
    known[:200] = code[:200]
    known[300 : 300 + MIN_AUDITED - 1] = code[300 : 300 + MIN_AUDITED - 1]
    table = estimate_audited_shares(
        frame, ["a", "b"], np.zeros((600, 2)), known, DESIGN, by="region"
    )
    east, west = (table[table["region"] == name] for name in ("east", "west"))
    assert east["estimate"].sum() == pytest.approx(1)
    assert west["estimate"].isna().all()
    assert west["ci_low"].isna().all()
    assert west["audited"].tolist() == [MIN_AUDITED - 1] * 2


def test_a_code_that_nobody_found_keeps_a_width():
    frame, _ = texts(500)
    known = np.r_[np.zeros(50, dtype=int), np.full(450, NOT_AUDITED)]
    table = estimate_audited_shares(frame, ["a", "b"], np.zeros((500, 2)), known, DESIGN)
    never = table[table["variable"] == "b"].iloc[0]
    assert never["estimate"] == 0
    # The rule of three for the 50 that were read, weights unequal.
    assert 0.04 < never["ci_high"] < 0.1


def test_where_all_were_read_and_agreed_there_is_an_interval() -> None:
    frame, _ = texts(100)
    code = np.zeros(100, dtype=int)
    table = estimate_audited_shares(frame, ["a", "b"], np.zeros((100, 2)), code, DESIGN)
    assert table["estimate"].tolist() == [1, 0]
    assert 0.9 < table["ci_low"][0] < 1
    assert 0 < table["ci_high"][1] < 0.1


def test_arrays_must_fit_the_texts():
    frame, code = texts(100)
    with pytest.raises(EstimateError, match="predicted"):
        estimate_audited_shares(frame, ["a", "b"], np.zeros((99, 2)), code, DESIGN)


@pytest.mark.parametrize(("quality", "slant"), [(0.0, 0.0), (0.8, 0.5), (0.97, 0.0)])
def test_intervals_hold_whether_the_model_is_good_or_poor(quality, slant):
    found = open_answers.measure_planted(quality, waves=60, slant=slant, seed=1)
    assert 0.92 <= found.held <= 0.985
    assert found.bias < 0.01


def test_with_the_comments_of_the_demo_a_tenth_is_nearly_as_good_as_all_by_hand():
    found = open_answers.measure_comments(0.0, waves=4, seed=2)
    assert found.held >= 0.85
    assert found.width <= 1.3


def test_a_model_learns_what_texts_are_about_and_never_from_the_text_it_codes():
    said = ["停车太难了", "停车位太少", "没有地方停车", "价格太贵", "价格不透明", "菜的价格高"] * 10
    code = np.array([0, 0, 0, 1, 1, 1] * 10)
    known = np.where(np.arange(60) < 45, code, NOT_AUDITED)
    predicted = propose_codes(said, known, 3)
    assert (predicted.argmax(axis=1) == code).all()
    assert predicted.sum(axis=1) == pytest.approx(np.ones(60))
    # Two odd texts, coded each in another way: whatever a fold learned from one says nothing of it.
    odd = propose_codes([*said, "这条很特别"], np.r_[known, 2], 3)
    assert odd[-1, 2] < 0.2


@pytest.mark.parametrize("known", [[NOT_AUDITED] * 4, [0, 0, 0, NOT_AUDITED]])
def test_without_two_codes_to_learn_from_nothing_is_proposed(known):
    assert not propose_codes(["a", "b", "", "d"], np.array(known), 2).any()
