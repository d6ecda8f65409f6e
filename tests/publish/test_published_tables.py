"""Published tables: the figures that every page shows, with marks where there is none."""

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.figure_table import format_figure_id
from survey.figures.tables.formats import TableFormat, table_file
from survey.figures.tables.published_tables import ABSENT_MARK, HIDDEN_MARK, PublishedTable
from survey.figures.tables.workbook_sheets import workbook_bytes
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import SPECIAL_GROUPS
from survey.results import list_earlier_waves, open_results
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import new_id
from tests.work_of import work_of

pytestmark = pytest.mark.slow

WAVE = "main-2024"
_FOURTH_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,4"


@pytest.fixture(scope="module")
def store(frozen_pair: Path) -> Iterator[Settings]:
    yield Settings(database_url="", data_dir=frozen_pair)
    dispose_engines()


def made(store: Settings, form: TableFormat, principal: Principal = OPERATOR) -> bytes:
    with read_scope(store.store_url) as session:
        return table_file(
            work_of(session, principal, settings=store), wave_key=WAVE, form=form, language="zh"
        )


def published(store: Settings, principal: Principal = OPERATOR) -> dict[tuple[str, ...], Any]:
    with read_scope(store.store_url) as session:
        cells = open_results(store, session, WAVE).cells(principal)
    return {
        tuple(str(row[key]) for key in ("area_level", "area", "group", "indicator")): row
        for row in cells.to_dict("records")
    }


def tidy(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig")


def test_every_sheet_has_one_table_with_title_marks_and_units(store: Settings) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made(store, TableFormat.XLSX)))
    assert book.sheet_names[:3] == ["封面", "目录", "说明"]
    contents = book.get_sheet_by_name("目录").to_python()
    notes = book.get_sheet_by_name("说明").to_python()
    assert {"[c]", "[x]", "[u]"} <= {row[0] for row in notes}
    assert "演示数据" in str(book.get_sheet_by_name("封面").to_python()[0][0])
    tables = book.sheet_names[3:]
    assert len(tables) >= 5
    for name in tables:
        title, remark, heads, *rows = book.get_sheet_by_name(name).to_python()
        assert [name, title[0]] in [row[:2] for row in contents]
        assert "说明" in remark[0]
        assert rows
        assert all(cell != "" for row in rows for cell in (*row[:-2], row[-1]))
        assert sum("(" in head or "（" in head for head in heads) >= 4
        ids = [row[-1] for row in rows]
        assert len(set(ids)) == len(ids)
        assert all(each.startswith(f"{WAVE}-") for each in ids)


def test_figures_are_the_published_ones_and_hidden_ones_are_marked(store: Settings) -> None:
    known = published(store)
    rows = tidy(made(store, TableFormat.CSV))
    assert rows["id"].is_unique
    rows = rows[rows["measure"].isin(["score", "share"])]
    assert len(rows) == len(known)
    assert set(rows["demo"]) == {"演示数据"}
    hidden = 0
    for row in rows.to_dict("records"):
        cell = known[row["area_level"], row["area"], row["group"], row["indicator"]]
        if not cell["shown"]:
            hidden += 1
            figures = [row[name] for name in ("estimate", "ci_low", "ci_high", "n", "deff")]
            assert (figures, row["mark"]) == ([""] * 5, HIDDEN_MARK)
            continue
        for name in ("estimate", "ci_low", "ci_high", "deff"):
            assert row[name] == ("" if pd.isna(cell[name]) else str(cell[name]))
        assert int(row["n"]) == cell["n"]
    assert hidden > 0


def test_the_workbook_shows_the_same_figures(store: Settings) -> None:
    known = published(store)
    book = CalamineWorkbook.from_filelike(io.BytesIO(made(store, TableFormat.XLSX)))
    title, _, heads, *rows = book.get_sheet_by_name(book.sheet_names[3]).to_python()
    assert "综合" in str(title[0])
    assert len(heads) == 9
    for code, _, *figures, _, figure in rows:
        assert figure == f"{WAVE}-{code}-composite-all-score"
        cell = known["city", str(code), "all", "composite"]
        if not cell["shown"]:
            assert set(figures) == {HIDDEN_MARK}
            continue
        names = ("estimate", "ci_low", "ci_high", "n", "deff")
        assert figures == [ABSENT_MARK if pd.isna(cell[name]) else cell[name] for name in names]


def test_a_city_before_the_release_finds_no_other_city(store: Settings) -> None:
    city = next(area for level, area, _, _ in published(store) if level == "city")
    official = Principal(new_id(), "x", Role.CITY_OFFICIAL, city)
    rows = tidy(made(store, TableFormat.CSV, official))
    assert set(rows.loc[rows["area_level"] == "city", "area"]) == {city}
    book = CalamineWorkbook.from_filelike(io.BytesIO(made(store, TableFormat.XLSX, official)))
    names = [row[0] for row in book.get_sheet_by_name(book.sheet_names[3]).to_python()[3:]]
    assert names == [city]


