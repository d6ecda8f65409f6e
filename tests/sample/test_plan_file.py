"""Plans go out as workbooks and come back; what was spoilt by hand is named cell by cell."""

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from survey.frame.city_frame import shipped_cities
from survey.frame.plan_workbook import UploadedPlan, build_plan_sheets, read_plan_file
from survey.frame.sample_size import AllocationRule, PrecisionTarget
from survey.frame.sampling_plan import PlanRequest, SamplingPlan, build_sampling_plan
from survey.frame.workbook_io import WorkbookColumn, WorkbookSheet, write_workbook
from survey.locale import msg
from survey.tabular.workbook_safety import WorkbookError
from tests.error_codes import raises_code

CITIES = shipped_cities()[:5]
CODES = {city.code: city.code for city in CITIES}
REQUEST = PlanRequest(
    aim=PrecisionTarget(
        margin=6, rule=AllocationRule.SQUARE_ROOT, total=3_000, price=40.0, budget=150_000.0
    ),
    elderly=2.0,
    guardian=1.5,
    crossed=False,
    reserve=0.15,
)


@pytest.fixture(scope="module")
def planned() -> SamplingPlan:
    return build_sampling_plan(CITIES, "main", REQUEST)


def _file(planned: SamplingPlan, language: str = "zh") -> bytes:
    return write_workbook(build_plan_sheets(planned, CITIES, "main", language), language)


def _read(content: bytes) -> UploadedPlan:
    return read_plan_file("plan.xlsx", content, CODES.get)


def _spoilt(content: bytes, change: Callable[[Worksheet, Worksheet], None]) -> bytes:
    book = load_workbook(io.BytesIO(content))
    change(book["aim"], book["cities"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_plan_comes_back_as_it_went(planned: SamplingPlan, language: str) -> None:
    parsed = _read(_file(planned, language))
    assert parsed.errors == ()
    assert parsed.request is not None
    again = build_sampling_plan(CITIES, "main", parsed.request)
    assert again.sample.cities["size"].to_dict() == planned.sample.cities["size"].to_dict()
    assert again.quotas.cells.equals(planned.quotas.cells)
    assert (parsed.request.elderly, parsed.request.guardian, parsed.request.crossed) == (
        2,
        1.5,
        False,
    )
    assert parsed.request.aim.rule is AllocationRule.SQUARE_ROOT
    assert again.sample.cost == planned.sample.cost == 120_000


def test_a_size_changed_by_hand_is_kept_and_judged(planned: SamplingPlan) -> None:
    def change(_aim: Worksheet, cities: Worksheet) -> None:
        cities["D2"] = 100

    parsed = _read(_spoilt(_file(planned), change))
    assert parsed.request is not None
    plan = build_sampling_plan(CITIES, "main", parsed.request)
    code = CITIES[0].code
    assert plan.sample.cities["size"][code] == 100
    assert plan.sample.cities["half_width"][code] > 11
    assert plan.sample.missed >= 1


@pytest.mark.parametrize(("language", "words"), [("zh", "份数太少"), ("en", "too few interviews")])
def test_what_too_few_would_answer_has_no_half_width(language: str, words: str) -> None:
    sizes = pd.Series([1, 100, 100, 100, 100], index=[city.code for city in CITIES])
    plan = build_sampling_plan(CITIES, "main", PlanRequest(size=sizes))
    assert np.isfinite(plan.sample.cities["half_width"]).all()
    assert plan.sample.missed == len(CITIES)
    content = write_workbook(build_plan_sheets(plan, CITIES, "main", language), language)
    book = load_workbook(io.BytesIO(content))
    cities, groups = list(book["cities"].columns)[4][1:], list(book["groups"].columns)[4][1:]
    assert [words in str(cell.value) for cell in cities] == [True, *[False] * 4]
    few = [cell for cell in groups if isinstance(cell.value, str)]
    assert few
    assert all(words in cell.value for cell in few)
    assert max(cell.value for cell in groups if cell not in few) <= 50
    again = _read(content)
    assert again.errors == ()
    assert again.request is not None
    assert again.request.size is not None
    assert again.request.size.to_dict() == sizes.to_dict()


def test_hand_made_sizes_obey_the_budget(planned: SamplingPlan) -> None:
    def change(_aim: Worksheet, cities: Worksheet) -> None:
        cities["D2"] = 10_000

    parsed = _read(_spoilt(_file(planned), change))
    assert parsed.request is not None
    with raises_code("sample_plan", match="more than the budget"):
        build_sampling_plan(CITIES, "main", parsed.request)


def test_every_spoilt_cell_is_named(planned: SamplingPlan) -> None:
    def change(aim: Worksheet, cities: Worksheet) -> None:
        aim["C2"] = 0.2
        aim["D2"] = "by mood"
        cities["A3"] = "999999"
        cities["D4"] = "=SUM(D2:D3)"
        cities["D5"] = -3
        cities["A6"] = cities["A2"].value
        cities["D2"] = None

    parsed = _read(_spoilt(_file(planned), change))
    assert parsed.request is None
    places = sorted((error.sheet, error.row, error.column.msgid) for error in parsed.errors)
    assert places == [
        ("aim", 2, "Design effect"),
        ("aim", 2, "Interviews beyond the floor"),
        ("cities", 2, "Interviews"),
        ("cities", 3, "City"),
        ("cities", 4, "Interviews"),
        ("cities", 5, "Interviews"),
    ]


def test_a_city_twice_is_an_error(planned: SamplingPlan) -> None:
    def change(_aim: Worksheet, cities: Worksheet) -> None:
        cities["A6"] = cities["A2"].value

    (error,) = _read(_spoilt(_file(planned), change)).errors
    assert (error.row, error.message.msgid) == (6, "This city stands in the list twice.")


def test_a_missing_sheet_or_column_is_said(planned: SamplingPlan) -> None:
    content = _file(planned)
    book = load_workbook(io.BytesIO(content))
    del book["cities"]
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(WorkbookError, match="no sheet named"):
        _read(buffer.getvalue())

    def change(_aim: Worksheet, cities: Worksheet) -> None:
        cities["D1"] = "?"

    with pytest.raises(WorkbookError, match="no column"):
        _read(_spoilt(content, change))


DANGEROUS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\tx")


def test_no_text_becomes_a_formula_and_lists_become_drop_downs() -> None:
    sheet = WorkbookSheet(
        "s",
        (
            WorkbookColumn("a", msg("City")),
            WorkbookColumn("b", msg("Kind"), value_names={"mall": msg("shopping mall")}),
            WorkbookColumn("c", msg("Name"), choices=("=x", "y")),
        ),
        [[text, "mall", 3] for text in DANGEROUS],
    )
    book = load_workbook(io.BytesIO(write_workbook([sheet], "en")))
    page = book["s"]
    assert [page.cell(row, 1).data_type for row in range(2, 7)] == ["s"] * 5
    assert [page.cell(row, 1).value for row in range(2, 6)] == list(DANGEROUS[:4])
    assert all(page.cell(row, 1).quotePrefix for row in range(2, 7))
    assert page["B2"].value == "shopping mall"
    assert book["lists"].sheet_state == "hidden"
    assert {str(rule.sqref) for rule in page.data_validations.dataValidation} == {
        "B2:B20000",
        "C2:C20000",
    }
    assert book["lists"]["B1"].data_type == "s"
