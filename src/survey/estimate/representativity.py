"""R-indicators: how alike those who answered are to all who were asked, by what is known of both.

R = 1 - 2 S(rho), S the standard deviation of the response propensities rho of all who were asked;
CV = S / mean(rho) bounds the bias of a respondents' mean in standard deviations of the answer
(Schouten, Cobben and Bethlehem 2009). Propensities come from a logistic regression on the main
effects of the variables; S^2 is less what the error of its coefficients adds (Shlomo, Skinner and
Schouten 2012). The partial indicator of a variable is the S that its categories make by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import special

from survey.estimate.arrays import Codes, Floats, ratio, weighted_count

_MAX_STEPS = 30
_TOLERANCE = 1e-6
_RIDGE = 1e-8
"""Keeps categories in which everybody, or nobody, answered from running to infinity."""


@dataclass(frozen=True)
class Representativity:
    """R-indicator of those who answered, with its coefficient of variation."""

    r: float
    cv: float
    """Largest bias of a mean, in standard deviations of the answer."""
    rate: float
    asked: int
    partial: Mapping[str, float]
    """Variable -> standard deviation of the propensities between its categories."""


def measure_representativity(
    asked: Floats, answered: Floats, variables: Mapping[str, Codes]
) -> Representativity | None:
    """Return the R-indicator of those who answered, over categorical `variables`.

    Args:
        asked, answered: numbers of people in each of c cells.
        variables: codes of the cells, each (c,).

    None where nobody, or everybody, answered.
    """
    n = int(asked.sum())
    rate = float(answered.sum()) / n if n else 0.0
    if not 0 < rate < 1:
        return None
    encoded = {name: np.unique(each, return_inverse=True)[1] for name, each in variables.items()}
    codes = np.column_stack(list(encoded.values()))
    cells, cell = np.unique(codes, axis=0, return_inverse=True)
    size, found = (np.bincount(cell.ravel(), each).astype(np.float64) for each in (asked, answered))
    x = np.hstack([np.ones((len(cells), 1)), *(_dummies(column) for column in cells.T)])
    rho, covariance = _fit_logistic(x, size, found)
    gradient = (rho * (1 - rho))[:, None] * x
    each = np.einsum("ij,jk,ik->i", gradient, covariance, gradient)
    middle = size @ gradient / n
    noise = float(size @ each) / n - float(middle @ covariance @ middle)
    spread = sqrt(max(float(size @ (rho - rate) ** 2) / (n - 1) - noise, 0.0))
    partial = {name: _spread_between(each, asked, answered) for name, each in encoded.items()}
    return Representativity(1 - 2 * spread, spread / rate, rate, n, partial)


def _dummies(codes: Codes) -> Floats:
    return np.asarray(codes[:, None] == np.arange(1, codes.max() + 1), dtype=np.float64)


def _fit_logistic(x: Floats, asked: Floats, found: Floats) -> tuple[Floats, Floats]:
    """Return propensities of the cells, and the covariance of the coefficients."""
    beta, rho = np.zeros(x.shape[1]), np.full(len(x), 0.5)
    ridge = _RIDGE * asked.sum() * np.eye(x.shape[1])
    for _ in range(_MAX_STEPS):
        information = (x * (asked * rho * (1 - rho))[:, None]).T @ x + ridge
        beta += np.linalg.solve(information, x.T @ (found - asked * rho))
        before, rho = rho, special.expit(x @ beta)
        # Coefficients of categories where everybody answered go on growing; propensities do not.
        if np.abs(rho - before).max() < _TOLERANCE:
            break
    return rho, np.linalg.inv(information)


def _spread_between(code: Codes, asked: Floats, answered: Floats) -> float:
    """Return S between categories, less what chance within them adds."""
    size = weighted_count(code, asked, int(code.max()) + 1)
    share = ratio(weighted_count(code, answered, len(size)), size)
    rate = float(answered.sum() / asked.sum())
    within = float((size * ratio(share * (1 - share), size - 1) * (1 - size / size.sum())).sum())
    between = float(size @ (share - rate) ** 2)
    return sqrt(max((between - within) / size.sum(), 0.0))
