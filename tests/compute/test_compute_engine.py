"""Engines give back the results of parts in the order of the parts."""

import os
import time

import pytest
from pydantic import ValidationError

from survey.compute import EngineUnknownError, LocalEngine, SparkEngine, open_engine
from survey.estimate import EstimateError
from survey.locale import SurveyError, msg
from survey.settings import Settings


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


SPARK_MASTERS = {
    "spark://one:7077": "spark://one:7077",
    "spark://one:7077,two:7077": "spark://one:7077,two:7077",
    "yarn": "yarn",
    "k8s://https://one:6443": "k8s://https://one:6443",
    "spark+local[2]": "local[2]",
    "spark+local": "local",
}


@pytest.mark.parametrize("name", SPARK_MASTERS)
def test_masters_of_spark_start_nothing_until_they_are_used(name):
    engine = open_engine(name, python="/opt/python")
    assert isinstance(engine, SparkEngine)
    assert (engine.master, engine.python) == (SPARK_MASTERS[name], "/opt/python")
    assert Settings(_env_file=None, engine=name).engine == name


@pytest.mark.parametrize("name", ["", "local:0", "local:-2", "spark", "spark://one", "Local", "*"])
def test_an_unknown_engine_is_named(name):
    with pytest.raises(EngineUnknownError) as refused:
        open_engine(name)
    assert refused.value.code == "engine_unknown"
    with pytest.raises(ValidationError):
        Settings(_env_file=None, engine=name)


class NoWordsError(SurveyError):
    code = "no_words"

    def __init__(self) -> None:
        super().__init__(msg("Part {number}", number=2))
        self.hint = "said"


def refuse(number: int) -> int:
    raise NoWordsError if number else EstimateError("missing_column", column="x")


def test_errors_of_a_worker_arrive_as_what_they_are():
    with LocalEngine(2) as engine:
        with pytest.raises(NoWordsError) as refused:
            list(engine.map(refuse, [1]))
        with pytest.raises(EstimateError, match="no column 'x'") as raised:
            list(engine.map(refuse, [0]))
    assert (str(refused.value), refused.value.hint) == ("Part 2", "said")
    assert str(refused.value.message) == "Part 2"
    assert (raised.value.code, raised.value.params) == ("missing_column", {"column": "x"})
