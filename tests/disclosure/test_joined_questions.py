"""Counts are hidden by base and answers by question, and both are attacked together.

The whole attack over all questions of the large waves is `python -m benchmarks.attacks tables`.
"""

import numpy as np
import pandas as pd
import pytest

from benchmarks.attacks.tables import attack_questions, count_truth, name_questions
from survey.disclosure import IntervalAuditor
from survey.results.disclosure_inputs import audited_cells, declare_totals
from survey.results.measures import QuestionBases
from survey.results.wave_parts import WaveParts
from tests.disclosure.test_attack import Target, target

__all__ = ["target"]
QUESTIONS = ("complaint_channel", "complaint_solved", "detriment_money", "detriment_recovered")
KEYS = ["area_level", "area", "group", "indicator"]


@pytest.fixture(scope="module")
def source(target: Target) -> WaveParts:
    return WaveParts.of_loaded(target.source)


def test_indicators_of_the_same_people_are_one_base() -> None:
    counts = np.array([[[5], [5], [4], [5]], [[7], [7], [7], [6]]], dtype=np.int32)
    bases = QuestionBases.compare(counts)
    assert bases.of.tolist() == [0, 0, 1, 2]
    assert bases.name_by_first(["a", "b", "c", "d"]) == {"a": "a", "b": "a", "c": "c", "d": "d"}
    rows = pd.DataFrame({"row": range(8)})
    assert bases.select_rows(rows)["row"].tolist() == [0, 2, 3, 4, 6, 7]
    assert bases.spread(np.array([1, 2, 3, 4, 5, 6])).tolist() == [1, 1, 2, 3, 4, 4, 5, 6]
    largest = bases.find_largest(np.array([0, 1, 0, 2, 0, 0, 3, 0], dtype=np.int8))
    assert largest.tolist() == [1, 0, 2, 0, 3, 0]


def test_what_the_same_people_answered_is_hidden_together_unless_answers_would_tell(
    target: Target,
) -> None:
    """A count is one for all of them; what a sensitive question hides besides is its own."""
    answered = target.who.answered
    shown = target.cells["shown"].to_numpy().reshape(target.who.shape)
    names = target.cells["indicator"].astype(str).unique().tolist()
    sensitive = {measure.key for measure in target.source.measures if measure.sensitive}
    by_people: dict[bytes, list[int]] = {}
    for place in range(answered.shape[1]):
        by_people.setdefault(answered[:, place].tobytes(), []).append(place)
    plain = [
        own
        for places in by_people.values()
        if len(own := [place for place in places if names[place] not in sensitive]) > 1
    ]
    assert len(plain) > 2
    for places in plain:
        assert (shown[:, :, places].all(axis=2) == shown[:, :, places].any(axis=2)).all()


def test_no_rate_is_hidden_beside_a_shown_one_of_its_question(
    target: Target, source: WaveParts
) -> None:
    """It would tell that few people stand on one of its sides."""
    shown = target.cells["shown"].to_numpy().reshape(target.who.shape)
    names = target.cells["indicator"].astype(str).unique().tolist()
    by_question: dict[tuple[str, int], list[int]] = {}
    for place, question in enumerate(name_questions(source, names).values()):
        by_question.setdefault(question, []).append(place)
    joined = [places for places in by_question.values() if len(places) > 1]
    assert len(joined) > 5
    for places in joined:
        assert (shown[:, :, places].all(axis=2) == shown[:, :, places].any(axis=2)).all()


def test_no_hidden_count_follows_from_the_rates_of_its_question_together(
    target: Target, source: WaveParts
) -> None:
    """By everyone, gender and age: looked at rate by rate, 3 counts were known exactly."""
    every = name_questions(source, target.cells["indicator"].astype(str).unique().tolist())
    asked = {name: question for name, question in every.items() if question[0] in QUESTIONS}
    here = target.cells["group"].str.partition("=")[0].isin(["all", "gender", "age_band"])
    cells, n = target.cells[here].reset_index(drop=True), target.n[here]
    found = list(attack_questions(cells, n, declare_totals(source), asked))
    assert [attack.question for attack in found] == list(QUESTIONS)
    assert sum(attack.searched for attack in found) > 1_000
    assert [attack for attack in found if attack.searched < attack.hidden] == []
    assert [attack for attack in found if attack.narrow or attack.wrong] == []
    assert [attack for attack in found if attack.beside_shown] == []


def test_the_attack_finds_a_count_that_another_rate_tells(
    target: Target, source: WaveParts
) -> None:
    """One rate hides the regions, and another of the same question shows them."""
    question = {"complained": ("channel", 1), "complained_official": ("channel", 1)}
    cells = target.cells.reset_index(drop=True).assign(n=target.n.astype(float))
    cells["shown"] = target.n > 0
    regions = cells["shown"] & (cells["area_level"] == "region3")
    hides = regions & (cells["indicator"] == "complained")
    cells.loc[hides, ["shown", "n"]] = [False, np.nan]
    [attack] = attack_questions(cells, target.n, declare_totals(source), question)
    assert attack.hidden == 0
    assert attack.beside_shown == int(hides.sum())
    assert count_truth(source, cells).tolist() == target.n.tolist()


def test_the_audit_names_a_rate_hidden_beside_a_shown_one(
    target: Target, source: WaveParts
) -> None:
    cells = target.cells.reset_index(drop=True)
    shares = cells["indicator"].isin(["complained", "complained_official"])
    here = cells[shares & cells["shown"]].index
    assert len(here) > 2
    cells.loc[here[0], "shown"] = False
    cells.loc[here[0], "n"] = np.nan
    narrow = audited_cells(source, cells, IntervalAuditor(work=0))
    key = tuple(cells.loc[here[0], KEYS].astype(str))
    asks_for_more = cells["indicator"].isin(["detriment_ge1000", "detriment_ge5000"])
    assert (asks_for_more & ~cells["shown"] & (target.n >= 10)).any(), "hidden, and tells nothing"
    assert narrow == [(key, int(target.n[here[0]]), int(target.n[here[0]]))]
