"""Columns of the CSV files of the site as CSVW, so that programs read them without guessing."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from survey.figures.figure_table import BYTE_ORDER_MARK, VALUES
from survey.locale import LANGUAGES, translator
from survey.release.figures import RELEASED_COLUMNS
from survey.release.file_builders import FIGURES_FILE
from survey.site.released_archive import ReleasedArchive

_SUFFIX, METADATA_SUFFIX = ".csv", ".csv-metadata.json"
_CONTEXT = "http://www.w3.org/ns/csvw"
_NUMBERS, _COUNTS = frozenset({*VALUES[:-1], "deff"}), frozenset({"n"})
_MAX_READ_BYTES = 2_000_000
"""Of longer files the names of the columns say what they hold."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Document = Mapping[str, Any]


def mark_title(release: ReleasedArchive, language: str) -> str:
    """Return the title of a release, which says of a demonstration that it is one."""
    mark = translator(language)("Demonstration data")
    title = f"{release.title(language)} ({release.manifest.id})"
    return f"{mark} {title}" if release.manifest.demo else title


def describe_csv_files(
    release: ReleasedArchive, paths: Iterable[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and CSVW metadata of each CSV among the files of a release, to lie beside it.

    Args:
        paths: Names of its files within its folder, with `.gz` where they are compressed.
    """
    for path in paths:
        name, url = path.removesuffix(".gz"), path.rpartition("/")[2]
        if not name.endswith(_SUFFIX):
            continue
        table = (
            {"url": url, "tableSchema": describe_figures()}
            if name == FIGURES_FILE
            else _describe_table(url, release.read(name))
        )
        document = {**_describe_origin(release), **table}
        yield (
            f"{name.removesuffix(_SUFFIX)}{METADATA_SUFFIX}",
            orjson.dumps(document, option=orjson.OPT_INDENT_2),
        )


def describe_area_tables(release: ReleasedArchive, tokens: Iterable[str]) -> bytes:
    """Return the CSVW metadata of the tables of all areas: the columns of the figures."""
    tables = [{"url": f"{token}{_SUFFIX}.gz"} for token in tokens]
    origin = _describe_origin(release)
    document = {**origin, "tables": tables, "tableSchema": describe_figures()}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def describe_figures() -> Document:
    """Return the schema of the columns of `figures.csv`."""
    columns = [_describe_column(name, _type_of(name)) for name in RELEASED_COLUMNS]
    for column in columns:
        column["required"] = column["name"] not in {*VALUES, "mark"}
    return {"columns": columns, "primaryKey": RELEASED_COLUMNS[0]}


def _describe_origin(release: ReleasedArchive) -> Document:
    return {
        "@context": _CONTEXT,
        "dc:title": [
            {"@value": mark_title(release, language), "@language": language}
            for language in LANGUAGES
        ],
        "dc:identifier": release.manifest.id,
    }


def _describe_table(url: str, content: bytes) -> Document:
    """Return url, dialect and columns of a table; lines of one cell above its head are remarks."""
    is_long = len(content) > _MAX_READ_BYTES
    text = content[:_MAX_READ_BYTES].decode(errors="ignore").removeprefix(BYTE_ORDER_MARK)
    rows = csv.reader(io.StringIO(text, newline=""))
    above, head = 0, next(rows)
    while len(head) == 1 and (below := next(rows, None)) is not None:
        above, head = above + 1, below
    body = [] if is_long else list(rows)
    columns = []
    for place, title in enumerate(head):
        values = [row[place] for row in body if row[place]]
        kind = _type_of(title) if is_long else _guess_type(values)
        columns.append(_describe_column(title, kind, place))
    return {"url": url, "dialect": {"skipRows": above}, "tableSchema": {"columns": columns}}


def _describe_column(title: str, kind: str, place: int = 0) -> dict[str, Any]:
    name = title if _NAME.fullmatch(title) else f"column_{place + 1}"
    return {"name": name, "titles": title, "datatype": kind}


def _type_of(name: str) -> str:
    return "decimal" if name in _NUMBERS else "integer" if name in _COUNTS else "string"


def _guess_type(values: Sequence[str]) -> str:
    if not values or not all(map(_NUMBER.fullmatch, values)):
        return "string"
    return "decimal" if any("." in value for value in values) else "integer"
