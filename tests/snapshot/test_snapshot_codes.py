"""Answers become typed cells; five kinds of "no score" stay apart."""

import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SpecialAnswer,
)
from survey.questionnaire.question_types.question_type import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    NOT_EXPERIENCED,
    NOT_IN_ANSWERS,
    REFUSED,
)
from survey.snapshots.response_frame import RESPONSE_COLUMNS, build_response_frame, item_columns
from survey.snapshots.snapshot_files import parquet_bytes

ITEMS = (
    Item(
        name="quality", kind=ItemKind.RATING, minimum=1, maximum=10, specials=tuple(SpecialAnswer)
    ),
    Item(
        name="channel",
        kind=ItemKind.SELECT_MULTIPLE,
        choices=(Choice(name="tv", label={"en": "TV"}), Choice(name="web", label={"en": "Web"})),
    ),
    Item(
        name="gender",
        kind=ItemKind.SELECT_ONE,
        choices=(Choice(name="male", label={}), Choice(name="female", label={})),
    ),
    Item(name="age", kind=ItemKind.CALCULATE, calculation="40"),
    Item(name="comment", kind=ItemKind.TEXT),
    Item(name="hello", kind=ItemKind.NOTE),
)
INSTRUMENT = Instrument(
    name="tiny",
    version="1",
    title={"en": "Tiny"},
    default_language="en",
    languages=(Language(code="en", name="English"),),
    sections=(Section(name="only", items=ITEMS),),
)
WHEN = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)


def encode_ratings(values: list[object]) -> np.ndarray:
    return item_columns(ITEMS[0], values)["quality"]


def row(answers: dict[str, object], psu: str | None = "110000-u-01") -> tuple[object, ...]:
    return ("id", "110000", psu, "urban", "s1", "self", "zh", WHEN, WHEN, 300.0, answers)


def test_each_kind_of_no_score_has_its_own_code() -> None:
    values = [7, "dk", "na", "refused", NOT_IN_ANSWERS, None]
    expected = [7, DONT_KNOW, NOT_EXPERIENCED, REFUSED, NOT_ASKED, MISSING]
    assert encode_ratings(values).tolist() == expected


def test_a_truth_value_or_a_text_is_never_a_score() -> None:
    assert encode_ratings([True, "7", 7.0]).tolist() == [MISSING, MISSING, MISSING]


@given(st.lists(st.one_of(st.integers(1, 10), st.sampled_from(["dk", "na", "refused", None]))))
def test_codes_keep_length_and_scores(values: list[object]) -> None:
    codes = encode_ratings(values)
    assert codes.dtype == np.int8
    assert len(codes) == len(values)
    assert [c for c in codes.tolist() if c > 0] == [v for v in values if isinstance(v, int)]


def test_the_frame_has_typed_columns_and_no_open_text() -> None:
    frame = build_response_frame(
        [
            row({"quality": 9, "channel": ["web"], "gender": "male", "age": 40, "comment": "hi"}),
            row({"quality": "na", "channel": None, "gender": "female", "age": 41}, psu=None),
            row({"age": None}),
        ],
        INSTRUMENT,
    )
    assert list(frame.columns) == [
        *RESPONSE_COLUMNS,
        "quality",
        "channel/tv",
        "channel/web",
        "gender",
        "age",
    ]
    assert frame["quality"].tolist() == [9, NOT_EXPERIENCED, NOT_ASKED]
    assert frame["channel/web"].tolist() == [1, MISSING, NOT_ASKED]
    assert frame["channel/tv"].tolist() == [0, MISSING, NOT_ASKED]
    assert frame["gender"].tolist()[:2] == ["male", "female"]
    assert pd.isna(frame["gender"].iloc[2])
    assert pd.isna(frame["psu"].iloc[1])
    assert np.isnan(frame["age"].iloc[2])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_batches_of_any_size_give_the_same_bytes(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        row({"quality": 9, "channel": ["web"], "gender": "male", "age": 40}),
        row({"quality": "na", "channel": None, "gender": "female", "age": 41}, psu=None),
        row({"age": None}, psu=None),
        row({"quality": 1, "gender": "male"}),
    ]
    whole = parquet_bytes(build_response_frame(rows, INSTRUMENT))
    monkeypatch.setattr("survey.snapshots.response_frame.READ_BATCH_SIZE", size)
    assert parquet_bytes(build_response_frame(iter(rows), INSTRUMENT)) == whole


def test_the_answers_of_one_batch_are_gone_before_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Answers(dict[str, object]):
        """Answers that can be watched."""

    monkeypatch.setattr("survey.snapshots.response_frame.READ_BATCH_SIZE", 2)
    gone: list[int] = []
    living: list[int] = []

    def rows() -> Iterator[tuple[object, ...]]:
        for quality in range(1, 10):
            answers = Answers(quality=quality)
            weakref.finalize(answers, gone.append, quality)
            living.append(quality - len(gone))
            yield row(answers)

    frame = build_response_frame(rows(), INSTRUMENT)
    assert frame["quality"].tolist() == list(range(1, 10))
    assert max(living) <= 5


def test_no_interviews_give_an_empty_frame_with_all_columns() -> None:
    frame = build_response_frame([], INSTRUMENT)
    assert len(frame) == 0
    assert "quality" in frame.columns


@pytest.mark.parametrize("name", ["started_at", "submitted_at"])
def test_times_are_utc(name: str) -> None:
    frame = build_response_frame([row({})], INSTRUMENT)
    assert frame[name].iloc[0] == pd.Timestamp(WHEN)
