"""Spread of answers: the method sheet of medians and quartiles.

Source: docs/statistics.md. Only questions that are alone behind an indicator have rows: the answers
to such a question are those that the gate decided about under the indicator's name.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.estimate.design import Sample
from survey.estimate.quantiles import DistributionSums, estimate_quantiles
from survey.frame.quotas import EVERYONE
from survey.results.method_sheets import OBSTACLE, SPREAD
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import PartLoader, WaveParts

_NAMES = ("lower_quartile", "median", "upper_quartile")
"""Of the `QUARTILES`, in their order."""
_SUFFIXES = {"estimate": "", "ci_low": "_low", "ci_high": "_high"}


def build_spread(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet: nation and cities, everyone in them."""
    wave = source.wave
    items = list_lone_items(wave)
    if not items:
        return SPREAD.build_obstacle("no_question")
    by_city: dict[str, list[DistributionSums]] = {}
    for sums in wave.run(partial(_sum_part, tuple(items)), wave.parts):
        by_city |= sums
    scale = wave.plan.scale
    grid = np.arange(scale.maximum - scale.minimum + 1, dtype=np.float64) * scale.unit
    places = {(NATION, "nation"): 0} | {
        (str(city), "city"): row for row, city in enumerate(wave.city_codes, start=1)
    }
    keys = pd.DataFrame(list(places), columns=["area", "area_level"])
    tables = []
    for number, (item, indicator) in enumerate(items.items()):
        cities = DistributionSums.join([by_city[str(city)][number] for city in wave.city_codes])
        found = estimate_quantiles(
            DistributionSums.join([cities.together(), cities]),
            grid,
            level=wave.level,
            assumed_deff=wave.design.assumed_deff,
        )
        tables.append(_widen(found).join(keys).assign(item=item, indicator=indicator))
    table = pd.concat(tables, ignore_index=True).assign(group=EVERYONE, line="quartiles")
    table[OBSTACLE] = np.where(table["n"] > 0, "", "no_answer")
    known = source.cells.loc[source.cells["group"] == EVERYONE, ["area", "indicator"]].astype(str)
    return table.merge(known, on=["area", "indicator"])


def list_lone_items(wave: WaveParts) -> dict[str, str]:
    """Return item -> its indicator, of the items that are alone behind one."""
    feeds = wave.plan.tree.feeds
    count = Counter(feeds.values())
    return {item: indicator for item, indicator in feeds.items() if count[indicator] == 1}


def _sum_part(items: tuple[str, ...], part: PartLoader) -> Mapping[str, list[DistributionSums]]:
    """Return the sums of each item by city, each of the city's rows alone."""
    data = part()
    scale = data.plan.scale
    raw = data.people[list(items)].to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        place = np.where(raw >= scale.minimum, raw - scale.minimum, -1).astype(np.intp)
    size = scale.maximum - scale.minimum + 1
    sums = {}
    for city, rows in data.people.groupby(data.people["city_code"].astype(str)).indices.items():
        sample = Sample.read(data.people.iloc[rows], data.design)
        if data.design.psu is None:
            sample = sample.without_points(np.zeros(len(rows), dtype=np.intp))
        sums[str(city)] = [
            DistributionSums.collect(sample, place[rows, number], size)
            for number in range(len(items))
        ]
    return sums


def _widen(found: pd.DataFrame) -> pd.DataFrame:
    """Return a row a domain, a column a quartile and each end of its interval."""
    wide = found.pivot(index="domain", columns="probability", values=list(_SUFFIXES))
    wide.columns = pd.Index([name + suffix for suffix in _SUFFIXES.values() for name in _NAMES])
    return wide.assign(n=found.groupby("domain")["n"].first())
