"""Workbooks as people make them, built cell by cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook

Table = Sequence[Sequence[object]]


def save(path: Path, sheets: Mapping[str, Table]) -> Path:
    """Write tables, header first, one sheet each."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


def form(
    folder: Path,
    survey: Table,
    choices: Table = (("list_name", "name", "label"),),
    settings: Table = (("form_title", "form_id", "version"), ("A form", "a_form", "1")),
) -> Path:
    return save(folder / "form.xlsx", {"survey": survey, "choices": choices, "settings": settings})
