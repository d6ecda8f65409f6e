"""Case mix and mode of rates: shares of cities as if all had asked the same people alike.

Chances of an answer follow logit P = mu_city + x'beta, fitted by weighted maximum likelihood, and
the adjusted rate of a city is its predicted chance averaged over the nation's people. Patterns of x
are counted by city, so that only counts, never rows, are joined; errors come from one linearisation
over sampling points, in which mu, beta and the nation's mix all vary (docs/fairness.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit

from survey.estimate.arrays import Codes, Flags, Floats, group_sum, ratio
from survey.estimate.case_mix import ALIASED, CaseMixRows, find_errors, sweep_columns
from survey.estimate.design import Design, Sample

_CONVERGED = 1e-14
"""Gain in log likelihood, as a share of the weight, after which no further step is taken."""
_MAX_STEPS = 40
"""A level whose people all answer alike has no finite effect; its chances are then 0 or 1."""
_HALVINGS = 30
_ROUNDING = 1e-12
_FOUND = 1e-9
"""Gain below which the chances, whatever the steps, are known to more digits than are shown."""
_SAME = 1e-6
"""Difference of means of 0/1 columns below which it is rounding."""


@dataclass(frozen=True)
class RatePatterns:
    """Respondents by pattern of x: Q patterns, K columns, R rates."""

    x: Floats
    """0 or 1, shape (Q, K)."""
    mass: Floats
    """Weight of those who belong to the rate's base, shape (Q, R)."""
    total: Floats
    """Weight of those whom the rate counts, shape (Q, R)."""

    @classmethod
    def of(cls, rows: CaseMixRows) -> Self:
        """Count the rows of a city whose scores are 0, 1, or NaN outside the base."""
        return cls._sum(rows.x, rows.masses, rows.masses * np.nan_to_num(rows.scores))

    @classmethod
    def join(cls, cities: Sequence[Self]) -> Self:
        """Return the patterns of all cities together."""
        columns = ([getattr(city, name) for city in cities] for name in ("x", "mass", "total"))
        return cls._sum(*(np.concatenate(each) for each in columns))

    @classmethod
    def _sum(cls, x: Floats, mass: Floats, total: Floats) -> Self:
        patterns, code = np.unique(x.astype(bool), axis=0, return_inverse=True)
        sums = (group_sum(code.ravel(), each, len(patterns)) for each in (mass, total))
        return cls(patterns.astype(np.float64), *sums)


@dataclass(frozen=True)
class RateChances:
    """Fitted chances of R rates, by K columns and C cities."""

    mu: Floats
    """Log odds of each city's people without any column, shape (C, R)."""
    beta: Floats
    """Shape (R, K); 0 for a column that others determine within cities."""

    def predict(self, x: Floats, rate: int) -> Floats:
        """Return the chance that people with `x` (n, K) have in each city, shape (n, C)."""
        chances: Floats = expit((x @ self.beta[rate])[:, None] + self.mu[:, rate])
        return chances


@dataclass(frozen=True)
class RateModel:
    """Fitted model of R rates and K columns over C cities."""

    nation: RatePatterns
    chances: RateChances
    sums: "_FitSums"
    """At the solution."""
    inverse: Floats
    """Inverse of the information on beta, shape (R, K, K); 0 for such columns."""
    usable: Flags
    """Whether the interviews determine the adjusted rate of a city, shape (C, R)."""

    @classmethod
    def fit(cls, cities: Sequence[RatePatterns]) -> Self:
        """Fit the model by Newton's method; a city of one answer only takes no part in it.

        A step is halved until the likelihood rises, for each rate. A rate whose chances are not
        found has no usable city.
        """
        mass = np.array([city.mass.sum(axis=0) for city in cities])
        raw = ratio(np.array([city.total.sum(axis=0) for city in cities]), mass)
        mixed = (raw > 0) & (raw < 1)
        middle = np.where(mixed, raw, 0.5)
        mu, beta = np.log(middle / (1 - middle)), np.zeros((raw.shape[1], cities[0].x.shape[1]))
        sums = _FitSums.of(cities, mu, beta, mixed)
        swept, known = sweep_columns(sums.xx, (ALIASED * (mass * mixed).sum(axis=0))[:, None])
        aliases = np.where(known[:, :, None] & ~known[:, None, :], swept, 0.0)
        # A column whose chances tend to 0 keeps its place, whatever is left of its information.
        tolerance = np.where(known, 0.0, np.inf)
        for _ in range(_MAX_STEPS):
            inverse = _invert(sums.xx, tolerance)
            step = np.einsum("rkl,rl->rk", inverse, sums.x_score)
            move = ratio(sums.score, sums.slope) - np.einsum("crk,rk->cr", sums.centre, step)
            gain = (step * sums.x_score).sum(axis=1) + ratio(sums.score**2, sums.slope).sum(axis=0)
            mu, beta, sums = _move(
                cities, (mu, beta, sums), (np.where(mixed, move, 0.0), step), mixed
            )
            if gain.sum() <= _CONVERGED * mass.sum():
                break
        nation = RatePatterns.join(cities)
        usable = mixed & _find_determined(nation.x, sums.centre, known, aliases)
        usable &= gain <= _FOUND * mass.sum(axis=0)
        inverse = _invert(sums.xx, tolerance)
        return cls(nation, RateChances(mu, beta), sums, inverse, usable)


