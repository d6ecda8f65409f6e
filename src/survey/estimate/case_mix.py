"""Case mix and mode: scores of cities as if all had asked the same people in the same way.

Each item's score is modelled as y = mu_city + x'beta + e by weighted least squares, x being 0/1
columns of who was asked and how. Centring within cities leaves K × K normal equations, which add up
over cities. The adjusted score of a city is its mean less beta'd, d being the difference of its
mean x from the nation's. Its error and that of the shift beta'd come from one linearisation over
sampling points, in which cities' means, the nation's mix and beta all vary (docs/fairness.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats, flatten_rows, ratio
from survey.estimate.design import Design, Sample
from survey.estimate.variance import psu_variance

ALIASED = 1e-9
"""Share of an item's weight below which what is left of a column within cities is rounding."""


@dataclass(frozen=True)
class CaseMixRows:
    """Rows of one city: n people, T items, K columns of x."""

    scores: Floats
    """Shape (n, T); NaN: no score."""
    x: Floats
    """0 or 1, shape (n, K)."""
    weight: Floats
    points: pd.DataFrame
    """Stratum and PSU of each row, two columns."""

    @property
    def masses(self) -> Floats:
        """Weight of each score, 0 where there is none, shape (n, T)."""
        return self.weight[:, None] * ~np.isnan(self.scores)

    def number_points(self) -> tuple[Codes, pd.DataFrame]:
        """Return the number of each row's sampling point (n,), and stratum and PSU of each."""
        return number_points(self.points)


def number_points(points: pd.DataFrame) -> tuple[Codes, pd.DataFrame]:
    """Return the number of each row's stratum and PSU (n,), and the distinct ones in that order."""
    stratum, point = (pd.factorize(points[name])[0] for name in points)
    code, _ = pd.factorize(stratum * (point.max(initial=0) + 1) + point)
    first = np.unique(code, return_index=True)[1]
    return code.astype(np.intp), points.iloc[first]


@dataclass(frozen=True)
class CityMeans:
    """Sum of weights (T,), means of x (T, K) and of y (T,) in one city; 0 without scores."""

    mass: Floats
    x: Floats
    y: Floats

    @classmethod
    def of(cls, rows: CaseMixRows) -> Self:
        masses = rows.masses
        mass = masses.sum(axis=0)
        inverse = ratio(np.ones(1), mass)
        totals = (masses * np.nan_to_num(rows.scores)).sum(axis=0)
        return cls(mass, (masses.T @ rows.x) * inverse[:, None], totals * inverse)


@dataclass(frozen=True)
class CitySums:
    """Means of a city, and its sums of squares and products about them: (T, K, K) and (T, K)."""

    means: CityMeans
    xx: Floats
    xy: Floats

    @classmethod
    def of(cls, rows: CaseMixRows) -> Self:
        means, masses, x = CityMeans.of(rows), rows.masses, rows.x
        items, columns = masses.shape[1], x.shape[1]
        upper = np.triu_indices(columns)
        products = masses.T @ (x[:, upper[0]] * x[:, upper[1]])
        xx = np.zeros((items, columns, columns))
        xx[:, upper[0], upper[1]] = xx[:, upper[1], upper[0]] = products
        xx -= means.mass[:, None, None] * means.x[:, :, None] * means.x[:, None, :]
        residual = masses * (np.nan_to_num(rows.scores) - means.y)
        return cls(means, xx, residual.T @ x)


