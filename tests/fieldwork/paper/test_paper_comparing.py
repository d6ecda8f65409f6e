"""Comparing two keyings: symmetric, blind to nothing, and one wrong turn is one error."""

from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from survey.collection.paper.keying import (
    HEAD,
    KeyedSheet,
    check_sheet,
    count_errors,
    list_differing_fields,
)
from survey.questionnaire.model import Instrument

DAY = date(2026, 5, 19)
ANSWERS = st.fixed_dictionaries(
    {
        "consent": st.just("yes"), "lived_6m": st.just("yes"),
        "quality": st.integers(1, 10) | st.sampled_from(["dk", "na"]),
        "service": st.integers(1, 10), "complained": st.sampled_from(["yes", "no"]),
        "channel": st.sampled_from(["shop", "hotline"]),
        "topics": st.lists(st.sampled_from(["food", "travel", "toys"]), unique=True),
        "gender": st.sampled_from(["male", "female"]), "birth_year": st.integers(1950, 2000),
    },
    optional={"comment": st.text(max_size=5)},
)  # fmt: skip
HEADS = st.tuples(st.integers(1, 2), st.integers(1, 2), st.dates(DAY.replace(day=18), DAY))


def _keyed(
    instrument: Instrument, answers: dict[str, Any], head: tuple[int, int, date]
) -> KeyedSheet:
    point, surveyor, day = head
    record = check_sheet(instrument, answers, answers.keys(), day=day).stored_answers
    return KeyedSheet(UUID(int=point), UUID(int=surveyor), day, record)


@given(answers=ANSWERS, other=ANSWERS, head=HEADS, another=HEADS)
def test_differences_are_found_from_both_sides_and_errors_lie_among_them(
    small_instrument: Instrument,
    answers: dict[str, Any],
    other: dict[str, Any],
    head: tuple[int, int, date],
    another: tuple[int, int, date],
) -> None:
    first, second = (
        _keyed(small_instrument, answers, head),
        _keyed(small_instrument, other, another),
    )
    differences = list_differing_fields(small_instrument, first, second)
    assert set(differences) == set(list_differing_fields(small_instrument, second, first))
    assert list_differing_fields(small_instrument, first, first) == ()
    assert "age" not in differences, "nobody keys a calculation"
    assert {name for name in differences if name in HEAD} == {
        name for name, a, b in zip(HEAD, head, another, strict=True) if a != b
    }
    fields, errors = count_errors(small_instrument, first, second)
    assert errors <= len(differences)
    assert errors <= fields <= len(first.fields)
    assert (errors == 0) == (
        not [n for n in differences if n in first.fields and n in second.fields]
    )
    assert count_errors(small_instrument, first, first)[1] == 0
