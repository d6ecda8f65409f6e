"""Special answers by their labels, and refused rows summed up by cause."""

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from survey.access.principal import OPERATOR
from survey.collection.importing.import_plan import ImportPlan, plan_import
from survey.collection.importing.rejections import (
    MAX_CAUSES,
    RejectionCauseCounter,
    RowRejection,
    describe_cause,
    reason_of,
    write_rejections,
)
from survey.collection.importing.row_answers import cell_reader
from survey.collection.importing.target_wave import ImportRequest
from survey.locale import msg, translator
from survey.questionnaire.model import Choice, Item, ItemKind, SpecialAnswer
from survey.store.engine import read_scope
from tests.work_of import work_of

RATING = Item(
    name="service",
    kind=ItemKind.RATING,
    minimum=1,
    maximum=10,
    specials=tuple(SpecialAnswer),
    special_labels={SpecialAnswer.DONT_KNOW: {"zh": "说不清", "fr": "Ne sait pas"}},
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("不了解", "dk"),
        (" 没有经历 ", "na"),
        ("不愿回答", "refused"),
        ("Don't know", "dk"),
        ("DON’T KNOW", "dk"),
        ("Ｎｏｔ　ｅｘｐｅｒｉｅｎｃｅｄ", "na"),
        ("prefer  not to say", "refused"),
        ("does not know", "dk"),
        ("说不清", "dk"),
        ("ne sait pas", "dk"),
        ("ＤＫ", "dk"),
        ("Refused", "refused"),
        ("８", 8),
        ("8.0", 8),
    ],
)
def test_labels_of_special_answers_are_read(text: str, code: object) -> None:
    assert cell_reader(RATING, {})(text) == code


@pytest.mark.parametrize(
    "kind", [ItemKind.SELECT_ONE, ItemKind.SELECT_MULTIPLE, ItemKind.INTEGER, ItemKind.TEXT]
)
def test_they_are_read_in_questions_of_every_kind(kind: ItemKind) -> None:
    choices = (Choice(name="a", label={"zh": "（甲）"}),) if "select" in kind else ()
    item = Item(name="x", kind=kind, choices=choices, specials=(SpecialAnswer.DONT_KNOW,))
    read = cell_reader(item, {})
    assert read("不了解") == "dk"
    # What the question does not offer stays what it is, and is refused where that is no answer.
    assert read("没有经历") in ("没有经历", ["没有经历"])
    if choices:
        assert read("(甲)") in ("a", ["a"])


def test_a_choice_of_the_same_words_stays_the_choice() -> None:
    item = Item(
        name="x",
        kind=ItemKind.SELECT_ONE,
        specials=(SpecialAnswer.DONT_KNOW,),
        choices=(Choice(name="unsure", label={"zh": "不了解"}),),
    )
    assert cell_reader(item, {})("不了解") == "unsure"
    assert cell_reader(item, {})("dk") == "dk"


def _plan(field: Any, rows: list[str]) -> ImportPlan:
    content = "\n".join(["city,quality,service,gender,birth_year", *rows]).encode()
    with read_scope(field.url) as session:
        return plan_import(
            work_of(session, OPERATOR, field.now),
            request=ImportRequest(content, instrument=field.instrument, wave_key="abroad-2024"),
        )


def test_rows_with_labels_of_special_answers_are_taken(field: Any) -> None:
    plan = _plan(field, ["110000,8,没有经历,female,1990", "110000,8,不了解,female,1991"])
    assert [row.interview.answers["service"] for row in plan.accepted] == ["na", "dk"]


def test_refused_rows_are_summed_up_by_column_and_cause(field: Any) -> None:
    rows = [f"110000,{bad},8,female,{year}" for bad, year in [("没听过", 1980)] * 1200]
    rows += ["110000,11,8,female,1980"] * 3 + ["110000,12,8,female,1980", "110000,8"]
    plan = _plan(field, ["110000,8,8,female,1990", *rows])
    assert plan.rejected_rows == 1205
    t = translator("zh")
    lines = [describe_cause(cause, reason_of(cause.message, "zh", t), t) for cause in plan.causes]
    assert lines[0].startswith("1,200 行：第 2 列“quality”的值“没听过”：")
    assert lines[1].startswith("4 行：第 2 列“quality”的值“11”（3）、“12”（1）：")
    assert lines[2].startswith("1 行：")
    assert "1207" in lines[2]
    book = load_workbook(io.BytesIO(write_rejections(plan.rejected, plan.causes, "", "zh", t)))
    first, second = book.worksheets
    assert [row[0] for row in first.iter_rows(min_row=2, values_only=True)] == [1200, 4, 1]
    assert second.max_row == 1 + len(plan.rejected)


def test_a_summary_does_not_grow_with_the_file() -> None:
    counter = RejectionCauseCounter(["a"])
    for number in range(MAX_CAUSES + 100):
        counter.add(
            [RowRejection.of(number, f"c{number}", "x", msg("This is no city of the survey."))]
        )
    assert len(counter.causes()) == MAX_CAUSES
    texts = RejectionCauseCounter(["a"])
    for number in range(2000):
        texts.add([RowRejection.of(number, "a", f"v{number}", msg("This name is too long."))])
    (cause,) = texts.causes()
    assert (cause.rows, cause.other_values, cause.column_number) == (2000, 1997, 1)
