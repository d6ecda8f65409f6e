"""Queue that runs writes of the public endpoints together in shared transactions.

Requests that arrive during a transaction wait for the next one and share it: an idle server writes
at once; a busy one also waits a moment for more, so that one transaction and one change of thread
serve many interviews. An answer is sent only after the commit.
"""

import asyncio
from asyncio import sleep as pause
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anyio import to_thread
from sqlmodel import Session

from survey.observe.metrics import BATCH_WORKS
from survey.store.transactions import (
    StoreUnavailableError,
    UnitOfWork,
    WorkFailed,
    WorkSucceeded,
    run_batch,
)

MAX_BATCH_WORKS = 16
"""Few enough that no request waits long for others, and locks on PostgreSQL are short."""

BATCH_WINDOW_SECONDS = 0.008
"""Seconds that a busy queue waits for more: fewer transactions and less CPU, not noticeable."""

T = TypeVar("T")


@dataclass
class WriteQueue:
    """Queue of transactions on one store, for one event loop; `run` executes one batch of them."""

    store_url: str
    run: Callable[[str, list[UnitOfWork]], list[WorkSucceeded | WorkFailed]] = run_batch
    _pending: deque[tuple[Callable[[Session], Any], asyncio.Future[Any]]] = field(
        default_factory=deque
    )
    _worker: asyncio.Task[None] | None = None

    async def submit(self, work: Callable[[Session], T], max_seconds: float | None = None) -> T:
        """Run `work`, begun within `max_seconds`, in a shared transaction; return its result.

        Args:
            max_seconds: Longest wait. Work that has not begun by then is not done any more.

        Raises:
            StoreUnavailableError: The store could not be reached, or not in time. Exceptions of
                `work` pass too.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._pending.append((work, future))
        if self._worker is None or self._worker.done():
            # An empty context, because a batch belongs to no single request.
            self._worker = loop.create_task(self._drain_queue(), context=Context())
        try:
            return await asyncio.wait_for(future, max_seconds)
        except TimeoutError as error:
            raise StoreUnavailableError from error

    async def _drain_queue(self) -> None:
        busy = False
        while self._pending:
            if busy and len(self._pending) < MAX_BATCH_WORKS:
                await pause(BATCH_WINDOW_SECONDS)
            count = min(len(self._pending), MAX_BATCH_WORKS)
            batch = [self._pending.popleft() for _ in range(count)]
            batch = [each for each in batch if not each[1].done()]
            works = [work for work, _ in batch]
            busy = count > 1
            BATCH_WORKS.observe(count)
            outcomes = await to_thread.run_sync(self.run, self.store_url, works)
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _set_outcome(future, outcome)


def _set_outcome(future: asyncio.Future[Any], outcome: WorkSucceeded | WorkFailed) -> None:
    if future.done():
        return
    if isinstance(outcome, WorkFailed):
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome.value)
