"""Cache of results files, which are compared with their seals when they are read."""

from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from survey.locale import msg
from survey.results.category_index import CategoryIndex
from survey.results.method import MethodRecord
from survey.results.precision import to_published_table
from survey.snapshot.seals import read_file
from survey.snapshot.snapshot_files import SnapshotDamagedError

_ASKED_BY = ("contrast", "basis", "composite", "area_level", "area", "group", "indicator")


def file_age(path: Path) -> int:
    """Return when a results file was last written, in nanoseconds.

    Raises:
        SnapshotDamagedError: the file is missing.
    """
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise SnapshotDamagedError(
            msg("The results in {folder} are missing. Freeze the wave again.", folder=path.parent)
        ) from error


@lru_cache(maxsize=32)
def cached_table(path: Path, _age: int) -> CategoryIndex:
    """Return a results file, kept in memory until it is written anew."""
    table = pd.read_parquet(BytesIO(read_file(path)))
    return CategoryIndex(table, [column for column in _ASKED_BY if column in table.columns])


@lru_cache(maxsize=32)
def published_table(path: Path, age: int) -> CategoryIndex:
    """Return the same file as published: rounded, and with one reason for hidden rows."""
    return cached_table(path, age).finished(to_published_table)


def read_method(path: Path) -> MethodRecord:
    """Return the record of how the tables beside it were computed."""
    return _method(path, file_age(path))


@lru_cache(maxsize=32)
def _method(path: Path, _age: int) -> MethodRecord:
    try:
        return MethodRecord.model_validate_json(read_file(path))
    except ValidationError as error:
        raise SnapshotDamagedError(
            msg(
                "The results in {folder} were computed by another version of the software. An "
                "administrator computes them again with the command: survey recompute",
                # Readers are not told where on the server the files lie.
                folder="/".join(path.parent.parts[-2:]),
            )
        ) from error
