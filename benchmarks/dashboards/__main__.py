"""Server time of a warm filter change, at 62,000 responses and at 620,000.

    python -m benchmarks.dashboards [--sizes 62000 620000] [--changes 40] [--keep FOLDER] [--json]

For each size: freezes a main wave of that many responses, serves it, opens each dashboard as a
national official over the websocket and changes one filter after the other. `new` is a combination
that nobody has looked at since the server started; `again` the same walk by a second reader, who
finds it in memory. CPU is the server process's own clock; wall is from the filter change to the
last message of the page. The walk leaves the wave alone; `wave` changes only it.
"""

import argparse
import asyncio
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import Choice, PageSession, Server, page, serving, small_demo
from survey.access.roles import Role
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.settings import PROJECT_ROOT

PAGES = (
    PageKey.OVERVIEW,
    PageKey.CITY,
    PageKey.SPECIAL_GROUPS,
    PageKey.TRENDS,
    PageKey.URBAN_RURAL,
)
KEPT_PARAMETERS = {"wave", "study"}
"""Filters that lead to another wave."""
PAUSE_SECONDS = 0.25
"""Between two changes: the server makes whoever sends more than five messages a second wait."""

SMALL_DEMO = 620
"""Responses that the main wave of a small demo has; no other is frozen for as many."""

Step = tuple[str, int]


@dataclass(frozen=True)
class Measured:
    responses: int
    page: str
    what: str
    changes: int
    cpu_ms_median: float
    cpu_ms_p95: float
    wall_ms_median: float
    wall_ms_p95: float
    kilobytes: float


@dataclass
class Timer:
    server: Server
    cpu: list[float]
    wall: list[float]

    async def change(self, session: PageSession, choice: Choice, option: str) -> None:
        before = self.server.cpu()
        wall = await session.choose(choice, option)
        self.cpu.append((self.server.cpu() - before) * 1000)
        self.wall.append(wall * 1000)


def filters(session: PageSession) -> dict[str, Choice]:
    return {choice.name: choice for choice in session.choices.values() if len(choice.options) > 1}


def steps(session: PageSession, count: int) -> list[Step]:
    """A walk over the filters, the same for every size and reader: which one, which option."""
    draw = random.Random(7)
    offered = {
        name: choice for name, choice in filters(session).items() if name not in KEPT_PARAMETERS
    }
    if not offered:
        raise SystemExit(f"{session.page} offers no filter: {session.failures or 'see the page'}")
    chosen = dict.fromkeys(offered, 0)
    walk: list[Step] = []
    for _ in range(count):
        name = draw.choice(sorted(offered))
        others = [at for at in range(len(offered[name].options)) if at != chosen[name]]
        chosen[name] = draw.choice(others)
        walk.append((name, chosen[name]))
    return walk


async def measure_walk(
    server: Server, cookie: str, key: PageKey, changes: int, responses: int, what: str
) -> Measured:
    async with page(server, cookie, PAGES_BY_KEY[key].url) as session:
        timer = Timer(server, [], [])
        walk = (
            steps(session, changes)
            if what != "wave"
            else [("wave", at % 2) for at in range(1, changes + 1)]
        )
        received = session.received
        for name, at in walk:
            choice = filters(session)[name]
            await asyncio.sleep(PAUSE_SECONDS)
            # One filter narrows what another offers, so there may be fewer than at first.
            await timer.change(session, choice, choice.options[at % len(choice.options)])
        if session.failures:
            raise SystemExit(f"{key}: {session.failures[0]}")
        return Measured(
            responses,
            key.value,
            what,
            len(walk),
            round(statistics.median(timer.cpu), 1),
            round(statistics.quantiles(timer.cpu, n=20)[-1], 1),
            round(statistics.median(timer.wall), 1),
            round(statistics.quantiles(timer.wall, n=20)[-1], 1),
            round((session.received - received) / len(walk) / 1024, 1),
        )


async def measure(
    server: Server, responses: int, changes: int, pages: Sequence[PageKey]
) -> list[Measured]:
    cookie = server.sign_in(Role.NATIONAL_OFFICIAL)
    measured = []
    for key in pages:
        async with page(server, cookie, PAGES_BY_KEY[key].url) as session:
            await session.run()
        measured += [
            await measure_walk(server, cookie, key, changes, responses, what)
            for what in ("new", "again")
        ]
        await measure_walk(server, cookie, key, min(changes, 4), responses, "wave")
        measured.append(
            await measure_walk(server, cookie, key, min(changes, 12), responses, "wave")
        )
    return measured


def store_of(folder: Path, responses: int) -> Path:
    """The data folder with that many responses; made by a process of its own, for its memory."""
    place = folder / str(responses)
    if not place.exists():
        with small_demo(folder / "small") as small:
            shutil.copytree(small, place)
        if responses > SMALL_DEMO:
            store = [sys.executable, "-m", "benchmarks.dashboards.store", str(place)]
            subprocess.run([*store, str(responses)], check=True, cwd=PROJECT_ROOT)
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description="Server time of a warm filter change.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[62_000, 620_000])
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--pages", type=PageKey, nargs="+", default=PAGES)
    parser.add_argument("--keep", type=Path, help="keep the stores here for another run")
    parser.add_argument("--json", action="store_true")
    chosen = parse_arguments(parser, sizes=[SMALL_DEMO], changes=2, pages=PAGES[:2])
    with tempfile.TemporaryDirectory(prefix="survey-bench-") as temporary:
        folder = chosen.keep or Path(temporary)
        rows: list[Measured] = []
        for responses in chosen.sizes:
            with serving("", store_of(folder, responses), demo=True) as server:
                rows += asyncio.run(measure(server, responses, chosen.changes, chosen.pages))
    show(rows, as_json=chosen.json)


def show(rows: list[Measured], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print("responses  page            what     CPU ms median / p95   wall ms median / p95   kB")
    for row in rows:
        print(
            f"{row.responses:9,}  {row.page:15} {row.what:6}"
            f" {row.cpu_ms_median:10.1f} / {row.cpu_ms_p95:6.1f}"
            f" {row.wall_ms_median:13.1f} / {row.wall_ms_p95:6.1f} {row.kilobytes:9.1f}"
        )
    for (page_name, what), pair in _medians_by_size(rows).items():
        print(f"ratio of CPU medians, {page_name} {what}: {pair[-1] / pair[0]:.2f}")


def _medians_by_size(rows: list[Measured]) -> dict[tuple[str, str], list[float]]:
    medians_by_key: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        medians_by_key.setdefault((row.page, row.what), []).append(row.cpu_ms_median)
    return {key: medians for key, medians in medians_by_key.items() if len(medians) > 1}


if __name__ == "__main__":
    main()
