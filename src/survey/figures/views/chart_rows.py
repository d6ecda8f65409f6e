"""Rows that charts draw and tables that people read, made from cells."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey.figures.charts.interval_charts import FOCUS, HIGHER, ITEM, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE, REFERENCE, SIGNED
from survey.figures.figure_table import to_list
from survey.figures.views.estimate_text import (
    NO_CLEAR_DIFFERENCE,
    UNRELIABLE,
    format_interval,
    missing_text,
)
from survey.figures.views.table_slice import Floats, TableSlice
from survey.locale import Translator
from survey.locale.figures import format_signed

Rows = dict[str, Any]
"""Columns of one chart or table."""


def score_rows(
    cells: TableSlice,
    labels: Sequence[str],
    t: Translator,
    *,
    key: str,
    focus: Collection[str] = (),
    reference: tuple[str, float] | None = None,
) -> Rows:
    """Return columns of a chart of estimates; rows whose column `key` is in `focus` stand out.

    `reference` adds the row that draws the dashed line, for example the nation.
    """
    codes, estimate = cells.texts(key), cells.numbers("estimate")
    absent = ~cells.shown | np.isnan(estimate)
    focused = np.fromiter((code in focus for code in codes), dtype=bool, count=len(codes))
    role = np.select([absent, focused], [HIDDEN_ROLE, FOCUS], default=ITEM)
    rows: Rows = {
        **_build_interval_columns(cells, codes, labels, t),
        "estimate": estimate,
        "role": to_list(role),
        "note": _list_missing_texts(cells, absent, t),
    }
    if reference is None:
        return rows
    return add_reference_row(rows, reference, value="estimate")


def add_reference_row(rows: Rows, line: tuple[str, float], *, value: str) -> Rows:
    """Return chart columns with one more row, a dashed line with the name and value of `line`."""
    last: Rows = {"label": line[0], value: line[1], "role": REFERENCE}
    return {name: _append_value(values, last.get(name)) for name, values in rows.items()}


def _append_value(values: Any, last: str | float | None) -> Any:
    """Return a column with `last` appended, or with a missing value where that is None."""
    if isinstance(values, np.ndarray):
        return np.append(values, np.nan if last is None else last)
    return [*values, last or ""]


def gap_rows(gaps: TableSlice, labels: Sequence[str], t: Translator, *, key: str) -> Rows:
    """Return columns of a chart of differences, a row per `key`; its role is the verdict."""
    difference = gaps.numbers("difference")
    return {
        **_build_interval_columns(gaps, gaps.texts(key), labels, t),
        "difference": difference,
        SIGNED: signed_texts(difference),
        "role": classify_differences(gaps),
        "note": _list_missing_texts(gaps, ~gaps.shown | np.isnan(difference), t),
    }


def signed_texts(differences: Iterable[float | None], absent: str = "") -> list[str]:
    """Return differences as texts with sign, zero without one; `absent` for missing ones."""
    return [
        absent if value is None or np.isnan(value) else format_signed(value)
        for value in differences
    ]


def classify_differences(gaps: TableSlice) -> list[str]:
    """Return each row's significance verdict `higher`, `lower` or `unclear`; else `hidden`."""
    absent = ~gaps.shown | np.isnan(gaps.numbers("difference"))
    return [
        HIDDEN_ROLE if gone else (verdict if verdict in {HIGHER, LOWER} else UNCLEAR)
        for gone, verdict in zip(absent, gaps.texts("verdict"), strict=True)
    ]


def roles_of_areas(codes: Sequence[str], gaps: TableSlice) -> list[str]:
    """Return each area's verdict in `gaps` (`higher`, `lower`), `unclear` if not tested."""
    roles = zip(gaps.texts("area"), classify_differences(gaps), strict=True)
    known = {area: role for area, role in roles if role != HIDDEN_ROLE}
    return [known.get(code, UNCLEAR) for code in codes]


def score_table(
    cells: TableSlice, labels: Sequence[str], t: Translator, *, name: str, value: str, **more: Any
) -> Rows:
    """Return estimates as columns of a table to read; `name` heads the labels, `value` the figures.

    `more` are further columns, which stand between the two.
    """
    estimate = cells.numbers("estimate")
    return {
        name: list(labels),
        **more,
        value: estimate,
        t("95%\u00a0from"): cells.numbers("ci_low"),
        t("95%\u00a0to"): cells.numbers("ci_high"),
        "n": counts(cells.numbers("n")),
        t("Remark"): remarks(cells, estimate, t),
    }


def gap_table(
    gaps: TableSlice, labels: Sequence[str], t: Translator, *, name: str, this: str, other: str
) -> Rows:
    """Return differences as columns of a table to read; `this` and `other` head both sides."""
    words, difference = verdict_texts(t), gaps.numbers("difference")
    return {
        name: list(labels),
        this: gaps.numbers("estimate"),
        other: gaps.numbers("reference"),
        t("Difference"): difference,
        t("95%\u00a0from"): gaps.numbers("ci_low"),
        t("95%\u00a0to"): gaps.numbers("ci_high"),
        "n": counts(gaps.numbers("n")),
        t("Verdict"): [words[verdict] for verdict in classify_differences(gaps)],
        t("Remark"): remarks(gaps, difference, t),
    }


def verdict_texts(t: Translator) -> dict[str, str]:
    """Return (verdict on a difference -> words); the empty text for a hidden difference."""
    return {
        HIGHER: t("Higher"),
        LOWER: t("Lower"),
        UNCLEAR: t(NO_CLEAR_DIFFERENCE),
        HIDDEN_ROLE: "",
    }


def counts(numbers: Floats) -> list[int | None]:
    """Return counts as whole numbers; None where a count is withheld."""
    return [None if np.isnan(number) else int(number) for number in numbers]


def ranges(cells: TableSlice, t: Translator) -> list[str]:
    """Return each row's interval as text such as `79.6 to 80.2`; empty where there is none."""
    return ranges_of(cells.numbers("ci_low"), cells.numbers("ci_high"), t)


def ranges_of(lows: Floats, highs: Floats, t: Translator) -> list[str]:
    """Return intervals as texts; empty where either end is missing."""
    return [
        "" if np.isnan(low) or np.isnan(high) else format_interval(low, high, t)
        for low, high in zip(lows, highs, strict=True)
    ]


def _build_interval_columns(
    cells: TableSlice, codes: Sequence[str], labels: Sequence[str], t: Translator
) -> Rows:
    return {
        "code": list(codes),
        "label": list(labels),
        "ci_low": cells.numbers("ci_low"),
        "ci_high": cells.numbers("ci_high"),
        "n": cells.numbers("n"),
        "range": ranges(cells, t),
    }


def _list_missing_texts(cells: TableSlice, absent: NDArray[np.bool_], t: Translator) -> list[str]:
    """Return, for each row, why it has no figure; empty for rows not flagged `absent`."""
    return [
        missing_text(bool(visible), t) if gone else ""
        for gone, visible in zip(absent, cells.shown, strict=True)
    ]


def remarks(cells: TableSlice, value: Floats, t: Translator) -> list[str]:
    """Return, for each row, why `value` is missing or for orientation only; else an empty text."""
    why = _list_missing_texts(cells, ~cells.shown | np.isnan(value), t)
    careful = t("For orientation only")
    return [
        note or (careful if status == UNRELIABLE else "")
        for note, status in zip(why, cells.texts("status"), strict=True)
    ]
