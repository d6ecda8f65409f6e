"""Numbers, jumps and conditions of a printed questionnaire."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.locale import translator
from survey.questionnaire.expressions.evaluator import evaluate
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.values import to_boolean
from survey.questionnaire.jump_targets import (
    Jump,
    JumpsByItem,
    list_guided,
    list_jumps,
    question_after,
)
from survey.questionnaire.model import Instrument, Item, ItemKind, Section
from survey.questionnaire.paper_codes import list_printed_options, number_questions
from survey.questionnaire.question_types import type_of
from survey.questionnaire.translations import ConditionText
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from tests.instrument.sample_instrument import YES_NO, question, sample

TODAY = date(2026, 5, 20)
SHIPPED = ("main-2023", "main-2021", "elderly-2024", "minors-2024")


def shipped(name: str) -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument


def yes_no(name: str, relevant: str | None = None) -> Item:
    return question(name, ItemKind.SELECT_ONE, choices=YES_NO, required=True, relevant=relevant)


def form(*items: Item) -> Instrument:
    return sample(sections=(Section(name="only", items=items),))


def test_every_question_that_is_asked_counts_and_nothing_else() -> None:
    numbered = form(
        question("hello", ItemKind.NOTE),
        yes_no("a"),
        question("twice", ItemKind.CALCULATE, calculation="2"),
        question("b", ItemKind.TEXT),
    )
    assert number_questions(numbered) == {"a": 1, "b": 2}


def test_options_are_counted_and_scores_are_themselves() -> None:
    rating = question(
        "r",
        ItemKind.RATING,
        minimum=1,
        maximum=10,
        step=1,
        low_label={"en": "bad"},
        high_label={"en": "good"},
    )
    assert [(each.code, each.value) for each in list_printed_options(yes_no("a"))] == [
        ("1", "yes"),
        ("2", "no"),
    ]
    scores = list_printed_options(rating)
    assert [each.code for each in scores] == [str(score) for score in range(1, 11)]
    assert [each.label for each in scores if each.label] == [{"en": "bad"}, {"en": "good"}]
    assert list_printed_options(question("t", ItemKind.TEXT)) == ()
    assert list_printed_options(rating.model_copy(update={"maximum": 100.0})) == ()


def test_an_answer_that_rules_questions_out_leads_past_them() -> None:
    routed = form(
        yes_no("a"), yes_no("b", "${a} = 'yes'"), yes_no("c", "selected(${b}, 'yes')"), yes_no("d")
    )
    jumps = list_jumps(routed)
    assert {
        name: {answer: jump.question for answer, jump in each.items()}
        for name, each in jumps.items()
    } == {"a": {"no": 4}, "b": {"no": 4}}
    assert list_guided(routed, jumps) == {"b", "c"}


def test_an_undecided_condition_is_never_jumped_over() -> None:
    routed = form(yes_no("a"), yes_no("b"), yes_no("c", "${a} = 'yes' and ${b} = 'yes'"))
    # Of `b` alone only "no" decides; after "no" nothing is left to ask.
    assert list(list_jumps(routed)) == ["b"]
    assert list_jumps(routed)["b"]["no"].is_last
    assert list_guided(routed, list_jumps(routed)) == frozenset()


def test_what_ends_the_interview_is_said_at_the_answer() -> None:
    jumps = list_jumps(shipped("main-2023"))
    assert jumps["consent"]["no"].ending == "declined"
    assert jumps["lived_6m"]["no"].ending == "screened_out"


STAY = Jump()


def jump_after(jumps: JumpsByItem, item: Item, answer: Any) -> Jump:
    """Return what the paper says behind an answer; `STAY` where it says nothing."""
    return jumps.get(item.name, {}).get(answer, STAY) if type_of(item).takes_one_choice else STAY


class PaperReader:
    """A person with the paper: follows arrows, printed conditions and endings; nothing else."""

    def __init__(self, instrument: Instrument, answers: dict[str, Any]) -> None:
        self.instrument, self.answers = instrument, answers
        self.jumps, self.numbers = list_jumps(instrument), number_questions(instrument)
        self.guided = list_guided(instrument, self.jumps)
        self.known: dict[str, Any] = {}
        self.asked: list[str] = []
        self.wanted = 1

    def holds(self, condition: str | None) -> bool:
        if condition is None:
            return True
        return to_boolean(evaluate(parse(condition), self.known, None, TODAY))

    def read(self) -> list[str]:
        after_last = len(self.numbers) + 1
        for section in self.instrument.sections:
            meant = self.holds(section.relevant)
            if section.ends is not None and meant:
                return self.asked
            if not meant:
                behind = question_after(self.instrument, section) or after_last
                self.wanted = max(self.wanted, behind)
            for item in section.items:
                if meant and item.calculation is not None and self.holds(item.relevant):
                    value = evaluate(parse(item.calculation), self.known, None, TODAY)
                    self.known[item.name] = value
                if not self.is_read(item):
                    continue
                jump = self.answer(item)
                if jump.ending is not None:
                    return self.asked
                if jump is not STAY:
                    self.wanted = jump.question or after_last
        return self.asked

    def is_read(self, item: Item) -> bool:
        if self.numbers.get(item.name, 0) < self.wanted:
            return False
        return item.name in self.guided or self.holds(item.relevant)

    def answer(self, item: Item) -> Jump:
        self.asked.append(item.name)
        self.known[item.name] = self.answers[item.name]
        return jump_after(self.jumps, item, self.answers[item.name])


def answer_of(item: Item) -> st.SearchStrategy[Any]:
    if type_of(item).allows_several:
        names = [choice.name for choice in item.choices]
        return st.lists(st.sampled_from(names), unique=True, min_size=1)
    if item.name == "birth_year":
        return st.integers(1930, 2011)
    if item.name == "child_age":
        return st.integers(0, 17)
    options = list_printed_options(item)
    return st.sampled_from([each.value for each in options]) if options else st.just("x")


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data())
@settings(max_examples=40)
def test_the_paper_leads_where_the_form_leads(name: str, data: st.DataObject) -> None:
    instrument = shipped(name)
    numbers = number_questions(instrument)
    answers = {item: data.draw(answer_of(instrument.by_name[item])) for item in numbers}
    route = [item for item in validate(instrument, answers, today=TODAY).route if item in numbers]
    assert PaperReader(instrument, answers).read() == route


WORDS = [
    ("${a} = 'yes'", "“Yes” is chosen in question 1"),
    ("not(selected(${a}, 'yes'))", "“Yes” is not chosen in question 1"),
    ("${a} = ''", "question 1 is blank"),
    ("${n} >= 60", "question 2 is 60 or more"),
    ("not(${n} >= 60)", "question 2 is under 60"),
    ("18 <= ${n}", "question 2 is 18 or more"),
    ("count-selected(${m}) > 0", "question 3 is answered"),
    ("count-selected(${m}) >= 2", "the number of answers to question 3 is 2 or more"),
    (
        "${a} = 'yes' and (${n} < 3 or ${n} > 5)",
        "“Yes” is chosen in question 1 and (question 2 is under 3 or question 2 is over 5)",
    ),
    (
        "not(${a} = 'yes' or ${n} > 5)",
        "“Yes” is not chosen in question 1 and question 2 is 5 or less",
    ),
    ("${age} < 15", "the age (from question 2) is under 15"),
    ("string-length(${a}) > ${n}", "“string-length(question 1) > question 2” holds"),
]


@pytest.mark.parametrize(("condition", "words"), WORDS)
def test_conditions_in_words(condition: str, words: str) -> None:
    asked = form(
        yes_no("a"),
        question("n", ItemKind.INTEGER),
        question("m", ItemKind.SELECT_MULTIPLE, choices=YES_NO),
        question("age", ItemKind.CALCULATE, calculation="2026 - ${n}"),
    )
    assert ConditionText(asked, translator("en"), "en").write(condition) == words


@pytest.mark.parametrize("name", SHIPPED)
def test_every_condition_that_ships_has_words(name: str) -> None:
    instrument = shipped(name)
    text = ConditionText(instrument, translator("en"), "en")
    conditions = [section.relevant for section in instrument.sections]
    conditions += [item.relevant for item in instrument.items()]
    for condition in filter(None, conditions):
        assert "${" not in text.write(condition)
        assert "holds" not in text.write(condition)
