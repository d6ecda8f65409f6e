"""Workbook that a sender fills in: the columns with an example, and the codes of a version."""

import io

from openpyxl import Workbook

from survey.context.complaints.areas import leaf_areas
from survey.context.complaints.code_lists import CodeListName, shipped_code_lists
from survey.context.complaints.columns import AREA, COLUMNS, MEASURES
from survey.locale import msg, translator
from survey.sample.city_frame import shipped_cities
from survey.spreadsheets import write_text_cell


def write_template(version: str = "") -> bytes:
    """Return the template as an Excel workbook; the first worksheet is the one that is read."""
    lists, t = shipped_code_lists(), translator("zh")
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = t(msg("Counts"))
    for number, (key, column) in enumerate(COLUMNS.items(), start=1):
        write_text_cell(sheet.cell(1, number), column.names[0])
        is_number = key in MEASURES
        sheet.cell(2, number).value = float(column.example) if is_number else column.example
        sheet.column_dimensions[sheet.cell(1, number).column_letter].width = 18
    codes = workbook.create_sheet(t(msg("Codes")))
    codes.append([t(msg("Column")), t(msg("Code")), t(msg("Name"))])
    for name in CodeListName:
        for each in lists.listed(name, version):
            codes.append([COLUMNS[name].names[0], each.code, each.name_zh])
    cities = {city.code: city.name_zh for city in shipped_cities()}
    rest = t(msg("Other areas of the province"))
    for area in leaf_areas():
        codes.append([COLUMNS[AREA].names[0], area, cities.get(area, rest)])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()
