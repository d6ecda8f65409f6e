"""Rows of a results table as records for programs: names beside codes, nothing of hidden rows."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from survey.publish.views.display_names import DisplayNames
from survey.results import WaveResults

KEYS = ("area_level", "area", "group", "indicator")
_NAMED = frozenset({"area", "group", "indicator"})
ORIGIN = ("wave", "snapshot", "figures_sha256", "demo")
"""Columns that say where a row comes from."""
_OF_HIDDEN = frozenset(
    {*ORIGIN, *KEYS, "contrast", "before_wave", "shown", "reason"}
    | {f"{key}_name" for key in _NAMED}
)
"""Columns of a hidden row; any other would reveal something of what is hidden."""
_COUNTS = frozenset(
    {"n", "n_psu", "df", "n_reference", "n_before", "n_after", "rank", "tied", "ranked",
     "low", "high", "marginal_low", "marginal_high", "sensitivity_low", "sensitivity_high"}
)  # fmt: skip


def record_columns(rows: pd.DataFrame, *, with_origin: bool) -> list[str]:
    """Return the columns of the records, with a name after each code that has one."""
    return list(_iter_columns([str(column) for column in rows.columns], with_origin=with_origin))


def _iter_columns(columns: Sequence[str], *, with_origin: bool) -> Iterator[str]:
    if with_origin:
        yield from ORIGIN
    for key in KEYS:
        if key in columns:
            yield key
            if key in _NAMED:
                yield f"{key}_name"
    yield from (column for column in columns if column not in KEYS)


def build_records(
    results: WaveResults, rows: pd.DataFrame, language: str, *, with_origin: bool
) -> list[dict[str, Any]]:
    """Return one record a row, by column; None where nothing is published.

    Args:
        rows: rows of a table of `results`, already behind the gate.
        with_origin: whether each record says wave, snapshot, figures and whether it is a
            demonstration.
    """
    info = results.wave
    names = DisplayNames.of(results, language)
    namers = {"area": names.area, "group": names.group, "indicator": names.indicator}
    origin = {
        "wave": info.key,
        "snapshot": info.snapshot_sha256,
        "figures_sha256": info.seal_sha256 or None,
        "demo": info.is_demo,
    }
    columns = record_columns(rows, with_origin=with_origin)
    records = []
    for row in rows.to_dict("records"):
        values: dict[str, Any] = {**origin, **{str(column): value for column, value in row.items()}}
        values |= {
            f"{key}_name": name(str(values[key])) for key, name in namers.items() if key in values
        }
        is_hidden = not values["shown"]
        records.append(
            {
                column: None
                if is_hidden and column not in _OF_HIDDEN
                else _simplify_value(column, values[column])
                for column in columns
            }
        )
    return records


def _simplify_value(column: str, value: Any) -> Any:
    """Return counts as whole numbers and missing values as None."""
    if value is pd.NA or value is None or value != value:
        return None
    if not isinstance(value, float):
        return value
    return int(value) if value == int(value) and column in _COUNTS else round(value, 4) + 0.0