@dataclass(frozen=True)
class _FitSums:
    """What a step of the fit needs, with v = w p (1 - p) and e = w (y - p)."""

    slope: Floats
    """Sum of v, shape (C, R)."""
    centre: Floats
    """Mean of x weighted by v, shape (C, R, K)."""
    xx: Floats
    """Sum of v times products of x about these means, over all cities, shape (R, K, K)."""
    score: Floats
    """Sum of e, shape (C, R)."""
    x_score: Floats
    """Sum of e times x about these means, over all cities, shape (R, K)."""
    likelihood: Floats
    """Logarithm, shape (R,)."""

    @classmethod
    def of(
        cls, cities: Sequence[RatePatterns], mu: Floats, beta: Floats, mixed: Flags
    ) -> "_FitSums":
        rates, columns = beta.shape
        xx, x_score = np.zeros((rates, columns, columns)), np.zeros((rates, columns))
        likelihood = np.zeros(rates)
        slopes, centres, scores = [], [], []
        for city, own, takes_part in zip(cities, mu, mixed, strict=True):
            odds = city.x @ beta.T + own
            p = expit(odds)
            each = city.total * odds - city.mass * np.logaddexp(0.0, odds)
            likelihood += each.sum(axis=0) * takes_part
            v = city.mass * p * (1 - p) * takes_part
            e = (city.total - city.mass * p) * takes_part
            slope, score = v.sum(axis=0), e.sum(axis=0)
            centre = (v.T @ city.x) * ratio(np.ones(1), slope)[:, None]
            for rate, weights in enumerate(v.T):
                xx[rate] += (city.x * weights[:, None]).T @ city.x
            xx -= slope[:, None, None] * centre[:, :, None] * centre[:, None, :]
            x_score += e.T @ city.x - score[:, None] * centre
            slopes.append(slope)
            centres.append(centre)
            scores.append(score)
        return cls(np.array(slopes), np.array(centres), xx, np.array(scores), x_score, likelihood)


_Place = tuple[Floats, Floats, _FitSums]
"""Values of mu and beta, and the sums there."""


def _move(
    cities: Sequence[RatePatterns], here: _Place, step: tuple[Floats, Floats], mixed: Flags
) -> _Place:
    """Return where a step (of mu and beta) leads, halved by rate until the likelihood rises."""
    mu, beta, sums = here
    size = np.ones(len(beta))
    for _ in range(_HALVINGS):
        there_mu, there_beta = mu + size * step[0], beta + size[:, None] * step[1]
        there = _FitSums.of(cities, there_mu, there_beta, mixed)
        rises = there.likelihood >= sums.likelihood - _ROUNDING * np.abs(sums.likelihood)
        if rises.all():
            break
        size = np.where(rises, size, size / 2)
    return there_mu, there_beta, there


def _invert(matrix: Floats, tolerance: Floats) -> Floats:
    """Return the inverse by the columns above their `tolerance`; 0 in the others."""
    swept, known = sweep_columns(matrix, tolerance)
    return np.where(known[:, :, None] & known[:, None, :], swept, 0.0)


def _find_determined(x: Floats, centre: Floats, known: Flags, aliases: Floats) -> Flags:
    """Return whether a city's chances for all patterns `x` follow from the columns `known`."""
    determined = np.ones(centre.shape[:2], dtype=bool)
    for rate in np.flatnonzero(~known.all(axis=1)):
        lost = ~known[rate]
        open_columns = np.eye(len(lost))[:, lost] - aliases[rate][:, lost]
        range_of = x @ open_columns
        own = centre[:, rate] @ open_columns
        far = [
            np.abs(each - own).max(axis=1) for each in (range_of.min(axis=0), range_of.max(axis=0))
        ]
        determined[:, rate] = np.max(far, axis=0) < _SAME
    return determined


