"""The long run: `python -m tests.fuzz --minutes 30`. Prints and keeps what it finds."""

import argparse
import random
import sys
import time
from pathlib import Path

from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import nasty_inputs, save_input, valid_inputs
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker_process import worker_process


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10.0, help="for all parsers together")
    asked.add_argument("--only", choices=sorted(TARGETS), action="append")
    asked.add_argument("--seed", type=int, default=None, help="a run can be repeated with its seed")
    asked.add_argument("--found", type=Path, default=Path("fuzz-found"))
    given = asked.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    targets = given.only or list(TARGETS)
    sys.stdout.write(f"seed {seed}\n")
    faults = sum(
        hunt(target, given.minutes * 60 / len(targets), seed, given.found) for target in targets
    )
    return 1 if faults else 0


def hunt(target: str, seconds: float, seed: int, folder: Path) -> int:
    """Mutations of good and of nasty input until the time is over; returns the faults."""
    chance = random.Random(f"{target}/{seed}")
    pool = [
        valid_inputs(target),
        *(content for _, content in nasty_inputs(target) if len(content) < 100_000),
    ]
    ends, count, faults = time.monotonic() + seconds, 0, 0
    while time.monotonic() < ends:
        with worker_process() as parser:
            parser.feed(target, valid_inputs(target))
            for _ in range(2_000):
                content = mutate(chance.choice(pool), chance.randrange(2**32))
                verdict = parser.feed(target, content)
                count += 1
                if verdict.fault:
                    faults += 1
                    kept = save_input(folder, target, content)
                    sys.stdout.write(f"{target}: {verdict.fault} {kept}\n")
                if verdict.fault or time.monotonic() > ends:
                    break
    sys.stdout.write(f"{target}: {count} inputs, {faults} faults\n")
    return faults


if __name__ == "__main__":
    sys.exit(main())
