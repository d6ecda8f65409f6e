"""Engine of one machine: this process, or some worker processes beside it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Any, Self

from survey.compute.worker import Worker

AHEAD = 1
"""Parts that wait for a free worker, so that none is idle and few results lie in memory."""
_LOOK_SECONDS = 0.5


class LocalEngine:
    """Engine that maps parts in this process (`workers` 1) or in that many worker processes.

    Results come in the order of the parts, so sums over them do not depend on which was ready
    first. `while_waiting` is called twice a second while a result of another process is waited for;
    an error that it raises ends the work.
    """

    def __init__(
        self, workers: int = 1, *, while_waiting: Callable[[], None] = lambda: None
    ) -> None:
        self.workers = workers
        self._while_waiting = while_waiting
        self._threads: ThreadPoolExecutor | None = None
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._started: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Ended, not waited for: whoever cancels a long work need not see the end of its parts.
        for worker in self._started:
            worker.kill()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for worker in self._started:
            worker.close()
        self._threads, self._started, self._idle = None, [], SimpleQueue()

    def map(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Yield what `function` returns for each part, in the order of the parts.

        With several workers, function and parts are sent to another process: functions of a module
        and plain values.
        """
        if self.workers == 1:
            yield from map(function, parts)
            return
        waiting = deque[Future[Any]]()
        try:
            for part in parts:
                waiting.append(self.submit(function, part))
                if len(waiting) >= self.workers + AHEAD:
                    yield self._wait_for(waiting.popleft())
            while waiting:
                yield self._wait_for(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def submit(self, function: Callable[[Any], Any], part: Any) -> Future[Any]:
        """Give a part to the next idle worker; return the future result of `function(part)`.

        For work whose parts differ and depend on each other. Parts are begun in the order in which
        they were submitted; in this process (`workers` 1) each is done when this returns.
        """
        if self.workers > 1:
            return self._start_workers().submit(self._apply, function, part)
        future: Future[Any] = Future()
        try:
            future.set_result(function(part))
        except Exception as error:
            future.set_exception(error)
        return future

    def _wait_for(self, future: Future[Any]) -> Any:
        while not wait([future], _LOOK_SECONDS).done:
            self._while_waiting()
        return future.result()

    def _start_workers(self) -> ThreadPoolExecutor:
        """Start the workers when first needed; return the pool of threads that serve them."""
        if self._threads is None:
            while len(self._started) < self.workers:  # one by one: each is ended if the next fails
                self._started.append(Worker())
                self._idle.put(self._started[-1])
            self._threads = ThreadPoolExecutor(self.workers, "worker")
        return self._threads

    def _apply(self, function: Callable[[Any], Any], part: Any) -> Any:
        """Return the result of `function` for a part, computed by the next idle worker."""
        worker = self._idle.get()
        try:
            return worker.apply(function, part)
        finally:
            self._idle.put(worker)
