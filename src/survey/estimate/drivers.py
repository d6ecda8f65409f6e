"""What drives overall satisfaction: Johnson's relative weights."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Floats, ratio
from survey.estimate.errors import EstimateError


def relative_weights(
    x: pd.DataFrame | npt.ArrayLike, y: pd.Series | npt.ArrayLike, weight: pd.Series | npt.ArrayLike
) -> pd.Series:
    """Share of each predictor in the explained variance of `y`.

    Args:
        x: predictors (n, k), NaN for no score.
        y: outcome (n,), NaN for no score.
        weight: sampling weights (n,).

    Returns:
        One non-negative value per column of `x`; they sum to R² (`attrs["r_squared"]`).

    Raises:
        EstimateError: shapes that do not agree, or a column that does not vary.

    Source: Johnson (2000), Multivariate Behavioral Research 35. Correlations are weighted and
    pairwise: each uses the respondents who scored both variables; small negative eigenvalues
    that this can bring are set to 0.
    """
    x = x if isinstance(x, pd.DataFrame) else pd.DataFrame(np.asarray(x))
    outcome = np.asarray(y, dtype=np.float64)
    mass = np.asarray(weight, dtype=np.float64)
    for name, values in (("y", outcome), ("weight", mass)):
        if values.shape != (len(x),):
            raise EstimateError("shape", name=name, found=values.shape, expected=(len(x),))
    table = np.column_stack([x.to_numpy(np.float64, na_value=np.nan), outcome])
    correlation = _correlations(table, mass, [*map(str, x.columns), "y"])
    values, vectors = np.linalg.eigh(correlation[:-1, :-1])
    root = np.sqrt(np.maximum(values, 0.0))
    half = (vectors * root) @ vectors.T
    beta = (vectors * ratio(np.ones(1), root)) @ vectors.T @ correlation[:-1, -1]
    weights = pd.Series(half**2 @ beta**2, index=x.columns, name="relative_weight")
    weights.attrs["r_squared"] = float(weights.sum())
    return weights


def _correlations(table: Floats, weight: Floats, names: list[str]) -> Floats:
    """Weighted correlations over the rows that score both of a pair, shape (k, k)."""
    scored = (~np.isnan(table)).astype(np.float64)
    middle = ratio(weight @ np.nan_to_num(table), weight @ scored)
    centred = np.where(scored > 0, table - middle, 0.0)
    weighted = scored * weight[:, None]
    mass = scored.T @ weighted
    mean = ratio((centred * weight[:, None]).T @ scored, mass)
    second = ratio((centred**2 * weight[:, None]).T @ scored, mass)
    variance = second - mean**2
    covariance = ratio(centred.T @ (centred * weight[:, None]), mass) - mean * mean.T
    flat = np.flatnonzero(~(np.diag(variance) > 1e-12 * (1 + middle**2)))
    if flat.size:
        raise EstimateError("constant", column=names[int(flat[0])])
    return ratio(covariance, np.sqrt(np.maximum(variance * variance.T, 0)))
