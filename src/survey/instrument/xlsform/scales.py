"""Parameters of a `range` and numbers in cells of the survey sheet."""

from pyxform.errors import PyXFormError
from pyxform.parsing.parameters import parse

from survey.instrument.question_types.rating import NumberScale
from survey.instrument.xlsform.worksheets import WorksheetRow

_DEFAULTS = {"start": "1", "end": "10", "step": "1"}
_MAX_VALUE = 1e15


def read_parameters(row: WorksheetRow) -> dict[str, str] | None:
    """Return parameters such as `start=1 end=10` as a mapping; None if they cannot be read."""
    try:
        return dict(parse(row.text("parameters"), row.number))
    except PyXFormError:
        return None


def read_scale(row: WorksheetRow) -> NumberScale | None:
    """Return the scale of a `range` row; None if the parameters give none."""
    parameters = read_parameters(row)
    if parameters is None:
        return None
    numbers = [parse_number(parameters.get(key, _DEFAULTS[key])) for key in _DEFAULTS]
    start, end, step = numbers
    if start is None or end is None or not step:
        return None
    low, high, step = min(start, end), max(start, end), abs(step)
    return NumberScale(low, high, step) if low < high and step <= high - low else None


def parse_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= _MAX_VALUE else None
