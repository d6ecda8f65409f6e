"""Exports of other tools: recognised by their columns, and read as those tools mean them."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from survey.access.principal import OPERATOR
from survey.collection.importing.column_mapping import (
    ExportSource,
    MappingFile,
    bind_columns,
    detect_source,
    naming_conventions,
    read_mapping,
    write_mapping,
)
from survey.collection.importing.import_plan import ImportPlan, plan_import
from survey.collection.importing.mapping_draft import (
    SuggestionOrigin,
    draft_columns,
    list_unparsed_values,
    mapping_of,
    suggest_targets,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.row_reader import complete_interview_times, parse_seconds
from survey.collection.importing.target_wave import ImportRequest
from survey.questionnaire.model import Instrument
from survey.store.engine import read_scope
from survey.tabular.reading import read_table
from tests.fieldwork.importing.answer_workbooks import build_workbook
from tests.work_of import work_of

SITE = [
    "序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP", "1、gender", "2、birth year",
    "3、quality（单选）", "4、Topics(food)", "4、Topics(toys)", "城市",
]  # fmt: skip
START = datetime(2024, 5, 1, 2, 28, 19, tzinfo=UTC)


def _csv(*rows: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


def _plan(field: Any, content: bytes, **changes: Any) -> ImportPlan:
    values = {"instrument": field.instrument, "wave_key": "abroad-2024", **changes}
    with read_scope(field.url) as session:
        return plan_import(
            work_of(session, OPERATOR, field.now), request=ImportRequest(content, **values)
        )


def _answers(plan: ImportPlan) -> list[dict[str, Any]]:
    assert not plan.rejected, plan.rejected
    return [dict(row.interview.answers) for row in plan.accepted]


@pytest.mark.parametrize("separator", ["/", "-", ":", "."])
def test_groups_in_front_of_odk_columns_are_set_aside(field: Any, separator: str) -> None:
    inner, outer = f"main{separator}scores{separator}", f"main{separator}"
    header = ["KEY", f"{outer}city", f"{inner}quality", f"{inner}topics", f"{outer}gender"]
    content = _csv(header, ["uuid:a1", "110000", "8", "food toys", "female"])
    plan = _plan(field, content, mapping=_csv(["column", "item"], [f"{outer}city", "city"]))
    assert plan.source is ExportSource.ODK
    assert _answers(plan) == [{"quality": 8, "topics": ["food", "toys"], "gender": "female"}]


def test_a_dash_is_part_of_a_name_where_nothing_speaks_of_odk(field: Any) -> None:
    content = _csv(["city", "gender", "not-quality"], ["110000", "male", "8"])
    plan = _plan(field, content)
    assert (plan.source, plan.unmapped) == (ExportSource.OTHER, ("not-quality",))
    assert _answers(plan) == [{"gender": "male"}]


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("True", "False"), ("TRUE", ""), ("√", "否")])
def test_ticks_in_columns_of_their_own_are_one_answer(field: Any, yes: str, no: str) -> None:
    header = ["city", "quality", "g/topics/food", "g/topics/travel", "g/topics/toys"]
    content = _csv(
        header,
        ["110000", "8", yes, no, yes],
        ["110000", "8", no, no, no],
        ["110000", "8", "", "", ""],
        ["110000", "8", "perhaps", no, yes],
    )
    plan = _plan(field, content)
    assert [row.interview.answers.get("topics") for row in plan.accepted] == [
        ["food", "toys"],
        None,
        None,
    ]
    (rejection,) = plan.rejected
    assert (rejection.row, rejection.column) == (5, "g/topics/food … g/topics/toys")
    assert "perhaps" in rejection.value


def test_the_whole_answer_comes_before_its_ticks(field: Any) -> None:
    content = _csv(["city", "topics", "topics/food", "topics/toys"], ["110000", "food", "0", "1"])
    assert _answers(_plan(field, content)) == [{"topics": ["food"]}]


def test_a_choice_in_two_columns_is_refused(field: Any) -> None:
    content = _csv(["city", "a/topics/food", "b/topics/food"], ["110000", "1", "0"])
    with pytest.raises(ImportNotPossibleError, match=r"both topics/food"):
        _plan(field, content)


def test_odk_says_when_how_long_and_which_interview(field: Any) -> None:
    header = ["start", "end", "deviceid", "city", "quality", "_uuid", "_submission_time", "_tags"]
    content = _csv(
        header,
        [
            "2024-05-01T10:30:00.000+08:00",
            "2024-05-01T10:35:00.000+08:00",
            "d1",
            "110000",
            "8",
            "uuid:A",
            "2024-05-01T02:40:00",
            "",
        ],
        [
            "2024-05-01T10:30:00+08:00",
            "2024-05-01T10:29:00+08:00",
            "d1",
            "110000",
            "8",
            "b",
            "2024-05-01T02:40:00",
            "",
        ],
        ["", "", "d1", "110000", "9", "A", "2024-05-01T02:40:00", ""],
    )
    plan = _plan(field, content)
    (row,) = plan.accepted
    assert row.interview.started_at == datetime(2024, 5, 1, 2, 30, tzinfo=UTC)
    assert row.interview.duration_seconds == 300
    assert row.interview.submitted_at == datetime(2024, 5, 1, 2, 40, tzinfo=UTC), "Kobo says UTC"
    assert [(r.row, r.column) for r in plan.rejected] == [(3, "end"), (4, "_uuid")]
    assert "row 2 already" in str(plan.rejected[1].message)
    assert plan.unmapped == (), "device, tags and the like are known and left out"


def test_items_named_like_columns_of_the_tool_stay_items(field: Any) -> None:
    instrument = Instrument.model_validate(
        {
            **field.instrument.model_dump(), "version": "9",
            "sections": [{"name": "s", "items": [{"name": "start", "kind": "text"}]}],
        }
    )  # fmt: skip
    content = _csv(["city", "start", "_uuid"], ["110000", "at dawn", "1"])
    assert _answers(_plan(field, content, instrument=instrument)) == [{"start": "at dawn"}]


def _drafted(field: Any, content: bytes, saved: MappingFile | None = None) -> dict[str, str]:
    table = read_table(content)
    return {draft.column: draft.target for draft in draft_columns(table, field.instrument, saved)}


def test_columns_of_a_survey_site_are_suggested_by_their_words(field: Any) -> None:
    content = _csv(SITE, ["1"] * len(SITE))
    assert detect_source(read_table(content)) is ExportSource.SURVEY_SITE
    assert _drafted(field, content) == {
        "序号": "ignore",
        "提交答卷时间": "submitted_at",
        "所用时间": "duration",
        "来源": "ignore",
        "来源详情": "ignore",
        "来自IP": "ignore",
        "1、gender": "gender",
        "2、birth year": "birth_year",
        "3、quality（单选）": "quality",
        "4、Topics(food)": "topics/food",
        "4、Topics(toys)": "topics/toys",
        "城市": "city",
    }


def test_a_survey_site_file_is_read_through_its_mapping(field: Any) -> None:
    rows = [
        ["1", "2024/5/1 10:30:22", "123秒", "微信", "", "1.2.3.4(北京)", "female", "1990", "8", "1",
         "0", "北京"],
        ["2", "2024/5/1 10:31:00", "60秒", "", "", "", "male", "1980", "(跳过)", "", "", "上海市"],
        ["3", "2024/5/1 10:31:00", "60秒", "", "", "", "1", "1980", "-3", "-3", "-3", "上海市"],
    ]  # fmt: skip
    content = _csv(SITE, *rows)
    table = read_table(content)
    chosen = [(draft.column, draft.target) for draft in draft_columns(table, field.instrument)]
    mapping = mapping_of(chosen, {}, table, field.instrument, numbered=True)
    plan = _plan(field, content, mapping=write_mapping(mapping))
    assert _answers(plan) == [
        {"gender": "female", "birth_year": 1990, "age": 36, "quality": 8, "topics": ["food"]},
        {"gender": "male", "birth_year": 1980, "age": 46},
        {"gender": "male", "birth_year": 1980, "age": 46},
    ]
    first = plan.accepted[0].interview
    assert (first.started_at, first.duration_seconds) == (START, 123)
    assert first.submitted_at == datetime(2024, 5, 1, 2, 30, 22, tzinfo=UTC)


def test_several_choices_in_one_cell_are_told_apart(field: Any) -> None:
    content = _csv(["city", "topics"], ["110000", "food┋toys"], ["110000", "1┋3"])
    mapping = mapping_of(
        [("topics", "topics"), ("city", "city")], {}, read_table(content), field.instrument,
        numbered=True,
    )  # fmt: skip
    plan = _plan(field, content, mapping=write_mapping(mapping))
    assert [row["topics"] for row in _answers(plan)] == [["food", "toys"], ["food", "toys"]]


def test_figures_stand_for_choices_only_when_somebody_says_so(field: Any) -> None:
    content = _csv(["city", "gender"], ["110000", "2"])
    assert _plan(field, content).rejected[0].value == "2"


def test_a_saved_mapping_comes_first_and_targets_that_are_gone_do_not(field: Any) -> None:
    saved = MappingFile({"1、gender": "ignore", "3、quality（单选）": "no_such_item"})
    drafts = {
        draft.column: draft
        for draft in draft_columns(read_table(_csv(SITE, ["1"] * 12)), field.instrument, saved)
    }
    assert drafts["1、gender"].origin is SuggestionOrigin.SAVED
    assert drafts["1、gender"].target == "ignore"
    assert drafts["3、quality（单选）"].target == "quality"


def test_nothing_is_suggested_twice_or_for_strange_words(field: Any) -> None:
    suggested = suggest_targets(["quality", "Quality!", "weather"], field.instrument)
    assert suggested == {"quality": "quality"}
    assert suggest_targets(["quality"], field.instrument, used_targets={"quality"}) == {}


def test_values_that_nobody_understands_are_listed_with_their_count(field: Any) -> None:
    content = _csv(
        ["quality", "gender", "topics", "comment"], ["good", "M", "food wine", "x"],
        ["good", "female", "food", "y"], ["8", "", "na", "z"], ["dk", "M", "", ""],
    )  # fmt: skip
    table = read_table(content)
    uses = bind_columns(table.header, field.instrument, MappingFile())
    assert [
        (unread.column, unread.value, unread.count)
        for unread in list_unparsed_values(table, uses, field.instrument)
    ] == [
        ("gender", "M", 2),
        ("quality", "good", 2),
        ("topics", "food wine", 1),
        ("topics", "na", 1),
    ]


def test_a_mapping_survives_its_file(field: Any) -> None:
    mapping = MappingFile({"a,b": "quality", '"c"': "ignore"}, {"a,b": {"n/a": "na", "-": ""}})
    again = read_mapping(write_mapping(mapping))
    assert (again.targets, again.codes) == (mapping.targets, mapping.codes)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("123秒", 123), ("61.5", 61.5), ("90 s", 90), ("1e9", None), ("-1", None), ("5分", None)],
)
def test_durations_carry_their_unit_or_none(text: str, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


def test_what_a_file_leaves_out_follows_from_the_rest() -> None:
    end = START.replace(second=59)
    assert complete_interview_times(None, end, None, 40).started == START
    assert complete_interview_times(START, end, None, None).seconds == 40
    assert complete_interview_times(START, None, None, 40).finished == end
    assert complete_interview_times(None, None, end, None) == complete_interview_times(
        None, end, None, None
    )


def test_workbooks_and_text_of_the_same_rows_are_the_same_interviews(field: Any) -> None:
    rows: list[list[Any]] = [["city", "quality", "gender"], ["110000", "8", "female"]]
    plans = [_plan(field, content) for content in (_csv(*rows), build_workbook(*rows))]
    first, second = (plan.accepted[0].interview.client_uuid for plan in plans)
    assert first == second


def test_conventions_of_an_unknown_file_are_none() -> None:
    assert naming_conventions(ExportSource.OTHER, ["start"]).roles == {}
