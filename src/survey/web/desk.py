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

from survey.observe.metrics import BATCH
from survey.store.together import Done, Failed, write_together

MOST_TOGETHER = 16
"""So that nobody waits long for the others, and locks on PostgreSQL are short."""

GATHER = 0.008
"""Seconds that a busy desk waits for more: fewer transactions, less CPU, and nobody notices."""

T = TypeVar("T")


@dataclass
class Desk:
    """One queue for one store; belongs to the event loop that serves."""

    store_url: str
    _waiting: deque[tuple[Callable[[Session], Any], asyncio.Future[Any]]] = field(
        default_factory=deque
    )
    _clerk: asyncio.Task[None] | None = None

    async def hand_over(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction; what it returned, after the commit.

        Raises what `work` raised, and `StoreUnavailable` when the store took nothing in.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((work, future))
        if self._clerk is None or self._clerk.done():
            # Of no request: what is written together is nobody's own.
            self._clerk = loop.create_task(self._work_off(), context=Context())
        return await future

    async def _work_off(self) -> None:
        busy = False
        while self._waiting:
            if busy and len(self._waiting) < MOST_TOGETHER:
                await pause(GATHER)
            count = min(len(self._waiting), MOST_TOGETHER)
            batch = [self._waiting.popleft() for _ in range(count)]
            works = [work for work, _ in batch]
            busy = count > 1
            BATCH.observe(count)
            outcomes = await to_thread.run_sync(write_together, self.store_url, works)
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _tell(future, outcome)


def _tell(future: asyncio.Future[Any], outcome: Done | Failed) -> None:
    if future.done():
        return
    if isinstance(outcome, Failed):
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome.value)
