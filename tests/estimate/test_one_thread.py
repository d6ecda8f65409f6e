"""Estimates of small matrices hold BLAS to one thread, whatever the process may use."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]

from survey.estimate import outbreaks, text_codes


def propose() -> None:
    coded = np.arange(20) % 2
    text_codes.propose_codes([f"{'质量' if code else '价格'}{code}" for code in coded], coded, 2)


def forecast() -> None:
    counts = np.random.default_rng(1).poisson(6, (3, 200))
    outbreaks.forecast_week(counts, np.ones(counts.shape, bool))


@pytest.mark.parametrize(("module", "run"), [(text_codes, propose), (outbreaks, forecast)])
def test_a_fit_takes_one_thread(
    module: ModuleType, run: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, seen = module._fit, list[int]()

    def watched(*given: Any) -> Any:
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return fit(*given)

    monkeypatch.setattr(module, "_fit", watched)
    with threadpool_limits(2):
        run()
    assert set(seen) == {1}
