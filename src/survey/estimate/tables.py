"""Long tables built from arrays of shape (D, T)."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

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


def describe(table: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Record in `attrs` one-PSU strata, their rule, and an assumed deff."""
    table.attrs["lonely_psu"] = sample.rule
    table.attrs["lonely_strata"] = sample.stratum_labels[sample.lonely].tolist()
    if sample.assumed_deff is not None:
        table.attrs["assumed_deff"] = sample.assumed_deff
        table.attrs["lonely_strata"] = []
    return table
