"""A stranger's questionnaire and a stranger's CSV become a frozen, estimated wave."""

import csv
import json
import operator
import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result
from sqlmodel import select

from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry

Survey = Callable[..., Result]
LABELS = ("label::中文 (zh)", "label::English (en)")
SURVEY_SHEET = (
    ("type", "name", *LABELS, "required", "parameters", "relevant"),
    ("select_one sex", "gender", "性别", "Gender", "yes", "", ""),
    ("integer", "age", "年龄", "Age", "yes", "", ""),
    ("range", "food", "饭菜", "Food", "yes", "start=1 end=10 step=1", ""),
    ("range", "staff", "服务", "Staff", "yes", "start=1 end=10 step=1", ""),
    ("select_one yn", "again", "还来吗", "Again?", "", "", ""),
    ("text", "why", "为什么", "Why not?", "", "", "${again} = 'no'"),
)
CHOICES = (
    ("list_name", "name", *LABELS),
    ("sex", "male", "男", "Male"),
    ("sex", "female", "女", "Female"),
    ("yn", "yes", "会", "Yes"),
    ("yn", "no", "不会", "No"),
)
MAPPING = (
    ("column", "item", "value", "code"),
    ("Town", "city", "", ""),
    ("Sex", "gender", "", ""),
    ("Sex", "", "M", "male"),
    ("Sex", "", "F", "female"),
    ("Years", "age", "", ""),
    ("Food score", "food", "", ""),
    ("Staff score", "staff", "", ""),
    ("Staff score", "", "N/A", ""),
    ("Return?", "again", "", ""),
    ("Return?", "", "Y", "yes"),
    ("Return?", "", "N", "no"),
    ("Comment", "why", "", ""),
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "survey"  # type: ignore[union-attr]
    for row in SURVEY_SHEET:
        book["survey"].append(row)
    sheets: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
        ("choices", CHOICES),
        ("settings", (("form_title", "form_id", "version"), ("酒店", "hotel", "1"))),
    )
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for cells in rows:
            sheet.append(cells)
    book.save(tmp_path / "hotel.xlsx")
    write_csv(tmp_path / "mapping.csv", MAPPING)
    write_csv(tmp_path / "answers.csv", answers())
    return tmp_path


def write_csv(path: Path, rows: object) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)  # type: ignore[arg-type]


