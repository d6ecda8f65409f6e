"""Mode experiment of a wave: the method sheet of what reading aloud changes in the answers.

Source: docs/fairness.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import MINIMUM_N, protect
from survey.estimate.arrays import Floats, limit_to_one_thread, ratio
from survey.estimate.mode_experiment import (
    ExperimentEffects,
    ExperimentRows,
    ExperimentSums,
    UsedEffects,
    estimate_effects,
    find_used_effects,
)
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance import t_pvalue, t_quantile
from survey.frame.quotas import EVERYONE
from survey.results.analysis import add_verdicts
from survey.results.method_sheets import MODE_EXPERIMENT, OBSTACLE
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import MODE, PartLoader, WaveParts
from survey.snapshots.response_frame import OFFERED_MODE
from survey.store.tables import Mode

_STRATUM, _POINT = "stratum", "point"
_ARMS = (Mode.SELF, Mode.ASSISTED)
"""What was offered, in the order of `ExperimentSums.n`."""


@dataclass(frozen=True)
class _CitySums:
    """Sums of one city, and what happened at its points, both offers in the order of `_ARMS`."""

    city: str
    scores: ExperimentSums
    points: Floats
    n: Floats
    switched: Floats
    """Interviews in another way than offered."""
    weight: Floats
    switched_weight: Floats


def build_mode_experiment(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, those of small numbers hidden."""
    wave = source.wave
    if not has_experiment(wave):
        return MODE_EXPERIMENT.build_obstacle("no_experiment")
    cities = _sum_wave(wave)
    sides = sum(city.n for city in cities)
    if not cities or not np.all(sides):
        return MODE_EXPERIMENT.build_obstacle("one_offer")
    offers = _describe_offers(cities)
    if not len(wave.plan.tree.item_columns):
        return offers
    effects = add_verdicts(_estimate_lines(wave, cities), family=("line",))
    return pd.concat([offers, effects.drop(columns=["difference", "p", "status"])])


def has_experiment(wave: WaveParts) -> bool:
    """Return whether chance decided how people were asked: then each part has the column of it."""
    has_points = wave.design.psu is not None
    return has_points and any(wave.run(_has_offers, wave.parts[:1]))


def find_used(wave: WaveParts) -> UsedEffects | None:
    """Return the effects of reading aloud by what was used; None without a mode experiment."""
    cities = _sum_wave(wave) if has_experiment(wave) else []
    return find_used_effects([city.scores for city in cities]) if cities else None


def _has_offers(part: PartLoader) -> bool:
    return OFFERED_MODE in part().people


def _sum_wave(wave: WaveParts) -> list[_CitySums]:
    """Return the sums of the cities, in the order of their codes."""
    cities = (city for part in wave.run(_sum_part, wave.parts) for city in part)
    return sorted(cities, key=lambda each: each.city)


def _sum_part(part: PartLoader) -> list[_CitySums]:
    """Return the sums of the cities of a part."""
    data = part()
    people, scale = data.people[data.people[OFFERED_MODE].notna()], data.plan.scale
    raw = people[list(data.plan.tree.item_columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        scores = np.where(raw >= scale.minimum, (raw - scale.minimum) * scale.unit, np.nan)
    offered, used = (
        np.asarray(people[name].astype(str) != Mode.SELF).astype(np.float64)
        for name in (OFFERED_MODE, MODE)
    )
    weight = people[data.design.weight].to_numpy(dtype=np.float64)
    points = people[[data.design.strata, data.design.psu]].astype(str)
    points = points.set_axis([_STRATUM, _POINT], axis=1).reset_index(drop=True)
    found = []
    with limit_to_one_thread():
        for city, rows in people.groupby(people["city_code"].astype(str)).indices.items():
            own = ExperimentRows(
                scores[rows], offered[rows], used[rows], weight[rows], points.iloc[rows]
            )
            found.append(_sum_city(str(city), own))
    return found


def _sum_city(city: str, rows: ExperimentRows) -> _CitySums:
    arms = np.array([1 - rows.offered, rows.offered])
    switched = arms * (rows.offered != rows.used)
    points = [len(rows.points[arm > 0].drop_duplicates()) for arm in arms]
    return _CitySums(
        city,
        ExperimentSums.of(rows),
        points=np.array(points, dtype=np.float64),
        n=arms.sum(axis=1),
        switched=switched.sum(axis=1),
        weight=arms @ rows.weight,
        switched_weight=switched @ rows.weight,
    )


def _describe_offers(cities: Sequence[_CitySums]) -> pd.DataFrame:
    """Return a row for each offer: its points, its interviews, and how many used another way.

    Where those who did, or who did not, are few on one side, neither share is shown: the effects of
    what was offered and of what was used tell one from the other.
    """
    points, n, switched, weight, switched_weight = (
        np.sum([getattr(city, name) for city in cities], axis=0)
        for name in ("points", "n", "switched", "weight", "switched_weight")
    )
    sizes = np.concatenate([switched, n - switched])
    few = bool(((sizes > 0) & (sizes < MINIMUM_N)).any())
    return pd.DataFrame(
        {
            "area_level": "nation", "area": NATION, "group": EVERYONE, "indicator": COMPOSITE,
            "line": "offer", "item": [f"{MODE}={mode}" for mode in _ARMS],
            "offer_points": points,
            "switched": np.full(len(n), np.nan) if few else 100 * ratio(switched_weight, weight),
            **{OBSTACLE: "few_switched" if few else ""},
        }
    )  # fmt: skip


def _estimate_lines(wave: WaveParts, cities: Sequence[_CitySums]) -> pd.DataFrame:
    """Return a row for each indicator and for each question, those of few interviews hidden."""
    tree = wave.plan.tree
    items, omega = list(tree.item_columns), tree.omega
    sums = [city.scores for city in cities]
    n = np.sum([each.n for each in sums], axis=0)
    design = replace(wave.design, strata=_STRATUM, psu=_POINT)
    every = np.concatenate([omega, np.eye(len(items))])
    found = estimate_effects(sums, every, design)
    of_line = [np.where(weights != 0, n, np.inf).min(axis=1) for weights in every]
    phone, aloud = np.array(of_line).T
    indicators = len(omega)
    table = _bound(found, wave.level).assign(
        area_level="nation", area=NATION, group=EVERYONE,
        line=["mode_effect"] * indicators + ["mode_item"] * len(items),
        indicator=[*tree.variables, *(tree.feeds[item] for item in items)],
        item=[""] * indicators + items,
        n_phone=phone, n_aloud=aloud, status="ok",
        **{OBSTACLE: np.where(np.isnan(found.offered), "one_side", "")},
    )  # fmt: skip
    return protect(table, n="n_phone", counts=["n_aloud"])


def _bound(found: ExperimentEffects, level: float) -> pd.DataFrame:
    """Return both effects with their intervals, and P of that of the offer."""
    df = np.full(len(found.offered), float(found.df))
    t = t_quantile(df, level)
    columns: dict[str, Floats] = {}
    for name in ("offered", "used"):
        effect, error = getattr(found, name), t * getattr(found, f"{name}_se")
        columns |= {name: effect, f"{name}_low": effect - error, f"{name}_high": effect + error}
    p = t_pvalue(ratio(found.offered, found.offered_se, np.nan), df)
    return pd.DataFrame(columns).assign(difference=found.offered, p=p)
