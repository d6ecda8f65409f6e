"""64 workers on PostgreSQL doing everything at once, and what must hold afterwards.

    python -m benchmarks.mixed_workload [--pieces 200] [--threads 64] [--engines 4] [--seed 1]

Ten kinds of work, so many pieces of each: interviews through links (three share a transaction, one
is sent twice), assisted interviews, decisions, bulk decisions, corrections, imports, quota
policies, taking out and back, 60 phones for 20 places; and a final freeze amid all of it. The
workers share several engines, each with a pool of its own, as several processes would.
"""

import argparse
import random
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.arguments import parse_arguments
from benchmarks.load.__main__ import postgresql
from benchmarks.mixed_workload.invariants import find_violations
from benchmarks.mixed_workload.scenario import build, engines
from benchmarks.mixed_workload.workers import CLIENTS_PER_TRANSACTION, Crowd
from benchmarks.submission.scenario import INSTRUMENT, ROOT, complete_answers
from survey.store.engine import dispose_engines, session_scope
from survey.store.schema import upgrade
from survey.store.transactions import conflict_counts
from survey.waves.instruments import find_instrument, load_reference_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--engines", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parse_arguments(parser, pieces=5, threads=4, engines=2)
    folder = Path(tempfile.mkdtemp(prefix="survey-mixture-"))
    folder.chmod(0o755)
    try:
        with postgresql(folder) as (url, _):
            upgrade(url)
            load_reference_data(url, ROOT / "seed")
            with session_scope(url) as session:
                instrument = find_instrument(session=session, name=INSTRUMENT)
            world = build(
                url,
                instrument=instrument,
                now=datetime.now(UTC),
                complete=complete_answers(instrument, random.Random(chosen.seed)),
                links=chosen.pieces * 2 * CLIENTS_PER_TRANSACTION,
            )
            crowd = Crowd(engines(url, chosen.engines), world, chosen.seed)
            started = time.perf_counter()
            report = crowd.work(chosen.pieces, chosen.threads)
            lasted = time.perf_counter() - started
            wrong = find_violations(url, world, report)
            dispose_engines()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(report.done.values())} pieces of work in {lasted:.0f} s: {dict(report.done)}")
    print(f"refused in words: {dict(report.refused)}")
    print(f"begun again: {conflict_counts()}")
    print("\n".join(["WRONG:", *wrong[:20]]) if wrong else "everything that must hold holds")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
