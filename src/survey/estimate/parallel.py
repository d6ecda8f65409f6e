"""Chunks on several threads. numpy lets go of the interpreter inside its loops, and every part of
a result has its own place, so that the bytes do not depend on the number of threads."""

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
MOST_THREADS = 4


def in_parallel(work: Callable[[Sequence[Part]], None], parts: Sequence[Part]) -> None:
    """Call `work` on consecutive shares of `parts`, one thread for each."""
    threads = min(MOST_THREADS, os.cpu_count() or 1, len(parts))
    if threads < 2:
        return work(parts)
    edges = [len(parts) * i // threads for i in range(threads + 1)]
    shares = [parts[a:b] for a, b in itertools.pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, share) for share in shares]:
            done.result()
    return None
