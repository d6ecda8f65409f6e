"""Long tables built from arrays of shape (D, T)."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes
from survey.estimate.design import Sample
from survey.estimate.domains import Domains
from survey.estimate.variance import STATUSES

COUNTS = ("df", "n", "n_psu", "n_reference", "n_rest", "replicates")


def long_table(
    domains: Domains,
    variables: Sequence[str],
    columns: Mapping[str, np.ndarray],
    groups: Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Build one row per (domain, variable) from columns (D, T).

    With `groups`, one row per (domain, group, variable) from columns (D, G, T): the domain's keys,
    `group`, `variable`, then the columns.
    """
    labels = [None] if groups is None else list(groups)
    repeat = np.repeat(np.arange(domains.count), len(labels) * len(variables))
    table: dict[str, object] = {
        str(name): key.array.take(repeat) for name, key in domains.keys.items()
    }
    if groups is not None:
        group = np.tile(np.repeat(np.arange(len(labels)), len(variables)), domains.count)
        table["group"] = pd.Index(labels).take(group)
    table["variable"] = np.tile(np.asarray(variables, dtype=object), domains.count * len(labels))
    for name, values in columns.items():
        flat = values.reshape(-1)
        if name == "status":
            table[name] = np.array(STATUSES, dtype=object)[flat]
        else:
            table[name] = flat.astype(np.int64) if name in COUNTS else flat
    return pd.DataFrame(table, index=range(len(repeat)), copy=False)


def cube_table(
    areas: Mapping[str, pd.Index],
    groups: Sequence[str],
    indicators: Sequence[str],
    place: Codes,
    parts: Iterable[Mapping[str, np.ndarray]],
) -> pd.DataFrame:
    """Build one row per (area_level, area, group, indicator) of a cube.

    The parts, one after the other, hold the (A, G, T) columns; `place` says which of the T
    statistics each indicator is. Keys and status are categorical: a cube has many rows and few
    labels.
    """
    sizes = [len(labels) for labels in areas.values()]
    cells = len(groups) * len(indicators)
    labels = list(dict.fromkeys(label for index in areas.values() for label in index))
    codes = {label: code for code, label in enumerate(labels)}
    area = np.array([codes[label] for index in areas.values() for label in index], np.int32)
    indicator = np.tile(np.arange(len(indicators), dtype=np.int16), sum(sizes) * len(groups))
    group = np.tile(np.repeat(np.arange(len(groups), dtype=np.int16), len(indicators)), sum(sizes))
    level = np.repeat(np.arange(len(areas), dtype=np.int16), np.multiply(sizes, cells))
    table: dict[str, object] = {
        "area_level": _categorical(level, list(areas)),
        "area": _categorical(np.repeat(area, cells), labels),
        "group": _categorical(group, groups),
        "indicator": _categorical(indicator, indicators),
    }
    columns: dict[str, np.ndarray] = {}
    done = 0
    for part in parts:
        columns = columns or _blank(part, len(level) // len(indicators), len(indicators))
        for name, figures in part.items():
            lines = figures.reshape(-1, figures.shape[-1])
            columns[name][done : done + len(lines)] = lines.take(place, axis=1)
        done += len(lines)
    for name, figures in columns.items():
        flat = figures.reshape(-1)
        table[name] = _categorical(flat, STATUSES) if name == "status" else flat
    return pd.DataFrame(table, copy=False)


def _blank(names: Iterable[str], rows: int, columns: int) -> dict[str, np.ndarray]:
    """Allocate the columns of a table, the numbers in one block.

    One large block of fresh memory costs less than many small ones.
    """
    room: dict[str, np.ndarray] = {"status": np.empty((rows, columns), np.int8)}
    numbers = [name for name in names if name not in room]
    for name, values in zip(numbers, np.empty((len(numbers), rows, columns)), strict=True):
        room[name] = values.view(np.int64) if name in COUNTS else values
    return {name: room[name] for name in names}


def _categorical(codes: np.ndarray, labels: Sequence[Hashable]) -> object:
    dtype = pd.CategoricalDtype(pd.Index(labels, dtype=object))
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)


def describe(table: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Record in `attrs` one-PSU strata, their rule, and an assumed deff."""
    table.attrs["lonely_psu"] = sample.rule
    table.attrs["lonely_strata"] = sample.stratum_labels[sample.lonely].tolist()
    if sample.assumed_deff is not None:
        table.attrs["assumed_deff"] = sample.assumed_deff
        table.attrs["lonely_strata"] = []
    return table
