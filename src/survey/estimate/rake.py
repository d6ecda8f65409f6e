"""Raking (iterative proportional fitting) of weights to declared totals, city by city."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Floats, ratio, weighted_count
from survey.estimate.design import read_weight
from survey.estimate.errors import EstimateError
from survey.estimate.margins import MarginKey, RakingGroups, RakingMargin, read_margins


@dataclass(frozen=True)
class RakeResult:
    """Raked weights, and a report on the raking with one row per group of rows.

    `weights` is aligned with the frame. `report` has one row per value of `within` (a single row
    without it): n (rows with a positive weight), total, sweeps, largest_misfit (relative, over
    all margin cells), converged, min, max, cv, kish_deff (1 + cv^2), effective_n, trimmed (weights
    cut or raised), and kish_deff_untrimmed and effective_n_untrimmed from before trimming.
    """

    weights: pd.Series
    report: pd.DataFrame

    @property
    def sweeps(self) -> int:
        """Number of sweeps over the margins that the slowest group took."""
        return int(self.report["sweeps"].max())

    @property
    def largest_misfit(self) -> float:
        """Largest relative misfit of any margin cell, over all groups."""
        return float(self.report["largest_misfit"].max())


def rake(
    frame: pd.DataFrame,
    weight: str,
    margins: Mapping[MarginKey, pd.Series],
    *,
    within: str | None = None,
    tolerance: float = 1e-10,
    max_sweeps: int = 200,
    trim: float | None = None,
) -> RakeResult:
    """Rake the column `weight` to the targets of `margins`, apart for each value of `within`.

    Args:
        weight: base weight, not negative.
        margins: column, or tuple of columns crossed as one margin -> target totals by level. The
            index has one level per column, in order; with `within`, its value comes first.
        within: rake separately inside each value of this column (the city).
        tolerance: largest relative misfit of any cell, |sum w - target| / target.
        max_sweeps: passes over all margins before giving up.
        trim: tau > 1: after convergence cut weights to [median / tau, median * tau] of their
            group, then rake again; the last pass may exceed the bounds slightly.

    Raises:
        EstimateError: `empty_cell` (a positive target without respondents), `missing_target`,
            `missing_level`, `bad_target`, `repeated_target`, `inconsistent_margins` (they
            disagree on a total) or `not_converged`. The error names the value of `within`, the
            margin and the cell, and proposes a neighbouring cell to merge with.

    Source: Deming and Stephan (1940). The limit is unique, and is R `survey::rake`'s at
    convergence.
    """
    if trim is not None and not trim > 1:
        raise EstimateError("bad_trim", trim=trim)
    base = read_weight(frame, weight)
    groups = RakingGroups.read(frame, within)
    sweeper = _Sweeper(read_margins(frame, base, margins, groups), groups, tolerance, max_sweeps)
    raked = sweeper.run(base)
    final = raked
    trimmed: Codes = np.zeros(len(groups.labels), dtype=np.intp)
    if trim is not None:
        positive = raked > 0
        median = pd.Series(raked[positive]).groupby(groups.code[positive]).median()
        middle = median.reindex(range(len(groups.labels))).to_numpy()[groups.code]
        cut = np.where(positive, np.clip(raked, middle / trim, middle * trim), raked)
        trimmed = np.bincount(groups.code[cut != raked], minlength=len(groups.labels))
        final = sweeper.run(cut)
    report = _report(groups, raked, final, sweeper, trimmed)
    return RakeResult(pd.Series(final, index=frame.index, name=weight), report)


class _Sweeper:
    """Iterative proportional fitting of margins; rows that share every cell are scaled as one."""

    def __init__(
        self, margins: list[RakingMargin], groups: RakingGroups, tolerance: float, max_sweeps: int
    ) -> None:
        key = margins[0].cell
        for margin in margins[1:]:
            key = pd.factorize(key * len(margin.target) + margin.cell)[0]
        self._fold, folds = pd.factorize(key)
        first = np.zeros(len(folds), dtype=np.intp)
        first[self._fold[::-1]] = np.arange(len(key))[::-1]
        self._cells = [margin.cell[first] for margin in margins]
        self._margins, self._groups = margins, groups
        self._tolerance, self._max_sweeps = tolerance, max_sweeps
        self.sweeps = np.zeros(len(groups.labels), dtype=np.intp)
        self.misfit = np.zeros(len(groups.labels))

    def run(self, base: Floats) -> Floats:
        """Return row weights that meet every margin, raked from the weights `base`."""
        start = weighted_count(self._fold, base, len(self._cells[0]))
        mass = start.copy()
        self.sweeps[:] = 0
        going = np.ones(len(self.misfit), dtype=bool)
        for sweep in range(1, self._max_sweeps + 1):
            moved = np.zeros_like(self.misfit)
            for margin, cell in zip(self._margins, self._cells, strict=True):
                current = weighted_count(cell, mass, len(margin.target))
                factor = ratio(margin.target, current, 1.0)  # 1 where the cell is empty
                # A group that is done stays: its weights must not depend on the other groups.
                factor.reshape(-1, margin.width)[~going] = 1.0
                mass *= factor[cell]
                np.maximum(moved, _find_largest_departure(margin, factor), out=moved)
            self.sweeps[moved > self._tolerance] = sweep
            nearly = going & (moved <= 10 * self._tolerance)
            if nearly.any():
                going &= ~(nearly & (self._measure_misfits(mass) <= self._tolerance))
            if not going.any():
                break
        self.misfit = self._measure_misfits(mass)
        if going.any() and self.misfit.max() > self._tolerance:
            self._give_up(mass)
        return base * ratio(mass, start)[self._fold]

    def _measure_misfits(self, mass: Floats) -> Floats:
        """Return, by group, the largest relative misfit of cell totals by the weights `mass`."""
        misfit = np.zeros_like(self.misfit)
        for margin, cell in zip(self._margins, self._cells, strict=True):
            departure = _find_largest_departure(margin, _compute_relative_total(margin, cell, mass))
            np.maximum(misfit, departure, out=misfit)
        return misfit

    def _give_up(self, mass: Floats) -> None:
        off = [
            _compute_relative_total(margin, cell, mass) - 1
            for margin, cell in zip(self._margins, self._cells, strict=True)
        ]
        worst = int(np.argmax([np.abs(misfit).max() for misfit in off]))
        margin, cell = self._margins[worst], int(np.argmax(np.abs(off[worst])))
        occupied = np.bincount(self._cells[worst], minlength=len(margin.target)) > 0
        margin.fail(
            "not_converged",
            cell,
            sweeps=self._max_sweeps,
            misfit=float(abs(off[worst][cell])),
            merge=margin.neighbour(cell, occupied),
        )


def _compute_relative_total(margin: RakingMargin, cell: Codes, mass: Floats) -> Floats:
    """Return total weight (`mass`, by row) over target of each `cell`; 1 without a target."""
    current = weighted_count(cell, mass, len(margin.target))
    return ratio(current, margin.target, 1.0)


def _find_largest_departure(margin: RakingMargin, ratio: Floats) -> Floats:
    """Return the largest absolute difference of `ratio` from 1 within each group."""
    return np.asarray(np.abs(ratio - 1).reshape(-1, margin.width).max(axis=1))


def _report(
    groups: RakingGroups, raked: Floats, final: Floats, sweeper: _Sweeper, trimmed: Codes
) -> pd.DataFrame:
    size = len(groups.labels)
    positive = final > 0
    n = weighted_count(groups.code, positive.astype(np.float64), size)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, groups.code, final)
    np.maximum.at(high, groups.code, final)
    effective, before = (_compute_effective_n(weights, groups) for weights in (final, raked))
    report = pd.DataFrame(
        {
            "n": n.astype(np.int64),
            "total": weighted_count(groups.code, final, size),
            "sweeps": sweeper.sweeps,
            "largest_misfit": sweeper.misfit,
            "converged": sweeper.misfit <= sweeper._tolerance,
            "min": low,
            "max": high,
            "cv": np.sqrt(np.maximum(ratio(n, effective) - 1, 0)),
            "kish_deff": np.maximum(ratio(n, effective, np.nan), 1),
            "effective_n": effective,
            "trimmed": trimmed,
            "kish_deff_untrimmed": np.maximum(ratio(n, before, np.nan), 1),
            "effective_n_untrimmed": before,
        },
        copy=False,
    )
    if groups.column is not None:
        report.insert(0, groups.column, groups.labels)
    return report


def _compute_effective_n(weights: Floats, groups: RakingGroups) -> Floats:
    total = weighted_count(groups.code, weights, len(groups.labels))
    square = weighted_count(groups.code, weights**2, len(groups.labels))
    return ratio(total**2, square)
