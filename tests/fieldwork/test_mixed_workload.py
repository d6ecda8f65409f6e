"""64 workers do everything at once on PostgreSQL; the rest of the story is in the store."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.mixed_workload.invariants import find_violations
from benchmarks.mixed_workload.scenario import build, engines
from benchmarks.mixed_workload.workers import CLIENTS_PER_TRANSACTION, Crowd

PIECES = 10
DONE = {"hand_in", "hand_in_tight", "interview", "import_rows", "change_quota", "freeze"}


@pytest.mark.postgres
def test_nothing_is_lost_doubled_or_half_done(
    postgres_url: str, make_field: Callable[[str], Any]
) -> None:
    field = make_field(postgres_url)
    world = build(
        postgres_url,
        instrument=field.instrument,
        complete=field.complete,
        now=field.now,
        links=PIECES * 2 * CLIENTS_PER_TRANSACTION,
    )
    results = Crowd(engines(postgres_url, 4), world, seed=7).work(PIECES)
    assert find_violations(postgres_url, world, results) == []
    assert set(results.done) >= DONE
