"""The server's reading of an interview, as a respondent and as an attacker."""

import json
import math
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.questionnaire.model import MAX_TEXT, ItemKind, Section, SectionExit
from survey.questionnaire.question_types import QUESTION_TYPES, type_of
from survey.questionnaire.validation import Validation, validate
from tests.instrument.sample_instrument import question, sample

TODAY = date(2024, 5, 1)
GOOD = {"consent": "yes", "birth_year": 1980, "quality": 8}


def read(answers: object) -> Validation:
    return validate(sample(), answers, today=TODAY)


def codes(result: Validation) -> dict[str, str]:
    return {problem.item: problem.code for problem in result.problems}


def test_a_whole_interview():
    result = read({**GOOD, "channels": ["no", "yes", "no"], "spent": 12.5})
    assert result.accepted
    assert result.ending is None
    assert result.off_route == ()
    assert result.answers == {
        "consent": "yes",
        "birth_year": 1980,
        "age": 44,
        "quality": 8,
        "channels": ["yes", "no"],
        "spent": 12.5,
        "elderly": False,
    }
    assert isinstance(result.answers["age"], int)
    assert result.route == (
        "consent",
        "birth_year",
        "age",
        "quality",
        "channels",
        "spent",
        "bought_on",
        "elderly",
        "children",
    )


def test_off_the_route_is_dropped_and_counted():
    result = read(
        {**GOOD, "why": "never asked", "spent": 3, "unknown": 1, "goodbye": "x", "blank": "  "}
    )
    assert result.accepted
    assert set(result.off_route) == {"why", "spent", "unknown", "goodbye"}
    assert "why" not in result.answers


def test_calculations_are_the_servers():
    result = read({**GOOD, "age": 99, "elderly": True})
    assert result.answers["age"] == 44
    assert result.answers["elderly"] is False
    assert result.off_route == ()


def test_refusal_ends_the_interview():
    result = read({"consent": "no", "birth_year": 1980, "quality": 8})
    assert result.accepted
    assert result.ending is SectionExit.REFUSED
    assert result.route == ("consent", "goodbye")
    assert set(result.off_route) == {"birth_year", "quality"}


def test_screening_out_ends_the_interview():
    result = read({"consent": "yes", "birth_year": 1940})
    assert result.accepted
    assert result.ending is SectionExit.SCREENED_OUT
    assert result.answers["age"] == 84


def test_specials_are_answers_but_no_scores():
    result = read({**GOOD, "quality": "dk"})
    assert result.accepted
    assert result.answers["quality"] == "dk"
    assert "why" not in result.route
    assert codes(read({**GOOD, "quality": "refused"})) == {"quality": "type"}
    assert codes(read({**GOOD, "birth_year": "dk"})) == {"birth_year": "type"}


@pytest.mark.parametrize(
    ("item", "value", "code"),
    [
        ("consent", "maybe", "choice"),
        ("consent", ["yes"], "type"),
        ("consent", None, "required"),
        ("birth_year", 1899, "range"),
        ("birth_year", 2025, "range"),
        ("birth_year", 2015, "constraint"),
        ("birth_year", 1980.5, "type"),
        ("birth_year", "1980", "type"),
        ("birth_year", True, "type"),
        ("birth_year", 10**400, "type"),
        ("birth_year", math.nan, "type"),
        ("birth_year", math.inf, "type"),
        ("birth_year", "", "required"),
        ("quality", 0, "range"),
        ("quality", 11, "range"),
        ("quality", 7, "constraint"),
        ("quality", 7.5, "type"),
        ("quality", {"score": 8}, "type"),
        ("quality", -1, "range"),
        ("channels", ["yes", "other"], "choice"),
        ("channels", "yes", "type"),
        ("channels", ["yes", ["no"]], "type"),
        ("channels", {"yes": True}, "type"),
        ("bought_on", "2024-05-02", "constraint"),
        ("bought_on", "2024-02-30", "date"),
        ("bought_on", "01.05.2024", "date"),
        ("bought_on", 20240501, "date"),
    ],
)
def test_refuses_with_a_reason_beside_the_question(item, value, code):
    assert codes(read({**GOOD, item: value}))[item] == code


@pytest.mark.parametrize(
    ("value", "code"), [(-0.5, "range"), (1000.5, "range"), (0.25, "step"), (1e300, "type")]
)
def test_decimals_have_bounds_and_steps(value, code):
    assert codes(read({**GOOD, "channels": ["yes"], "spent": value})) == {"spent": code}


