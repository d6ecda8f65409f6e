"""Published figures as text: every kind of figure is rounded here, and nowhere else.

What is computed and stored keeps its digits. Zero carries no sign: what rounds to it is neither
more nor less. A figure that is unknown or not shown is a dash.
"""

from math import isnan

MISSING = "–"
"""Text in the place of a figure that is unknown or not shown."""


def _write(value: float | None, form: str) -> str:
    return MISSING if value is None or isnan(value) else format(value, form)


def format_score(value: float | None, decimals: int = 1) -> str:
    """Format a score, a mean, an effect or a weight, or an end of its interval."""
    return _write(value, f"z.{decimals}f")


def format_percent(percent: float | None, decimals: int = 2) -> str:
    """Format what is in per cent already."""
    return MISSING if percent is None else f"{format_score(percent, decimals)}%"


def format_share(share: float | None, decimals: int = 1) -> str:
    """Format a share from 0 to 1 in per cent."""
    return format_percent(None if share is None else 100 * share, decimals)


def format_count(count: float | None) -> str:
    """Format a whole count with separators."""
    return MISSING if count is None or isnan(count) else f"{int(count):,d}"


def format_quantity(value: float | None, decimals: int = 0) -> str:
    """Format a rate, an expected count or a sum of money in yuan, with separators."""
    return _write(value, f"z,.{decimals}f")


def format_two_digits(value: float) -> str:
    """Format an effective number of interviews, rounded to two significant digits."""
    return f"{float(f'{value:.2g}'):,.0f}"


def format_signed(value: float | None, decimals: int = 1) -> str:
    """Format a change or difference with its sign; the minus is the typographic one."""
    text = _write(value, f"+,.{decimals}f")
    is_zero = not text.strip("+-0.")
    return text[1:] if is_zero else text.replace("-", "\u2212")


def format_change(value: float, then: float) -> str:
    """Format the change of a count against that of a year before, in per cent."""
    return f"{format_signed(100 * (value / then - 1))}%"
