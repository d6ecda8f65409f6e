"""From cells to the small frames that charts draw and the tables that people read."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

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


def score_rows(
    cells: pd.DataFrame,
    labels: Sequence[str],
    t: Translator,
    *,
    key: str,
    focus: Collection[str] = (),
    ranked_from: int = 0,
) -> pd.DataFrame:
    """Chart rows of estimates; `key` is the column that identifies a row."""
    absent = (~cells["shown"] | cells["estimate"].isna()).to_numpy()
    small = cells["n"].lt(ranked_from).to_numpy()
    focused = cells[key].isin(list(focus)).to_numpy()
    role = np.select([absent, focused, small], [HIDDEN, FOCUS, UNRANKED], default=ITEM)
    frame = _common(cells, labels, t, key=key, absent=absent)
    return frame.assign(estimate=_floats(cells["estimate"]), role=role)


def reference_row(label: str, estimate: float) -> pd.DataFrame:
    """The row that draws the dashed line, for example the nation."""
    return pd.DataFrame(
        {"code": [""], "label": [label], "estimate": [estimate], "role": [REFERENCE], "note": [""]}
    )


def gap_rows(gaps: pd.DataFrame, labels: Sequence[str], t: Translator, *, key: str) -> pd.DataFrame:
    """Chart rows of differences, told clear or unclear by their intervals."""
    absent = (~gaps["shown"] | gaps["difference"].isna()).to_numpy()
    frame = _common(gaps, labels, t, key=key, absent=absent)
    return frame.assign(difference=_floats(gaps["difference"]), role=_verdicts(gaps))


def score_table(
    cells: pd.DataFrame, labels: Sequence[str], t: Translator, *, name: str, value: str
) -> pd.DataFrame:
    """The same estimates as a table; `name` and `value` head its first two columns."""
    return pd.DataFrame(
        {
            name: list(labels),
            value: _floats(cells["estimate"]),
            t("95% from"): _floats(cells["ci_low"]),
            t("95% to"): _floats(cells["ci_high"]),
            "n": _counts(cells["n"]),
            t("Remark"): _remarks(cells, "estimate", t),
        }
    )


def gap_table(
    gaps: pd.DataFrame, labels: Sequence[str], t: Translator, *, name: str, this: str, other: str
) -> pd.DataFrame:
    """Differences as a table; `this` and `other` name the two sides."""
    verdict = {HIGHER: t("Higher"), LOWER: t("Lower"), UNCLEAR: t(NO_CLEAR_DIFFERENCE), HIDDEN: ""}
    return pd.DataFrame(
        {
            name: list(labels),
            this: _floats(gaps["estimate"]),
            other: _floats(gaps["reference"]),
            t("Difference"): _floats(gaps["difference"]),
            t("95% from"): _floats(gaps["ci_low"]),
            t("95% to"): _floats(gaps["ci_high"]),
            "n": _counts(gaps["n"]),
            t("Verdict"): [verdict[role] for role in _verdicts(gaps)],
            t("Remark"): _remarks(gaps, "difference", t),
        }
    )


def _common(
    table: pd.DataFrame,
    labels: Sequence[str],
    t: Translator,
    *,
    key: str,
    absent: np.ndarray,
) -> pd.DataFrame:
    low, high = _floats(table["ci_low"]), _floats(table["ci_high"])
    why = [
        "" if not gone else t(NOT_AVAILABLE if shown else WITHHELD)
        for gone, shown in zip(absent, table["shown"], strict=True)
    ]
    return pd.DataFrame(
        {
            "code": table[key].astype(str).to_numpy(),
            "label": list(labels),
            "ci_low": low,
            "ci_high": high,
            "n": _floats(table["n"]),
            "range": [
                interval_words(None if np.isnan(a) else a, None if np.isnan(b) else b)
                for a, b in zip(low, high, strict=True)
            ],
            "note": why,
        }
    )


def _verdicts(gaps: pd.DataFrame) -> np.ndarray:
    absent = ~gaps["shown"] | gaps["difference"].isna()
    clear = gaps["ci_low"] * gaps["ci_high"] > 0
    higher, lower = clear & (gaps["difference"] > 0), clear & (gaps["difference"] < 0)
    choices = [mask.fillna(False).to_numpy(dtype=bool) for mask in (absent, higher, lower)]
    return np.select(choices, [HIDDEN, HIGHER, LOWER], default=UNCLEAR)


def _remarks(table: pd.DataFrame, value: str, t: Translator) -> list[str]:
    return [
        t(WITHHELD)
        if not shown
        else t(NOT_AVAILABLE)
        if pd.isna(number)
        else t("For orientation only")
        if status == UNRELIABLE
        else ""
        for shown, number, status in zip(
            table["shown"], table[value], table["status"].astype(str), strict=True
        )
    ]


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _counts(column: pd.Series) -> pd.Series:
    return column.astype("Float64").round().astype("Int64").reset_index(drop=True)