@dataclass(frozen=True)
class CaseMixModel:
    """Fitted model of T items and K columns over C cities."""

    cities: Sequence[CityMeans]
    beta: Floats
    """Shape (T, K); 0 for a column that others determine within cities."""
    inverse: Floats
    """What the scores of a column (second axis) add to each effect (third), shape (T, K, K): the
    inverse of the normal equations; 0 for such columns."""
    known: Flags
    """Whether the column has an effect of its own, shape (T, K)."""
    aliases: Floats
    """How the known columns (first) determine the others (second) within cities, (T, K, K)."""

    @classmethod
    def fit(cls, cities: Iterable[CitySums]) -> Self:
        """Fit the model; sums are added in the order of the cities."""
        means, xx, xy, mass = _add_up(cities)
        swept, known = sweep_columns(xx, (ALIASED * mass)[:, None])
        both = known[:, :, None] & known[:, None, :]
        inverse = np.where(both, swept, 0.0)
        aliases = np.where(known[:, :, None] & ~known[:, None, :], swept, 0.0)
        beta = np.einsum("tkl,tl->tk", inverse, np.broadcast_to(xy, known.shape))
        return cls(means, beta, inverse, known, aliases)

    @classmethod
    def fit_given(cls, cities: Iterable[CitySums], effect: Floats) -> Self:
        """Fit all columns but the last one, whose `effect` (T,) comes from an experiment.

        `scores` of the points must hold the linearised effect in its place (`give_effect`).
        """
        means, xx, xy, mass = _add_up(cities)
        swept, known = sweep_columns(xx[:, :-1, :-1], (ALIASED * mass)[:, None])
        rest = np.where(known[:, :, None] & known[:, None, :], swept, 0.0)
        inverse, aliases = np.zeros_like(xx), np.zeros_like(xx)
        inverse[:, :-1, :-1] = rest
        aliases[:, :-1, :-1] = np.where(known[:, :, None] & ~known[:, None, :], swept, 0.0)
        # What the given effect explains is taken from the others: the row of its column.
        inverse[:, -1, :-1] = -np.einsum("tkl,tl->tk", rest, xx[:, :-1, -1])
        inverse[:, -1, -1] = 1.0
        left = xy[:, :-1] - xx[:, :-1, -1] * effect[:, None]
        beta = np.column_stack([np.einsum("tkl,tl->tk", rest, left), effect])
        all_known = np.column_stack([known, np.ones(len(known), dtype=bool)])
        return cls(means, beta, inverse, all_known, aliases)

    @property
    def mass(self) -> Floats:
        """Sum of weights by city and item, shape (C, T)."""
        return np.array([city.mass for city in self.cities])

    @property
    def x(self) -> Floats:
        """Means of x by city and item, shape (C, T, K)."""
        return np.array([city.x for city in self.cities])

    @property
    def nation(self) -> Floats:
        """Means of x over everybody who scored an item, shape (T, K)."""
        mass = self.mass
        whole: Floats = ratio(np.ones(1), mass.sum(axis=0))[:, None]
        return np.asarray(np.einsum("ct,ctk->tk", mass, self.x) * whole)

    @property
    def differences(self) -> Floats:
        """Mean x of each city less that of the nation, shape (C, T, K)."""
        return self.x - self.nation

    @property
    def identified(self) -> Flags:
        """Whether the interviews determine a city's shift, shape (C, T)."""
        d = self.differences
        left = (d - np.einsum("ctk,tkl->ctl", d, self.aliases)) * ~self.known
        return np.asarray((np.abs(left) < ALIASED).all(axis=2))


def _add_up(cities: Iterable[CitySums]) -> tuple[list[CityMeans], Floats, Floats, Floats]:
    """Return the means of each city, and the sums of xx, xy and mass in their order."""
    means: list[CityMeans] = []
    xx = xy = mass = np.zeros(1)
    for city in cities:
        means.append(city.means)
        xx, xy, mass = xx + city.xx, xy + city.xy, mass + city.means.mass
    return means, xx, xy, mass


