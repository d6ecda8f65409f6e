"""The process that draws charts: the same bytes, and nothing lost when it ends at a bad moment."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn
from unittest.mock import Mock

import pytest

from survey.compute.worker import Worker
from survey.figures import drawing
from survey.figures.drawing import ChartProcess, chart_family, chart_process_for_report, draw_svg


def chart(title: str, values: tuple[int, ...] = (3, 1, 2)) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": [{"name": f"苏州{n}", "value": n} for n in values]},
        "mark": "bar",
        "title": title,
        "encoding": {
            "x": {"field": "value", "type": "quantitative"},
            "y": {"field": "name", "type": "nominal"},
        },
        "config": {"font": chart_family()},
    }


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def process() -> Iterator[ChartProcess]:
    """A process of its own that has been started."""
    beside = ChartProcess()
    with beside.allowed():
        beside.start()
        wait_until(lambda: beside.process_id is not None)
        yield beside


def process_id(process: ChartProcess) -> int:
    assert process.process_id is not None
    return process.process_id


def test_the_process_draws_the_same_bytes(process: ChartProcess) -> None:
    before = process_id(process)
    assert process.draw(chart("满意度")) == draw_svg(chart("满意度"))
    assert process.process_id == before != os.getpid()


def test_many_readers_share_one_process_and_each_gets_the_own_chart(process: ChartProcess) -> None:
    before = process_id(process)
    titles = [f"reader {number}" for number in range(8)]
    with ThreadPoolExecutor(4) as readers:
        for _ in titles:
            readers.submit(process.start)
        drawings = list(readers.map(lambda title: process.draw(chart(title)), titles))
    assert process.process_id == before
    for title, svg in zip(titles, drawings, strict=True):
        assert title in svg
        assert not any(other in svg for other in titles if other != title)


def test_without_leave_nothing_is_started() -> None:
    process = ChartProcess()
    process.start()
    assert process.draw(chart("x")) == draw_svg(chart("x"))
    assert process.process_id is None


def test_a_process_that_was_killed_loses_no_chart_and_comes_back(process: ChartProcess) -> None:
    process.draw(chart("first"))
    before = process_id(process)
    os.kill(before, signal.SIGKILL)
    assert process.draw(chart("second")) == draw_svg(chart("second"))
    assert process.process_id is None
    process.start()
    wait_until(lambda: process.process_id is not None)
    assert process.draw(chart("third")) == draw_svg(chart("third"))
    assert process.process_id != before


def test_a_process_killed_in_the_middle_of_a_chart_loses_nothing(process: ChartProcess) -> None:
    process.draw(chart("first"))
    before = process_id(process)
    os.kill(before, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as reader:
        drawing = reader.submit(process.draw, chart("second"))
        time.sleep(0.2)
        assert not drawing.done()
        os.kill(before, signal.SIGKILL)
        assert drawing.result() == draw_svg(chart("second"))


def test_a_process_that_does_not_answer_is_given_up(
    process: ChartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.draw(chart("first"))
    before = process_id(process)
    monkeypatch.setattr(drawing, "_MAX_DRAWING_SECONDS", 0.3)
    os.kill(before, signal.SIGSTOP)
    assert process.draw(chart("second")) == draw_svg(chart("second"))
    assert not exists(before)


def test_a_chart_that_cannot_be_drawn_is_an_error_as_without_the_process(
    process: ChartProcess,
) -> None:
    for draw in (draw_svg, process.draw):
        with pytest.raises(ValueError, match="conversion failed"):
            draw({"mark": 1})
    assert process.draw(chart("next")) == draw_svg(chart("next"))


def _refuse(*_: object) -> NoReturn:
    raise RuntimeError("no typeface")


@pytest.mark.parametrize("name", ["chart_family", "Timer.start"])
def test_a_process_whose_start_fails_is_ended(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    process, started, threads = ChartProcess(), list[int](), set(threading.enumerate())

    class NotedWorker(Worker):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            started.append(self.process_id)

    monkeypatch.setattr(drawing, "Worker", NotedWorker)
    with process.allowed():
        with monkeypatch.context() as patch:
            patch.setattr(f"{drawing.__name__}.{name}", _refuse)
            process.start()
            wait_until(lambda: not set(threading.enumerate()) - threads)
        assert process.process_id is None
        assert not any(exists(each) for each in started)
        assert process.draw(chart("here")) == draw_svg(chart("here"))
        process.start()
        wait_until(lambda: process.process_id is not None)


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), KeyboardInterrupt()])
def test_a_drawing_that_is_broken_off_leaves_no_process(
    process: ChartProcess, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Its answer would come in reply to the next chart."""
    process.draw(chart("first"))
    before = process_id(process)
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "apply", Mock(side_effect=error))
        if isinstance(error, Exception):
            assert process.draw(chart("second")) == draw_svg(chart("second"))
        else:
            with pytest.raises(KeyboardInterrupt):
                process.draw(chart("second"))
    assert (process.process_id, exists(before)) == (None, False)


def test_it_ends_when_nobody_draws_and_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    process = ChartProcess()
    with process.allowed():
        monkeypatch.setattr(drawing, "_MAX_IDLE_SECONDS", 0.1)
        process.start()
        wait_until(lambda: process.process_id is not None)
        wait_until(lambda: process.process_id is None)
        monkeypatch.setattr(drawing, "_MAX_IDLE_SECONDS", 600)
        process.start()
        wait_until(lambda: process.process_id is not None)
        last = process_id(process)
    assert process.process_id is None
    assert not exists(last)
    process.start()
    assert process.process_id is None


def test_a_command_draws_beside_where_there_is_a_processor_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beside = ChartProcess()
    monkeypatch.setattr(drawing, "CHART_PROCESS", beside)
    monkeypatch.setattr(drawing, "count_usable_processors", lambda: 1)
    with chart_process_for_report():
        time.sleep(0.1)
        assert beside.process_id is None
    monkeypatch.setattr(drawing, "count_usable_processors", lambda: 2)
    with chart_process_for_report():
        wait_until(lambda: beside.process_id is not None)
        number = beside.process_id
    assert number is not None
    assert beside.process_id is None
    assert not exists(number)


def test_a_command_that_ends_at_once_says_nothing_of_charts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    beside = ChartProcess()
    monkeypatch.setattr(drawing, "CHART_PROCESS", beside)
    monkeypatch.setattr(drawing, "count_usable_processors", lambda: 2)
    with chart_process_for_report():
        wait_until(lambda: beside.process_id is not None)
    assert not caplog.records
