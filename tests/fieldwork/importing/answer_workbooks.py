"""Workbooks of answers, well-made and hostile, as bytes."""

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook, load_workbook


def build_workbook(
    *rows: Sequence[object], title: str = "Sheet1", **others: Sequence[Sequence[object]]
) -> bytes:
    """One sheet of rows, and other sheets by name."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, table in {title: rows, **others}.items():
        sheet = workbook.create_sheet(name)
        for row in table:
            sheet.append(list(row))
    return save_workbook(workbook)


def change_workbook(content: bytes, change: Callable[[Any], object]) -> bytes:
    """The workbook after somebody worked on its first sheet."""
    workbook = load_workbook(io.BytesIO(content))
    change(workbook.worksheets[0])
    return save_workbook(workbook)


def save_workbook(workbook: Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def repack_workbook(content: bytes, parts: dict[str, bytes | None]) -> bytes:
    """The archive with parts replaced, added or (None) left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, part in parts.items():
            if part is not None:
                new.writestr(name, part, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def sheet_xml(rows: str) -> bytes:
    """A worksheet written by hand."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()
