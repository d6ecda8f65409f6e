"""Published figures as JSON-stat 2.0: one dataset of a wave, with the names of its codes."""

from typing import Any

import orjson
import pandas as pd

from survey.figures.figure_table import VALUES, format_area
from survey.figures.views.view_context import ViewContext

_DIMENSIONS = ("area", "group", "indicator", "measure")
_STATISTIC = "statistic"


def json_stat_bytes(context: ViewContext, tidy: pd.DataFrame) -> bytes:
    """Return the tidy table of a wave as a JSON-stat dataset; a hidden figure has no value in it.

    Its last dimension is the statistic: the figure, the bounds of its interval, and n.
    """
    t, shown = context.t, tidy[tidy["estimate"].notna()]
    # A region and a part of another division may have one code: their level is named, as in ids.
    pairs = zip(shown["area_level"].astype(str), shown["area"].astype(str), strict=True)
    shown = shown.assign(area=[format_area(*pair) for pair in pairs])
    codes: dict[str, pd.Index] = {}
    place = pd.Series(0, index=shown.index, dtype="int64")
    for name in _DIMENSIONS:
        position, distinct = pd.factorize(shown[name].astype(str), sort=True)
        codes[name] = pd.Index(distinct)
        place = place * len(distinct) + position
    values = {
        str(at): round(float(number), 4)
        for offset, column in enumerate(VALUES)
        for at, number in zip(
            (place * len(VALUES) + offset).tolist(), shown[column].tolist(), strict=True
        )
        if not pd.isna(number)
    }
    labels = {
        "area": t("Area"), "group": t("Group"), "indicator": t("Indicator"),
        "measure": t("Measure"), _STATISTIC: t("Statistic"),
    }  # fmt: skip
    statistics = {
        "estimate": t("Estimate"), "ci_low": t("Lower bound"), "ci_high": t("Upper bound"),
        "n": "n",
    }  # fmt: skip
    dimension: dict[str, Any] = {
        name: {"label": labels[name], "category": _name_codes(shown, name, known)}
        for name, known in codes.items()
    }
    dimension[_STATISTIC] = {
        "label": labels[_STATISTIC],
        "category": {"index": list(statistics), "label": statistics},
    }
    wave = context.wave
    mark = t("Demo data") + " " if wave.is_demo else ""
    dataset = {
        "version": "2.0",
        "class": "dataset",
        "label": f"{mark}{wave.label(context.language)} ({wave.key})",
        "updated": wave.frozen_at.date().isoformat(),
        "note": [t("DEMO DATA: generated, no result of any survey")] if wave.is_demo else [],
        "id": [*_DIMENSIONS, _STATISTIC],
        "size": [*(len(known) for known in codes.values()), len(VALUES)],
        "role": {"geo": ["area"], "metric": [_STATISTIC]},
        "dimension": dimension,
        "value": values,
        "extension": {"wave": wave.key, "demo": wave.is_demo},
    }
    return orjson.dumps(dataset)


def _name_codes(shown: pd.DataFrame, name: str, codes: pd.Index) -> dict[str, Any]:
    """Return the categories of a dimension; a measure has no name beside its code."""
    if f"{name}_name" not in shown.columns:
        return {"index": list(codes)}
    named = shown.drop_duplicates(name).set_index(name)[f"{name}_name"].astype(str)
    return {"index": list(codes), "label": {str(code): named[code] for code in codes}}
