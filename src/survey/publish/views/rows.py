"""From cells to the small frames that charts draw and the tables that people read.

A page builds a dozen of these at every change of a filter, so each column is taken out of pandas
once and everything else is plain numpy.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.locale import Translator
from survey.publish.charts.gaps import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.intervals import FOCUS, ITEM, UNRANKED
from survey.publish.charts.layers import HIDDEN, REFERENCE
from survey.publish.views.figures import (
    NO_CLEAR_DIFFERENCE,
    NOT_AVAILABLE,
    UNRELIABLE,
    WITHHELD,
    interval_words,
)

RANKED_FROM_N = 100
"""Cities with fewer respondents are drawn, but hollow: they take no place in an order."""

Floats = NDArray[np.float64]


def values_of(column: pd.Series) -> list[str]:
    """A category or text column as plain strings."""
    return [str(value) for value in np.asarray(column, dtype=object)]


def score_rows(
    cells: pd.DataFrame,
    labels: Sequence[str],
    t: Translator,
    *,
    key: str,
    focus: Collection[str] = (),
    ranked_from: int = 0,
    reference: tuple[str, float] | None = None,
) -> pd.DataFrame:
    """Chart rows of estimates; `key` is the column that identifies a row.

    `reference` adds the row that draws the dashed line, for example the nation.
    """
    codes, estimate, n = values_of(cells[key]), _floats(cells, "estimate"), _floats(cells, "n")
    shown = cells["shown"].to_numpy(dtype=bool)
    absent = ~shown | np.isnan(estimate)
    focused = np.fromiter((code in focus for code in codes), dtype=bool, count=len(codes))
    role = np.select([absent, focused, n < ranked_from], [HIDDEN, FOCUS, UNRANKED], default=ITEM)
    columns = {
        **_common(cells, codes, labels, n),
        "estimate": estimate,
        "role": [str(one) for one in role],
        "note": _notes(shown, absent, t),
    }
    if reference is not None:
        line: dict[str, Any] = {"label": reference[0], "estimate": reference[1], "role": REFERENCE}
        columns = {name: _with(values, line.get(name)) for name, values in columns.items()}
    return _frame(columns)


def _with(values: Any, last: str | float | None) -> Any:
    """One column with one more value, nothing where the row has none."""
    if isinstance(values, np.ndarray):
        return np.append(values, np.nan if last is None else last)
    return [*values, last or ""]


def gap_rows(gaps: pd.DataFrame, labels: Sequence[str], t: Translator, *, key: str) -> pd.DataFrame:
    """Chart rows of differences, told clear or unclear by their intervals."""
    difference = _floats(gaps, "difference")
    shown = gaps["shown"].to_numpy(dtype=bool)
    return _frame(
        {
            **_common(gaps, values_of(gaps[key]), labels, _floats(gaps, "n")),
            "difference": difference,
            "role": verdicts(gaps),
            "note": _notes(shown, ~shown | np.isnan(difference), t),
        }
    )


def verdicts(gaps: pd.DataFrame) -> list[str]:
    """`higher` or `lower` where the interval excludes zero, `unclear`, or `hidden`."""
    difference = _floats(gaps, "difference")
    absent = ~gaps["shown"].to_numpy(dtype=bool) | np.isnan(difference)
    clear = _floats(gaps, "ci_low") * _floats(gaps, "ci_high") > 0
    chosen = np.select(
        [absent, clear & (difference > 0), clear & (difference < 0)],
        [HIDDEN, HIGHER, LOWER],
        default=UNCLEAR,
    )
    return [str(verdict) for verdict in chosen]


def score_table(
    cells: pd.DataFrame, labels: Sequence[str], t: Translator, *, name: str, value: str
) -> pd.DataFrame:
    """The same estimates as a table; `name` and `value` head its first two columns."""
    estimate = _floats(cells, "estimate")
    return _frame(
        {
            name: list(labels),
            value: estimate,
            t("95%\u00a0from"): _floats(cells, "ci_low"),
            t("95%\u00a0to"): _floats(cells, "ci_high"),
            "n": counts(_floats(cells, "n")),
            t("Remark"): _remarks(cells, estimate, t),
        }
    )


def gap_table(
    gaps: pd.DataFrame, labels: Sequence[str], t: Translator, *, name: str, this: str, other: str
) -> pd.DataFrame:
    """Differences as a table; `this` and `other` name the two sides."""
    words = {HIGHER: t("Higher"), LOWER: t("Lower"), UNCLEAR: t(NO_CLEAR_DIFFERENCE), HIDDEN: ""}
    difference = _floats(gaps, "difference")
    return _frame(
        {
            name: list(labels),
            this: _floats(gaps, "estimate"),
            other: _floats(gaps, "reference"),
            t("Difference"): difference,
            t("95%\u00a0from"): _floats(gaps, "ci_low"),
            t("95%\u00a0to"): _floats(gaps, "ci_high"),
            "n": counts(_floats(gaps, "n")),
            t("Verdict"): [words[verdict] for verdict in verdicts(gaps)],
            t("Remark"): _remarks(gaps, difference, t),
        }
    )


def counts(numbers: Floats) -> list[int | None]:
    """Whole numbers; None where a count is withheld."""
    return [None if np.isnan(number) else int(number) for number in numbers]


def _common(
    table: pd.DataFrame, codes: Sequence[str], labels: Sequence[str], n: Floats
) -> dict[str, Any]:
    low, high = _floats(table, "ci_low"), _floats(table, "ci_high")
    return {
        "code": list(codes),
        "label": list(labels),
        "ci_low": low,
        "ci_high": high,
        "n": n,
        "range": [
            "" if np.isnan(a) or np.isnan(b) else interval_words(a, b)
            for a, b in zip(low, high, strict=True)
        ],
    }


def _notes(shown: NDArray[np.bool_], absent: NDArray[np.bool_], t: Translator) -> list[str]:
    """Why a row has no mark."""
    return [
        "" if not gone else t(NOT_AVAILABLE if visible else WITHHELD)
        for gone, visible in zip(absent, shown, strict=True)
    ]


def _remarks(table: pd.DataFrame, value: Floats, t: Translator) -> list[str]:
    shown = table["shown"].to_numpy(dtype=bool)
    why = _notes(shown, ~shown | np.isnan(value), t)
    careful = t("For orientation only")
    return [
        note or (careful if status == UNRELIABLE else "")
        for note, status in zip(why, values_of(table["status"]), strict=True)
    ]


def _floats(table: pd.DataFrame, column: str) -> Floats:
    return table[column].to_numpy(dtype=np.float64, na_value=np.nan)


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    """A frame whose texts stay plain objects: deciding on a better type would cost more."""
    return pd.DataFrame(
        {
            name: values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
            for name, values in columns.items()
        }
    )
