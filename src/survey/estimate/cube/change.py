"""Change between two waves from the sums of their cubes.

The figures are those of `change`, all at once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from survey.estimate.arrays import (
    Codes,
    Floats,
    flatten_rows,
    group_sum,
    limit_to_one_thread,
    ratio,
)
from survey.estimate.change import difference_variance
from survey.estimate.cube.cube import Cube, cube_table
from survey.estimate.cube.levels import LevelView
from survey.estimate.cube.passes import PsuScores, PsuTotals, Squares
from survey.estimate.cube.srs_variance import simple_variances
from survey.estimate.design import Strata
from survey.estimate.differences import DifferenceInputs
from survey.estimate.domains import describe
from survey.estimate.errors import EstimateError
from survey.estimate.variance import PsuVariance

CHANGE_COLUMNS = ("after", "before", "n_before")


def cube_change(before: Cube, after: Cube, *, level: float = 0.95) -> pd.DataFrame:
    """Estimate the change of every figure that two cubes share, `after` less `before`.

    Both cubes have the same tree, composite, groups and area levels; a PSU (stratum and code) in
    both is the same PSU and brings its covariance. To compare larger areas over the same cities,
    give the rows of other cities no area when the cubes are made.

    Returns:
        One row per (area_level, area, group, indicator) of the areas that both waves have, in the
        order of `after`: before, after, difference, se, ci_low, ci_high, df, p, n_before, n_after
        and status, as `change` gives them row by row.

    Raises:
        EstimateError: cubes of different trees, composites, groups or area levels; a stratum that
            lies in more than one area.
    """
    _require_same_options(before, after)
    with before.prepared(change=True), after.prepared(change=True), limit_to_one_thread():
        shared = _SharedPsuScores.of(before, after)
        first, second = _list_level_sides(before), _list_level_sides(after)
        level_results = [
            _compare_level(*pair, shared, level) for pair in zip(first, second, strict=True)
        ]
    sums = after.sums
    areas = {
        side.view.level.name: labels
        for side, (labels, _) in zip(second, level_results, strict=True)
    }
    parts = [columns for _, columns in level_results]
    for columns in parts:
        columns["n_after"] = columns.pop("n").astype(np.int64)
        columns["n_before"] = columns["n_before"].astype(np.int64)
    table = cube_table(areas, sums.groups, sums.plan.indicators, sums.plan.place, parts)
    table.attrs |= {"composite": sums.spec.composite, "renormalise": sums.spec.renormalise}
    return describe(table, sums.strata)


def _require_same_options(before: Cube, after: Cube) -> None:
    kinds = {
        "indicators": (before.sums.plan.indicators, after.sums.plan.indicators),
        "composite": (before.sums.spec.composite, after.sums.spec.composite),
        "groups": (before.sums.groups, after.sums.groups),
        "area levels": tuple(
            tuple(level.name for level in cube.sums.levels) for cube in (before, after)
        ),
    }
    for name, (first, second) in kinds.items():
        if first != second:
            raise EstimateError("not_a_choice", name=name, choices=second, value=first)


@dataclass(frozen=True)
class _LevelSide:
    """Variances and df of one wave at one area level, arrays areas × groups × statistics."""

    view: LevelView
    spread: PsuVariance
    variance: Floats
    df: Floats
    psus: Floats

    @property
    def asked(self) -> slice:
        return slice(0, len(self.view.sums.groups))

    @cached_property
    def z(self) -> Floats:
        """Linearised totals, PSUs × groups × statistics."""
        return self.view.passes.fetch(PsuTotals(self.view.level.name))[0]

    @cached_property
    def stratum(self) -> Codes:
        """Stratum code of each PSU."""
        return self.view.segments.stratum[self.view.segments.of_psu]

    @cached_property
    def area(self) -> Codes:
        """Area code of each PSU, -1 for none."""
        return self.view.level.of_block[self.view.segments.block[self.view.segments.of_psu]]


def _list_level_sides(cube: Cube) -> list[_LevelSide]:
    assumed = cube.sums.strata.assumed_deff
    simple = [None] * len(cube.views) if assumed is None else simple_variances(cube.views)
    return [
        _build_level_side(
            view, variance if variance is None or assumed is None else assumed * variance
        )
        for view, variance in zip(cube.views, simple, strict=True)
    ]


def _build_level_side(view: LevelView, assumed_variance: Floats | None) -> _LevelSide:
    """Build one wave's side of a change at a level; `assumed_variance`: None if PSUs are known."""
    asked, segments = slice(0, len(view.sums.groups)), view.segments
    total, within = view.passes.fetch(Squares(view.level.name))
    spread = view.spread(total, within, segments.psus[:, asked])
    if assumed_variance is None:
        return _LevelSide(view, spread, spread.variance, spread.df, spread.psus)
    members = view.members[:, asked]
    return _LevelSide(view, spread, assumed_variance[:, asked], view.df[:, asked], members)


