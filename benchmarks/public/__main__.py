"""The public site of one full release: its time and size, and pages beside respondents.

    python -m benchmarks.public --demo FOLDER [--seconds 20] [--clients 16]

FOLDER is the data folder of a demonstration with signed releases (`survey demo`); it is copied.
Measured are the site of its newest release against the tidy CSV of the same wave, sizes, and one
`survey serve` whose visitors read pages, hand in interviews, and do both at once. Where no release
is signed, as in a small demonstration, one is, without an audit of its counts: to run, not to read.
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import uvloop

from benchmarks.arguments import is_quick, parse_arguments
from benchmarks.live_server import Server, serving, small_demo
from benchmarks.load.clients import LoadResult, Script, run_clients
from benchmarks.load.scenario import Scenario, build, interviews
from survey.access.work import operator_work
from survey.cli.demo_releases import publish_demo_wave
from survey.figures.tables.formats import TableFormat, table_file
from survey.release.publishing_steps import build_key_list
from survey.results.snapshots import get_newest_snapshot
from survey.results.whole_audits import CountAudit, record_audit
from survey.settings import Settings
from survey.site.public_site import install_site, plan_current_site
from survey.site.site_folder import FILES
from survey.store.engine import dispose_engines, read_scope, session_scope

WAVE = "main-2024"
MAX_TIMES_TIDY, MAX_PAGE_BYTES, MAX_TABLE_BYTES, MAX_VIEW_BYTES = 20, 60e6, 150e6, 100_000
MIN_TIMES_INTERVIEWS = 3
_TABLE_FOLDERS = frozenset({FILES, "api"})
_LINKS_A_SECOND, _PACE = 1_000, 50
"""Pages a second that are read while respondents are measured."""
_MEGABYTE = 1e6
_SITES = shutil.ignore_patterns("site")


@dataclass
class PageReads:
    """Pages that visitors read, and how long each took."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0


@contextmanager
def demo_folder(given: Path | None, parent: Path) -> Iterator[Path]:
    """A copy of a demonstration with a public release."""
    if given is not None:
        yield Path(shutil.copytree(given, parent / "demo", ignore=_SITES))
        return
    with small_demo(parent) as folder:
        settings = _settings(folder)
        with session_scope(settings.store_url) as session:
            wave, snapshot = get_newest_snapshot(session, WAVE)
            audit = CountAudit(bases=1, hidden=1, audited=1, narrow=0)
            record_audit(
                operator_work(session, settings), wave=wave, snapshot=snapshot, audit=audit
            )
        publish_demo_wave(settings, WAVE)
        yield folder


def _settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url="", demo=True, public_url="http://127.0.0.1")


def measure_site(settings: Settings, out: Path) -> list[str]:
    """Build the site of the newest release in this process; return the budgets that it breaks."""
    with read_scope(settings.store_url) as session:
        plan = plan_current_site(session, settings)
        started = time.process_time()
        tidy = table_file(
            operator_work(session, settings), wave_key=WAVE, form=TableFormat.CSV, language="zh"
        )
        tidy_seconds = time.process_time() - started
        assert build_key_list(session, settings) == plan.keys_document
    archives = tuple(each for each in plan.archives if each[1].startswith(WAVE))
    started = time.process_time()
    count = replace(plan, archives=archives).write(out)
    seconds = time.process_time() - started
    sizes = {path.relative_to(out).as_posix(): path.stat().st_size
             for path in out.rglob("*") if path.is_file()}  # fmt: skip
    tables = sum(size for path, size in sizes.items() if path.partition("/")[0] in _TABLE_FOLDERS)
    pages = sum(sizes.values()) - tables
    shared = sum(size for path, size in sizes.items() if "/" not in path
                 and path.endswith((".css", ".js")))  # fmt: skip
    view = shared + max(size for path, size in sizes.items() if path.endswith(".html"))
    times = seconds / tidy_seconds
    print(f"site of one release: {count} files, {seconds:.1f} s of CPU, {times:.1f} times its tidy "
          f"CSV ({tidy_seconds:.1f} s, {len(tidy) / _MEGABYTE:.0f} MB)")  # fmt: skip
    print(f"  pages and charts {pages / _MEGABYTE:.1f} MB, tables {tables / _MEGABYTE:.1f} MB, "
          f"largest first view {view / 1000:.0f} kB before compression")  # fmt: skip
    budgets = {
        f"{times:.1f} times the tidy CSV": times <= MAX_TIMES_TIDY,
        f"pages of {pages / _MEGABYTE:.0f} MB": pages <= MAX_PAGE_BYTES,
        f"tables of {tables / _MEGABYTE:.0f} MB": tables <= MAX_TABLE_BYTES,
        f"a view of {view / 1000:.0f} kB": view <= MAX_VIEW_BYTES,
    }
    return [name for name, is_kept in budgets.items() if not is_kept]


