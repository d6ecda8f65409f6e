"""Published figures as JSON-stat 2.0: one dataset of a wave, with the names of its codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pandas as pd

from survey.figures.figure_table import VALUES, format_area
from survey.figures.views.view_context import ViewContext
from survey.locale import Translator

DIMENSIONS = ("area", "group", "indicator", "measure")
_STATISTIC = "statistic"


@dataclass(frozen=True)
class DatasetOrigin:
    """What a dataset says of itself beside its figures."""

    label: str
    wave: str
    is_demo: bool
    updated: str
    """Day, as ISO 8601 writes it."""
    extension: Mapping[str, Any] = field(default_factory=dict)


def json_stat_bytes(context: ViewContext, tidy: pd.DataFrame) -> bytes:
    """Return the tidy table of a wave as a JSON-stat dataset; hidden figures have no value."""
    wave, shown = context.wave, tidy[tidy["estimate"].notna()]
    # A region and a part of another division may have one code: their level is named, as in ids.
    pairs = zip(shown["area_level"].astype(str), shown["area"].astype(str), strict=True)
    shown = shown.assign(area=[format_area(*pair) for pair in pairs])
    names: dict[str, Mapping[str, str]] = {}
    place = pd.Series(0, index=shown.index, dtype="int64")
    for name in DIMENSIONS:
        position, codes = pd.factorize(shown[name].astype(str), sort=True)
        names[name] = _name_codes(shown, name, codes)
        place = place * len(codes) + position
    values = {
        str(at): round(float(number), 4)
        for offset, column in enumerate(VALUES)
        for at, number in zip(
            (place * len(VALUES) + offset).tolist(), shown[column].tolist(), strict=True
        )
        if not pd.isna(number)
    }
    mark = context.t("Demo data") + " " if wave.is_demo else ""
    origin = DatasetOrigin(
        f"{mark}{wave.label(context.language)} ({wave.key})",
        wave.key,
        wave.is_demo,
        wave.frozen_at.date().isoformat(),
    )
    return dataset_bytes(names, values, origin, context.t)


def _name_codes(shown: pd.DataFrame, name: str, codes: pd.Index) -> Mapping[str, str]:
    """Return code -> name of a dimension; a measure has no name beside its code."""
    if f"{name}_name" not in shown.columns:
        return dict.fromkeys(codes, "")
    named = shown.drop_duplicates(name).set_index(name)[f"{name}_name"].astype(str)
    return {str(code): named[code] for code in codes}


def dataset_bytes(
    names: Mapping[str, Mapping[str, str]], value: Any, origin: DatasetOrigin, t: Translator
) -> bytes:
    """Return a JSON-stat 2.0 dataset; its last dimension is the statistic: figure, bounds, and n.

    Args:
        names: Dimension -> code -> name, in the order of the codes; a dimension without any name
            has empty texts.
        value: Place in the dataset -> number, or that as JSON.
    """
    labels = {
        "area": t("Area"), "group": t("Group"), "indicator": t("Indicator"),
        "measure": t("Measure"), _STATISTIC: t("Statistic"),
    }  # fmt: skip
    statistics = {
        "estimate": t("Estimate"), "ci_low": t("Lower bound"), "ci_high": t("Upper bound"),
        "n": "n",
    }  # fmt: skip
    every = {**names, _STATISTIC: statistics}
    dataset = {
        "version": "2.0",
        "class": "dataset",
        "label": origin.label,
        "updated": origin.updated,
        "note": [t("DEMO DATA: generated, no result of any survey")] if origin.is_demo else [],
        "id": list(every),
        "size": [len(known) for known in every.values()],
        "role": {"geo": ["area"], "metric": [_STATISTIC]},
        "dimension": {
            name: {"label": labels[name], "category": _describe_codes(known)}
            for name, known in every.items()
        },
        "value": value,
        "extension": {"wave": origin.wave, "demo": origin.is_demo, **origin.extension},
    }
    return orjson.dumps(dataset)


def _describe_codes(names: Mapping[str, str]) -> dict[str, Any]:
    index = {"index": list(names)}
    return {**index, "label": names} if all(names.values()) else index
