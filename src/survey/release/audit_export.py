"""Export of the audit trail as CSV or a workbook that a spreadsheet cannot run."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TextIO

import orjson

from survey.access.audit_queries import TrailEntry
from survey.figures.figure_table import BYTE_ORDER_MARK
from survey.frame.workbook_io import WorkbookColumn, WorkbookSheet, write_workbook
from survey.locale import Message, Translator, msg
from survey.spreadsheets import csv_row
from survey.store.china_time import CHINA

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MAX_CELL_CHARS = 32_000
_COLUMNS: tuple[tuple[str, Message, int], ...] = (
    ("number", msg("Number"), 10),
    ("time", msg("Time (China)"), 20),
    ("person", msg("Person"), 20),
    ("action", msg("Action"), 26),
    ("subject", msg("About"), 18),
    ("id", msg("Its id"), 38),
    ("before", msg("Before"), 40),
    ("after", msg("After"), 40),
    ("more", msg("More"), 40),
    ("seal", msg("Seal"), 66),
)


def format_china_time(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def write_csv(file: TextIO, entries: Iterable[TrailEntry], t: Translator) -> int:
    """Write audit entries to `file` as CSV with a heading; return the number of entries."""
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([t(label) for _, label, _ in _COLUMNS])
    count = 0
    for cells in _iter_entry_rows(entries):
        count += 1
        writer.writerow(csv_row(cells))
    return count


def build_audit_workbook(entries: Iterable[TrailEntry], language: str) -> bytes:
    columns = tuple(WorkbookColumn(key, label, width) for key, label, width in _COLUMNS)
    rows = [
        [
            _UNWRITABLE.sub("", cell)[:_MAX_CELL_CHARS] if isinstance(cell, str) else cell
            for cell in cells
        ]
        for cells in _iter_entry_rows(entries)
    ]
    return write_workbook([WorkbookSheet("audit", columns, rows)], language)


def _iter_entry_rows(entries: Iterable[TrailEntry]) -> Iterator[tuple[str | int, ...]]:
    for entry in entries:
        more = {name: value for name, value in entry.detail.items() if name not in {"from", "to"}}
        yield (
            entry.number,
            format_china_time(entry.at),
            entry.actor,
            entry.action,
            entry.subject or entry.subject_kind,
            entry.subject_id,
            _format_json(entry.detail.get("from")),
            _format_json(entry.detail.get("to")),
            _format_json(more or None),
            entry.hash,
        )


def _format_json(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
