"""Two waves pooled: by hand, and against the variance that shared points imply."""

import numpy as np
import pytest
from scipy import stats

from survey.estimate import pooled_mean


def test_by_hand() -> None:
    first = np.array([80.0, 80.0, 70.0, np.nan])
    two = np.array([82.0, 82.0, 74.0, 75.0])
    pooled = pooled_mean(
        (first, two),
        (np.array([3.0, 3.0, 1.0, np.nan]), np.array([4.0, 4.0, 1.0, 1.0])),
        (np.full(4, 40.0), np.array([30.0, 30.0, 30.0, 30.0])),
        # Nothing shared: V(change) = 9 + 16. A lot shared: V(change) = 5. The last: unknown.
        change_se=np.array([5.0, np.sqrt(5.0), np.nan, 1.0]),
        level=0.95,
    )
    assert pooled.estimate[:2].tolist() == [81.0, 81.0]
    t = stats.t.ppf(0.975, 30)
    assert pooled.high[0] - 81 == pytest.approx(t * 2.5)
    assert pooled.high[1] - 81 == pytest.approx(t * np.sqrt(25 / 2 - 5 / 4))
    assert pooled.low[1] == pytest.approx(162 - pooled.high[1])
    assert np.isnan([pooled.estimate[2:], pooled.low[2:], pooled.high[2:]]).all()


def test_the_variance_is_that_of_the_mean() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 1, 400_000)
    first = 80 + 2 * shared + rng.normal(0, 1, shared.size)
    two = 81 + 1 * shared + rng.normal(0, 2, shared.size)
    pooled = pooled_mean(
        (np.array([80.0]), np.array([81.0])),
        (np.array([np.std(first)]), np.array([np.std(two)])),
        (np.array([np.inf]), np.array([np.inf])),
        change_se=np.array([np.std(two - first)]),
        level=0.95,
    )
    expected = stats.norm.ppf(0.975) * np.std((first + two) / 2)
    assert pooled.high[0] - pooled.estimate[0] == pytest.approx(expected, rel=1e-9)