async def read_pages(
    server: Server, paths: list[str], *, clients: int, seconds: float, pace: float = 0.0
) -> PageReads:
    """Let visitors read pages over connections that stay open, `pace` a second if given."""
    counted, until = PageReads(), time.perf_counter() + seconds

    async def visit(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        at = number
        while time.perf_counter() < until:
            path, at = paths[at % len(paths)], at + clients
            started = time.perf_counter()
            writer.write(f"GET /data/{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                         "Accept-Encoding: gzip\r\n\r\n".encode())  # fmt: skip
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n")
                          if line.startswith(b"content-length"))  # fmt: skip
            await reader.readexactly(length)
            counted.seconds.append(time.perf_counter() - started)
            counted.failures += not head.startswith(b"HTTP/1.1 200")
            if pace:
                await asyncio.sleep(max(clients / pace - (time.perf_counter() - started), 0.0))
        writer.close()

    await asyncio.gather(*map(visit, range(clients)))
    return counted


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1] * 1000


def measure_serving(
    server: Server, world: Scenario, paths: list[str], chosen: argparse.Namespace
) -> list[str]:
    """Pages alone, respondents alone, and both; return the budgets that are broken."""
    script = Script((("127.0.0.1", server.port),), (), interviews(world.instrument))
    tokens = iter(world.tokens)

    async def respond() -> LoadResult:
        return await run_clients(script, tokens, clients=chosen.clients, seconds=chosen.seconds)

    async def both() -> tuple[LoadResult, PageReads]:
        reading = read_pages(server, paths, clients=2, seconds=chosen.seconds, pace=_PACE)
        answered, read = await asyncio.gather(respond(), reading)
        return answered, read

    uvloop.run(respond())  # warm
    alone = uvloop.run(respond())
    pages = uvloop.run(read_pages(server, paths, clients=chosen.clients, seconds=chosen.seconds))
    beside, read = uvloop.run(both())
    rate, page_rate = (len(each) / chosen.seconds for each in (alone.receipts, pages.seconds))
    print(f"interviews {rate:.0f} a second, pages {page_rate:.0f} a second ({page_rate / rate:.1f} "
          f"times), page p95 {p95(pages.seconds):.1f} ms")  # fmt: skip
    print(f"  handing in: p95 {p95(alone.submits):.1f} ms alone, {p95(beside.submits):.1f} ms "
          f"beside {len(read.seconds) / chosen.seconds:.0f} pages a second "
          f"({len(beside.receipts) / chosen.seconds:.0f} interviews a second)")  # fmt: skip
    failures = [*alone.failures, *beside.failures][:3]
    if pages.failures or read.failures:
        failures.append(f"{pages.failures + read.failures} pages were not served")
    if not is_quick() and page_rate < MIN_TIMES_INTERVIEWS * rate:
        failures.append(f"{page_rate / rate:.1f} pages an interview")
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--demo", type=Path, help="data folder of a demonstration with releases")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=16)
    chosen = parse_arguments(parser, seconds=1.0, clients=2)
    with ExitStack() as stack:
        parent = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = stack.enter_context(demo_folder(chosen.demo, parent))
        settings = _settings(folder)
        broken = measure_site(settings, parent / "site")
        with read_scope(settings.store_url) as session:
            install_site(settings, plan_current_site(session, settings.model_copy(
                update={"public_url": ""})))  # fmt: skip
        links = int(4 * chosen.seconds * _LINKS_A_SECOND)
        world = build(settings.store_url, links=links)
        dispose_engines()
        paths = [path.parent.relative_to(parent / "site").as_posix() + "/" for path in
                 (parent / "site" / WAVE).rglob("index.html")]  # fmt: skip
        server = stack.enter_context(serving(settings.store_url, folder, demo=True))
        with server.client() as client:
            while client.get("/data/").status_code != httpx2.codes.OK:
                time.sleep(1)
        failures = measure_serving(server, world, paths, chosen)
    for each in (*(() if is_quick() else broken), *failures):
        print(f"BROKEN: {each}")
    if failures or (broken and not is_quick()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
