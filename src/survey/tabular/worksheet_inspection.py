"""Inspection of a worksheet's bytes before a workbook parser opens them.

The parser gives every cell between the first and the last one its place in memory, and hands out
formulas and errors as if they were empty cells.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from defusedxml import ElementTree

from survey.locale import msg
from survey.tabular.text_table import FileUnreadableError

MAX_WORKSHEET_CELLS = 12_000_000
"""Cells of the rectangle around everything in a sheet, empty ones included."""
_CHUNK_BYTES = 2**20
_OVERLAP = 2**10
_LETTERS = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})[0-9]{1,7}[\"']")
_DIGITS = re.compile(rb"\br\s*=\s*[\"'][A-Z]{0,3}([0-9]{1,7})[\"']")
_CELL = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3}[0-9]{1,7})[\"']")
_USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"')
_USUAL_ROW = re.compile(rb'<row r="([0-9]{1,7})"')
"""References as programs write them; found ten times as fast as by the patterns above."""
_CAPITALS, _FIGURES = bytes(range(65, 91)), bytes(range(48, 58))
_UNSAFE_MARKUP = re.compile(
    rb"<(?:\w+:)?(?:(?P<formula>f)[\s/>]|(?P<merged>mergeCell)\s)"
    rb"|\bt\s*=\s*[\"'](?P<error>e)[\"']"
)
_HINTS = (b"<f", b":f", b"mergeCell", b't="e"', b"t='e'")
"""Without any of these bytes the pattern above finds nothing, and they are found much faster."""
_CELL_WITHOUT_REFERENCE = re.compile(
    rb"<(?:\w+:)?c(?:\s+(?!r\s*=)[\w:]+\s*=\s*[\"'][^\"']*[\"'])*\s*/?>"
)
"""A cell without a reference: no spreadsheet program writes one."""
_INVALID_CELL_REFERENCE = re.compile(
    rb"<(?:\w+:)?c\s(?:[^<>]*?\s)?r\s*=\s*[\"'](?![A-Z]{1,3}[0-9]{1,7}[\"'])[^\"'<>]*[\"']"
)
"""A cell with a reference beyond any worksheet; the parser would allocate all cells before it."""
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class WorksheetInspection:
    """Result for a worksheet: whether it has cells, and why it cannot be imported, if so."""

    filled: bool
    problem: FileUnreadableError | None


def inspect_sheet(
    archive: zipfile.ZipFile, name: str, *, allows_merged: bool = False
) -> WorksheetInspection:
    """Return whether a worksheet has cells, and its first formula, error or merged cell if any.

    Args:
        allows_merged: Whether merged cells are no problem.

    Raises:
        FileUnreadableError: The worksheet would harm the parser.
    """
    rows, columns, problem = 0, set[bytes](), None
    for chunk in _iter_chunks(archive, _find_worksheet_part(archive, name)):
        chunk_columns, chunk_rows = _read_usual_references(chunk) or _read_references(chunk)
        columns |= chunk_columns
        rows = max(rows, *map(int, chunk_rows), 0)
        problem = problem or _find_unsafe_markup(name, chunk, allows_merged)
        if rows * max(map(column_number, columns), default=0) > MAX_WORKSHEET_CELLS:
            raise FileUnreadableError(
                msg(
                    "Sheet {sheet} reaches as far as row {row}, with far too many empty cells. "
                    "Please copy the answers into a new sheet.",
                    sheet=name,
                    row=rows,
                )
            )
    return WorksheetInspection(bool(columns), problem)


def _read_usual_references(chunk: bytes) -> tuple[set[bytes], set[bytes]] | None:
    """Return (column letters, row digits) of cell references like `B7`; None if any is unlike it.

    A tag that is cut off at the end is left to the next piece, which begins before it.
    """
    end = chunk.rfind(b">") + 1
    if len(chunk) - end > _OVERLAP:
        return None
    chunk = chunk[:end]
    cells, rows = _USUAL_CELL.findall(chunk), _USUAL_ROW.findall(chunk)
    if len(cells) < chunk.count(b"<c") or len(rows) < chunk.count(b"<row") or b":c" in chunk:
        return None
    found = b",".join(cells)
    letters = set(found.translate(None, _FIGURES).split(b",")) - {b""}
    return letters, {*rows, *found.translate(None, _CAPITALS).split(b",")} - {b""}


def _read_references(chunk: bytes) -> tuple[set[bytes], set[bytes]]:
    """Return column letters and row digits of all cell references, in any notation.

    Raises:
        FileUnreadableError: A cell has none, or one beyond any worksheet.
    """
    if _CELL_WITHOUT_REFERENCE.search(chunk) or _INVALID_CELL_REFERENCE.search(chunk):
        raise build_damaged_error()
    return set(_LETTERS.findall(chunk)), set(_DIGITS.findall(chunk))


def _find_unsafe_markup(
    sheet: str, chunk: bytes, allows_merged: bool
) -> FileUnreadableError | None:
    """Return an error (on `sheet`) for the first formula, error or merged cell; else None."""
    if not any(hint in chunk for hint in _HINTS):
        return None
    found = _UNSAFE_MARKUP.finditer(chunk)
    odd = next((each for each in found if not (allows_merged and each["merged"])), None)
    if odd is None:
        return None
    if odd["merged"]:
        return FileUnreadableError(
            msg(
                "Sheet {sheet} has merged cells. Please unmerge them and fill in each row: of "
                "merged cells only the first holds the value.",
                sheet=sheet,
            )
        )
    before = _CELL.findall(chunk, 0, odd.end())
    kind = msg("a formula") if odd["formula"] else msg("an error")
    return FileUnreadableError(
        msg(
            "Sheet {sheet}, cell {cell}: {kind} instead of a value. Nothing is calculated here: "
            "please copy the sheet and paste it as values.",
            sheet=sheet,
            cell=before[-1].decode() if before else "",
            kind=kind,
        )
    )


def build_damaged_error() -> FileUnreadableError:
    """Return the error for a workbook that cannot be parsed."""
    return FileUnreadableError(msg("The file is damaged or not an Excel workbook."))


def column_number(letters: bytes) -> int:
    """Return the 1-based number of a column by its letters: `A` is 1, `Z` 26, `AA` 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _iter_chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield a part's bytes in overlapping chunks, so that no short pattern is cut in two."""
    before = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield before + chunk
            before = chunk[-_OVERLAP:]


def _find_worksheet_part(archive: zipfile.ZipFile, name: str) -> str:
    """Return the path within the archive of the worksheet with this name."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    wanted = next(
        node.get(_RELATION)
        for node in book.iter()
        if str(node.tag).rpartition("}")[2] == "sheet" and node.get("name") == name
    )
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(node.get("Target") for node in relations if node.get("Id") == wanted)
    return posixpath.normpath(posixpath.join("/xl", str(target))).lstrip("/")
