"""regex(): agrees with Python's own engine where that one is sure, and never takes long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.questionnaire.expressions.pattern import compile_pattern
from survey.questionnaire.expressions.pattern_parser import PatternError

ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "1",
        "-",
        r"\d",
        r"\w",
        r"\s",
        "[ab]",
        "[^a]",
        "[a-c1-3]",
        r"[\w-]",
        r"\.",
        "满",
        "()",
    ]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "{0}", "*?", "{1,2}?"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, quantifiers).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


PATTERNS = st.recursive(ATOMS, _grown, max_leaves=6)


@settings(max_examples=800, deadline=None)
@given(pattern=PATTERNS, text=st.text("ab1-. 满\n", max_size=7))
def test_same_verdict_as_a_full_match(pattern, text):
    assert compile_pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text, re.ASCII))


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|aa)+", "(a*)*", "a*a*a*a*a*a*", "(.*.*.*)*x", "(a?){200}a{200}", "((a{2,9})+)+"],
)
def test_patterns_that_stall_backtracking_engines_are_harmless(pattern):
    # If this backtracked, the test run would not end.
    assert not compile_pattern(pattern).matches("a" * 2_000 + "!")


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a)\1",
        "(?=a)b",
        "(?!a)b",
        "(?<=a)b",
        "(?P<x>a)",
        "(?i)a",
        r"\bword\b",
        r"\p{L}+",
        "a++",
        "a**",
        "*a",
        "a{,3}",
        "a{x}",
        "a{3,2}",
        "a{601}",
        "(a{30}){30}",
        "((((a{9}){9}){9}){9}){9}",
        "[[:alpha:]]",
        "[a&&b]",
        "[z-a]",
        r"[a-\d]",
        "[]",
        "[a",
        "(a",
        "a)",
        "a]",
        "a}",
        "a^b",
        "a$b",
        "(^a)+",
        "(a$)b",
        "\\",
        r"\x4",
        r"\u{41}",
        "(" * 200,
        "a" * 1_001,
    ],
)
def test_what_engines_read_differently_is_refused(pattern):
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@settings(max_examples=300, deadline=None)
@given(st.text("ab([{^$*+?|)]}\\d-:,1&", max_size=12))
def test_any_text_is_a_pattern_or_an_error(text):
    try:
        automaton = compile_pattern(text)
    except PatternError:
        return
    assert automaton.matches("ab1") in (True, False)
