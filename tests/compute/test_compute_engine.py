"""Engines give back the results of parts in the order of the parts."""

import os
import time

import pytest

from survey.compute import EngineUnknownError, LocalEngine, open_engine


def double(number: int) -> int:
    return 2 * number


def slow_when_early(number: int) -> int:
    """Return the number, the first ones last."""
    time.sleep(0.05 * (3 - number) if number < 3 else 0)
    return number


def fail_at_two(number: int) -> int:
    if number == 2:
        raise ValueError("part 2")
    return number


def process_of(number: int) -> int:
    return os.getpid()


def test_one_process_reads_a_part_when_its_result_is_asked_for():
    read = []

    def parts():
        for number in range(3):
            read.append(number)
            yield number

    with open_engine("local") as engine:
        results = engine.map(double, parts())
        assert next(iter(results)) == 0
        assert read == [0]
        assert list(results) == [2, 4]


def test_workers_give_results_in_the_order_of_the_parts():
    with LocalEngine(2) as engine:
        assert list(engine.map(slow_when_early, range(8))) == list(range(8))
        assert os.getpid() not in set(engine.map(process_of, range(2)))
        with pytest.raises(ValueError, match="part 2"):
            list(engine.map(fail_at_two, range(8)))
        assert list(engine.map(double, [])) == []


@pytest.mark.parametrize("name", ["local", "local:1", " local:8 "])
def test_names_of_engines(name):
    assert isinstance(open_engine(name), LocalEngine)


@pytest.mark.parametrize("name", ["", "local:0", "local:-2", "spark", "Local"])
def test_an_unknown_engine_is_named(name):
    with pytest.raises(EngineUnknownError) as refused:
        open_engine(name)
    assert refused.value.code == "engine_unknown"