def test_whole_floats_are_integers():
    answers = read({**GOOD, "birth_year": 1980.0, "quality": 8.0}).answers
    assert json.dumps([answers["birth_year"], answers["quality"]]) == "[1980, 8]"


def test_messages_are_the_instruments_own_where_it_has_some():
    (constraint,) = read({**GOOD, "birth_year": 2015}).problems
    assert constraint.message == {"zh": "15 or older (zh)", "en": "15 or older"}
    (required,) = read({**GOOD, "birth_year": None}).problems
    assert required.message["en"] == "Year, please"


def test_text_is_cleaned_and_limited():
    low = {**GOOD, "quality": 2}
    assert read({**low, "why": " a\r\nb\x00\ud800 "}).answers["why"] == "a\nb"
    assert read({**low, "why": "满" * MAX_TEXT}).accepted
    assert codes(read({**low, "why": "满" * (MAX_TEXT + 1)})) == {"why": "too_long"}
    assert "why" not in read({**low, "why": "\x00\x00"}).answers


def test_later_answers_are_not_seen_earlier():
    """A route that leads back would be one that the respondent never walked."""
    instrument = sample()
    main = instrument.sections[-1]
    early = main.items[0].model_copy(
        update={"name": "early", "relevant": "${why} != ''", "required": False}
    )
    changed = main.model_copy(update={"items": (early, *main.items)})
    instrument = instrument.model_copy(update={"sections": (*instrument.sections[:-1], changed)})
    result = validate(instrument, {**GOOD, "quality": 2, "why": "x", "early": 5}, today=TODAY)
    assert "early" not in result.route
    assert result.off_route == ("early",)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from([item.name for item in sample().items()]) | st.text() | st.integers()


@settings(max_examples=400, deadline=None)
@given(st.one_of(JSONISH, st.dictionaries(NAMES, JSONISH)))
def test_nothing_that_arrives_makes_it_raise(answers):
    result = read(answers)
    assert set(result.answers) <= set(result.route)
    json.dumps(result.answers, allow_nan=False).encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, JSONISH))
def test_accepted_answers_are_accepted_again_unchanged(answers):
    first = read({**GOOD, **answers})
    if first.accepted:
        second = read(first.answers)
        assert second.accepted
        assert second.answers == first.answers
        assert second.off_route == ()


_ASKED = (question("at", ItemKind.TIME), question("on", ItemKind.DATETIME))
MOMENTS = sample(sections=(Section(name="all", items=_ASKED),))


@given(st.datetimes(datetime(1000, 1, 1)))
def test_every_minute_is_a_time_and_with_its_day_a_moment(moment: datetime) -> None:
    given = {"at": f"{moment:%H:%M}", "on": moment.isoformat(timespec="minutes")}
    verdict = validate(MOMENTS, given, today=TODAY)
    assert verdict.answers == given
    for item, text in given.items():
        known = type_of(MOMENTS.by_name[item])
        shown = known.format_answer(MOMENTS.by_name[item], text, "en")
        assert known.parse_cell(shown, {}) == known.parse_entered(shown) == text
        assert known.parse_cell(shown + ":59", {}) == text


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("at", "24:00"), ("at", "9:30"), ("at", "09:60"), ("at", "09:30:00"), ("at", 930),
        ("at", "\uff10\uff19:30"), ("on", "2024-02-30T09:30"), ("on", "2024-05-01 09:30"),
        ("on", "2024-05-01T24:00"), ("on", "2024-05-01"), ("on", "T09:30"), ("on", 1),
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(item: str, value: object) -> None:
    code = {"at": "time", "on": "datetime"}[item]
    assert codes(validate(MOMENTS, {item: value}, today=TODAY)) == {item: code}


@pytest.mark.parametrize(
    ("kind", "cell", "answer"),
    [
        (ItemKind.TIME, "9:30", "09:30"),
        (ItemKind.TIME, "\uff19\uff1a30", "09:30"),
        (ItemKind.TIME, "half past nine", "half past nine"),
        (ItemKind.DATETIME, "2024/5/1 9:30", "2024-05-01T09:30"),
        (ItemKind.DATETIME, "2024-05-01T09:30:00.000", "2024-05-01T09:30"),
        (ItemKind.DATETIME, "2024-05-01", "2024-05-01"),
    ],
)
def test_cells_hold_times_in_many_ways(kind: ItemKind, cell: str, answer: str) -> None:
    assert QUESTION_TYPES[kind].parse_cell(cell, {}) == answer
