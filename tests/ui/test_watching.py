"""The running platform has new interviews looked at, in a process of its own."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.kit import asgi
from survey.kit.asgi import run_assessment_loop
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Mode, ResponseRisk, Status
from tests.coroutine_runner import run_in_thread
from tests.work_of import work_of


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """What the process does is tested on both databases; here only that it is started."""
    return sqlite_url


def test_what_arrived_is_looked_at_and_stopping_stops(field: Any, tmp_path: Path) -> None:
    row = FinishedResponse(
        client_uuid=uuid4(),
        city_code="110000",
        mode=Mode.SELF,
        status=Status.SUBMITTED,
        submitted_at=field.now,
        answers=field.complete,
        surveyor_id=field.surveyor.account_id,
    )
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=[row])

    def assessed() -> list[Any]:
        with read_scope(field.url) as session:
            return list(session.exec(select(ResponseRisk.response_id)))

    async def serve() -> None:
        settings = Settings(data_dir=tmp_path, database_url=field.url)
        task = asyncio.create_task(run_assessment_loop(settings, every=0.02))
        for _ in range(600):
            if assessed():
                break
            await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run_in_thread(serve())
    assert assessed() == [row.id]


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_that_failed_is_in_the_log(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(asgi, "_PROGRAM", (sys.executable, "-c", f"raise SystemExit({code})"))
    settings = Settings(data_dir=tmp_path)
    run_in_thread(asgi._run_command(settings, "quality-new"))
    # asyncio may still speak of the process that an earlier test ended.
    logged = [line.message for line in caplog.records if line.name == asgi.__name__]
    assert logged == ["quality-new ended with exit code 1"] * code
