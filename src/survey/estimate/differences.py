"""What a difference may be called: interval, P value and status, wherever it was computed."""

from dataclasses import dataclass

import numpy as np

from survey.estimate.arrays import Floats, ratio
from survey.estimate.inference import ROUNDING_TOLERANCE, zero_rounding_noise
from survey.estimate.variance import estimate_status, t_pvalue, t_quantile

REFERENCE_COLUMNS = ("estimate", "reference_estimate", "n_reference")


@dataclass(frozen=True)
class DifferenceInputs:
    """First less second, each array of shape (D, T)."""

    first: Floats
    second: Floats
    variance: Floats
    df: Floats
    psus: Floats
    """PSUs of the side that has fewer; below two nothing is estimable."""
    n_first: Floats
    n_second: Floats
    members: Floats
    """Rows with a positive weight, of the side that has fewer."""
    size: Floats
    """Magnitude of the numbers behind both sides."""

    def columns(
        self, level: float, names: tuple[str, str, str] = REFERENCE_COLUMNS
    ) -> dict[str, np.ndarray]:
        """Columns of a table of differences; `names` are first, second and the second's n."""
        first, second, n_second = names
        difference = self.first - self.second
        difference = np.where(np.abs(difference) < ROUNDING_TOLERANCE * self.size, 0.0, difference)
        variance = zero_rounding_noise(self.variance, self.size)
        se = np.sqrt(np.where((self.psus < 2) | np.isnan(difference), np.nan, variance))
        margin = t_quantile(self.df, level) * se
        return {
            first: self.first,
            second: self.second,
            "difference": difference,
            "se": se,
            "ci_low": difference - margin,
            "ci_high": difference + margin,
            "df": self.df,
            "p": t_pvalue(ratio(difference, se, np.nan), self.df),
            "n": self.n_first,
            n_second: self.n_second,
            "status": estimate_status(difference, se, self.df, self.members),
        }
