"""Numbers on a scale: what a `range` or the bounds of a number question say."""

from dataclasses import dataclass

from pyxform.errors import PyXFormError
from pyxform.parsing.parameters import parse

from survey.instrument.model import Kind
from survey.instrument.xlsform.sheets import Row

LONGEST_RATING = 11
_DEFAULTS = {"start": "1", "end": "10", "step": "1"}
_LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Scale:
    minimum: float
    maximum: float
    step: float

    @property
    def is_whole(self) -> bool:
        return all(n == int(n) for n in (self.minimum, self.maximum, self.step))

    @property
    def kind(self) -> Kind:
        """A few whole numbers are a rating; anything longer or finer is a number."""
        if not self.is_whole:
            return Kind.DECIMAL
        points = (self.maximum - self.minimum) / self.step + 1
        return Kind.RATING if points <= LONGEST_RATING else Kind.INTEGER


def read_parameters(row: Row) -> dict[str, str] | None:
    """`start=1 end=10` as a mapping; None when it cannot be read."""
    try:
        return dict(parse(row.text("parameters"), row.number))
    except PyXFormError:
        return None


def read_scale(row: Row) -> Scale | None:
    """The scale of a `range` row; None when it is not one."""
    parameters = read_parameters(row)
    if parameters is None:
        return None
    numbers = [as_number(parameters.get(key, _DEFAULTS[key])) for key in _DEFAULTS]
    start, end, step = numbers
    if start is None or end is None or not step:
        return None
    low, high, step = min(start, end), max(start, end), abs(step)
    return Scale(low, high, step) if low < high and step <= high - low else None


def as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= _LARGEST else None
