"""Workbook that a sender fills in: the columns with an example, and the codes of a version."""

import io
from collections.abc import Mapping

from openpyxl import Workbook

from survey.context.areas import leaf_areas
from survey.context.code_lists import CodeListName, shipped_code_lists
from survey.context.delivered_columns import DeliveredColumn
from survey.locale import msg, translator
from survey.sample.city_frame import shipped_cities
from survey.spreadsheets import write_text_cell


def write_template(
    columns: Mapping[str, DeliveredColumn],
    *,
    numbers: frozenset[str],
    codes: Mapping[str, CodeListName],
    area: str,
    version: str = "",
) -> bytes:
    """Return the template as an Excel workbook; the first worksheet is the one that is read.

    Args:
        numbers: Columns that hold numbers.
        codes: Code list by column.
        area: Column with the code of an area.
    """
    lists, t = shipped_code_lists(), translator("zh")
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = t(msg("Counts"))
    for number, (key, column) in enumerate(columns.items(), start=1):
        write_text_cell(sheet.cell(1, number), column.names[0])
        value = float(column.example) if key in numbers else column.example
        sheet.cell(2, number).value = value
        sheet.column_dimensions[sheet.cell(1, number).column_letter].width = 18
    listed = workbook.create_sheet(t(msg("Codes")))
    listed.append([t(msg("Column")), t(msg("Code")), t(msg("Name"))])
    for key, name in codes.items():
        for each in lists.listed(name, version):
            listed.append([columns[key].names[0], each.code, each.name_zh])
    cities = {city.code: city.name_zh for city in shipped_cities()}
    rest = t(msg("Other areas of the province"))
    for code in leaf_areas():
        listed.append([columns[area].names[0], code, cities.get(code, rest)])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()
