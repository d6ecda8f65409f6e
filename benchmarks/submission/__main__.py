"""Server CPU of one submitted, fully validated interview through the public form.

    python -m benchmarks.submission [--responses 500] [--database-url URL] [--json]

Starts `survey serve` on a store of its own (SQLite in a temporary folder unless a URL is given),
sends complete interviews of the shipped main questionnaire one after the other, and reads the
server process's CPU clock before and after each. Linux only: other systems do not let one process
read the CPU clock of another to the microsecond.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import Server, serving
from benchmarks.submission.scenario import Scenario, build, payload

WARM_UP = 50


@dataclass(frozen=True)
class Measured:
    database: str
    responses: int
    questions_answered: int
    cpu_ms_median: float
    cpu_ms_p95: float
    cpu_ms_mean: float
    wall_ms_median: float
    bytes_sent: int


def measure(client: httpx2.Client, server: Server, world: Scenario, database: str) -> Measured:
    draw = random.Random(1)
    bodies = [json.dumps(payload(world, token, draw)).encode() for token in world.tokens]
    headers = {"Content-Type": "application/json"}
    cpu: list[float] = []
    wall: list[float] = []
    for body in bodies:
        cpu_before, wall_before = server.cpu(), time.perf_counter()
        answer = client.post("/api/responses", content=body, headers=headers)
        wall.append(time.perf_counter() - wall_before)
        cpu.append(server.cpu() - cpu_before)
        if answer.status_code != httpx2.codes.OK:
            raise SystemExit(f"{answer.status_code}: {answer.text[:500]}")
    cpu, wall = cpu[WARM_UP:], wall[WARM_UP:]
    return Measured(
        database=database,
        responses=len(cpu),
        questions_answered=len(json.loads(bodies[0])["answers"]),
        cpu_ms_median=round(statistics.median(cpu) * 1000, 3),
        cpu_ms_p95=round(statistics.quantiles(cpu, n=20)[-1] * 1000, 3),
        cpu_ms_mean=round(statistics.fmean(cpu) * 1000, 3),
        wall_ms_median=round(statistics.median(wall) * 1000, 3),
        bytes_sent=len(bodies[0]),
    )


def run(url: str | None, responses: int) -> Measured:
    """Measure against a server of our own; the store at `url` gets a benchmark wave."""
    with tempfile.TemporaryDirectory(prefix="survey-bench-") as folder:
        store = url or f"sqlite:///{folder}/survey.db"
        world = build(store, links=responses + WARM_UP)
        with serving(store, Path(folder)) as server, server.client() as client:
            return measure(client, server, world, store.partition(":")[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--responses", type=int, default=500)
    parser.add_argument("--database-url")
    parser.add_argument("--json", action="store_true")
    chosen = parse_arguments(parser, responses=20)
    figures = asdict(run(chosen.database_url, chosen.responses))
    if chosen.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:20} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
