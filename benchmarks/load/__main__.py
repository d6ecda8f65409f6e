"""Interviews a second from many phones at once, with all receipts checked against the store.

    python -m benchmarks.load [--seconds 60] [--clients 32] [--stores sqlite postgresql] [--cold]

A respondent loads the page behind its one-time link over a connection of its own, says as its
script does that the form is shown, and hands in a complete interview of the main questionnaire.
One `survey serve` on SQLite; two on a PostgreSQL with its durable defaults, the respondents split
between their ports as a proxy would. Server, database and respondents share the machine.
`--cold` lets every respondent fetch script,
style and questionnaire too, as a phone does that has never been here.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import Server, serving
from benchmarks.load.clients import LoadResult, Script, run_clients
from benchmarks.load.scenario import Scenario, build, disagreements, interviews
from survey.store.engine import dispose_engines
from survey.web.assets import asset_url
from survey.web.invitation_page import form_url
from tests import postgres_server

WARM_UP_SECONDS = 4
LINKS_A_SECOND = 1000
POSTGRES_OPTIONS = {"listen_addresses": "", "max_connections": "100", "shared_buffers": "128MB"}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figures:
    """One line of the report."""

    store: str
    interviews: int
    per_second: float
    page_ms: tuple[float, float]
    open_ms: tuple[float, float]
    submit_ms: tuple[float, float]
    server_cpu_ms: float
    database_cpu_ms: float
    crowd_cpu_ms: float
    busy: float
    """How much of the machine was at work, everybody's processes included."""
    wrong: tuple[str, ...]


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    """A PostgreSQL that syncs every commit, with its process id."""
    home = Path(tempfile.mkdtemp(prefix="survey-load-pg-", dir=folder))
    server = postgres_server.launch(home, postgres_server.prepare(home), POSTGRES_OPTIONS)
    try:
        postgres_server.wait_until_ready(server, home)
        yield postgres_server.url_of(home), server.pid
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def _cpu_of_family(pid: int) -> float:
    """Seconds of CPU of a process and its children, those that have ended included."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    total = 0
    for each in (pid, *map(int, listed.stdout.split())):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15] if each == pid else fields[11:13]))
    return total / TICKS


def _machine() -> tuple[int, int]:
    """Ticks at work and ticks in all, of the whole machine."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return sum(fields) - fields[3] - fields[4], sum(fields)


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=20)
    return round(statistics.median(seconds) * 1000, 1), round(cuts[-1] * 1000, 1)


def measure(
    world: Scenario, servers: list[Server], database: int | None, chosen: argparse.Namespace
) -> Figures:
    assets = (
        (asset_url("form.js"), asset_url("form.css"), form_url(world.instrument.sha256))
        if chosen.cold
        else ()
    )
    script = Script(
        tuple(("127.0.0.1", server.port) for server in servers),
        assets,
        interviews(world.instrument),
    )
    tokens = iter(world.tokens)

    def run(seconds: float) -> LoadResult:
        return uvloop.run(run_clients(script, tokens, clients=chosen.clients, seconds=seconds))

    warm = run(WARM_UP_SECONDS)
    server_cpu = sum(server.cpu() for server in servers)
    database_cpu = _cpu_of_family(database) if database else 0.0
    own_cpu, machine, started = time.process_time(), _machine(), time.perf_counter()
    counted = run(chosen.seconds)
    lasted = time.perf_counter() - started
    done = len(counted.receipts)
    busy = [after - before for before, after in zip(machine, _machine(), strict=True)]
    own_cpu = time.process_time() - own_cpu
    server_cpu = sum(server.cpu() for server in servers) - server_cpu
    database_cpu = (_cpu_of_family(database) if database else 0.0) - database_cpu
    wrong = [*warm.failures, *counted.failures]
    wrong += disagreements(world, {**warm.receipts, **counted.receipts})
    return Figures(
        store=f"{world.url.partition(':')[0].partition('+')[0]}, {len(servers)} process(es)",
        interviews=done,
        per_second=round(done / lasted, 1),
        page_ms=_percentiles(counted.pages),
        open_ms=_percentiles(counted.opened),
        submit_ms=_percentiles(counted.submits),
        server_cpu_ms=round(server_cpu / done * 1000, 2),
        database_cpu_ms=round(database_cpu / done * 1000, 2),
        crowd_cpu_ms=round(own_cpu / done * 1000, 2),
        busy=round(busy[0] / busy[1], 2),
        wrong=tuple(wrong[:5]),
    )


def run(store: str, chosen: argparse.Namespace) -> Figures:
    links = int((chosen.seconds + WARM_UP_SECONDS) * LINKS_A_SECOND)
    folder = Path(tempfile.mkdtemp(prefix="survey-load-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            url, database = f"sqlite:///{folder}/survey.db", None
            if store == "postgresql":
                url, database = stack.enter_context(postgresql(folder))
            world = build(url, links=links)
            dispose_engines()
            count = 1 if store == "sqlite" else 2
            servers = [stack.enter_context(serving(url, folder)) for _ in range(count)]
            figures = measure(world, servers, database, chosen)
            dispose_engines()
            return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(result: Figures) -> None:
    print(f"{result.store}: {result.interviews} interviews, {result.per_second} a second")
    figures = {"page": result.page_ms, "open": result.open_ms, "hand in": result.submit_ms}
    for name, (median, p95) in figures.items():
        print(f"  {name:8} p50 {median} ms, p95 {p95} ms")
    print(
        f"  CPU an interview: server {result.server_cpu_ms} ms, database "
        f"{result.database_cpu_ms} ms, respondents {result.crowd_cpu_ms} ms; "
        f"machine busy {result.busy:.0%}"
    )
    print("  every receipt is in the store exactly once" if not result.wrong else "  WRONG:")
    for each in result.wrong:
        print(f"    {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--cold", action="store_true")
    chosen = parse_arguments(parser, seconds=2.0, clients=2, stores=["sqlite"])
    results = [run(store, chosen) for store in chosen.stores]
    for result in results:
        show(result)
    if any(this_result.wrong for this_result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
