"""Fair comparison of cities: the method sheet of case mix and mode.

Source: docs/fairness.md.
"""

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import AdditiveTotal, protect
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale.figures import round_two_digits
from survey.results.method_sheets import FAIRNESS
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import MODE, PartLoader

_ALL = "all"
_MODE_ITEM = f"{MODE}="


def build_fairness(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, those of small numbers hidden."""
    if not source.wave.plan.has_composite:
        return FAIRNESS.build_obstacle("no_composite")
    parts = source.wave.run(_sum_weights, source.wave.parts)
    return _build_overlap(pd.concat(list(parts)), source.cells)


def _sum_weights(part: PartLoader) -> pd.DataFrame:
    """Return n, sum of weights and of their squares by city and mode, the columns of a part."""
    data = part()
    weight = data.people[data.design.weight].to_numpy(dtype=float)
    keys = {"area": data.people["city_code"].astype(str), "item": data.people[MODE].astype(str)}
    rows = pd.DataFrame({**keys, "n": 1, "weight": weight, "square": weight**2})
    return rows.groupby(["area", "item"], as_index=False).sum()


def _build_overlap(sums: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the effective number of interviews of each mode, in the nation and in each city.

    Modes add up to the interviews of a city, and cities to the nation: a mode that few were asked
    by is hidden, and so is what would tell their number.
    """
    sums = sums.sort_values(["area", "item"])
    nation = sums.groupby("item", as_index=False)[["n", "weight", "square"]].sum()
    modes, cities = nation["item"].tolist(), sorted(sums["area"].unique())
    whole = pd.concat([sums, nation.assign(area=NATION)])
    everyone = whole.groupby("area", as_index=False)[["n", "weight", "square"]].sum()
    table = pd.concat([whole, everyone.assign(item=_ALL)], ignore_index=True)
    totals = [
        AdditiveTotal(("item",), (_ALL,), tuple((mode,) for mode in modes)),
        AdditiveTotal(("area",), (NATION,), tuple((city,) for city in cities)),
    ]
    table = protect(table, by=("area", "item"), totals=totals)
    size = table["weight"] ** 2 / table["square"]
    table = table[table["item"] != _ALL].assign(
        area_level=np.where(table["area"] == NATION, "nation", "city")[table["item"] != _ALL],
        group=EVERYONE,
        indicator=COMPOSITE,
        line="overlap",
        n_effective=size[table["shown"]].map(round_two_digits),
    )
    known = cells[(cells["group"] == EVERYONE) & (cells["indicator"] == COMPOSITE)]
    table = table[table["area"].isin(known["area"].astype(str))]
    return table.assign(item=_MODE_ITEM + table["item"].astype(str))
