"""Lines of a large table: the same as cell after cell, however columns are joined."""

import numpy as np
import pandas as pd
import pytest

from survey.figures.text_lines import CodedTexts, _join_neighbours, iter_line_bytes


def write(value: object) -> str:
    return "–|" if value is None or value is pd.NA or value != value else f"{value}|"


def table(rows: int) -> pd.DataFrame:
    """Columns of every kind, most with so few values that they are joined."""
    rng = np.random.default_rng(7)
    columns: dict[str, object] = {
        "name": [f"行{place}" for place in range(rows)],
        "object": [(None, 1, "1", 2.5)[place % 4] for place in range(rows)],
        "flag": rng.random(rows) > 0.5,
        "weight": rng.choice([0.1, np.nan, 1e300, -2.0], rows),
        "nullable": pd.array(rng.choice([1, 0, None], rows).tolist(), dtype="Int16"),
        "text": pd.Series(rng.choice(["a", "", "乙"], rows), dtype="string").where(
            rng.random(rows) > 0.1
        ),
    }
    for place in range(12):
        columns[f"score{place}"] = rng.integers(-5, 11, rows).astype(np.int8)
        values = rng.choice(["yes", "no", None], rows)
        columns[f"choice{place}"] = pd.Categorical(values, categories=["no", "yes", "never"])
    return pd.DataFrame(columns)


@pytest.mark.parametrize("rows", [0, 1, 7, 10_001])
def test_lines_are_those_of_cell_after_cell(rows: int) -> None:
    frame = table(rows)
    columns = [CodedTexts.of(frame[name], write) for name in frame]
    plain = [[write(value) for value in frame[name].tolist()] for name in frame]
    expected = "".join("".join(cells) for cells in zip(*plain, strict=True))
    assert b"".join(iter_line_bytes(columns)).decode() == expected


def test_columns_without_a_distinct_text_in_every_row_are_joined() -> None:
    frame = table(10_001)
    columns = [CodedTexts.of(frame[name], write) for name in frame]
    assert len(_join_neighbours(columns)) < len(columns) / 2
    one = CodedTexts.of(frame["score0"], write).join(CodedTexts.of(frame["choice0"], write))
    texts = [one.texts[code] for code in one.codes]
    assert texts[:3] == [
        write(score) + write(None if pd.isna(choice) else choice)
        for score, choice in zip(frame["score0"][:3], frame["choice0"][:3], strict=True)
    ]


def test_no_columns_make_no_lines() -> None:
    assert list(iter_line_bytes([])) == []