@dataclass(frozen=True)
class RatePointSums:
    """Sums over the J sampling points of one city, of what the linearisation needs."""

    points: pd.DataFrame
    """Stratum and PSU of each point."""
    error: Floats
    """Sum of w (y - p), shape (J, R)."""
    x_error: Floats
    """Sum of w (y - p) x, shape (J, R, K)."""
    mass: Floats
    """Sum of w, shape (J, R)."""
    total: Floats
    """Sum of w y, shape (J, R)."""
    predicted: Floats
    """Sum of w p as if asked in each city, shape (J, C, R)."""

    @classmethod
    def of(cls, rows: CaseMixRows, city: int, chances: RateChances) -> Self:
        """Sum the rows of the city at place `city` of the model."""
        masses = rows.masses
        totals = masses * np.nan_to_num(rows.scores)
        points, keys = rows.number_points()
        errors = totals - masses * expit(rows.x @ chances.beta.T + chances.mu[city])

        def sum_up(values: Floats) -> Floats:
            return group_sum(points, values, len(keys))

        rates, columns = chances.beta.shape
        x_error = np.empty((len(keys), rates, columns))
        predicted = np.empty((len(keys), len(chances.mu), rates))
        for rate in range(rates):
            x_error[:, rate] = sum_up(errors[:, [rate]] * rows.x)
            predicted[:, :, rate] = sum_up(masses[:, [rate]] * chances.predict(rows.x, rate))
        return cls(keys, sum_up(errors), x_error, sum_up(masses), sum_up(totals), predicted)


@dataclass(frozen=True)
class FairRates:
    """Adjusted rates of C cities and R rates, 0-1, with errors; NaN where not determined."""

    adjusted: Floats
    adjusted_se: Floats
    shift_se: Floats
    """Of the city's rate as it is less the adjusted one."""


def compare_rates(model: RateModel, points: Sequence[RatePointSums], design: Design) -> FairRates:
    """Return the rates that each city would have with the nation's people.

    Args:
        points: of each city of `model`, in its order.
        design: names the columns of stratum and PSU in `RatePointSums.points`.
    """
    home = np.repeat(np.arange(len(points)), [len(each.points) for each in points])
    every = RatePointSums(
        pd.concat([each.points for each in points], ignore_index=True),
        *(
            np.concatenate([getattr(each, name) for each in points])
            for name in ("error", "x_error", "mass", "total", "predicted")
        ),
    )
    sample = Sample.read(every.points.assign(**{design.weight: 1.0}), design)
    found = FairRates(*(np.full(model.usable.shape, np.nan) for _ in fields(FairRates)))
    for rate, usable in enumerate(model.usable.T):
        adjusted, z = _linearise(model, every, home, rate)
        mass, total = (
            group_sum(home, each[:, [rate]], len(points))[:, 0]
            for each in (every.mass, every.total)
        )
        shift, rows = -z, np.arange(len(home))
        own = every.total[:, rate] - every.mass[:, rate] * ratio(total, mass)[home]
        shift[rows, home] += ratio(own, mass[home])
        found.adjusted[usable, rate] = adjusted[usable]
        found.adjusted_se[usable, rate] = find_errors(sample, z)[usable]
        found.shift_se[usable, rate] = find_errors(sample, shift)[usable]
    return found


def _linearise(
    model: RateModel, points: RatePointSums, home: Codes, rate: int
) -> tuple[Floats, Floats]:
    """Return the adjusted rates of the cities (C,), and their linearised values by point (J, C)."""
    mass = model.nation.mass[:, rate]
    share = ratio(mass, mass.sum())
    chances = model.chances.predict(model.nation.x, rate)
    adjusted = share @ chances
    by_mu = share[:, None] * chances * (1 - chances)
    slope, centre = by_mu.sum(axis=0), model.sums.centre[:, rate]
    error = points.error[:, rate]
    beta = (points.x_error[:, rate] - error[:, None] * centre[home]) @ model.inverse[rate]
    # What beta moves: the chances of the nation's people, less what the city's mu gives back.
    z = beta @ (by_mu.T @ model.nation.x - slope[:, None] * centre).T
    mixed = points.predicted[:, :, rate] - points.mass[:, [rate]] * adjusted
    z += ratio(mixed, mass.sum())
    z[np.arange(len(home)), home] += error * ratio(slope, model.sums.slope[:, rate])[home]
    return adjusted, z