def answers() -> list[tuple[object, ...]]:
    dice = random.Random(3)
    header = (
        "ID", "Town", "Shop", "Sex", "Years", "Food score", "Staff score", "Return?", "Comment",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [header]
    for number in range(240):
        town = dice.choice(("北京", "上海市", "Guangzhou"))
        staff = dice.choice((5, 7, 9, "N/A"))
        comment = "=1+1" if number % 2 else "太远"
        rows.append(
            (
                number,
                town,
                f"{town}{number % 7}",
                dice.choice("MF"),
                dice.randint(18, 69),
                dice.randint(2, 10),
                staff,
                dice.choice("YYN"),
                comment,
            )
        )
    return rows


def run_import(survey: Survey, files: Path, wave: str, *more: str) -> Result:
    return survey(
        "import",
        str(files / "answers.csv"),
        "--form",
        str(files / "hotel.xlsx"),
        "--wave",
        wave,
        "--mapping",
        str(files / "mapping.csv"),
        "--format",
        "json",
        *more,
    )


@pytest.mark.parametrize("point", [True, False], ids=["with points", "without points"])
def test_answers_become_a_frozen_and_estimated_wave(
    survey: Survey, files: Path, point: bool
) -> None:
    survey("init")
    if point:
        write_csv(files / "mapping.csv", (*MAPPING, ("Shop", "point", "", "")))
    imported = run_import(survey, files, "hotel-2026")
    assert imported.exit_code == 0, imported.output
    assert json.loads(imported.stdout)[0]["written"] == 240
    again = run_import(survey, files, "hotel-2026")
    assert json.loads(again.stdout)[0] | {"wave": ""} == json.loads(again.stdout)[0] | {
        "wave": "",
        "written": 0,
        "duplicates": 240,
    }
    frozen = survey("freeze", "--wave", "hotel-2026", "--format", "json")
    assert frozen.exit_code == 0, frozen.output
    assert json.loads(frozen.stdout)[0]["rows"] == 240
    table = survey("estimate", "--wave", "hotel-2026", "--area-level", "city", "--format", "json")
    cells = {(cell["area"], cell["indicator"]): cell for cell in json.loads(table.stdout)}
    beijing = [row for row in answers()[1:] if row[1] == "北京"]
    food = [(int(str(row[5])) - 1) / 9 * 100 for row in beijing]
    cell = cells["110000", "food"]
    # What leaves the results has one decimal.
    assert cell["estimate"] == round(sum(food) / len(food), 1)
    assert cell["n"] == len(food)
    assert cell["ci_low"] < cell["estimate"] < cell["ci_high"]
    asked = [row for row in beijing if row[6] != "N/A"]
    assert cells["110000", "staff"]["n"] == len(asked)
    assert not any(indicator == "composite" for _area, indicator in cells)


def test_weights_of_a_file_are_those_of_the_estimates(survey: Survey, files: Path) -> None:
    survey("init")
    header, *rows = answers()
    weights = [0.5 + int(str(row[5])) / 4 + number % 7 for number, row in enumerate(rows)]
    write_csv(
        files / "answers.csv",
        [(*header, "权重"), *((*row, weight) for row, weight in zip(rows, weights, strict=True))],
    )
    unmapped = run_import(survey, files, "hotel-2025")
    assert unmapped.exit_code == 0, unmapped.output
    write_csv(files / "mapping.csv", (*MAPPING, ("权重", "weight", "", "")))
    mixed = run_import(survey, files, "hotel-2025")
    assert mixed.exit_code == 1
    assert "240 interviews without a weight" in mixed.output
    assert "wave with another key" in mixed.output
    imported = run_import(survey, files, "hotel-2026")
    assert imported.exit_code == 0, imported.output
    assert "gives every interview its weight" in imported.output
    assert survey("freeze", "--wave", "hotel-2026").exit_code == 0
    table = survey("estimate", "--wave", "hotel-2026", "--area-level", "city", "--format", "json")
    cells = {(cell["area"], cell["indicator"]): cell for cell in json.loads(table.stdout)}
    beijing = [(row, weight) for row, weight in zip(rows, weights, strict=True) if row[1] == "北京"]
    scores = [(int(str(row[5])) - 1) / 9 * 100 for row, _ in beijing]
    own = [weight for _, weight in beijing]
    expected = sum(map(operator.mul, scores, own)) / sum(own)
    cell = cells["110000", "food"]
    assert cell["estimate"] == pytest.approx(expected, abs=0.051)
    assert abs(expected - sum(scores) / len(scores)) > 0.1, "the weights matter here"
    assert cell["n"] == len(beijing)


def test_a_bad_row_stops_the_import_unless_it_is_left_out(survey: Survey, files: Path) -> None:
    survey("init")
    rows = answers()
    rows[5] = (*rows[5][:5], 11, *rows[5][6:])
    rows[6] = (rows[6][0], "Atlantis", *rows[6][2:])
    write_csv(files / "answers.csv", rows)
    refused = run_import(survey, files, "hotel-2026")
    assert refused.exit_code == 1
    assert "Row 6, column Food score" in refused.output
    assert "Row 7, column Town" in refused.output
    summary = "1 rows: column 2 “Town”, value “Atlantis”: This is no city of the survey."
    assert summary in refused.output
    assert refused.output.index(summary) < refused.output.index("Row 6, column Food score")
    assert survey("freeze", "--wave", "hotel-2026").exit_code == 1
    partly = run_import(survey, files, "hotel-2026", "--skip-rejected")
    assert partly.exit_code == 0
    assert json.loads(partly.stdout)[0]["written"] == 238


def test_a_dry_run_writes_nothing(survey: Survey, files: Path) -> None:
    survey("init")
    dry = run_import(survey, files, "hotel-2026", "--dry-run")
    assert dry.exit_code == 0
    assert json.loads(dry.stdout)[0]["accepted"] == 240
    assert survey("freeze", "--wave", "hotel-2026").exit_code == 1


def test_an_imported_questionnaire_gets_a_link_to_try_it(survey: Survey, files: Path) -> None:
    survey("init")
    assert survey("form", "import", str(files / "hotel.xlsx")).exit_code == 0
    first, second = (survey("form", "try", "hotel").stdout.strip() for _ in range(2))
    assert first.startswith("http://localhost:8501/q/")
    assert first != second


def test_a_form_with_a_repeat_is_refused_or_skipped_with_a_list(
    survey: Survey, files: Path
) -> None:
    survey("init")
    book = openpyxl.load_workbook(files / "hotel.xlsx")
    for row in (
        ("begin_repeat", "visit", "来访", "Visit"),
        ("geopoint", "where", "哪里", "Where"),
        ("end_repeat",),
    ):
        book["survey"].append(row)
    book.save(files / "visits.xlsx")
    refused = survey("form", "check", str(files / "visits.xlsx"))
    assert refused.exit_code == 1
    assert "row 8" in refused.output
    skipped = survey(
        "form", "check", str(files / "visits.xlsx"), "--skip-unsupported", "--format", "json"
    )
    assert skipped.exit_code == 0, skipped.output
    assert any(finding["row"] == 8 for finding in json.loads(skipped.stdout))


def test_what_the_results_do_not_have_is_an_error_that_names_the_choices(
    survey: Survey, files: Path
) -> None:
    survey("init")
    run_import(survey, files, "hotel-2026")
    assert survey("freeze", "--wave", "hotel-2026").exit_code == 0
    for options, named in (
        (("--wave", "hotel-2062"), "hotel-2026"),
        (("--wave", "hotel-2026", "--area-level", "street"), "nation, region3"),
        (("--wave", "hotel-2026", "--area-level", "city", "--area", "440000"), "440100"),
        (("--wave", "hotel-2026", "--group", "gender=robot"), "gender=male"),
        (("--wave", "hotel-2026", "--indicator", "composite"), "food, staff"),
        (("--wave", "hotel-2026", "--table", "gaps", "--contrast", "moon"), "size_tier"),
        (("--wave", "hotel-2026", "--table", "changes", "--before", "hotel-2026"), "nothing"),
        (("--wave", "hotel-2026", "--table", "ranks"), "nothing"),
    ):
        result = survey("estimate", *options, "--format", "csv")
        assert (result.exit_code, result.stdout) == (1, ""), options
        assert "Choose from: " in result.output
        assert named in result.output
    assert survey("estimate", "--wave", "hotel-2026", "--table", "changes").exit_code == 2
    assert survey("estimate", "--wave", "hotel-2026", "--before", "hotel-2025").exit_code == 2


def test_each_row_says_where_it_comes_from(survey: Survey, files: Path) -> None:
    survey("init")
    write_csv(files / "mapping.csv", (*MAPPING, ("Shop", "point", "", "")))
    run_import(survey, files, "hotel-2026")
    survey("freeze", "--wave", "hotel-2026")

    def read(*options: str) -> list[dict[str, object]]:
        result = survey("estimate", "--wave", "hotel-2026", "--format", "json", *options)
        assert result.exit_code == 0, result.output
        return list(json.loads(result.stdout))

    cell = read("--indicator", "food")[0]
    assert (cell["wave"], cell["demo"]) == ("hotel-2026", False)
    assert cell["area_name"] == "The three cities together"
    assert len(str(cell["snapshot"])) == 64
    assert (cell["n"], cell["n_psu"]) == (240, 21)
    assert cell["df"]
    gaps = read("--table", "gaps", "--area", "310000", "--indicator", "food")
    assert gaps[0]["contrast"] == "nation"
    against_rest = read("--table", "gaps", "--contrast", "rest", "--group", "gender=male")
    assert {row["area"] for row in against_rest} == {"CN"}


TREE = """code,parent,level,name_zh,name_en,weight,name_status,weight_status
1,,1,全部,All,1,assumed,assumed
1.1,1,2,部分,Part,1,assumed,assumed
1.1.1,1.1,3,饭菜,Food,0.5,assumed,assumed
1.1.2,1.1,3,服务,Staff,0.5,assumed,assumed
"""


def scored_book(folder: Path, *, tree: str, codes: tuple[str, str], most: int = 10) -> Path:
    """The hotel's form with an `indicator` column."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    given = {"food": codes[0], "staff": codes[1]}
    for number, row in enumerate(SURVEY_SHEET):
        listed = list(row)
        if row[1] == "staff":
            listed[5] = f"start=1 end={most} step=1"
        sheet.append([*listed, "indicator" if number == 0 else given.get(row[1], "")])
    choices = book.create_sheet("choices")
    for line in CHOICES:
        choices.append(line)
    settings = book.create_sheet("settings")
    settings.append(("form_title", "form_id", "version", "tree"))
    settings.append(("酒店", "hotel", "1", tree))
    path = folder / "scored.xlsx"
    book.save(path)
    return path


def test_an_own_tree_comes_in_and_what_does_not_fit_it_is_refused_by_row(
    survey: Survey, tmp_path: Path
) -> None:
    survey("init")
    tree = tmp_path / "hotel-tree.csv"
    fitting = ("1.1.1", "1.1.2")
    book = scored_book(tmp_path, tree="hotel-tree", codes=fitting)
    for command in ("check", "import"):
        refused = survey("form", command, str(book))
        assert refused.exit_code == 1
        assert "no indicator tree named hotel-tree" in refused.output
    tree.write_text(TREE.replace("0.5,assumed", "half,assumed"), encoding="utf-8")
    refused = survey("form", "add-tree", str(tree))
    assert refused.exit_code == 1
    assert "Row 4, column weight" in refused.output
    assert "Row 5, column weight" in refused.output
    tree.write_text(TREE, encoding="utf-8")
    assert survey("form", "add-tree", str(tree)).exit_code == 0
    assert survey("form", "add-tree", str(tree)).exit_code == 0
    with read_scope(current_settings().store_url) as session:
        actions = session.exec(select(AuditEntry.action)).all()
    assert actions.count("tree.added") == 1
    for codes, most, words in (
        (("1.1.1", "1.1"), 10, "row 5"),
        (("1.1.1", ""), 10, "No question measures the indicator 1.1.2"),
        (fitting, 5, "one scale"),
    ):
        book = scored_book(tmp_path, tree="hotel-tree", codes=codes, most=most)
        for command in ("check", "import"):
            refused = survey("form", command, str(book))
            assert refused.exit_code == 1, words
            assert words in refused.output
    book = scored_book(tmp_path, tree="hotel-tree", codes=("1.1.1", ""))
    assert survey("form", "check", str(book), "--renormalise").exit_code == 0
    book = scored_book(tmp_path, tree="", codes=fitting)
    assert "name no tree" in survey("form", "check", str(book)).output
    assert "hotel" not in survey("form", "list").output
    book = scored_book(tmp_path, tree="hotel-tree", codes=fitting)
    assert survey("form", "check", str(book)).exit_code == 0
    assert survey("form", "import", str(book)).exit_code == 0
    assert survey("form", "import", str(book)).exit_code == 0
    assert "hotel" in survey("form", "list").output
    with read_scope(current_settings().store_url) as session:
        added = session.exec(select(AuditEntry).where(AuditEntry.action == "instrument.added"))
        assert [entry.subject_kind for entry in added] == ["instrument"]


def test_a_question_of_the_form_is_declared_to_make_groups(survey: Survey, files: Path) -> None:
    survey("init")
    assert run_import(survey, files, "hotel-2026").exit_code == 0
    refused = survey("freeze", "--wave", "hotel-2026", "--groups", "again,why")
    assert refused.exit_code == 1
    assert "why is not a question with choices." in refused.output
    assert "Questions that can make groups: again." in refused.output
    assert survey("freeze", "--wave", "hotel-2026", "--groups", " again ").exit_code == 0
    table = survey(
        "estimate",
        "--wave",
        "hotel-2026",
        "--group",
        "again=yes",
        "--group",
        "again=no",
        "--indicator",
        "food",
        "--format",
        "json",
    )
    cells = {cell["group"]: cell for cell in json.loads(table.stdout)}
    replies = [row[7] for row in answers()[1:]]
    assert {group: cell["n"] for group, cell in cells.items()} == {
        "again=yes": replies.count("Y"),
        "again=no": replies.count("N"),
    }
    assert cells["again=yes"]["group_name"] in {"Again?: Yes", "还来吗: 会"}
    unknown = survey("estimate", "--wave", "hotel-2026", "--group", "again=perhaps")
    assert unknown.exit_code == 1
    assert "again=yes" in unknown.output
