"""Records: what is accepted, what is stored, and what changed, for any values."""

from datetime import date, timedelta
from typing import Annotated

from hypothesis import given
from hypothesis import strategies as st

from survey.locale import msg
from survey.records import Choice, Column, Day, Flag, Key, Number, Record, Text, Yuan
from tests.error_codes import raises_code

TODAY, FIRST = date(2026, 5, 20), date(2015, 1, 1)


class Thing(Record):
    """One field of each kind, and one that people do not enter."""

    area: str
    key: Annotated[str, Key()]
    title: Annotated[str, Text(label=msg("Title"), least=2, most=10)]
    story: Annotated[str, Text(label=msg("Story"), least=0, most=20, has_lines=True)] = ""
    kind: Annotated[str, Choice(label=msg("Kind"), names={"a": msg("one"), "b": msg("two")})]
    count: Annotated[int, Number(label=msg("Count"), least=1, most=5)]
    price_fen: Annotated[int, Yuan(label=msg("Price"), least=1, most=3, key="price")]
    held_on: Annotated[date, Day(label=msg("Day"), first=FIRST)]
    due_on: Annotated[date, Day(label=msg("Deadline"), may_come=True)] = TODAY
    is_new: Annotated[bool, Flag(label=msg("New"), names={"yes": msg("yes"), "no": msg("no")})]


days = st.dates(FIRST - timedelta(5), TODAY + timedelta(5))
things = st.builds(
    Thing,
    area=st.just("CN"),
    key=st.sampled_from(["ab", "abc", "Abc", "a-b-1"]),
    title=st.text(" ab\n", max_size=14),
    story=st.text(" ab\n", max_size=24),
    kind=st.sampled_from("abc"),
    count=st.integers(0, 6),
    price_fen=st.integers(50, 350),
    held_on=days,
    due_on=days,
    is_new=st.booleans(),
)


def is_right(thing: Thing) -> bool:
    """Whether a thing can be stored, said again without the columns."""
    return (
        thing.key in {"abc", "a-b-1"}
        and 2 <= len(" ".join(thing.title.split())) <= 10
        and len(thing.story.strip()) <= 20
        and thing.kind in {"a", "b"}
        and 1 <= thing.count <= 5
        and 100 <= thing.price_fen <= 300
        and FIRST <= thing.held_on <= TODAY
    )


@given(things)
def test_what_is_checked_is_stored_clean_or_refused(thing: Thing) -> None:
    before = thing.model_copy()
    if not is_right(thing):
        with raises_code("thing_refused"):
            thing.checked("thing_refused", TODAY)
        return
    clean = thing.checked("thing_refused", TODAY)
    assert clean.title == " ".join(thing.title.split())
    assert clean.story == thing.story.strip()
    assert clean.checked("thing_refused", TODAY) == clean, "what is clean stays as it is"
    assert thing == before, "a draft is not changed by checking it"


@given(things, things)
def test_what_is_written_is_what_is_read(one: Thing, other: Thing) -> None:
    row = Thing.of(one)
    changed = other.write_to(row)
    assert row == other
    assert changed == [
        name for name in Thing.model_fields if getattr(one, name) != getattr(other, name)
    ]


def test_columns_are_what_people_enter() -> None:
    assert list(Thing.columns()) == [name for name in Thing.model_fields if name != "area"]
    assert all(isinstance(each, Column) for each in Thing.columns().values())
    assert Thing.columns()["price_fen"].key == "price"


def test_every_refusal_says_what_is_wrong() -> None:
    wrong = Thing(
        area="CN", key="?", title="", kind="a", count=1, price_fen=100, held_on=TODAY, is_new=True
    )
    for name, column in Thing.columns().items():
        if isinstance(column, Key | Text | Day):
            value = {"held_on": TODAY + timedelta(1), "story": "x" * 21}.get(name, "?")
            if name != "due_on":
                assert column.find_problem(value, TODAY) is not None, name
    assert wrong.title == "", "a record is made with any values"
