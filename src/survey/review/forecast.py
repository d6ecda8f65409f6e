"""Arithmetic of the effective sample size and of the days until a target is reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, variance

from scipy.special import betainc, betaincinv

CONFIDENCE_LEVEL = 0.95
MAX_FORECAST_DAYS = 3_650
"""Days ahead beyond which a date says nothing any more."""


@dataclass(frozen=True)
class EffectiveSize:
    """Kish's effective sample size, and share of the plan in cells with interviews."""

    n: float
    covered: float


def effective_size(targets: Sequence[int], counts: Sequence[int]) -> EffectiveSize:
    """Return Kish's effective sample size of interviews in cells with targets.

    Interviews of cell c are weighted to its planned share W_c = target_c / sum(target), so each of
    its n_c interviews weighs W_c / n_c. Kish (1965): n_eff = (sum w)^2 / sum(w^2), over all
    interviews, which is (sum W_c)^2 / sum(W_c^2 / n_c) over the cells with interviews. A cell
    without interviews cannot be weighted; `covered` is the share that is left.
    """
    planned = sum(targets)
    if not planned:
        return EffectiveSize(float(sum(counts)), 0.0)
    shares = [(t / planned, n) for t, n in zip(targets, counts, strict=True) if n > 0]
    squares = sum(share * share / n for share, n in shares)
    covered = sum(share for share, _ in shares)
    return EffectiveSize(covered * covered / squares if squares else 0.0, covered)


@dataclass(frozen=True)
class Forecast:
    """Days until the rest is collected, today being the first: median and 95% interval.

    None is "not within ten years at this pace".
    """

    days: int | None
    earliest: int | None
    latest: int | None
    per_day: float
    chance: float | None
    """That the rest is there by the closing day; None where no day is set."""


def forecast(remaining: int, recent: Sequence[int], days_left: int | None) -> Forecast | None:
    """Forecast when `remaining` are in, and the chance in `days_left`, by daily counts `recent`.

    A day's count is taken as Poisson with an unknown rate, and its spread may be larger: with the
    dispersion f = max(1, variance / mean) of the w recent days, counts and what remains are
    divided by f. The rate given the counts is Gamma(Y + 1/2, w) for their sum Y (Jeffreys' prior);
    the time until the R-th further interview given the rate is Gamma(R, rate). Their ratio is
    T = w B / (1 - B) with B ~ Beta(R / f, (Y + 1/2) / f), which holds both the uncertainty of the
    pace and the luck of the days to come. None without any recent day.
    """
    if not recent:
        return None
    window, total = len(recent), sum(recent)
    if remaining <= 0:
        return Forecast(0, 0, 0, total / window, 1.0)
    spread = variance(recent) / fmean(recent) if window > 1 and total else 1.0
    dispersion = max(1.0, spread)
    a, b = remaining / dispersion, (total + 0.5) / dispersion
    low, middle, high = (
        _compute_days(window, float(betaincinv(a, b, p)))
        for p in ((1 - CONFIDENCE_LEVEL) / 2, 0.5, (1 + CONFIDENCE_LEVEL) / 2)
    )
    chance = None
    if days_left is not None:
        chance = float(betainc(a, b, days_left / (days_left + window))) if days_left > 0 else 0.0
    return Forecast(middle, low, high, total / window, chance)


def _compute_days(window: int, quantile: float) -> int | None:
    days = window * quantile / (1 - quantile) if quantile < 1 else MAX_FORECAST_DAYS + 1
    return ceil(days) if days <= MAX_FORECAST_DAYS else None
