"""Responses of a snapshot on disk: a Parquet file a province, or a city of a large province.

Whoever reads a wave part by part holds no more than the largest file.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    # Whoever only compares the files of a snapshot with its seals starts without the library.
    import pandas as pd

ID_COLUMN = "response_id"
SHARED_CATEGORIES = (
    "city_code", "psu", "stratum", "surveyor", "mode", "mode:offered", "language",
)  # fmt: skip
MAX_PART_ROWS = 100_000
"""Interviews of a province that lie in one file."""
_PROVINCE_DIGITS, _CODE_DIGITS = 2, 6
_FILE_NAME = re.compile(r"(responses|earlier)(-\w+)?\.parquet")


class ResponseFile(BaseModel):
    """One Parquet file of a snapshot, with all responses of some cities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    cities: tuple[str, ...]
    rows: int
    with_point: int
    """Responses with a sampling point."""
    sha256: str


def is_response_file(name: str) -> bool:
    """Return whether a file name of a snapshot is one of responses, not of a computed table."""
    return _FILE_NAME.fullmatch(name) is not None


def plan_files(
    rows_of_city: Mapping[str, int], kind: str = "responses"
) -> dict[str, tuple[str, ...]]:
    """Return file name -> its cities: a file per province, or per city of one with many rows.

    Args:
        kind: `responses`, or `earlier` for those of an overlap.
    """
    provinces: dict[str, list[str]] = {}
    for city in sorted(rows_of_city):
        provinces.setdefault(city[:_PROVINCE_DIGITS], []).append(city)
    files: dict[str, tuple[str, ...]] = {}
    for province, cities in provinces.items():
        if sum(rows_of_city[city] for city in cities) > MAX_PART_ROWS:
            files.update({_build_file_name(kind, city): (city,) for city in cities})
        else:
            files[_build_file_name(kind, province)] = tuple(cities)
    return files


def _build_file_name(kind: str, code: str) -> str:
    return f"{kind}-{code.ljust(_CODE_DIGITS, '0')}.parquet"


def describe_file(name: str, frame: "pd.DataFrame", data: bytes) -> ResponseFile:
    """Return a response file's manifest entry from the rows of `frame` and its bytes `data`."""
    return ResponseFile(
        name=name,
        cities=tuple(sorted(frame["city_code"].astype(str).unique())),
        rows=len(frame),
        with_point=int(frame["psu"].notna().sum()),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def hash_of_files(files: Iterable[ResponseFile]) -> str:
    """Return one SHA-256 over the names and hashes of all files."""
    lines = "".join(f"{file.name} {file.sha256}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def join_files(contents: Sequence[bytes | Path]) -> "pd.DataFrame":
    """Return the responses in the given files as one frame, sorted by id."""
    if len(contents) == 1:
        return read_file(contents[0])
    tables = [_read_table(content) for content in contents]
    joined = pa.concat_tables(_drop_categories(table) for table in tables)
    order = joined.column(ID_COLUMN).to_pandas().argsort(kind="stable")
    frame: pd.DataFrame = joined.unify_dictionaries().take(pa.array(order)).to_pandas()
    return frame.astype({name: "category" for name in SHARED_CATEGORIES if name in frame})


def read_file(content: bytes | Path | pa.NativeFile) -> "pd.DataFrame":
    """Return the responses in one file as a frame, in the order of the file."""
    frame: pd.DataFrame = _read_table(content).to_pandas(use_threads=False)
    return frame


def _read_table(content: bytes | Path | pa.NativeFile) -> pa.Table:
    """Return the Parquet table in one file, given as bytes, path or open file; in one thread."""
    with pq.ParquetFile(BytesIO(content) if isinstance(content, bytes) else content) as file:
        return file.read(use_threads=False)


def _drop_categories(table: pa.Table) -> pa.Table:
    """Return a table with its shared category columns as text, since their codes vary by file."""
    for place, field in enumerate(table.schema):
        if field.name in SHARED_CATEGORIES and pa.types.is_dictionary(field.type):
            text = table.column(place).cast(pa.string())
            table = table.set_column(place, field.name, text)
    return table
