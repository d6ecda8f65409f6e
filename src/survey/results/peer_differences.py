"""Differences of a city from the mean of peers that it has chosen.

They are computed from published digits alone, so that they tell nothing more, however often the
peers are changed: differences from any eight of a hundred cities, each rounded once from exact
values, would together give the exact scores.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from survey.access.principal import Principal
from survey.estimate.arrays import Floats
from survey.results.inference import SCALE, add_verdicts
from survey.results.table_columns import to_published_table
from survey.results.wave_results import WaveResults
from survey.sample.special_groups import EVERYONE

ROUNDING = 0.1
"""Most by which rounding to one decimal can move a difference of two published scores."""
_FIGURES = ("estimate", "ci_low", "ci_high", "df", "n")


def compare_with_peers(
    results: WaveResults,
    principal: Principal,
    *,
    city: str,
    peers: Sequence[str],
    indicators: Sequence[str],
) -> pd.DataFrame:
    """Return a city minus the plain mean of its peers, a row per indicator, as gaps are returned.

    A row is hidden unless the figures of the city and of every peer are shown to the reader.
    Interval and verdict allow for what rounding may have added: the interval is wider by `ROUNDING`
    on either side, and a difference is `higher` or `lower` only if it would be without it. The
    indicators are judged together (Benjamini and Hochberg).
    """
    areas = [city, *peers]
    cells = results.cells(
        principal, area_level="city", area=areas, group=EVERYONE, indicator=list(indicators)
    )
    keys = [cells["indicator"].astype(str), cells["area"].astype(str)]
    wanted = pd.MultiIndex.from_product([list(indicators), areas])
    figures = cells.set_index(keys).reindex(wanted)
    shape = (len(indicators), len(areas))
    estimate, low, high, df, n = (
        figures[name].to_numpy(dtype=float, na_value=np.nan).reshape(shape) for name in _FIGURES
    )
    shown = figures["shown"].fillna(False).to_numpy(dtype=bool) & ~np.isnan(estimate.ravel())
    is_ok = (figures["status"].astype(object) == "ok").to_numpy().reshape(shape).all(axis=1)
    difference = estimate[:, 0] - _mean_of_peers(estimate)
    se, freedom = _error_of_difference(low, high, df, results.method.level)
    margin = special.stdtrit(freedom, (1 + results.method.level) / 2) * se + ROUNDING
    table = pd.DataFrame(
        {
            "contrast": "peers",
            "area_level": "city",
            "area": city,
            "group": EVERYONE,
            "indicator": list(indicators),
            "estimate": estimate[:, 0],
            "reference": _mean_of_peers(estimate),
            "difference": difference,
            "ci_low": np.maximum(difference - margin, -SCALE),
            "ci_high": np.minimum(difference + margin, SCALE),
            "df": np.floor(freedom),
            "n": n[:, 0],
            "n_reference": n[:, 1:].sum(axis=1),
            "status": np.where(is_ok, "ok", "unreliable"),
            "shown": shown.reshape(shape).all(axis=1) & bool(len(peers)),
            "p": 2 * special.stdtr(freedom, -np.maximum(np.abs(difference) - ROUNDING, 0) / se),
        }
    )
    return to_published_table(add_verdicts(table, family=("contrast",)))


def _mean_of_peers(values: Floats) -> Floats:
    """Return the mean over the columns of the peers; not-a-number where there is none."""
    peers = values[:, 1:]
    mean: Floats = peers.mean(axis=1) if peers.shape[1] else np.full(len(values), np.nan)
    return mean


def _error_of_difference(
    low: Floats, high: Floats, df: Floats, level: float
) -> tuple[Floats, Floats]:
    """Return error and degrees of freedom (Satterthwaite 1946), samples being independent.

    Half an interval of published ends may be narrower than the exact one by half a rounding.
    """
    known = np.where(df >= 1, df, np.nan)
    error = ((high - low) / 2 + ROUNDING / 2) / special.stdtrit(known, (1 + level) / 2)
    share = np.full(error.shape[1], 1 / max(error.shape[1] - 1, 1))
    share[0] = 1.0
    parts = np.square(share * error)
    variance = parts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom: Floats = np.square(variance) / (np.square(parts) / known).sum(axis=1)
    return np.sqrt(variance), freedom
