"""Handing over: everybody gets the own answer, and only after the commit."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlmodel import Session

from survey.locale import SurveyError, msg
from survey.store.engine import read_scope
from survey.store.tables import Account
from survey.store.transactions import UnitOfWork, WorkSucceeded
from survey.web import write_queue as write_queue_module
from survey.web.write_queue import BATCH_WINDOW_SECONDS, MAX_BATCH_WORKS, WriteQueue
from tests.coroutine_runner import run_in_thread


def test_a_crowd_at_the_desk(store_url: str) -> None:
    desk = WriteQueue(store_url)
    sessions: list[Session] = []

    async def visit(number: int) -> None:
        def work(session: Session) -> UUID:
            sessions.append(session)
            account = Account(login=str(number), name="x", role="surveyor", area="CN")
            session.add(account)
            if number % 10 == 3:
                raise SurveyError(msg("number {number}", number=number))
            return account.id

        if number % 10 == 3:
            with pytest.raises(SurveyError, match=f"number {number}$"):
                await desk.submit(work)
            return
        own = await desk.submit(work)
        with read_scope(store_url) as session:
            assert session.get_one(Account, own).login == str(number)

    async def crowd() -> None:
        await asyncio.gather(*(visit(number) for number in range(5 * MAX_BATCH_WORKS)))

    run_in_thread(crowd())
    run_in_thread(visit(1000))
    assert len(set(map(id, sessions))) < MAX_BATCH_WORKS


def test_a_visitor_who_leaves_does_not_hold_up_the_others(store_url: str) -> None:
    desk = WriteQueue(store_url)

    async def scene() -> list[int]:
        def answer(number: int) -> int:
            return number

        leaving = asyncio.create_task(desk.submit(lambda _: answer(0)))
        staying = [
            asyncio.create_task(desk.submit(lambda _, number=number: answer(number)))
            for number in range(1, 4)
        ]
        await asyncio.sleep(0)
        leaving.cancel()
        return await asyncio.gather(*staying)

    assert run_in_thread(scene()) == [1, 2, 3]


def test_a_busy_desk_waits_for_more_and_an_idle_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who comes while it waits shares the next transaction with who was there already."""
    sizes: list[int] = []

    def written(_url: str, works: Sequence[UnitOfWork]) -> list[WorkSucceeded]:
        sizes.append(len(works))
        return [WorkSucceeded(None) for _ in works]

    desk = WriteQueue("sqlite://", written)

    async def scene() -> None:
        waiting, go_on = asyncio.Event(), asyncio.Event()

        async def wait(seconds: float) -> None:
            assert seconds == BATCH_WINDOW_SECONDS
            waiting.set()
            await go_on.wait()

        await desk.submit(nothing)
        crowd = [asyncio.create_task(desk.submit(nothing)) for _ in range(MAX_BATCH_WORKS + 1)]
        with monkeypatch.context() as patched:
            patched.setattr(write_queue_module, "pause", wait)
            await waiting.wait()
            late = asyncio.create_task(desk.submit(nothing))
            await asyncio.sleep(0)
            go_on.set()
            await asyncio.gather(*crowd, late)

    def nothing(_session: Session) -> None:
        return None

    run_in_thread(scene())
    assert sizes == [1, MAX_BATCH_WORKS, 2]