def sweep_columns(matrix: Floats, tolerance: Floats) -> tuple[Floats, Flags]:
    """Return matrices (T, K, K) swept by every column above its `tolerance`, and which these are.

    `tolerance` has the shape (T, K), or (T, 1) for all columns alike.
    Columns are taken in their order, as R does, so a later one gives way to those before it.
    """
    swept, columns = matrix.copy(), matrix.shape[2]
    known = np.zeros(matrix.shape[:2], dtype=bool)
    tolerance = np.broadcast_to(tolerance, known.shape)
    for k in range(columns):
        known[:, k] = swept[:, k, k] > tolerance[:, k]
        pivot = np.where(known[:, k], swept[:, k, k], 1.0)[:, None]
        row, column = swept[:, k, :] / pivot, swept[:, :, k].copy()
        after = swept - column[:, :, None] * row[:, None, :]
        after[:, k, :], after[:, :, k] = row, -column / pivot
        after[:, k, k] = 1 / pivot[:, 0]
        swept = np.where(known[:, k, None, None], after, swept)
    return swept, known


@dataclass(frozen=True)
class PointSums:
    """Sums over the J sampling points of one city, of what the linearisation needs."""

    points: pd.DataFrame
    """Stratum and PSU of each point."""
    scores: Floats
    """Sum of w r (x - city's mean x) e, shape (J, T, K)."""
    fitted: Floats
    """Sum of w r x'beta, shape (J, T)."""
    mass: Floats
    """Sum of w r, shape (J, T)."""
    own: Floats
    """Sum of w r (y - city's mean), shape (J, T)."""

    @classmethod
    def of(cls, rows: CaseMixRows, means: CityMeans, beta: Floats) -> Self:
        """Sum the rows of a city whose `means` the model was fitted with."""
        masses, x = rows.masses, rows.x
        centred = masses * (np.nan_to_num(rows.scores) - means.y)
        fitted = x @ beta.T
        error = centred - masses * (fitted - (means.x * beta).sum(axis=1))
        code, keys = rows.number_points()
        at = code[:, None] == np.arange(len(keys))
        parts = [flags.nonzero()[0] for flags in at.T]
        scores = np.array([error[own].T @ x[own] for own in parts])
        scores -= np.array([error[own].sum(axis=0) for own in parts])[:, :, None] * means.x
        member = at.T.astype(np.float64)
        return cls(keys, scores, member @ (masses * fitted), member @ masses, member @ centred)


def give_effect(points: PointSums, at: pd.DataFrame, z: Floats) -> PointSums:
    """Return the sums with linearised effects `z` (P, T) of points `at` as last column of scores.

    A point that is not among them has 0.
    """
    place = pd.MultiIndex.from_frame(at).get_indexer(pd.MultiIndex.from_frame(points.points))
    given = np.where(place[:, None] >= 0, z[place], 0.0)
    scores = np.concatenate([points.scores[:, :, :-1], given[:, :, None]], axis=2)
    return replace(points, scores=scores)


@dataclass(frozen=True)
class FairComparison:
    """Shifts of C cities in I statistics, the part of them that chosen columns make, and errors."""

    shift: Floats
    """What the city's score has from its mix, shape (C, I); NaN where it is not identified."""
    part: Floats
    """What of it the chosen columns make, shape (C, I)."""
    shift_se: Floats
    adjusted_se: Floats
    """Of the city's mean less the shift."""
    effect: Floats
    """Effect of each chosen column, shape (M, I); NaN for a column without one of its own."""
    effect_se: Floats
    df: int
    """Points less strata, for the effects."""


def compare_fairly(
    model: CaseMixModel,
    points: Sequence[PointSums],
    omega: Floats,
    design: Design,
    chosen: Sequence[int],
) -> FairComparison:
    """Return shifts and errors of statistics with item weights `omega` (I, T).

    Args:
        points: of each city of `model`, in its order.
        design: names the columns of stratum and PSU in `PointSums.points`.
        chosen: columns whose part and effects are given.
    """
    mass, d = model.mass, model.differences
    usable = model.identified & (mass > 0)
    chosen = list(chosen)
    by_item = np.where(usable, np.einsum("ctk,tk->ct", d, model.beta), np.nan)
    part = np.einsum("ctk,tk->ct", d[:, :, chosen], model.beta[:, chosen])
    effect = np.where(model.known, model.beta, np.nan)[:, chosen].T
    errors = _Errors.of(model, points, design, chosen)
    columns = [errors.of_statistic(weights) for weights in omega]
    shift_se, adjusted_se, effect_se = (np.array(each).T for each in zip(*columns, strict=True))
    return FairComparison(
        shift=combine_items(omega, by_item),
        part=combine_items(omega, part),
        shift_se=shift_se,
        adjusted_se=adjusted_se,
        effect=combine_items(omega, effect),
        effect_se=effect_se,
        df=len(errors.home) - len(np.unique(errors.sample.stratum)),
    )


