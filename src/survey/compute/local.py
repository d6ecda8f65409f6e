"""Engine of one machine: this process, or some worker processes beside it."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Any, Self

AHEAD = 1
"""Parts that wait for a free worker, so that none is idle and few results lie in memory."""


class LocalEngine:
    """Engine that maps parts in this process (`workers` 1), or in as many processes as named.

    Results come in the order of the parts, so sums over them do not depend on which was ready
    first.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def map(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Yield what `function` returns for each part, in the order of the parts.

        With several workers, function and parts are sent to another process: functions of a module
        and plain values.
        """
        if self.workers == 1:
            yield from map(function, parts)
            return
        waiting: deque[Future[Any]] = deque()
        try:
            for part in parts:
                waiting.append(self._processes().submit(function, part))
                if len(waiting) >= self.workers + AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _processes(self) -> ProcessPoolExecutor:
        """Return the workers, started when first needed.

        Started afresh, never forked: a fork copies locks of threads that are gone.
        """
        if self._pool is None:
            fresh = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=fresh)
        return self._pool
