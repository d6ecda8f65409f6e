"""Indicator trees as CSV: the shipped ones, round trips, and files with mistakes."""

import csv
from math import fsum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.locale import translator
from survey.questionnaire.indicator_tree import (
    COLUMNS,
    Indicator,
    IndicatorTree,
    Provenance,
    TreeError,
    build_tree,
    read_tree,
    tree_bytes,
    tree_rows,
)

TREES = Path(__file__).parents[2] / "seed/trees"
GOOD = [
    ["1", "", "1", "供给", "Supply", "0.4", "sourced", "implied"],
    ["1.1", "1", "2", "丰富", "Variety", "1", "sourced", "assumed equal"],
    ["1.1.1", "1.1", "3", "种类", "", "0.333333", "sourced", "assumed equal"],
    ["1.1.2", "1.1", "3", "替代", "", "0.333333", "official", "official"],
    ["1.1.3", "1.1", "3", "其他", "", "0.333333", "unconfirmed", "assumed"],
    ["2", "", "1", "环境", "Environment", "0.6", "sourced", "implied"],
]


def written(folder: Path, rows: list[list[str]], header: tuple[str, ...] = COLUMNS) -> Path:
    path = folder / "tree.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def changed(row: int, column: str, text: str) -> list[list[str]]:
    rows = [list(each) for each in GOOD]
    rows[row][COLUMNS.index(column)] = text
    return rows


@pytest.mark.parametrize(("name", "sizes"), [("cca-2021", [3, 16, 25]), ("cca-2023", [3, 17, 27])])
def test_shipped_trees(name, sizes, tmp_path):
    tree = read_tree(TREES / f"{name}.csv")
    assert tree.name == name
    assert [len(list(tree.level(level))) for level in (1, 2, 3)] == sizes
    (tmp_path / f"{name}.csv").write_bytes(tree_bytes(tree))
    assert read_tree(tmp_path / f"{name}.csv") == tree


def test_rounded_weights_are_made_exact(tmp_path):
    tree = read_tree(written(tmp_path, GOOD), name="t")
    thirds = [indicator.weight for indicator in tree.level(3)]
    assert thirds == pytest.approx([1 / 3] * 3, abs=1e-15)
    assert fsum(thirds) == pytest.approx(1, abs=1e-15)
    assert tree.by_code["1"].weight == 0.4
    assert tree.by_code["1.1"].weight_status is Provenance.ASSUMED
    assert tree.by_code["1.1.1"].name == {"zh": "种类"}


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16"])
def test_a_tree_that_a_chinese_excel_saved_is_read_as_any_other(tmp_path, encoding):
    expected = read_tree(written(tmp_path, GOOD), name="tree")
    text = (tmp_path / "tree.csv").read_text("utf-8")
    (tmp_path / "excel.csv").write_bytes(text.encode(encoding))
    assert read_tree(tmp_path / "excel.csv", name="tree") == expected


def test_a_byte_order_mark_and_other_line_ends(tmp_path):
    path = written(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_tree(path).indicators) == len(GOOD)


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (0, "code", ""),
        (0, "name_zh", ""),
        (2, "level", "4"),
        (2, "level", "x"),
        (2, "weight", "a third"),
        (2, "weight", "0"),
        (2, "weight", "-0.5"),
        (2, "weight", "nan"),
        (2, "weight", "1.5"),
        (2, "name_status", "guessed"),
        (2, "weight_status", ""),
        (3, "code", "1.1.1"),
        (2, "parent", "9"),
        (2, "parent", "1"),
        (2, "parent", ""),
        (5, "parent", "1"),
    ],
)
def test_mistakes_name_row_and_column(tmp_path, row, column, text):
    rows = changed(row, column, text)
    if column == "name_zh":
        rows = [[*rows[0][:4], "", *rows[0][5:]], *rows[1:]]
    with pytest.raises(TreeError) as caught:
        read_tree(written(tmp_path, rows))
    assert caught.value.row == row + 2
    assert caught.value.column == column
    assert translator("zh")(caught.value.message) != str(caught.value.message)


@pytest.mark.parametrize("weight", ["0.3", "0.34", "0.33"])
def test_weights_that_do_not_add_up(tmp_path, weight):
    with pytest.raises(TreeError, match=r"under 1\.1"):
        read_tree(written(tmp_path, changed(2, "weight", weight)))


def test_what_is_no_tree(tmp_path):
    with pytest.raises(TreeError, match="weight_status"):
        read_tree(written(tmp_path, [], COLUMNS[:-1]))
    with pytest.raises(TreeError, match="no rows"):
        read_tree(written(tmp_path, []))
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    for path in (binary, tmp_path / "missing.csv", tmp_path):
        with pytest.raises(TreeError):
            read_tree(path)


def test_rows_of_a_tree_that_was_put_together_elsewhere_are_checked_as_a_file():
    good = Indicator(
        code="1",
        parent=None,
        level=1,
        name={"zh": "x"},
        weight=0.5,
        name_status=Provenance.SOURCED,
        weight_status=Provenance.OFFICIAL,
    )
    orphan = good.model_copy(update={"code": "7.1", "parent": "7", "level": 2, "weight": 1.0})
    assert faulty_rows(good, good, orphan) >= {3, 4}
    assert len(faulty_rows(good)) == 1
    assert faulty_rows(good.model_copy(update={"weight": 1.0})) == set()


def faulty_rows(*indicators: Indicator) -> set[int | None]:
    rows = tree_rows(IndicatorTree(name="t", indicators=indicators))
    try:
        build_tree(list(enumerate(rows, 2)), name="t")
    except TreeError as error:
        return {fault.row for fault in error.all}
    return set()


@st.composite
def trees(draw: st.DrawFn) -> IndicatorTree:
    indicators: list[Indicator] = []

    def grow(parent: str | None, level: int) -> None:
        shares = draw(st.lists(st.integers(1, 1_000), min_size=1, max_size=4))
        for number, share in enumerate(shares, start=1):
            code = f"{parent}.{number}" if parent else str(number)
            indicators.append(
                Indicator(
                    code=code,
                    parent=parent,
                    level=level,
                    name={"zh": draw(st.text("供给,\"\n'=", min_size=1).map(lambda t: f"名{t}名"))},
                    weight=share / sum(shares),
                    name_status=draw(st.sampled_from(list(Provenance))),
                    weight_status=draw(st.sampled_from(list(Provenance))),
                )
            )
            if level < 3:
                grow(code, level + 1)

    grow(None, 1)
    return IndicatorTree(name="tree", indicators=tuple(indicators))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees())
def test_any_tree_comes_back(tree, tmp_path):
    (tmp_path / "tree.csv").write_bytes(tree_bytes(tree))
    first = read_tree(tmp_path / "tree.csv")
    assert [i.model_dump(exclude={"weight"}) for i in first.indicators] == [
        i.model_dump(exclude={"weight"}) for i in tree.indicators
    ]
    weights = [indicator.weight for indicator in tree.indicators]
    assert [indicator.weight for indicator in first.indicators] == pytest.approx(weights, abs=1e-15)
    (tmp_path / "tree.csv").write_bytes(tree_bytes(first))
    assert read_tree(tmp_path / "tree.csv") == first
