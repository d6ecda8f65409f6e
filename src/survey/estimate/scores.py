"""Raw answers to scores: y = (x - min) / (max - min) * 100; a negative code is not a score."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats
from survey.estimate.design import numbers
from survey.estimate.errors import EstimateError


def to_scores(
    frame: pd.DataFrame, items: Sequence[str], *, minimum: int = 1, maximum: int = 10
) -> pd.DataFrame:
    """A copy of `frame` whose `items` are scores on 0–100, NaN where the raw code is negative.

    The negative codes (don't know, not experienced, refused, not asked, missing) are distinct
    reasons for having no score; all are NaN here.

    Raises:
        EstimateError: a value that is neither negative, missing nor on the scale.
    """
    scored = {item: rescale(frame, item, minimum, maximum) for item in items}
    return frame.assign(**scored)


def rescale(frame: pd.DataFrame, item: str, minimum: int, maximum: int) -> Floats:
    """One raw item as scores on 0–100, shape (n,)."""
    raw = numbers(frame, item)
    odd = (raw >= 0) & ((raw < minimum) | (raw > maximum))
    if odd.any():
        raise EstimateError(
            "raw_range", column=item, value=float(raw[odd][0]), minimum=minimum, maximum=maximum
        )
    return np.where(raw < 0, np.nan, (raw - minimum) / (maximum - minimum) * 100)
