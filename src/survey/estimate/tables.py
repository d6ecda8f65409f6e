"""From arrays of shape (D, T) to the long tables the library hands out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from survey.estimate.design import Sample
from survey.estimate.domains import Domains

COUNTS = ("df", "n", "n_psu", "n_reference")


def long_table(
    domains: Domains, variables: Sequence[str], columns: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """One row per (domain, variable): the domain's keys, `variable`, then the columns."""
    repeat = np.repeat(np.arange(domains.count), len(variables))
    table = domains.keys.take(repeat).reset_index(drop=True)
    table["variable"] = np.tile(np.asarray(variables, dtype=object), domains.count)
    for name, values in columns.items():
        flat = values.reshape(-1)
        table[name] = flat.astype(np.int64) if name in COUNTS else flat
    return table


def describe(table: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Say in `attrs` what the reader must know: one-PSU strata, their rule, an assumed deff."""
    table.attrs["lonely_psu"] = sample.rule
    table.attrs["lonely_strata"] = sample.stratum_labels[sample.lonely].tolist()
    if sample.assumed_deff is not None:
        table.attrs["assumed_deff"] = sample.assumed_deff
        table.attrs["lonely_strata"] = []
    return table
