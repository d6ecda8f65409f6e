"""Rows of a results table as texts and numbers, whatever order their categories are in."""

import numpy as np
import pandas as pd

from survey.figures.views.table_slice import TableSlice


def _area(*codes: str | None, order: list[str]) -> TableSlice:
    column = pd.Series(pd.Categorical(codes, categories=order))
    return TableSlice(pd.DataFrame({"area": column, "n": np.arange(len(codes), dtype=float)}))


def test_two_tables_with_the_same_categories_in_another_order() -> None:
    first = _area("110000", "320500", order=["110000", "320500", "CN"])
    other = _area("CN", "320500", None, order=["CN", "320500", "110000"])
    assert first.texts("area") == ["110000", "320500"]
    assert other.texts("area") == ["CN", "320500", "nan"]
    assert first.texts("area") == ["110000", "320500"]
    assert other.where("area", "320500").numbers("n").tolist() == [1.0]


def test_the_surest_difference_stands_first_and_not_the_largest() -> None:
    nan = np.nan
    gaps = TableSlice(
        pd.DataFrame(
            {
                "area": list("abcdef"),
                "difference": [3.8, 3.1, -4.0, nan, 0.0, 9.0],
                "ci_low": [-0.5, 1.4, -5.0, nan, 0.0, nan],
                "ci_high": [8.1, 4.8, -3.0, nan, 0.0, nan],
            }
        )
    )
    # 3.1 is 1.8 margins from zero, 3.8 only 0.9; without an interval nothing is sure.
    assert "".join(gaps.by_certainty().texts("area")) == "baefcd"


def test_figures_in_the_order_asked_for() -> None:
    cells = _area("CN", "320500", order=["320500", "CN"])
    figures = cells.aligned("n", "area", ["320500", "110000", "CN"])
    assert np.array_equal(figures, [1.0, np.nan, 0.0], equal_nan=True)
