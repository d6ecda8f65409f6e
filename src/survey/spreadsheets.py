"""Safe texts in spreadsheet files: no cell that runs as a formula; encodings of CSV files.

CSV carries no types: a cell that begins like a formula is run when the file is opened, also behind
blanks and, in some programs, in full width (OWASP, CSV injection). An apostrophe in front makes it
text. A number is left alone, so that a negative one stays a number. Workbooks do carry types; there
the cell is written as text and marked as one, and nothing is put in front.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

FORMULA_STARTS = frozenset("=+-@\t\r\n\0")
_QUOTE = "'"
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Zs", "Zl", "Zp"})
"""Categories of blanks and invisible signs that a program may skip before it looks."""


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet might run `text`; a plain number is never a formula."""
    # Most texts begin with a plain letter or digit; the rest would find the same, far slower.
    if not text or (text[0].isascii() and text[0].isalnum()) or _is_number(text):
        return False
    if text[0] in FORMULA_STARTS:
        return True
    first = next(
        (sign for sign in text if unicodedata.category(sign) not in _INVISIBLE_CATEGORIES), ""
    )
    return bool(first) and unicodedata.normalize("NFKC", first)[0] in FORMULA_STARTS


def escape_formula(text: str) -> str:
    """Return `text` as a CSV cell that no program runs; `unescape_formula` reads it back."""
    return _QUOTE + text if is_formula(text.lstrip(_QUOTE)) else text


def unescape_formula(cell: str) -> str:
    """Return the text that `escape_formula` wrote as `cell`."""
    quoted = cell.startswith(_QUOTE) and is_formula(cell.lstrip(_QUOTE))
    return cell.removeprefix(_QUOTE) if quoted else cell


def csv_cell(value: object) -> object:
    """Return a value for a CSV writer: empty for None, numbers as they are, texts escaped.

    Lines within a cell end in LF: a lone CR is not quoted by every writer, and what follows it
    would be a cell of its own.
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    return escape_formula(str(value)).replace("\r\n", "\n").replace("\r", "\n")


def csv_row(values: Iterable[object]) -> list[object]:
    """Return the values of a row as cells for a CSV writer, see `csv_cell`."""
    return [csv_cell(value) for value in values]


def write_text_cell(cell: Any, text: str) -> None:
    """Write a text into a cell of an openpyxl workbook, as text whatever it looks like."""
    cell.value = text
    cell.data_type = "s"
    if is_formula(text):
        cell.quotePrefix = True


def decode_table_text(content: bytes) -> tuple[str, str]:
    """Return the text of a CSV file, and the name of the encoding it was read in.

    UTF-16 is told by its mark; what is no UTF-8 is what Excel saves in China, GB18030.

    Raises:
        UnicodeDecodeError: The bytes are none of the three.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), "UTF-16"
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return content.decode("gb18030"), "GB18030"


def _is_number(text: str) -> bool:
    """Return whether a text is a number: only sign, digits, point and exponent."""
    if not text.isascii() or text != text.strip() or "_" in text:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return text.lstrip("+-")[:1].isdigit() or text.lstrip("+-")[:1] == "."
