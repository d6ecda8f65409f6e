"""Differences within a cube: groups less the rest, areas less larger areas.

Both are linearised PSU by PSU, as in `compare`.
"""

import numpy as np

from survey.estimate.arrays import Codes, Floats, flatten_rows, group_sum, ratio
from survey.estimate.cube.levels import LevelView, combine
from survey.estimate.cube.passes import Squares
from survey.estimate.cube.srs_variance import contrast_squares, squares_of
from survey.estimate.differences import DifferenceInputs
from survey.estimate.errors import EstimateError
from survey.estimate.inference import ROUNDING_TOLERANCE
from survey.estimate.variance import lonely_factor, sum_of_squares_by_domain


def group_difference(view: LevelView, rest: LevelView) -> DifferenceInputs:
    """Return each group less the rest of its area; `rest` is the view of groups' complements."""
    sums, segments = view.sums, view.segments
    asked, every = slice(0, len(sums.groups)), slice(sums.everyone, sums.everyone + 1)
    everyone = np.broadcast_to(segments.psus[:, every], (len(segments.size), *sums.shape))
    total, within = view.passes.fetch(Squares(view.level.name, needs_rest=True))
    spread = view.spread(total, within, everyone)
    # Here the freeze of a wave takes the most memory.
    del total, within
    mine, others = view.members[:, asked], rest.members
    variance = spread.variance
    psus = np.minimum(view.psus[:, asked], rest.psus)
    if sums.strata.assumed_deff is not None:
        members = view.members[:, every]
        squares = squares_of([view])[0][:, asked] + squares_of([rest])[0]
        squares *= view.base[:, every] * sums.strata.assumed_deff
        variance = ratio(squares, members - 1, np.nan)
        psus = np.minimum(mine, others)
    return DifferenceInputs(
        first=view.estimate[:, asked],
        second=rest.estimate,
        variance=variance,
        df=np.minimum(view.df[:, asked], rest.df),
        psus=psus,
        n_first=view.n[:, asked],
        n_second=rest.n,
        members=np.minimum(mine, others),
        size=view.size[:, asked] + rest.size,
    )


def area_difference(
    view: LevelView, reference: LevelView, groups: slice | None = None
) -> tuple[DifferenceInputs, Codes]:
    """Return each area less the larger area of the view `reference`, and that larger area's code.

    `groups` are places of groups, by default all that are asked for.

    The variance is the larger area's, with the strata of the smaller one counted by the
    difference of the two linearised totals instead.

    Raises:
        EstimateError: an area lies in no or more than one larger area, or a stratum in more than
            one area.
    """
    sums, asked = view.sums, groups or slice(0, len(view.sums.groups))
    larger = _find_containing_areas(view, reference)
    members, base, mine = reference.members[:, asked], reference.base, view.members[:, asked]
    variance = _compute_area_variance(view, reference, larger)[:, asked]
    psus = view.psus[:, asked]
    if sums.strata.assumed_deff is not None:
        whole_squares = squares_of([reference])[0][larger]
        squares = _compute_remainder(whole_squares, contrast_squares(view, reference))
        squares = squares[:, asked] * base[larger][:, asked] * sums.strata.assumed_deff
        variance, psus = ratio(squares, members[larger] - 1, np.nan), mine
    gap = DifferenceInputs(
        first=view.estimate[:, asked],
        second=reference.estimate[larger][:, asked],
        variance=variance,
        df=np.minimum(view.df, reference.df[larger])[:, asked],
        psus=psus,
        n_first=view.n[:, asked],
        n_second=reference.n[larger][:, asked],
        members=mine,
        size=(view.size + reference.size[larger])[:, asked],
    )
    return gap, larger


def _compute_area_variance(view: LevelView, reference: LevelView, larger: Codes) -> Floats:
    """Return the variance of each area's difference from its larger area (codes `larger`)."""
    strata, shape = view.sums.strata, view.sums.shape
    asked = slice(0, shape[0])
    home, outer = _find_stratum_areas(view, reference)
    squares = _compute_stratum_squares(view, Squares(reference.level.name))
    gap_squares = _compute_stratum_squares(view, Squares(view.level.name, reference.level.name))
    occupied = group_sum(
        view.segments.stratum, flatten_rows(view.segments.psus[:, asked]), len(home)
    )
    inside, within = np.flatnonzero(outer >= 0), np.flatnonzero(home >= 0)
    outers, areas = len(reference.level.labels), len(view.level.labels)
    total = sum_of_squares_by_domain(strata, inside, outer[inside], squares[inside], outers)
    factor = lonely_factor(strata, inside, outer[inside], occupied[inside] > 0, outers)
    shift = sum_of_squares_by_domain(
        strata, within, home[within], (gap_squares - squares)[within], areas
    )
    variance = _compute_remainder(total[larger], shift) * factor[larger]
    return variance.reshape(areas, *shape)


def _compute_remainder(whole: Floats, change: Floats) -> Floats:
    """Return `whole` + `change` elementwise, set to 0 where the result is mere rounding.

    That is so for an area that is all of its larger area.
    """
    rest = whole + change
    return np.where(rest < ROUNDING_TOLERANCE * whole, 0.0, rest)


def _compute_stratum_squares(view: LevelView, wanted: Squares) -> Floats:
    """Return squared deviations of PSUs by stratum for the pass `wanted`, strata × figures."""
    segments, sizes = view.segments, view.sums.strata.psus.astype(np.float64)
    total, within = view.passes.fetch(wanted)
    flat = (len(segments.size), -1)
    return combine(
        sizes,
        segments.stratum,
        segments.size.astype(np.float64),
        total.reshape(flat),
        within.reshape(flat),
    )


def _find_containing_areas(view: LevelView, reference: LevelView) -> Codes:
    """Return the code of each area's larger area; raise an error if it lies in none or several."""
    larger = np.full(len(view.level.labels), -1, dtype=np.intp)
    inside = view.level.of_block >= 0
    of_block, outer = view.level.of_block[inside], reference.level.of_block[inside]
    larger[of_block] = outer
    astray = larger[of_block] != outer
    if astray.any() or (larger < 0).any():
        area = of_block[np.argmax(astray)] if astray.any() else np.argmin(larger)
        raise EstimateError(
            "area_not_nested",
            area=view.level.labels[int(area)],
            level=view.level.name,
            within=reference.level.name,
        )
    return larger


def _find_stratum_areas(view: LevelView, reference: LevelView) -> tuple[Codes, Codes]:
    """Return codes of area and larger area by stratum; raise an error if an area cuts a stratum."""
    segments, strata = view.segments, view.sums.strata
    homes = []
    for level in (view.level, reference.level):
        of_segment = level.of_block[segments.block]
        home = np.full(len(strata.psus), -1, dtype=np.intp)
        home[segments.stratum] = of_segment
        split = np.flatnonzero(home[segments.stratum] != of_segment)
        if split.size:
            stratum = strata.stratum_labels[int(segments.stratum[split[0]])]
            raise EstimateError("area_splits_stratum", stratum=stratum, level=level.name)
        homes.append(home)
    return homes[0], homes[1]
