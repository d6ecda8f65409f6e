"""The raw sums of the cube by other engines, from the same files."""

import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.estimate.peers import ITEMS, is_installed
from benchmarks.estimate.synthetic import groups_20
from benchmarks.freeze.city_files import BASE_WEIGHT

KEYS = ("city", "stratum", "point")


def measure_peers(paths: Sequence[Path]) -> None:
    """Print the seconds of each peer that is installed: sums of w r and w r y by PSU and group.

    Those of the processor count all threads, and are what can be compared on a busy machine.

    They read, sum and stop there: no weights, products, errors or intervals. Their import is not
    counted.
    """
    for name, run in (("polars", _polars_sums), ("duckdb", _duckdb_sums)):
        if not is_installed(name):
            print(f"{name}: not installed")
            continue
        import_module(name)
        start, processor = time.perf_counter(), time.process_time()
        lines = run(paths)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        print(f"{name}: {seconds:.1f} s, {processor:.1f} of processor, {lines} lines")


def _polars_sums(paths: Sequence[Path]) -> int:
    import polars as pl

    rows = pl.scan_parquet(list(paths)).with_columns(pl.col(KEYS).cast(pl.String))
    weight = pl.col(BASE_WEIGHT)
    known = {item: pl.col(item) >= 0 for item in ITEMS}
    sums = [(known[item] * weight).sum().alias(f"w_{item}") for item in ITEMS]
    sums += [(known[item] * pl.col(item) * weight).sum().alias(item) for item in ITEMS]
    lines = 0
    for group in groups_20().values():
        if group is None:
            part = rows
        elif isinstance(group, tuple):
            part = rows.filter(pl.col(group[0]).cast(pl.String) == group[1])
        else:
            part = rows.filter(pl.col(group))
        lines += len(part.group_by(KEYS).agg(sums).collect(engine="streaming"))
    return lines


def _duckdb_sums(paths: Sequence[Path]) -> int:
    import duckdb

    files = ", ".join(f"'{path}'" for path in paths)
    sums = ", ".join(
        f"sum({BASE_WEIGHT}) filter ({item} >= 0), sum({BASE_WEIGHT} * {item}) filter ({item} >= 0)"
        for item in ITEMS
    )
    lines = 0
    for group in groups_20().values():
        where = "true"
        if isinstance(group, tuple):
            where = f"{group[0]} = '{group[1]}'"
        elif group is not None:
            where = str(group)
        query = (
            f"select {', '.join(KEYS)}, {sums} from read_parquet([{files}]) "
            f"where {where} group by {', '.join(KEYS)}"
        )
        lines += len(duckdb.sql(query).fetchall())
    return lines
