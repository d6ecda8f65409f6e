"""The desk where whatever the public door writes is handed over to the store.

Requests that arrive while a transaction is being written wait for the next one and share it: an
idle server writes at once, and a busy one, which also waits a moment for more, pays for a
transaction and a change of thread once for many interviews. An answer leaves only after the commit.
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
from survey.store.transactions import WorkFailed, WorkSucceeded, run_batch

MAX_BATCH_WORKS = 16
"""So that nobody waits long for the others, and locks on PostgreSQL are short."""

BATCH_WINDOW_SECONDS = 0.008
"""Seconds that a busy desk waits for more: fewer transactions, less CPU, and nobody notices."""

T = TypeVar("T")


@dataclass
class WriteQueue:
    """One queue for one store; belongs to the event loop that serves."""

    store_url: str
    _pending: deque[tuple[Callable[[Session], Any], asyncio.Future[Any]]] = field(
        default_factory=deque
    )
    _worker: asyncio.Task[None] | None = None

    async def submit(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction; what it returned, after the commit.

        Raises what `work` raised, and `StoreUnavailableError` when the store took nothing in.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._pending.append((work, future))
        if self._worker is None or self._worker.done():
            # Of no request: what is written together is nobody's own.
            self._worker = loop.create_task(self._drain(), context=Context())
        return await future

    async def _drain(self) -> None:
        busy = False
        while self._pending:
            if busy and len(self._pending) < MAX_BATCH_WORKS:
                await pause(BATCH_WINDOW_SECONDS)
            count = min(len(self._pending), MAX_BATCH_WORKS)
            batch = [self._pending.popleft() for _ in range(count)]
            works = [work for work, _ in batch]
            busy = count > 1
            BATCH_WORKS.observe(count)
            outcomes = await to_thread.run_sync(run_batch, self.store_url, works)
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _set_outcome(future, outcome)


def _set_outcome(future: asyncio.Future[Any], outcome: WorkSucceeded | WorkFailed) -> None:
    if future.done():
        return
    if isinstance(outcome, WorkFailed):
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome.value)
