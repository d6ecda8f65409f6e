"""Repeated measurements of one sample, combined into one value with one uncertainty.

By the *Guide to the expression of uncertainty in measurement* (JCGM 100:2008). The mean of n values
has the standard uncertainty s/√n of its repeatability (4.2.3). What the laboratory states of each
single value is the same for all of them, a shared effect, and does not become less by repeating:
its mean is taken (5.2.2, note 1). Both are added in quadrature (5.1.2):

    u² = (Σ Uᵢ/kᵢ / n)² + s²/n,  U = k u

Where the laboratory's U holds the repeatability already, U is a little too large, never too small.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from survey.comparative_tests.grading import Measurement

_STEP = Decimal("0.1")


def combine_replicates(replicates: Sequence[Measurement], coverage: Decimal) -> Measurement | None:
    """Return the combination of two or more measurements of one characteristic of one sample.

    The mean has one digit more than the values, the uncertainty as many, rounded up. Values none of
    which was detected become one with the highest limit of detection.

    Args:
        replicates: Repeated measurements, all in the same unit.
        coverage: Coverage factor k of the combined uncertainty.

    Returns:
        None if some were detected and others not, some have an uncertainty and others not, or the
        characteristic does not apply to one of them.
    """
    kinds = {(each.is_applicable, each.is_below, each.uncertainty is None) for each in replicates}
    if len(kinds) > 1 or not replicates[0].is_applicable:
        return None
    same = tuple(replicates)
    if same[0].is_below:
        return Measurement(max(each.value for each in same), is_below=True, replicates=same)
    step = Decimal(1).scaleb(min(int(each.value.as_tuple().exponent) for each in same)) * _STEP
    mean = sum((each.value for each in same), Decimal()) / len(same)
    value = mean.quantize(step, ROUND_HALF_UP)
    if same[0].uncertainty is None:
        return Measurement(value, replicates=same)
    shared = sum((_standard_uncertainty(each, coverage) for each in same), Decimal()) / len(same)
    repeatability = compute_repeatability(same)
    combined = coverage * (shared**2 + repeatability**2 / len(same)).sqrt()
    return Measurement(value, combined.quantize(step, ROUND_CEILING), coverage, replicates=same)


def compute_repeatability(replicates: Sequence[Measurement]) -> Decimal:
    """Return the standard deviation s of two or more repeated values, with n − 1."""
    mean = sum((each.value for each in replicates), Decimal()) / len(replicates)
    squares = sum(((each.value - mean) ** 2 for each in replicates), Decimal())
    return (squares / (len(replicates) - 1)).sqrt()


def _standard_uncertainty(measurement: Measurement, coverage: Decimal) -> Decimal:
    return (measurement.uncertainty or Decimal()) / (measurement.coverage or coverage)
