"""National figure of each indicator, by each way of counting, and the areas withheld.

`domain`: all residents as one population, the weights of each city adding up to its declared
total. `city_weighted`: the mean of the city scores, weighted by the same totals,
sum(W_c theta_c) / sum(W_c). They agree where nobody leaves an item out; otherwise the first gives
a city less weight in an item that fewer of its people could rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from survey.access.principal import covers
from survey.access.roles import NATION
from survey.disclosure import areas_to_withhold, propagate_suppression, protect
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance import STATUSES, estimate_status
from survey.frame.city_frame import build_frame_table, shipped_cities
from survey.frame.quotas import EVERYONE
from survey.results.analysis import bound_rate_intervals
from survey.results.domains import area_labels, cities_of
from survey.results.snapshots import CELLS
from survey.results.table_cache import cached_table, file_age
from survey.results.table_columns import ColumnTypes
from survey.results.wave_estimates import (
    CubeRequest,
    WaveEstimates,
    build_cube,
    overall_deff,
    translate_estimate_errors,
)
from survey.results.wave_parts import WaveParts


@dataclass(frozen=True)
class CellsFile:
    """File of the cells of one snapshot, identified by its path and time of writing."""

    path: Path
    age: int

    @classmethod
    def of(cls, folder: Path) -> "CellsFile":
        """Return the file of cells in the folder of a snapshot."""
        return cls(folder / CELLS, file_age(folder / CELLS))


@lru_cache(maxsize=256)
def list_withheld_areas(
    cells: CellsFile, own_area: str
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return (level, area, cities) of areas that would reveal a city outside `own_area`."""
    codes = _list_cities(cells)
    areas = _group_cities(codes)
    gone = areas_to_withhold(areas, [code for code in codes if covers(own_area, code)])
    return tuple((level, area, areas[level, area]) for level, area in sorted(gone))


@lru_cache(maxsize=256)
def find_withheld_changes(
    cells: CellsFile, other: CellsFile, own_area: str
) -> frozenset[tuple[str, ...]]:
    """Return (level, area) whose change to snapshot `other` reveals a city not in `own_area`.

    That is a figure of the wave of `cells`. The reader knows the larger areas that
    `list_withheld_areas` leaves, over all cities of that wave; the change gives the same figures
    over those cities that the other wave has, too.
    """
    codes = _list_cities(cells)
    withheld = {(level, area) for level, area, _ in list_withheld_areas(cells, own_area)}
    shared = set(codes) & set(_list_cities(other))
    if len(shared) == len(codes):
        # The change gives the same figures, of which nothing is known but what was looked at.
        return frozenset(withheld)
    return areas_to_withhold(
        _group_cities(sorted(shared)),
        [code for code in codes if covers(own_area, code)],
        [cities for area, cities in _group_cities(codes).items() if area not in withheld],
    )


def _list_cities(cells: CellsFile) -> list[str]:
    """Return the codes of the cities in a file of cells."""
    wanted = {"area_level": ["city"], "group": [EVERYONE]}
    return [str(code) for code in cached_table(cells.path, cells.age).find(wanted)["area"].unique()]