def combine_items(omega: Floats, values: Floats) -> Floats:
    """Return statistics (rows, I) of values by item (rows, T); an item without weight is unused."""
    used = omega != 0
    return np.array(
        [values[:, own] @ weights[own] for weights, own in zip(omega, used, strict=True)]
    ).T


@dataclass(frozen=True)
class _Errors:
    """Linearised totals of all points of a wave, J points in the order of the cities."""

    sample: Sample
    home: Codes
    """City of each point, shape (J,)."""
    scores: Floats
    """Shape (J, T, K)."""
    nation: Floats
    """Linearised beta'(mean x of the nation), shape (J, T)."""
    mix: Floats
    """Linearised beta'(mean x of the point's own city), shape (J, T)."""
    mean: Floats
    """Linearised mean of the point's own city, shape (J, T)."""
    directions: Floats
    """Inverse times d, shape (C, T, K)."""
    chosen: Floats
    """Rows of the inverse of the chosen columns, shape (M, T, K)."""

    @classmethod
    def of(
        cls, model: CaseMixModel, points: Sequence[PointSums], design: Design, chosen: list[int]
    ) -> Self:
        home = np.repeat(np.arange(len(points)), [len(each.points) for each in points])
        frame = pd.concat([each.points for each in points], ignore_index=True)
        fitted = np.concatenate([each.fitted for each in points])
        mass = np.concatenate([each.mass for each in points])
        own = np.concatenate([each.own for each in points])
        whole = ratio(np.ones(1), model.mass.sum(axis=0))
        per_city = ratio(np.ones(1), model.mass)[home]
        means = np.einsum("ctk,tk->ct", model.x, model.beta)[home]
        return cls(
            sample=Sample.read(frame.assign(**{design.weight: 1.0}), design),
            home=home,
            scores=np.concatenate([each.scores for each in points]),
            nation=(fitted - mass * (model.nation * model.beta).sum(axis=1)) * whole,
            mix=(fitted - mass * means) * per_city,
            mean=own * per_city,
            directions=np.einsum("tkl,ctl->ctk", model.inverse, model.differences),
            chosen=model.inverse[:, chosen, :].transpose(1, 0, 2),
        )

    def of_statistic(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """Return errors of shifts (C,), adjusted scores (C,) and effects (M,)."""
        used = weights != 0
        share = weights[used]
        scores = flatten_rows(self.scores[:, used])
        directions, chosen = (
            flatten_rows(each[:, used] * share[:, None]) for each in (self.directions, self.chosen)
        )
        shift = scores @ directions.T - (self.nation[:, used] @ share)[:, None]
        rows = np.arange(len(self.home))
        shift[rows, self.home] += self.mix[:, used] @ share
        adjusted = -shift
        adjusted[rows, self.home] += self.mean[:, used] @ share
        shift_se, adjusted_se, effect_se = (
            find_errors(self.sample, z) for z in (shift, adjusted, scores @ chosen.T)
        )
        return shift_se, adjusted_se, effect_se


def find_errors(sample: Sample, z: Floats) -> Floats:
    """Return the standard errors (S,) of S statistics linearised by sampling point, `z` (J, S)."""
    psu = np.arange(len(z))
    found = psu_variance(sample, psu, np.zeros_like(psu), z, np.ones_like(z), 1)
    return np.asarray(np.sqrt(found.variance[0]))
