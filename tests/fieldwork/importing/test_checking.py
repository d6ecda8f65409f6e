"""Checking many rows quickly gives the validator's verdict; a narrowed form asks what it can."""

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from survey.fieldwork.importing.row_answers import (
    RowChecker,
    cell_reader,
    independent_items,
    restrict_instrument,
)
from survey.instrument.model import Instrument, Item, ItemKind
from survey.instrument.validation import validate

TODAY = date(2026, 5, 20)
COLUMNS = (
    "consent", "lived_6m", "quality", "service", "complained", "channel", "topics", "gender",
    "birth_year", "comment",
)  # fmt: skip

TEXTS = st.sampled_from(
    ["", " ", "yes", "no", "1", "8", "10", "11", "8.0", "0", "dk", "na", "male", "female", "x",
     "shop", "hotline", "food toys", "1990", "1800", "2026", "=1+1", "nan"]
)  # fmt: skip


def _columns(instrument: Instrument, names: list[str]) -> dict[str, Any]:
    return {
        name: (place, cell_reader(instrument.by_name[name], {}))
        for place, name in enumerate(names)
        if name in instrument.by_name
    }


def _slow(instrument: Instrument, columns: dict[str, Any], cells: list[str]) -> Any:
    read: dict[str, tuple[int, Callable[[str], Any]]] = columns
    given_ = {name: reader(cells[place]) for name, (place, reader) in read.items()}
    return validate(instrument, {n: v for n, v in given_.items() if v is not None}, today=TODAY)


@settings(deadline=None, max_examples=200)
@given(
    names=st.lists(st.sampled_from(COLUMNS), unique=True, min_size=1),
    rows=st.lists(st.lists(TEXTS, min_size=10, max_size=10), min_size=1, max_size=6),
)
def test_the_quick_verdict_is_the_validators(
    small_instrument: Instrument, names: list[str], rows: list[list[str]]
) -> None:
    instrument = restrict_instrument(small_instrument, names, {})
    columns = _columns(instrument, names)
    checker = RowChecker(instrument, columns)
    for cells in rows:
        quick, slow = checker.check(cells, TODAY), _slow(instrument, columns, cells)
        assert quick.answers == slow.answers
        assert sorted(map(repr, quick.problems)) == sorted(map(repr, slow.problems))
        assert quick.dropped == len(slow.off_route)
        assert quick.ending == slow.ending


def test_only_what_nothing_depends_on_stands_alone(small_instrument: Instrument) -> None:
    assert independent_items(small_instrument) == {
        "quality",
        "service",
        "topics",
        "gender",
        "comment",
    }


def test_the_whole_form_narrows_to_itself(small_instrument: Instrument) -> None:
    assert restrict_instrument(small_instrument, COLUMNS, {}) == small_instrument


def test_a_gate_without_a_column_stands_open(small_instrument: Instrument) -> None:
    narrowed = restrict_instrument(small_instrument, ["quality", "channel"], {})
    assert [section.name for section in narrowed.sections if section.ends] == []
    assert narrowed.by_name["channel"].relevant is None
    checked = validate(narrowed, {"quality": 8, "channel": "shop"}, today=TODAY)
    assert checked.accepted
    assert checked.answers == {"quality": 8, "channel": "shop"}


def test_a_gate_with_a_column_still_closes(small_instrument: Instrument) -> None:
    narrowed = restrict_instrument(
        small_instrument, ["consent", "quality", "complained", "channel"], {}
    )
    checked = validate(narrowed, {"consent": "no", "quality": 8}, today=TODAY)
    assert (checked.ending, checked.off_route) == ("refused", ("quality",))
    answers = {"consent": "yes", "quality": 8, "complained": "no", "channel": "shop"}
    assert validate(narrowed, answers, today=TODAY).off_route == ("channel",)


def test_a_calculation_follows_its_inputs_or_takes_a_column(small_instrument: Instrument) -> None:
    assert "age" not in restrict_instrument(small_instrument, ["quality"], {}).by_name
    computed = restrict_instrument(small_instrument, ["birth_year"], {})
    assert computed.by_name["age"] == small_instrument.by_name["age"]
    given_ = restrict_instrument(small_instrument, ["age"], {"age": True}).by_name["age"]
    assert given_ == Item(name="age", kind=ItemKind.DECIMAL)
    assert (
        restrict_instrument(small_instrument, ["age"], {"age": False}).by_name["age"].kind
        is ItemKind.TEXT
    )