def _group_cities(codes: Sequence[str]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return (level, area) -> those of `codes` that belong to it, for levels above the city."""
    return cities_of(area_labels(pd.Series(codes), build_frame_table(shipped_cities())))


DOMAIN, CITY_WEIGHTED = "domain", "city_weighted"
BASES = (DOMAIN, CITY_WEIGHTED)
ITEM_MEANS, PER_RESPONDENT = "item_means", "per_respondent"
COLUMNS = (
    "area_level",
    "area",
    "basis",
    "composite",
    "indicator",
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "df",
    "n",
    "cities",
    "status",
)
_TEXTS = ("area_level", "area", "basis", "composite", "indicator", "status")
_COLUMN_TYPES = ColumnTypes(_TEXTS, [name for name in COLUMNS if name not in _TEXTS])
_HIDDEN_SIZE_COLUMN = "unseen"


def headline_table(figures: WaveEstimates, cells: pd.DataFrame) -> pd.DataFrame:
    """Return national figures by basis and composite, hidden where `cells` hide the nation.

    Columns: `COLUMNS`, shown, reason. `composite` is `item_means` or `per_respondent`; which of
    the two is official is stored with the wave. `cities` counts the cities behind a figure.

    A basis follows the decision taken for the nation in `cells`. The mean over cities is also
    hidden where the cities hidden from it have 1 to 9 respondents together, for it would tell
    their score.
    """
    source = figures.source
    if not source.plan.has_composite:
        return propagate_suppression(
            _COLUMN_TYPES.empty(COLUMNS), cells, at={"group": EVERYONE}, figures=("cities",)
        )
    codes = [COMPOSITE, *source.plan.tree.codes]
    parts = [
        _build_headlines_on_both_bases(
            estimates[estimates["indicator"].isin(codes)], source, cells
        ).assign(composite=composite)
        for composite, estimates in _split_by_composite(figures).items()
    ]
    joined = pd.concat(parts, ignore_index=True).assign(area_level="nation", area=NATION)
    table = bound_rate_intervals(joined, [], level=source.level, deff=overall_deff(source))
    hidden = protect(_COLUMN_TYPES.cast(table), counts=(_HIDDEN_SIZE_COLUMN,)).drop(
        columns=_HIDDEN_SIZE_COLUMN
    )
    protected = propagate_suppression(hidden, cells, at={"group": EVERYONE}, figures=("cities",))
    return protected[[*COLUMNS, "shown", "reason"]]


def _split_by_composite(figures: WaveEstimates) -> dict[str, pd.DataFrame]:
    """Return both ways to compute a composite -> cells of all respondents, nation and each city."""
    official = figures.source.composite
    other = ITEM_MEANS if official == PER_RESPONDENT else PER_RESPONDENT
    cells = figures.cells
    wanted = (cells["group"] == EVERYONE) & cells["area_level"].isin(["nation", "city"])
    request = CubeRequest(("nation", "city"), (EVERYONE,), composite=other)
    with translate_estimate_errors():
        sums = build_cube(figures.source, request)
        with sums.prepared(table=True):
            return {official: cells[wanted], other: sums.table(level=figures.source.level)}


def _build_headlines_on_both_bases(
    estimates: pd.DataFrame, source: WaveParts, cells: pd.DataFrame
) -> pd.DataFrame:
    named = estimates.assign(indicator=estimates["indicator"].astype(str))
    nation = named[named["area_level"] == "nation"]
    cities = named[named["area_level"] == "city"]
    totals = source.facts.weights.by_city["total"]
    weighted = city_weighted_mean(cities, totals, level=source.level)
    unseen = _sum_hidden_cities(cities, cells)
    n = nation.set_index("indicator")["n"]
    weighted[_HIDDEN_SIZE_COLUMN] = unseen.reindex(weighted["indicator"]).to_numpy()
    weighted["n"] = n.reindex(weighted["indicator"]).to_numpy()
    columns = (weighted[name].to_numpy(dtype=float) for name in ("estimate", "se", "df", "n"))
    weighted["status"] = [STATUSES[code] for code in estimate_status(*columns)]
    domain_rows = nation.assign(
        basis=DOMAIN, cities=len(totals), **{_HIDDEN_SIZE_COLUMN: nation["n"].to_numpy(dtype=float)}
    )
    return pd.concat([domain_rows, weighted.assign(basis=CITY_WEIGHTED)], ignore_index=True)


def city_weighted_mean(
    cities: pd.DataFrame, totals: pd.Series, *, level: float = 0.95
) -> pd.DataFrame:
    """Return each indicator's mean of city scores, weighted by `totals` (population by city).

    Args:
        cities: `area`, `indicator`, `estimate`, `se`, `df`, a row a city and indicator.
        totals: W_c by city code, for every city.

    Returns:
        indicator, estimate, se, ci_low, ci_high, df, cities. With a_c = W_c / sum(W_c), the
        variance is sum(a_c² se_c²) and df = (sum a_c² se_c²)² / sum((a_c² se_c²)² / df_c)
        (Satterthwaite 1946). Weights are not spread over missing cities: a city without a score
        leaves no figure, one without an error leaves no error.
    """
    named = cities.assign(area=cities["area"].astype(str))
    share = (totals / totals.sum()).to_numpy(dtype=float)
    wide = {
        name: named.pivot(index="indicator", columns="area", values=name)
        for name in ("estimate", "se", "df")
    }
    score, error, freedom = (
        table.reindex(columns=totals.index.astype(str)).to_numpy(dtype=float)
        for table in wide.values()
    )
    part = np.square(share * error)
    variance = part.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.square(variance) / (np.square(part) / freedom).sum(axis=1)
    df = np.where(variance == 0, freedom.sum(axis=1), df)
    estimate, se = (share * score).sum(axis=1), np.sqrt(variance)
    margin = special.stdtrit(np.where(df > 0, df, np.nan), (1 + level) / 2) * se
    return pd.DataFrame(
        {
            "indicator": wide["estimate"].index.astype(str),
            "estimate": estimate,
            "se": se,
            "ci_low": estimate - margin,
            "ci_high": estimate + margin,
            "df": df,
            "cities": len(totals),
        }
    )


def _sum_hidden_cities(cities: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """Return indicator -> respondents in hidden cities; if no city is hidden, in all cities."""
    everyone = (cells["area_level"] == "city") & (cells["group"] == EVERYONE)
    keys = ["area", "indicator"]
    shown = cells.loc[everyone, [*keys, "shown"]].astype(dict.fromkeys(keys, str))
    shown_of = shown.set_index(keys)["shown"]
    wanted = pd.MultiIndex.from_frame(cities[keys].astype(str))
    hidden = ~shown_of.reindex(wanted).to_numpy(dtype=bool)
    n = cities["n"].to_numpy(dtype=float)
    sums = (
        pd.DataFrame({"behind": n * hidden, "every": n}).groupby(wanted.get_level_values(1)).sum()
    )
    return pd.Series(np.where(sums["behind"] > 0, sums["behind"], sums["every"]), index=sums.index)
