"""The Python and the browser evaluator agree: on the shared cases and on anything generated."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_mini_racer import MiniRacer

from survey.questionnaire.expressions.evaluator import evaluate
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.pattern import Json, compile_pattern
from survey.questionnaire.expressions.syntax import (
    FUNCTIONS,
    Expression,
    Literal,
    Operation,
    Reference,
    RegexMatch,
    SelfReference,
    to_json,
)
from survey.questionnaire.expressions.values import Value

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "src/survey/web/static/expressions.js"
TODAY = date(2024, 5, 1)
CASES = [
    (group, *case)
    for group, cases in json.loads((HERE / "expression_cases.json").read_text("utf-8"))[
        "cases"
    ].items()
    for case in cases
]

_HARNESS = """
function told(source) {
  var input = JSON.parse(source);
  var value = SurveyExpressions.evaluate(input[0], input[1], input[2], input[3]);
  var shown = Object.is(value, -0) ? "-0" : String(value);
  return typeof value + ":" + shown;
}
"""


@pytest.fixture(scope="module")
def browser():
    engine = MiniRacer()
    engine.eval(SCRIPT.read_text("utf-8") + _HARNESS)
    return engine


def in_browser(browser, expression: Expression, values: object, itself: object) -> Value:
    payload: list[Json | object] = [to_json(expression), values, itself, TODAY.isoformat()]
    kind, _, shown = browser.call("told", json.dumps(payload)).partition(":")
    match kind:
        case "number":
            return float(shown.replace("Infinity", "inf"))
        case "boolean":
            return shown == "true"
    return shown


def describe_value(value: Value) -> str:
    """Type and value, so that 1, True and '1' differ, NaN equals itself and -0 is not 0."""
    return f"{type(value).__name__}:{value!r}"


def expected_value(expected: object) -> Value:
    if isinstance(expected, dict):
        return float(expected["number"])
    if isinstance(expected, int) and not isinstance(expected, bool):
        return float(expected)
    assert isinstance(expected, str | float | bool)
    return expected


def test_there_are_enough_cases():
    assert len(CASES) >= 150
    used = {name for case in CASES for name in FUNCTIONS if name + "(" in case[1]}
    assert used == set(FUNCTIONS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[1]}")
def test_case(case, browser):
    _, source, expected, *given_answers = case
    values = given_answers[0] if given_answers else {}
    itself = given_answers[1] if len(given_answers) > 1 else None
    expression = parse(source)
    wanted = describe_value(expected_value(expected))
    assert describe_value(evaluate(expression, values, itself, TODAY)) == wanted
    assert describe_value(in_browser(browser, expression, values, itself)) == wanted


NAMES = ("a", "b", "c", "constructor", "__proto__")
TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "a",
            "a b",
            "dk",
            "1",
            " 12 ",
            "-0",
            "0.5",
            "1e3",
            "true",
            "false",
            "NaN",
            "2024-02-29",
            "2023-02-29",
            "1000-01-01",
            "9999-12-31",
            "0001-01-01",
            "2024-05-01\n",
            "Infinity",
            "．５",
            "１",
            "\u00a0",
            "\u2028",
            "😀",
            "\ufeff1",
        ]
    ),
    st.text(max_size=6),
    st.dates().map(date.isoformat),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
NUMBERS = st.one_of(
    st.integers(-20, 20).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-400_000, 3_000_000),
    st.sampled_from([0.0, 1e21, 1e-7, 123456789012345680.0, 5e-324, 0.1, 2.5]),
)
ANSWERS = st.one_of(
    TEXTS, NUMBERS, st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.lists(TEXTS)
)
PATTERNS = st.sampled_from(
    ["", ".*", "a+b?", r"\d{1,3}(\.\d+)?", r"[^\s]+", "(a|ab)(c|bcd)*", r"\w*", "[a-c]{2,}|d"]
)


def _operations(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    def call(name: str, arity: int) -> st.SearchStrategy[Expression]:
        return st.tuples(*[inner] * arity).map(lambda parts: Operation(name, parts))

    calls = [call(name, arity) for name, arity in FUNCTIONS.items() if name != "regex"]
    binary = ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "and", "or"]
    return st.one_of(
        *calls,
        *(call(name, 2) for name in binary),
        call("and", 3),
        call("neg", 1),
        st.tuples(inner, PATTERNS).map(lambda pair: RegexMatch(pair[0], compile_pattern(pair[1]))),
    )


EXPRESSIONS = st.recursive(
    st.one_of(
        NUMBERS.map(lambda number: Literal(abs(number))),
        TEXTS.map(Literal),
        st.sampled_from(NAMES).map(Reference),
        st.just(SelfReference()),
    ),
    _operations,
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=1_500, deadline=None)
@given(
    expression=EXPRESSIONS,
    values=st.dictionaries(st.sampled_from(NAMES[:4]), ANSWERS),
    itself=ANSWERS,
)
def test_any_expression_has_one_value(browser, expression, values, itself):
    assert describe_value(evaluate(expression, values, itself, TODAY)) == describe_value(
        in_browser(browser, expression, values, itself)
    )