def test_differences_changes_importance_and_models_stand_with_their_ids(store: Settings) -> None:
    rows = tidy(made(store, TableFormat.CSV)).set_index("id")
    with read_scope(store.store_url) as session:
        results = open_results(store, session, WAVE)
        (before,) = list_earlier_waves(store, session, results.wave)
    tables = {
        "gap.nation": (results.gaps(OPERATOR, contrast="nation", group="all"), "difference"),
        "gap.rest": (results.gaps(OPERATOR, contrast="rest", group=SPECIAL_GROUPS), "difference"),
        f"change.{before.key}": (results.changes(OPERATOR, before=before), "difference"),
        "importance": (results.drivers(OPERATOR), "importance"),
        "model": (results.small_areas(OPERATOR), "model"),
        "rank": (results.ranks(OPERATOR), "rank"),
    }
    for measure, (table, column) in tables.items():
        given = table[table[column].notna()]
        # With few people a city there are no ranks and models, and nothing weighs most.
        assert len(given) or measure in {"importance", "model", "rank"}, measure
        found = rows[rows["measure"] == measure]
        assert (found["estimate"] != "").sum() == len(given), measure
        for row in given.sample(min(len(given), 50), random_state=1).to_dict("records"):
            figure = rows.loc[
                format_figure_id(
                    wave=WAVE,
                    area_level=str(row["area_level"]),
                    area=str(row["area"]),
                    indicator=str(row["indicator"]),
                    group=str(row.get("group", "all")),
                    measure=measure,
                )
            ]
            assert float(figure["estimate"]) == row[column]
    hidden = rows[rows["mark"] == HIDDEN_MARK]
    assert (hidden[["estimate", "ci_low", "ci_high", "n", "deff"]] == "").all(axis=None)


def test_who_may_not_read_results_gets_no_table(store: Settings) -> None:
    for role in (Role.SURVEYOR, Role.TYPIST, Role.SUPERVISOR):
        for form in TableFormat:
            with pytest.raises(AccessDeniedError):
                made(store, form, Principal(new_id(), "x", role, "CN"))


def test_the_same_tables_give_the_same_bytes(store: Settings) -> None:
    assert made(store, TableFormat.XLSX) == made(store, TableFormat.XLSX)


def test_no_name_in_a_table_is_run_as_a_formula(store: Settings) -> None:
    with read_scope(store.store_url) as session:
        context = ViewContext(open_results(store, session, WAVE), OPERATOR, "zh")
    nasty = PublishedTable("=1+1", ("=2", "@x"), (("=HYPERLINK()", 1.5), ("-1+cmd", HIDDEN_MARK)))
    book = load_workbook(io.BytesIO(workbook_bytes(context, [replace(nasty)])))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert all(cell.data_type != "f" for cell in cells)
    assert {"=1+1", "=2", "=HYPERLINK()"} <= {cell.value for cell in cells}


def test_the_workbook_opens_in_libreoffice(store: Settings, tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("soffice is not installed: nothing shows that LibreOffice opens the workbook")
    source = tmp_path / "tables.xlsx"
    source.write_bytes(made(store, TableFormat.XLSX))
    subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
         "--convert-to", _FOURTH_SHEET,
         "--outdir", str(tmp_path), str(source)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    (converted,) = tmp_path.glob("*.csv")
    lines = list(csv.reader(io.StringIO(converted.read_text(encoding="utf-8"))))
    assert lines[0][0].startswith("表")
    assert len(lines) > 5


def test_an_opendocument_workbook_has_the_sheets_of_the_other(store: Settings) -> None:
    content = made(store, TableFormat.ODS)
    assert content == made(store, TableFormat.ODS)
    assert content[30:84] == b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
    books = [
        CalamineWorkbook.from_filelike(io.BytesIO(each))
        for each in (content, made(store, TableFormat.XLSX))
    ]
    assert books[0].sheet_names == books[1].sheet_names
    for name in books[0].sheet_names[2:]:
        sheets = [
            [
                [cell for cell in row if cell != ""]
                for row in book.get_sheet_by_name(name).to_python()
            ]
            for book in books
        ]
        assert sheets[0] == sheets[1], name


def test_json_stat_places_each_shown_figure_among_its_codes(store: Settings) -> None:
    dataset = json.loads(made(store, TableFormat.JSON_STAT))
    table = tidy(made(store, TableFormat.CSV))
    assert (dataset["version"], dataset["class"]) == ("2.0", "dataset")
    assert "演示数据" in dataset["label"]
    shown = table[table["estimate"] != ""].copy()
    shown["area"] = shown["id"].str.removeprefix(f"{WAVE}-").str.partition("-")[0]
    indices = {
        name: {code: at for at, code in enumerate(dataset["dimension"][name]["category"]["index"])}
        for name in dataset["id"]
    }
    assert dataset["size"] == [len(codes) for codes in indices.values()]
    values = 0
    for row in shown.to_dict("records"):
        for statistic in indices["statistic"]:
            at = 0
            for name, size in zip(dataset["id"], dataset["size"], strict=True):
                at = at * size + indices[name][statistic if name == "statistic" else row[name]]
            if row[statistic] == "":
                assert str(at) not in dataset["value"]
                continue
            assert dataset["value"][str(at)] == pytest.approx(float(row[statistic]))
            values += 1
    assert len(dataset["value"]) == values
    assert dataset["dimension"]["area"]["category"]["label"]["CN"] == "五市合计"
