"""Every column becomes what its name or the mapping says, or a question is asked."""

from typing import Any

import pytest

from survey.collection.importing.column_mapping import (
    ColumnRole,
    MappingFile,
    bind_columns,
    read_mapping,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.row_answers import cell_reader
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind, SpecialAnswer
from survey.questionnaire.question_types.numbers import is_number


def _mapping(*rows: str) -> MappingFile:
    return read_mapping("\n".join(["column,item,value,code", *rows]).encode())


def test_a_mapping_names_columns_and_translates_values() -> None:
    mapping = _mapping("Q1,quality,,", "Q1,,N/A,na", "Sex,gender,Male,male", "Sex,gender,F,female")
    assert mapping.targets == {"Q1": "quality", "Sex": "gender"}
    assert mapping.codes == {"Q1": {"n/a": "na"}, "Sex": {"male": "male", "f": "female"}}


def test_the_header_may_be_in_any_case_and_value_columns_may_be_left_out() -> None:
    assert read_mapping(b"Column,Item\nQ1,quality\n").targets == {"Q1": "quality"}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([",quality,,"], "row 2: no column"),
        (["Q1,,,"], "row 2: neither"),
        (["Q1,quality,,", "Q1,service,,"], "row 3: Q1"),
        (["Q1,,N/A,na", "Q1,,n/a,dk"], "row 3: n/a"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_said_with_its_row(rows: list[str], says: str) -> None:
    with pytest.raises(ImportNotPossibleError, match=says):
        _mapping(*rows)


def test_a_file_of_another_kind_is_no_mapping() -> None:
    with pytest.raises(ImportNotPossibleError, match="column,item,value,code"):
        read_mapping(b"a,b\n1,2\n")


def test_columns_are_found_by_name_by_group_and_by_mapping(small_instrument: Instrument) -> None:
    header = ("id", "City", "quality", "scores/service", "Sex", "Quelle", "bye")
    uses = bind_columns(header, small_instrument, _mapping("Sex,gender,,", "Quelle,point,,"))
    assert {use.column: use.item for use in uses.items} == {
        "quality": "quality",
        "scores/service": "service",
        "Sex": "gender",
    }
    assert {role: use.column for role, use in uses.roles.items()} == {
        ColumnRole.CITY: "City",
        ColumnRole.POINT: "Quelle",
    }
    assert uses.unmapped == ("id", "bye")


def test_an_ignored_column_is_neither_used_nor_reported(small_instrument: Instrument) -> None:
    uses = bind_columns(("quality", "city"), small_instrument, _mapping("city,ignore,,"))
    assert (uses.roles, uses.unmapped) == ({}, ())


def test_a_column_without_a_name_is_reported_by_its_place(small_instrument: Instrument) -> None:
    assert bind_columns(("", "quality"), small_instrument, MappingFile()).unmapped == ("(1)",)


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        (("quality", "quality"), [], "both quality"),
        (("quality", "Q1"), ["Q1,quality,,"], "both quality"),
        (("city", "CITY"), [], "both city"),
        (("Q1",), ["Q2,quality,,"], "Q2 that the file lacks"),
        (("Q1",), ["Q1,qualty,,"], "qualty, which is neither"),
        (("Q1",), ["Q1,bye,,"], "bye is a note"),
    ],
)
def test_contradictions_are_refused(
    small_instrument: Instrument, header: tuple[str, ...], rows: list[str], says: str
) -> None:
    with pytest.raises(ImportNotPossibleError, match=says):
        bind_columns(header, small_instrument, _mapping(*rows) if rows else MappingFile())


def _item(kind: ItemKind, *choices: Choice, **rest: Any) -> Item:
    return Item(name="x", kind=kind, choices=choices, **rest)


MALE = Choice(name="male", label={"zh": "男", "en": "Male"})
FEMALE = Choice(name="female", label={"zh": "女", "en": "Female"})
FOOD = Choice(name="food", label={"zh": "餐饮", "en": "Food, drink"})
TOYS = Choice(name="toys", label={"zh": "玩具", "en": "Toys"})
ONE = Choice(name="1", label={"en": "Poor"})


@pytest.mark.parametrize(
    ("item", "text", "value"),
    [
        (_item(ItemKind.RATING), "8", 8),
        (_item(ItemKind.RATING), " 8.0 ", 8),
        (_item(ItemKind.RATING), "８", 8),
        (_item(ItemKind.RATING), "8.5", 8.5),
        (_item(ItemKind.RATING), "1e1", 10.0),
        (_item(ItemKind.RATING), "-3", -3),
        (_item(ItemKind.RATING), "", None),
        (_item(ItemKind.RATING), "  ", None),
        (_item(ItemKind.RATING), "1_0", "1_0"),
        (_item(ItemKind.RATING), "=5+5", "=5+5"),
        (_item(ItemKind.RATING), "8 points", "8 points"),
        (_item(ItemKind.RATING), "nan", "nan"),
        (_item(ItemKind.RATING), "inf", "inf"),
        (_item(ItemKind.RATING), "9" * 400, "9" * 400),
        (_item(ItemKind.RATING, ONE), "poor", 1),
        (_item(ItemKind.RATING, specials=(SpecialAnswer.DONT_KNOW,)), "dk", "dk"),
        (
            _item(
                ItemKind.RATING,
                specials=(SpecialAnswer.DONT_KNOW,),
                special_labels={SpecialAnswer.DONT_KNOW: {"zh": "不了解"}},
            ),
            "不了解",
            "dk",
        ),
        (_item(ItemKind.SELECT_ONE, MALE, FEMALE), "male", "male"),
        (_item(ItemKind.SELECT_ONE, MALE, FEMALE), " MALE ", "male"),
        (_item(ItemKind.SELECT_ONE, MALE, FEMALE), "女", "female"),
        (_item(ItemKind.SELECT_ONE, MALE, FEMALE), "other", "other"),
        (_item(ItemKind.SELECT_ONE, ONE), "1.0", "1"),
        (_item(ItemKind.SELECT_MULTIPLE, FOOD, TOYS), "toys food", ["toys", "food"]),
        (_item(ItemKind.SELECT_MULTIPLE, FOOD, TOYS), "餐饮；玩具", ["food", "toys"]),
        (_item(ItemKind.SELECT_MULTIPLE, FOOD, TOYS), "toys,toys", ["toys"]),
        (_item(ItemKind.SELECT_MULTIPLE, FOOD, TOYS), "toys;cars", ["toys", "cars"]),
        (_item(ItemKind.DATE), "2024-05-01", "2024-05-01"),
        (_item(ItemKind.DATE), "2024/5/1 00:00", "2024-05-01"),
        (_item(ItemKind.DATE), "May 1", "May 1"),
        (_item(ItemKind.TEXT), " =cmd|' /C calc'!A0 ", "=cmd|' /C calc'!A0"),
    ],
    ids=str,
)
def test_a_cell_is_read_as_its_item_asks(item: Item, text: str, value: object) -> None:
    read = cell_reader(item, {})(text)
    assert read == value
    assert type(read) is type(value)


def test_mapped_values_come_first_and_may_mean_no_answer() -> None:
    read = cell_reader(_item(ItemKind.RATING), {"excellent": "10", "n/a": "", "8": "7"})
    assert [read(text) for text in ("Excellent", " N/A ", "8", "9")] == [10, None, 7, 9]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("36", True), ("36.5", True), ("３６", True), ("36 years", False), ("", False)],
)
def test_numbers_are_told_from_words(text: str, is_one: bool) -> None:
    assert is_number(text) is is_one
