"""Fay–Herriot model, in which small areas borrow strength from similar ones."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Flags, Floats
from survey.estimate.errors import EstimateError

Likelihood = Literal["restricted", "adjusted"]
MAX_ITERATIONS = 100


@dataclass(frozen=True)
class SmallAreaResult:
    """Fay–Herriot estimates for m areas; Series have the index of the direct estimates.

    `eblup` is shrinkage * direct + (1 - shrinkage) * synthetic, `mse` its second-order unbiased
    mean squared error, `coefficients` the regression (intercept first) and `model_variance` the
    variance of areas about it.
    """

    eblup: pd.Series
    mse: pd.Series
    shrinkage: pd.Series
    synthetic: pd.Series
    coefficients: pd.Series
    model_variance: float
    iterations: int


def fay_herriot(
    direct: pd.Series | npt.ArrayLike,
    variance: pd.Series | npt.ArrayLike,
    covariates: pd.DataFrame | pd.Series | npt.ArrayLike,
    *,
    likelihood: Likelihood = "restricted",
    tolerance: float = 1e-4,
) -> SmallAreaResult:
    """Predict area means from `direct` estimates and `covariates` by the Fay–Herriot model.

    Args:
        direct: direct estimates by area; a missing one gets the synthetic estimate.
        variance: their sampling variances (se²), taken as known.
        covariates: by area, without intercept (added); text and categories become indicators of
            all levels but the first. Arrays are taken in the order of `direct`.
        likelihood: "restricted" (REML, as R `sae`), or "adjusted": times the model variance A, so
            that A is never 0. Where A is small REML is 0 in up to half of all samples, claims to
            know it, and intervals hold too seldom.
        tolerance: relative change of the model variance at which the scoring stops. The default
            is R `sae`'s, so that figures agree with it to rounding; the exact maximum differs by
            some 1e-5 of the model variance.

    Raises:
        EstimateError: an area with a direct estimate but no positive variance, missing
            covariates, collinear covariates, fewer areas than parameters, or no convergence.

    Source: Fay and Herriot (1979); REML by Fisher scoring from the median sampling variance,
    negative values set to 0; MSE g1 + g2 + 2 g3 of Prasad and Rao (1990), Datta and Lahiri (2000).
    As R `sae::mseFH(method = "REML")`. Adjusted: Li and Lahiri (2010), Yoshimori and Lahiri (2014),
    with the MSE less what the upward bias of A adds to it, at most 2 g3.
    """
    direct = direct if isinstance(direct, pd.Series) else pd.Series(np.asarray(direct))
    names, x = _build_regressors(_read_covariates(covariates, direct.index))
    y = direct.to_numpy(np.float64, na_value=np.nan)
    psi = _align_to_areas(variance, direct.index, "variance").to_numpy(np.float64, na_value=np.nan)
    seen = ~np.isnan(y)
    _check(direct.index, x[seen], psi, seen)
    fit = _fit_adjusted if likelihood == "adjusted" else _fit_reml
    model_variance, iterations = fit(y[seen], x[seen], psi[seen], tolerance)
    precision = np.zeros(len(y))
    precision[seen] = 1 / (model_variance + psi[seen])
    inverse = np.linalg.inv((x.T * precision) @ x)
    beta = inverse @ (x.T * precision) @ np.where(seen, y, 0.0)
    synthetic = x @ beta
    shrinkage = model_variance * precision
    eblup = synthetic + shrinkage * np.where(seen, y - synthetic, 0.0)
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    mse = _compute_mse(model_variance, shrinkage, precision, leverage)
    if likelihood == "adjusted":
        mse -= _compute_bias_of_mse(shrinkage, precision)

    def by_area(values: Floats, name: str) -> pd.Series:
        return pd.Series(values, index=direct.index, name=name)

    return SmallAreaResult(
        eblup=by_area(eblup, "eblup"),
        mse=by_area(mse, "mse"),
        shrinkage=by_area(shrinkage, "shrinkage"),
        synthetic=by_area(synthetic, "synthetic"),
        coefficients=pd.Series(beta, index=names, name="coefficient"),
        model_variance=model_variance,
        iterations=iterations,
    )


def _align_to_areas(values: pd.Series | npt.ArrayLike, areas: pd.Index, name: str) -> pd.Series:
    """Return `values` in the order of `areas`: a series by index, an array by place, checked."""
    if isinstance(values, pd.Series):
        return values.reindex(areas)
    given = np.asarray(values)
    if given.shape != (len(areas),):
        raise EstimateError("shape", name=name, found=given.shape, expected=(len(areas),))
    return pd.Series(given, index=areas)


def _read_covariates(
    given: pd.DataFrame | pd.Series | npt.ArrayLike, areas: pd.Index
) -> pd.DataFrame:
    if isinstance(given, pd.Series):
        given = given.to_frame(given.name if given.name is not None else "x1")
    if isinstance(given, pd.DataFrame):
        return given.reindex(areas)
    table = np.asarray(given)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != len(areas):
        raise EstimateError(
            "shape", name="covariates", found=table.shape, expected=(len(areas), "covariates")
        )
    return pd.DataFrame(table, index=areas, columns=[f"x{k + 1}" for k in range(table.shape[1])])


def _build_regressors(covariates: pd.DataFrame) -> tuple[list[str], Floats]:
    """Return names and matrix (m, q) of the regressors, the intercept first."""
    if missing := int(covariates.isna().any(axis=1).sum()):
        raise EstimateError("missing_value", name="covariates", count=missing)
    if not covariates.shape[1]:
        return ["intercept"], np.ones((len(covariates), 1))
    coded = pd.get_dummies(covariates, drop_first=True, dtype=np.float64)
    x = np.column_stack([np.ones(len(coded)), coded.to_numpy(np.float64)])
    return ["intercept", *map(str, coded.columns)], x


def _check(areas: pd.Index, x: Floats, psi: Floats, seen: Flags) -> None:
    unknown = np.flatnonzero(seen & ~(psi > 0))
    if unknown.size:
        raise EstimateError("bad_variance", area=areas[int(unknown[0])])
    rows, parameters = x.shape
    if rows <= parameters:
        raise EstimateError("too_few_areas", areas=rows, parameters=parameters)
    if np.linalg.matrix_rank(x) < parameters:
        raise EstimateError("collinear")


def _fit_reml(y: Floats, x: Floats, psi: Floats, tolerance: float) -> tuple[float, int]:
    """Return the model variance by REML of `y` on `x` (`psi`: its variances), and iterations."""
    model = float(np.median(psi))
    for iteration in range(1, MAX_ITERATIONS + 1):
        precision = 1 / (model + psi)
        weighted = x * precision[:, None]
        projection = np.diag(precision) - weighted @ np.linalg.solve(x.T @ weighted, weighted.T)
        residual = projection @ y
        score = 0.5 * (residual @ residual - np.trace(projection))
        information = 0.5 * np.sum(projection**2)
        step = score / information
        if model + step <= -psi.min():
            return 0.0, iteration
        relative, model = abs(step / model), float(model + step)
        if relative <= tolerance:
            return max(model, 0.0), iteration
    raise EstimateError("no_convergence", iterations=MAX_ITERATIONS)


def _fit_adjusted(y: Floats, x: Floats, psi: Floats, tolerance: float) -> tuple[float, int]:
    """Return the adjusted-likelihood model variance of `y` on `x` (`psi`: variances), and steps."""
    # Not at the top: it takes 22 MiB of every process, and few fit a model.
    from scipy.optimize import minimize_scalar

    def lose(log_variance: float) -> float:
        precision = 1 / (np.exp(log_variance) + psi)
        weighted = x.T * precision
        information = weighted @ x
        residual = y - x @ np.linalg.solve(information, weighted @ y)
        halves = np.linalg.slogdet(information)[1] - np.log(precision).sum()
        return float((halves + precision @ residual**2) / 2 - log_variance)

    spread = float(np.var(y)) + float(psi.max())
    bounds = float(np.log(1e-6 * psi.min())), float(np.log(10 * spread))
    found = minimize_scalar(lose, bounds=bounds, method="bounded", options={"xatol": tolerance})
    return float(np.exp(found.x)), int(found.nfev)


def _compute_bias_of_mse(shrinkage: Floats, precision: Floats) -> Floats:
    """Return each area's MSE term for the bias of the adjusted model variance: at most 2 g3."""
    g3 = (1 - shrinkage) ** 2 * precision * 2 / np.sum(precision**2)
    with np.errstate(divide="ignore"):
        return np.asarray(g3 * np.where(shrinkage > 0, np.minimum(1 / shrinkage, 2), 0.0))


def _compute_mse(model: float, shrinkage: Floats, precision: Floats, leverage: Floats) -> Floats:
    """Return areas' mean squared errors g1 + g2 + 2 g3 by the `model` variance."""
    noise = 1 - shrinkage
    g1 = noise * model
    g2 = noise**2 * leverage
    g3 = noise**2 * precision * 2 / np.sum(precision**2)
    return np.asarray(g1 + g2 + 2 * g3)
