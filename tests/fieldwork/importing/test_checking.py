"""A narrowed form asks what it can of a file without every column."""

from datetime import date

from survey.collection.importing.row_answers import restrict_instrument
from survey.questionnaire.model import Instrument, Item, ItemKind
from survey.questionnaire.validation import validate

TODAY = date(2026, 5, 20)
COLUMNS = (
    "consent", "lived_6m", "quality", "service", "complained", "channel", "topics", "gender",
    "birth_year", "comment",
)  # fmt: skip


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
