"""Figures computed on demand from exact ones, and rounded before they are returned."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from survey.access.principal import Principal
from survey.estimate import band_probabilities, pooled_mean
from survey.results.analysis import SCALE
from survey.results.snapshots import CELLS, HEADLINES, SMALL_AREAS
from survey.results.table_columns import read_numbers, round_figures
from survey.results.wave_results import Filter, WaveResults

_SAME_ESTIMATE_TOLERANCE = 1e-6


def compute_band_probabilities(
    results: WaveResults,
    principal: Principal,
    edges: Sequence[float],
    *,
    wanted: Mapping[str, Filter],
) -> dict[str, list[float]]:
    """Return area -> probability of its score in each band between `edges`; `wanted`: cells' keys.

    Args:
        wanted: keys of the cells, or of the headlines where it names a `basis`.
    """
    rows = results.exact(principal, HEADLINES if "basis" in wanted else CELLS, wanted)
    chances = band_probabilities(
        read_numbers(rows, "estimate"), read_numbers(rows, "se"), read_numbers(rows, "df"), edges
    )
    whole = round_figures(chances, 2)
    return dict(zip(rows["area"].astype(str), whole.tolist(), strict=True))


def pool_waves(
    results: WaveResults, earlier: WaveResults, principal: Principal, group: str, indicator: str
) -> pd.DataFrame:
    """Return a group's score, low and high by city, pooled with the wave `earlier` of the series.

    Nothing where one of the two or their change is not known, or where the change starts elsewhere:
    it is then about other cities or another recipe.
    """
    keys = {"area_level": "city", "group": group, "indicator": indicator}
    now, before = (
        _index_by_area(
            wave_results.exact(principal, SMALL_AREAS, {"group": group, "indicator": indicator})
        )
        for wave_results in (results, earlier)
    )
    change = _index_by_area(results.exact_changes(principal, earlier.wave, keys)).reindex(now.index)
    before = before.reindex(now.index)
    starts = np.abs(read_numbers(change, "before") - read_numbers(before, "estimate"))
    pooled = pooled_mean(
        (read_numbers(before, "estimate"), read_numbers(now, "estimate")),
        (read_numbers(before, "se"), read_numbers(now, "se")),
        (read_numbers(before, "df"), read_numbers(now, "df")),
        change_se=np.where(starts < _SAME_ESTIMATE_TOLERANCE, read_numbers(change, "se"), np.nan),
        level=results.method.level,
        scale=(0.0, SCALE),
    )
    figures = {"estimate": pooled.estimate, "low": pooled.low, "high": pooled.high}
    rounded = {name: round_figures(values) for name, values in figures.items()}
    return pd.DataFrame(rounded, index=now.index)


def _index_by_area(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index(rows["area"].astype(str))
