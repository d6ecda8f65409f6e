"""A column of weights: read, kept with every interview, and a wave has them all or none."""

import csv
import io
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.importing.column_mapping import ROLE_NAMES, ColumnRole, target_name
from survey.collection.importing.commit import ImportResult, commit_import
from survey.collection.importing.import_plan import ImportPlan, plan_import
from survey.collection.importing.mapping_draft import draft_columns, targets_of
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.row_reader import MAX_WEIGHT, MIN_WEIGHT, read_weight
from survey.collection.importing.target_wave import (
    FileWithWeights,
    ImportRequest,
    list_files_with_weights,
)
from survey.collection.withdrawal import erase_response
from survey.locale import translator
from survey.questionnaire.model import Instrument
from survey.snapshots.response_frame import GIVEN_WEIGHT, CountedResponses, response_frame
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Response, table_of
from survey.tabular.text_files import read_delimited
from survey.waves.waves import get_wave
from tests.work_of import work_of

HEADER = ["city", "quality", "service", "gender", "birth_year"]
ROWS = [
    ["110000", "8", "na", "female", "1990"],
    ["110000", "4", "2", "male", "1980"],
    ["310000", "10", "9", "male", "1955"],
]


def table(*weights: str, column: str = "weight", rows: list[list[str]] = ROWS) -> bytes:
    """The rows with a column of weights; without weights no such column."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if not weights:
        writer.writerows([HEADER, *rows])
    else:
        writer.writerow([*HEADER, column])
        writer.writerows([*row, weight] for row, weight in zip(rows, weights, strict=True))
    return buffer.getvalue().encode()


def plan_of(field: Any, content: bytes, **changes: Any) -> ImportPlan:
    values = {
        "instrument": field.instrument, "wave_key": "abroad-2024", "file_name": "agency.csv",
        **changes,
    }  # fmt: skip
    with read_scope(field.url) as session:
        return plan_import(
            work_of(session, OPERATOR, field.now), request=ImportRequest(content, **values)
        )


def commit(field: Any, plan: ImportPlan) -> ImportResult:
    with session_scope(field.url) as session:
        return commit_import(work_of(session, OPERATOR, field.now), plan=plan)


def weights_in(field: Any, key: str = "abroad-2024") -> list[float | None]:
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key=key)
        query = select(Response.given_weight).where(Response.wave_id == wave.id)
        return sorted(session.exec(query), key=lambda weight: -1.0 if weight is None else weight)


def frame_columns(field: Any, key: str) -> dict[str, Any]:
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key=key)
        frame = response_frame(session, field.instrument, CountedResponses(wave.id))
    return {str(name): frame[name].tolist() for name in frame}


def test_weights_are_kept_to_the_last_digit_and_stand_in_the_frame(field: Any) -> None:
    plan = plan_of(field, table("0.1", "1234.567890123456", "１．５"))
    assert plan.weight_column == "weight"
    assert any("weight" in translator("en")(remark) for remark in plan.remarks)
    assert commit(field, plan).written == 3
    assert weights_in(field) == [0.1, 1.5, 1234.567890123456]
    frame = frame_columns(field, "abroad-2024")
    by_quality = dict(zip(frame["quality"], frame[GIVEN_WEIGHT], strict=True))
    assert by_quality == {8: 0.1, 4: 1234.567890123456, 10: 1.5}
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key="abroad-2024")
        files = list_files_with_weights(session=session, wave_id=wave.id)
    assert files == (FileWithWeights(plan.sha256, "weight"),)


def test_a_wave_without_weights_has_no_such_column(field: Any) -> None:
    commit(field, plan_of(field, table()))
    assert weights_in(field) == [None] * 3
    assert GIVEN_WEIGHT not in frame_columns(field, "abroad-2024")
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key="abroad-2024")
        assert list_files_with_weights(session=session, wave_id=wave.id) == ()


def test_a_column_of_another_name_is_mapped_and_its_values_too(field: Any) -> None:
    mapping = "column,item,value,code\n抽样权,weight,,\n抽样权,,一,1\n".encode()
    commit(field, plan_of(field, table("一", "2", "3", column="抽样权"), mapping=mapping))
    assert weights_in(field) == [1.0, 2.0, 3.0]
    commit(
        field,
        plan_of(
            field, table("一", "2", "3"), wave_key="b-2024", mapping=b"column,item\nweight,ignore\n"
        ),
    )
    assert weights_in(field, "b-2024") == [None] * 3


def test_missing_and_unreadable_weights_are_refused_by_row_and_summed_up(field: Any) -> None:
    rows = [[*ROWS[0][:4], str(1950 + number)] for number in range(8)]
    bad = ["0", "-1", "", "1,5", "inf", "nan", "1_0", "2"]
    plan = plan_of(field, table(*bad, rows=rows))
    assert (len(plan.accepted), plan.rejected_rows) == (1, 7)
    english, chinese = translator("en"), translator("zh")
    by_row = {rejection.row: rejection for rejection in plan.rejected}
    assert {rejection.column for rejection in plan.rejected} == {"weight"}
    assert english(by_row[4].message) == "The weight is missing: every interview needs one."
    words = english(by_row[2].message)
    assert words == (
        "This is no weight: it must be a positive number, from 0.000000001 to 1,000,000,000,000."
    )
    assert "正数" in chinese(by_row[2].message)
    assert sorted(cause.rows for cause in plan.causes) == [1, 6]
    assert plan.causes[0].column == "weight"


def test_who_ended_the_interview_at_the_door_needs_no_weight(field: Any) -> None:
    header = "city,consent,quality,weight\n"
    content = (header + "110000,no,,\n110000,yes,8,2.5\n").encode()
    commit(field, plan_of(field, content))
    assert weights_in(field) == [None, 2.5]
    frame = frame_columns(field, "abroad-2024")
    assert frame[GIVEN_WEIGHT] == [2.5]
    more = (header + "110000,yes,7,3.5\n").encode()
    assert commit(field, plan_of(field, more)).written == 1


MIXED_WORDS = "all interviews of a wave have one, or none"


def test_a_wave_with_weights_takes_no_interview_without_one(field: Any) -> None:
    commit(field, plan_of(field, table("1", "2", "3")))
    with pytest.raises(ImportNotPossibleError, match=MIXED_WORDS) as refused:
        plan_of(field, table(rows=[["110000", "1", "1", "male", "1970"]]))
    words = str(refused.value)
    assert "Map a column to weight" in words
    assert "another key" in words
    assert "abroad-2024" in words
    assert (
        commit(
            field, plan_of(field, table("4", rows=[["110000", "1", "1", "male", "1970"]]))
        ).written
        == 1
    )


def test_a_wave_without_weights_takes_no_interview_with_one(field: Any) -> None:
    commit(field, plan_of(field, table()))
    with pytest.raises(ImportNotPossibleError, match=MIXED_WORDS) as refused:
        plan_of(field, table("1", "2", "3"))
    assert "Map the column to ignore" in str(refused.value)
    assert weights_in(field) == [None] * 3


def test_an_open_wave_weights_its_interviews_itself(field: Any) -> None:
    with pytest.raises(ImportNotPossibleError, match="is open: its interviews are weighted"):
        plan_of(field, table("1", "2", "3"), wave_key="main-2026")


def test_a_mixture_that_arises_after_the_check_is_refused_when_it_is_written(field: Any) -> None:
    with_weights = plan_of(field, table("1", "2", "3"))
    without = plan_of(field, table(rows=[["110000", "1", "1", "male", "1970"]]))
    commit(field, without)
    with pytest.raises(ImportNotPossibleError, match=MIXED_WORDS):
        commit(field, with_weights)
    assert weights_in(field) == [None]


def test_the_same_file_again_adds_nothing_and_a_changed_weight_changes_nothing(field: Any) -> None:
    def numbered(weight: str) -> bytes:
        return f"_uuid,city,quality,weight\none,110000,8,{weight}\n".encode()

    mapping = b"column,item\n_uuid,identity\n"
    commit(field, plan_of(field, numbered("2"), mapping=mapping))
    assert plan_of(field, numbered("2.0"), mapping=mapping).duplicates == 1
    changed = plan_of(field, numbered("3"), mapping=mapping)
    assert (changed.duplicates, changed.rejected_rows) == (0, 1)
    assert "stored already" in translator("en")(changed.rejected[0].message)
    assert weights_in(field) == [2.0]


def test_with_the_answers_of_an_erased_interview_goes_its_weight(field: Any) -> None:
    commit(field, plan_of(field, table("1", "2", "3")))
    response = table_of(Response)
    with session_scope(field.url) as session:
        row = (
            session.connection().execute(select(response).where(response.c.given_weight == 2)).one()
        )
        erase_response(session=session, response=row, now=field.now)
    assert weights_in(field) == [None, 1.0, 3.0]
    assert (
        commit(
            field, plan_of(field, table("4", rows=[["110000", "1", "1", "male", "1970"]]))
        ).written
        == 1
    ), "an erased interview needs no weight"


@pytest.mark.parametrize(
    "column", ["weight", "Weight", "权重", "加权", "加权系数", "样本权重", "Design weight", "wgt"]
)
def test_the_column_is_suggested_by_its_name(column: str, small_instrument: Instrument) -> None:
    drafts = draft_columns(read_delimited(table("1", "2", "3", column=column)), small_instrument)
    assert {draft.column: draft.target for draft in drafts}[column] == "weight"
    assert "weight" in targets_of(small_instrument)
    assert target_name("weight", small_instrument, "zh") == ROLE_NAMES[ColumnRole.WEIGHT]
    assert "权" in translator("zh")(ROLE_NAMES[ColumnRole.WEIGHT])


@pytest.mark.parametrize("column", ["体重（公斤）", "身高", "重量", "height", "when"])
def test_other_columns_are_not(column: str, small_instrument: Instrument) -> None:
    drafts = draft_columns(read_delimited(table("1", "2", "3", column=column)), small_instrument)
    assert {draft.column: draft.target for draft in drafts}[column] != "weight"


@given(st.floats(MIN_WEIGHT, MAX_WEIGHT))
@example(MIN_WEIGHT)
@example(MAX_WEIGHT)
def test_every_weight_is_read_as_it_was_written(weight: float) -> None:
    assert read_weight(f"  {weight!r} ") == weight


@given(st.text(max_size=12))
@example("1e-10")
@example("1e13")
@example("infinity")
@example("NaN")
@example("1_000")
@example("true")
def test_whatever_is_read_is_a_positive_finite_number(text: str) -> None:
    weight = read_weight(text)
    assert weight is None or (math.isfinite(weight) and MIN_WEIGHT <= weight <= MAX_WEIGHT)
