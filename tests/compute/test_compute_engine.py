"""Engines give back the results of parts in the order of the parts."""

import os
import signal
import sys
import time
from types import ModuleType

import pytest
from pydantic import ValidationError

from survey.compute import LocalEngine, SparkEngine, local, open_engine
from survey.compute.worker import Worker, WorkerLostError
from survey.estimate import EstimateError
from survey.locale import Message, SurveyError, msg
from survey.settings import Settings
from tests.error_codes import raises_code


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


class OddError(SurveyError):
    """Error that is made of something else than its message."""

    code = "odd"

    def __init__(self, number: int, place: str) -> None:
        super().__init__(msg("Number {number} at {place}.", number=number, place=place))
        self.number = number


def raise_odd(number: int) -> int:
    raise OddError(number, "here")


def print_much(number: int) -> int:
    sys.stdout.write("x" * 100_000)
    sys.stdout.flush()
    os.write(1, b"y" * 100_000)
    return number


def end_at_once(number: int) -> int:
    os._exit(7)


def sleep_long(number: int) -> int:
    time.sleep(number)
    return number


def niceness(number: int) -> int:
    return os.nice(0)


def main_file(number: int) -> str:
    return str(sys.modules["__main__"].__file__)


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


def test_an_error_of_a_worker_arrives_as_it_was_with_the_place_where_it_was_raised():
    with LocalEngine(2) as engine, pytest.raises(OddError) as raised:
        list(engine.map(raise_odd, range(3)))
    assert raised.value.number == 0
    assert raised.value.code == "odd"
    assert raised.value.message == Message(
        "Number {number} at {place}.", {"number": 0, "place": "here"}
    )
    assert "in raise_odd" in raised.value.__notes__[0]


def test_what_a_worker_prints_does_not_come_between_the_results(capfd):
    with LocalEngine(2) as engine:
        assert list(engine.map(print_much, range(3))) == [0, 1, 2]
    assert capfd.readouterr().out == ""


def test_a_worker_that_ends_is_an_error_with_its_code():
    with LocalEngine(2) as engine, pytest.raises(WorkerLostError) as raised:
        list(engine.map(end_at_once, range(4)))
    assert "code 7" in str(raised.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_parts_that_are_submitted_are_done_beside_each_other(workers):
    with LocalEngine(workers) as engine:
        doubled, failing = engine.submit(double, 4), engine.submit(fail_at_two, 2)
        after = engine.submit(double, 5)
        assert (doubled.result(), after.result()) == (8, 10), "a failed part does not stop others"
        with pytest.raises(ValueError, match="part 2"):
            failing.result()
        assert (engine.submit(process_of, 0).result() == os.getpid()) == (workers == 1)


def test_leaving_ends_what_was_submitted():
    with LocalEngine(2) as engine:
        parts = [engine.submit(sleep_long, 600) for _ in range(4)]
    assert all(part.cancelled() or isinstance(part.exception(), WorkerLostError) for part in parts)


def test_leaving_ends_the_workers_in_the_midst_of_their_parts():
    with LocalEngine(2) as engine:
        results = engine.map(sleep_long, [0, 600, 600, 600])
        assert next(results) == 0
        workers = engine._started
        assert all(worker._process.poll() is None for worker in workers)
    assert all(worker._process.poll() == -signal.SIGKILL for worker in workers)


def test_workers_that_cannot_all_be_started_are_ended(monkeypatch):
    """As where the machine allows no further process; the second try finds the first one there."""
    started = []

    class ScarceWorker(Worker):
        def __init__(self):
            if len(started) == 1:
                started.append(None)
                raise BlockingIOError
            super().__init__()
            started.append(self)

    monkeypatch.setattr(local, "Worker", ScarceWorker)
    with LocalEngine(2) as engine:
        with pytest.raises(BlockingIOError):
            list(engine.map(double, range(3)))
        assert started[0]._process.poll() is None
        assert list(engine.map(double, range(3))) == [0, 2, 4]
    assert [worker._process.poll() for worker in started if worker] == [-signal.SIGKILL] * 2


def test_work_is_ended_while_a_part_is_waited_for():
    """Whoever cancels need not wait until the first part is done."""
    told = []

    def cancel():
        told.append(len(told))
        if len(told) == 2:
            raise OddError(2, "the desk")

    with pytest.raises(OddError), LocalEngine(2, while_waiting=cancel) as engine:
        list(engine.map(sleep_long, [600, 600, 600]))
    assert told == [0, 1]


def test_workers_step_back_behind_the_process_that_started_them():
    with LocalEngine(2) as engine:
        assert all(nice >= min(os.nice(0) + 5, 19) for nice in engine.map(niceness, range(2)))


def test_a_worker_never_runs_the_main_module_of_a_server_of_pages(tmp_path, monkeypatch):
    """Streamlit puts the page that it runs in the place of the main module."""
    page = tmp_path / "app.py"
    page.write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\n")
    main = ModuleType("__main__")
    main.__file__ = str(page)
    monkeypatch.setitem(sys.modules, "__main__", main)
    with LocalEngine(2) as engine:
        files = set(engine.map(main_file, range(2)))
    assert not (tmp_path / "was-run").exists()
    assert all(file.endswith("worker_process.py") for file in files)


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
    with raises_code("engine_unknown") as refused:
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
