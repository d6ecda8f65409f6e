"""What the parser refuses, and what it tells people to write instead."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaire.expressions.evaluator import evaluate
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.syntax import (
    MAX_DEPTH,
    MAX_LENGTH,
    ExpressionError,
    references,
    to_json,
    uses_self,
)

TODAY = date(2024, 5, 1)


@pytest.mark.parametrize(
    ("source", "suggestion"),
    [
        ("${a} == 1", "single ="),
        ("${a} <> 1", "!="),
        ("${a} ≥ 1", ">="),
        ("${a} && ${b}", "and"),
        ("${a} || ${b}", "or"),
        ("!${a}", "not(condition)"),
        ("${a} = ‘yes’", "straight quotes"),
        ("${a} = yes", "'yes' in quotes"),
        ("a > 1", "${a}"),
        ("/data/a > 1", "${name}"),
        ("../a > 1", "${name}"),
        ("${a} / 2", "div"),
        ("${a} = 1 AND ${b} = 2", "small letters"),
        ("TRUE()", "true()"),
        ("concat(${a}, 'x')", "label"),
        ("round(${a}, 2)", "int(x + 0.5)"),
        ("sum(${a})", "${a} + ${b}"),
        ("now()", "today()"),
        ("pulldata('x', 'y', 'z', 1)", "choices sheet"),
        ("jr:choice-name(${a}, '${a}')", "label of the choice"),
        ("eval('1')", "Supported are"),
        ("${last-saved#a}", "${name}"),
        ("${}", "${name}"),
        ("$a", "curly brackets"),
        ("regex(., ${a})", "'[0-9]{11}'"),
        (r"regex(., '(a)\1')", "docs/expressions.md"),
        ("'open", "straight quote"),
    ],
)
def test_says_what_to_write_instead(source, suggestion):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert caught.value.suggestion is not None
    assert suggestion in str(caught.value.suggestion)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "  ",
        "1 +",
        "(1",
        "1)",
        "1 2",
        "if(1, 2)",
        "not()",
        "today(1)",
        ")",
        "and",
        "1 and",
        "${a",
        "selected(${a})",
        "1 = = 2",
        "count-selected(1, 2)",
        ",",
        "if(,,)",
        "#",
        "9" * 400,
    ],
)
def test_refuses(source):
    with pytest.raises(ExpressionError):
        parse(source)


def test_limits_hold_before_recursion_does():
    for source in (
        "(" * 5_000 + "1" + ")" * 4_000,
        "not(" * 2_000 + "1" + ")" * 2_000,
        "-" * 9_000 + "1",
        "1" + "+1" * 4_000,
        "(" * (MAX_DEPTH - 5) + "1" + "+1)" * (MAX_DEPTH - 5) + "+1" * 50,
        "1" * (MAX_LENGTH + 1),
    ):
        with pytest.raises(ExpressionError):
            parse(source)


def test_long_chains_of_conditions_are_no_depth():
    source = " or ".join(f"${{a}} = {number}" for number in range(500))
    assert evaluate(parse(source), {"a": 499}, None, TODAY) is True
    assert evaluate(parse(source), {"a": 500}, None, TODAY) is False


def test_references_and_own_answer():
    expression = parse("if(selected(${a}, 'x'), ${b-1}, regex(${c}, 'y')) or . > 1")
    assert references(expression) == {"a", "b-1", "c"}
    assert uses_self(expression)
    assert not uses_self(parse("${a} = '.'"))


def test_json_for_the_browser_is_plain():
    assert to_json(parse("${a} >= 18 and not(. = 'x')")) == [
        "and",
        [">=", ["$", "a"], 18.0],
        ["not", ["=", ["."], "x"]],
    ]


@given(st.text("${}abc.'\"()=<>!+-*1 ,andormodiv", max_size=25))
def test_any_text_is_an_expression_or_an_error(source):
    try:
        expression = parse(source)
    except ExpressionError:
        return
    assert isinstance(evaluate(expression, {}, None, TODAY), str | float | bool)
