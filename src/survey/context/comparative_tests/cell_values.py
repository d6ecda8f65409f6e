"""Decimal numbers in the cells of lists, with the digits that were written."""

from decimal import Decimal, InvalidOperation

from survey.locale import msg
from survey.sample.workbook_io import CellChecker

MAX_DIGITS = 15


def parse_decimal(text: str) -> Decimal | None:
    """Return a plain decimal number of bounded length; None for anything else."""
    plain = text.strip()
    if not plain.isascii() or set(plain) - set("0123456789.-"):
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return number if len(number.as_tuple().digits) <= MAX_DIGITS else None


def read_decimal(check: CellChecker, key: str, *, required: bool = True) -> Decimal | None:
    """Read a decimal number; problems are added to the errors of the row."""
    value = check.row.cells.get(key)
    if value in (None, ""):
        if required:
            check.fail(key, msg("This must not be empty."))
        return None
    number = parse_decimal(str(value))
    if number is None:
        check.fail(key, msg("This is no plain number such as 12.5."))
    return number
