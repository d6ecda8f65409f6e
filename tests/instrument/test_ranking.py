"""Rankings: every answer has a place, from the workbook to a frozen wave."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection.importing.row_answers import cell_reader
from survey.questionnaire.checks import check_instrument, figure_findings
from survey.questionnaire.model import ItemKind
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.question_type import MISSING, NOT_ASKED, NOT_IN_ANSWERS
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.snapshots.response_frame import item_columns
from tests.instrument.sample_instrument import moments_and_ranks
from tests.instrument.workbooks import form

ITEM = moments_and_ranks().by_name["order"]
NAMES = [choice.name for choice in ITEM.choices]
CHOICES = (("list_name", "name", "label"), ("goods", "tea", "Tea"), ("goods", "rice", "Rice"))
GIVEN = {"at": "09:30", "on": "2026-05-20T09:30"}


def refusal(answer: object) -> str | None:
    verdict = validate(moments_and_ranks(), GIVEN | {"order": answer}, today=date(2026, 5, 20))
    return next((problem.code for problem in verdict.problems if problem.item == "order"), None)


def test_a_ranking_is_read_from_a_workbook_and_written(tmp_path: Path) -> None:
    read = read_xlsform(
        form(tmp_path, (("type", "name", "label"), ("rank goods", "q", "Q?")), CHOICES)
    )
    item = read.instrument.by_name["q"]
    assert item.kind is ItemKind.RANK
    assert [choice.name for choice in item.choices] == ["tea", "rice"]
    (tmp_path / "again.xlsx").write_bytes(xlsform_bytes(moments_and_ranks()))
    assert read_xlsform(tmp_path / "again.xlsx").instrument == moments_and_ranks()
    assert check_instrument(moments_and_ranks()) == ()


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (("rank goods", "q", "Q?", "name != 'tea'"), "choice_filter"),
        (("rank goods or_other", "q", "Q?"), "type"),
        (("rank", "q", "Q?"), "type"),
        (("rank nothing", "q", "Q?"), "type"),
    ],
)
def test_what_a_ranking_cannot_be_is_named(
    tmp_path: Path, row: tuple[str, ...], column: str
) -> None:
    survey = (("type", "name", "label", "choice_filter"), row)
    with pytest.raises(XlsformError) as refused:
        read_xlsform(form(tmp_path, survey, CHOICES))
    assert [(each.row, each.column) for each in refused.value.findings] == [(2, column)]


@given(st.lists(st.sampled_from([*NAMES, "nothing"]), max_size=4) | st.text() | st.none())
def test_only_an_order_of_all_choices_is_accepted(answer: object) -> None:
    is_order = isinstance(answer, list) and sorted(answer) == NAMES
    is_blank = not answer or (isinstance(answer, str) and (answer.isspace() or answer == "dk"))
    is_allowed = is_order and answer[0] != "tea"  # its constraint
    assert (refusal(answer) is None) == (is_allowed or is_blank)


@given(st.permutations(NAMES))
def test_the_columns_of_a_wave_hold_the_places(order: list[str]) -> None:
    columns = item_columns(ITEM, [order, None, NOT_IN_ANSWERS, "dk"])
    for name, column in columns.items():
        place = order.index(name.removeprefix("order/")) + 1
        assert column.tolist() == [place, MISSING, NOT_ASKED, MISSING]
    assert len(columns) == len(NAMES)


def test_nothing_of_a_ranking_is_published_or_shared() -> None:
    assert type_of(ITEM).coded_columns(ITEM) == ()
    assert figure_findings(moments_and_ranks()) != ()


def test_cells_of_an_import_hold_names_or_labels_in_their_order() -> None:
    read = cell_reader(ITEM, {})
    assert read("tea rice bread") == ["tea", "rice", "bread"]
    assert read("tea (zh); bread (zh); rice (zh)") == ["tea", "bread", "rice"]
    assert type_of(ITEM).format_answer(ITEM, ["tea", "bread"], "en") == "tea; bread"