@dataclass(frozen=True)
class _SharedPsuScores:
    """PSUs that serve both waves: their positions in each wave, and where both have members."""

    strata: tuple[Strata, Strata]
    positions: tuple[Codes, Codes]
    presence: Floats
    """1.0 where a PSU has members in both waves, shape (c, G, T)."""

    @classmethod
    def of(cls, before: Cube, after: Cube) -> "_SharedPsuScores":
        both_strata = before.sums.strata, after.sums.strata
        none = np.zeros(0, dtype=np.intp)
        positions = none, none
        if all(strata.assumed_deff is None for strata in both_strata):
            labels = [cube.passes.psu_labels() for cube in (before, after)]
            indexer = labels[0].get_indexer(labels[1])
            kept = np.flatnonzero(indexer >= 0)
            positions = indexer[kept], kept
        present = [
            _count_psu_presence(cube, positions_in_cube)
            for cube, positions_in_cube in zip((before, after), positions, strict=True)
        ]
        return cls(both_strata, positions, present[0] * present[1])

    def covariance(self, first: _LevelSide, second: _LevelSide) -> tuple[Floats, Floats]:
        """Return covariance and df due to shared PSUs, areas × groups × statistics.

        In each stratum sqrt(c1 c2) sum of (z1 - zbar1)(z2 - zbar2), see `change`.
        """
        shape = first.z.shape[1:]
        width = int(np.prod(shape))
        areas, strata = len(second.view.level.labels), len(self.strata[1].psus)
        z1, z2 = (
            side.z[place].reshape(len(place), width)
            for side, place in zip((first, second), self.positions, strict=True)
        )
        stratum = second.stratum[self.positions[1]]
        same = self.strata[0].stratum_labels.get_indexer(self.strata[1].stratum_labels)
        mean1, mean2 = _average_strata(first)[same], _average_strata(second)
        mean1[same < 0] = 0.0
        count = np.bincount(stratum, minlength=strata)[:, None]
        cross = group_sum(stratum, z1 * z2, strata) + count * mean1 * mean2
        cross -= mean2 * group_sum(stratum, z1, strata) + mean1 * group_sum(stratum, z2, strata)
        cross *= _compute_joint_factor(*self.strata, same)[:, None]
        home = _find_home_areas(second)
        inside = np.flatnonzero(home >= 0)
        both = self.presence.reshape(len(stratum), width)
        lying = second.area[self.positions[1]] >= 0
        psus = group_sum(stratum[lying], both[lying], strata)
        covariance = group_sum(home[inside], cross[inside], areas)
        df = group_sum(home[inside], psus[inside] - (psus[inside] > 0), areas)
        return covariance.reshape(areas, *shape), df.reshape(areas, *shape)


def _count_psu_presence(cube: Cube, positions: Codes) -> Floats:
    plan = cube.sums.plan
    scored = cube.passes.fetch(PsuScores())[0][positions]
    support = (plan.omega[plan.several] != 0).astype(np.float64).T
    return plan.spread_out(scored, (scored @ support > 0).astype(np.float64))


def _average_strata(side: _LevelSide) -> Floats:
    """Return the mean linearised total of each stratum's PSUs, 0 in strata with one PSU."""
    sizes = side.view.sums.strata.psus.astype(np.float64)
    total = group_sum(side.stratum, flatten_rows(side.z), len(sizes))
    mean: Floats = total / sizes[:, None]
    mean[sizes <= 1] = 0.0
    return mean


def _compute_joint_factor(first: Strata, second: Strata, same: Codes) -> Floats:
    """Return sqrt(c1 c2) by stratum of `second` (c: its factor); `same`: the first's stratum there.

    It is 0 where the stratum is not in both waves or not counted.
    """
    scale = np.where(same >= 0, (first.scale * first.counted)[same], 0.0)
    return np.sqrt(scale * second.scale * second.counted)


def _find_home_areas(side: _LevelSide) -> Codes:
    """Return each stratum's area, -1 for none; raise an error if a stratum is in two areas."""
    strata, area = side.view.sums.strata, side.area
    home = np.full(len(strata.psus), -1, dtype=np.intp)
    home[side.stratum] = area
    split = np.flatnonzero(home[side.stratum] != area)
    if split.size:
        stratum = strata.stratum_labels[int(side.stratum[split[0]])]
        raise EstimateError("area_splits_stratum", stratum=stratum, level=side.view.level.name)
    return home


def _compare_level(
    first: _LevelSide, second: _LevelSide, shared: _SharedPsuScores, level: float
) -> tuple[pd.Index, dict[str, np.ndarray]]:
    """Return two waves' common areas and columns of their change, with intervals at `level`."""
    labels = second.view.level.labels
    place = first.view.level.labels.get_indexer(labels)
    b = np.flatnonzero(place >= 0)
    a = place[b]
    covariance, shared_df = shared.covariance(first, second)
    factor = np.sqrt(first.spread.factor[a] * second.spread.factor[b])
    asked = second.asked
    members = [side.view.members[:, asked] for side in (first, second)]
    gap = DifferenceInputs(
        first=second.view.estimate[b][:, asked],
        second=first.view.estimate[a][:, asked],
        variance=difference_variance(
            first.variance[a] + second.variance[b], covariance[b] * factor
        ),
        df=_compute_joint_df(
            (first.df[a], second.df[b]),
            (first.view.df[a][:, asked], second.view.df[b][:, asked]),
            shared_df[b],
        ),
        psus=np.minimum(first.psus[a], second.psus[b]),
        n_first=second.view.n[b][:, asked],
        n_second=first.view.n[a][:, asked],
        members=np.minimum(members[0][a], members[1][b]),
        size=first.view.size[a][:, asked] + second.view.size[b][:, asked],
    )
    return labels.take(b), gap.columns(level, CHANGE_COLUMNS)


def _compute_joint_df(
    design: tuple[Floats, Floats], cube_df: tuple[Floats, Floats], shared: Floats
) -> Floats:
    """Return a change's df: the two waves' by `design`, less `shared`, as lowered in `cube_df`.

    It is lowered in the proportion in which the cubes' rule lowers the waves' own.
    """
    design_sum = design[0] + design[1]
    joint = design_sum - shared
    lowered = np.maximum(np.rint(joint * ratio(cube_df[0] + cube_df[1], design_sum)), 1)
    return np.where(joint >= 1, np.minimum(lowered, joint), joint)
