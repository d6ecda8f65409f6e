"""Surveyors on the page 访问: what a submitted interview costs, and how long their pages take.

    python -m benchmarks.surveyors [--surveyors 200] [--pace 3] [--seconds 30] [--submissions 60]

Serves a small demo store and signs in over the websocket, as a browser does. First one surveyor
sends complete interviews through the page, one after the other, and the server process's CPU clock
is read before and after each. Then many surveyors work at once. Questions are answered in the
browser without the server, so an answer every few seconds makes page work only when an interview of
60 answers is sent: that is `answering`. `clicking` is far harsher: every surveyor changes the
sampling point at that pace (a run of the whole page), and one change in twenty is a submission.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import PageSession, Server, page, serving, small_demo
from benchmarks.submission.scenario import complete_answers
from survey.access.roles import Role
from survey.questionnaire.model import Instrument
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.waves.instruments import load_instrument
from survey.waves.waves import get_wave

WAVE = "main-2026"
"""The open one, whose questionnaire the page asks first."""
PAGE = "interview"
SUBMITS_EVERY = 20
ANSWERS = 60
WARM_UP = 10


@dataclass(frozen=True)
class SingleRun:
    submissions: int
    cpu_ms_median: float | None
    cpu_ms_p95: float | None
    wall_ms_median: float | None


@dataclass(frozen=True)
class ConcurrentRun:
    what: str
    surveyors: int
    pace_seconds: float
    page_runs: int
    submissions: int
    page_ms_median: float | None
    page_ms_p95: float | None
    submit_ms_median: float | None
    submit_ms_p95: float | None
    cores_used: float
    resident_mb: float


def interview(session: PageSession, instrument: Instrument, draw: random.Random) -> WidgetState:
    """A finished interview, as the form in the browser hands it to the page."""
    component, data = session.component
    shown = json.loads(data)
    assert instrument.sha256 in shown["form_url"], "the page asks with another questionnaire"
    answers = complete_answers(instrument, draw)
    finished = datetime.now(UTC)
    document: dict[str, Any] = {
        "client_uuid": str(uuid4()),
        **shown["meta"]["submission"],
        "instrument_sha256": instrument.sha256,
        "language": "zh",
        "started_at": (finished - timedelta(minutes=6)).isoformat(),
        "finished_at": finished.isoformat(),
        "answers": answers,
        "timings": {name: round(draw.uniform(1, 15), 2) for name in answers},
    }
    events = [{"event": "submitted", "value": document}]
    return WidgetState(
        id=f"$$STREAMLIT_INTERNAL_KEY_{component}__events", json_trigger_value=json.dumps(events)
    )


def check_receipt(session: PageSession) -> None:
    outcomes = json.loads(session.component[1])["outcomes"]
    if session.failures or not outcomes or outcomes[-1]["status"] != 200:
        raise SystemExit(f"refused: {session.failures or outcomes[-1:]}")


async def measure_single(
    server: Server, cookie: str, instrument: Instrument, count: int
) -> SingleRun:
    draw = random.Random(1)
    cpu: list[float] = []
    wall: list[float] = []
    async with page(server, cookie, PAGE) as session:
        for _ in range(count + WARM_UP):
            sent = interview(session, instrument, draw)
            before = server.cpu()
            wall.append(await session.run(sent) * 1000)
            cpu.append((server.cpu() - before) * 1000)
            check_receipt(session)
    cpu, wall = cpu[WARM_UP:], wall[WARM_UP:]
    return SingleRun(count, median(cpu), p95(cpu), median(wall))


async def measure_concurrent(
    server: Server, cookie: str, instrument: Instrument, what: str, chosen: argparse.Namespace
) -> ConcurrentRun:
    crowd, pace, seconds = chosen.surveyors, chosen.pace, chosen.seconds
    draw = random.Random(2)
    changes: list[float] = []
    sends: list[float] = []
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(page(server, cookie, PAGE)) for _ in range(crowd)
        ]
        # Made beforehand, so that this process has little to do while the server is watched.
        prepared = [interview(session, instrument, draw) for session in sessions]
        started, before = time.perf_counter(), server.cpu()
        await asyncio.gather(
            *(
                run_answering_surveyor(session, sent, sends, pace, seconds, random.Random(at))
                if what == "answering"
                else run_working_surveyor(
                    session, sent, changes, sends, pace, seconds, random.Random(at)
                )
                for at, (session, sent) in enumerate(zip(sessions, prepared, strict=True))
            )
        )
        cores = (server.cpu() - before) / (time.perf_counter() - started)
    resident = psutil.Process(server.pid).memory_info().rss / 2**20
    return ConcurrentRun(
        what,
        crowd,
        pace,
        len(changes),
        len(sends),
        median(changes),
        p95(changes),
        median(sends),
        p95(sends),
        round(cores, 2),
        round(resident),
    )


async def run_answering_surveyor(
    session: PageSession,
    sent: WidgetState,
    sends: list[float],
    pace: float,
    seconds: float,
    draw: random.Random,
) -> None:
    """One surveyor somewhere in an interview; it is sent if its end falls into the time watched."""
    left = draw.uniform(0, ANSWERS * pace)
    if left > seconds:
        await asyncio.sleep(seconds)
        return
    await asyncio.sleep(left)
    sends.append(await session.run(sent) * 1000)
    check_receipt(session)


async def run_working_surveyor(
    session: PageSession,
    sent: WidgetState,
    changes: list[float],
    sends: list[float],
    pace: float,
    seconds: float,
    draw: random.Random,
) -> None:
    """One surveyor: starts at a moment of their own, then does something at every pace."""
    await asyncio.sleep(draw.uniform(0, pace))
    points = next(choice for choice in session.choices.values() if choice.name == "point")
    turns = max(1, int(seconds / pace))
    sending_at = draw.randrange(SUBMITS_EVERY)
    due = time.perf_counter()
    for turn in range(turns):
        if turn == sending_at:
            sends.append(await session.run(sent) * 1000)
            check_receipt(session)
        else:
            option = points.options[(turn + 1) % len(points.options)]
            changes.append(await session.choose(points, option) * 1000)
        due += pace
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    if session.failures:
        raise SystemExit(session.failures[0])


def median(values: list[float]) -> float | None:
    return None if not values else round(statistics.median(values), 1)


def p95(values: list[float]) -> float | None:
    return None if len(values) < 2 else round(statistics.quantiles(values, n=20)[-1], 1)


async def run(server: Server, instrument: Instrument, chosen: argparse.Namespace) -> list[Any]:
    cookie = server.sign_in(Role.SURVEYOR)
    single = await measure_single(server, cookie, instrument, chosen.submissions)
    answering = await measure_concurrent(server, cookie, instrument, "answering", chosen)
    clicking = await measure_concurrent(server, cookie, instrument, "clicking", chosen)
    return [single, answering, clicking]


def main() -> None:
    parser = argparse.ArgumentParser(description="Surveyors on the page of interviews.")
    parser.add_argument("--surveyors", type=int, default=200)
    parser.add_argument("--pace", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--submissions", type=int, default=60)
    parser.add_argument(
        "--keep", type=Path, help="serve this demo data folder instead of a new one"
    )
    parser.add_argument("--json", action="store_true")
    chosen = parse_arguments(parser, surveyors=2, pace=0.5, seconds=2.0, submissions=2)
    with tempfile.TemporaryDirectory(prefix="survey-bench-") as folder:
        if chosen.keep:
            results = measure(chosen.keep, chosen)
        else:
            with small_demo(Path(folder)) as data_dir:
                results = measure(data_dir, chosen)
    for each in results:
        if chosen.json:
            print(json.dumps(asdict(each)))
        else:
            print("\n".join(f"{name:18} {value}" for name, value in asdict(each).items()), "\n")


def measure(data_dir: Path, chosen: argparse.Namespace) -> list[Any]:
    settings = Settings(data_dir=data_dir, database_url="", demo=True)
    with read_scope(settings.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    with serving("", data_dir, demo=True) as server:
        return asyncio.run(run(server, instrument, chosen))


if __name__ == "__main__":
    main()
