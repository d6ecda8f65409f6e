"""Turns for drawing pages: how many at once, how many of one reader, and never for ever."""

import threading
import time
from collections import Counter

from survey.kit.page_runner import MAX_COUNTED_SECONDS, ScriptRunLimit


class Crowd:
    """Threads that draw, and the most of them that were seen at the same time."""

    def __init__(self, runs: ScriptRunLimit) -> None:
        self.runs, self.now, self.most = runs, Counter[str](), Counter[str]()
        self._lock = threading.Lock()

    def draw(self, who: str, seconds: float) -> threading.Thread:
        thread = threading.Thread(target=self._draw, args=(who, seconds))
        thread.start()
        return thread

    def _draw(self, who: str, seconds: float) -> None:
        with self.runs.turn(who):
            for name in (who, "all"):
                with self._lock:
                    self.now[name] += 1
                    self.most[name] = max(self.most[name], self.now[name])
            time.sleep(seconds)
            with self._lock:
                self.now.subtract([who, "all"])


def test_no_more_at_once_than_there_are_turns() -> None:
    crowd = Crowd(ScriptRunLimit(3, 2))
    threads = [crowd.draw(f"reader {number % 4}", 0.02) for number in range(24)]
    for thread in threads:
        thread.join(10)
    assert crowd.most["all"] <= 3
    assert max(crowd.most[f"reader {number}"] for number in range(4)) <= 2
    assert not crowd.now.total()
    assert not crowd.runs._running


def test_one_reader_leaves_turns_to_the_others() -> None:
    crowd = Crowd(ScriptRunLimit(3, 2))
    busy = [crowd.draw("busy", 0.5) for _ in range(6)]
    began = time.monotonic()
    crowd.draw("other", 0).join(10)
    waited = time.monotonic() - began
    assert any(thread.is_alive() for thread in busy)
    assert waited < 1.4, "all of the busy one's runs take 1.5 s"
    for thread in busy:
        thread.join(10)


def test_within_a_turn_there_is_nothing_to_wait_for() -> None:
    runs = ScriptRunLimit(1, 1)
    with runs.turn("a"), runs.turn("a"):
        assert len(runs._running) == 1


def test_a_run_of_minutes_keeps_nobody_waiting() -> None:
    clock = [0.0]
    runs, over = ScriptRunLimit(1, 1, clock=lambda: clock[0]), threading.Event()

    def freeze() -> None:
        with runs.turn("office"):
            over.wait(10)

    thread = threading.Thread(target=freeze)
    thread.start()
    while not runs._running:
        time.sleep(0.001)
    clock[0] += MAX_COUNTED_SECONDS
    with runs.turn("office"):
        assert len(runs._running) == 2
    over.set()
    thread.join(10)
