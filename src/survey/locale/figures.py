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
    """Return a score, mean, effect, weight or interval bound as text, "–" if unknown."""
    return _write(value, f"z.{decimals}f")


def format_percent(percent: float | None, decimals: int = 2) -> str:
    """Return a number that is already a percentage as text with a per cent sign."""
    return MISSING if percent is None else f"{format_score(percent, decimals)}%"


def format_share(share: float | None, decimals: int = 1) -> str:
    """Return a share from 0 to 1 as text in per cent."""
    return format_percent(None if share is None else 100 * share, decimals)


def format_count(count: float | None) -> str:
    """Return a whole count as text with thousands separators."""
    return MISSING if count is None or isnan(count) else f"{int(count):,d}"


def format_quantity(value: float | None, decimals: int = 0) -> str:
    """Return a rate, expected count or sum in yuan as text with thousands separators."""
    return _write(value, f"z,.{decimals}f").replace("-", "\u2212")


def round_two_digits(value: float) -> float:
    """Return an effective sample size rounded to two significant digits."""
    return float(f"{value:.2g}")


def format_two_digits(value: float) -> str:
    """Return an effective sample size as text, rounded to two significant digits."""
    return f"{round_two_digits(value):,.0f}"


def format_signed(value: float | None, decimals: int = 1) -> str:
    """Return a change or difference as text with its sign; zero has none."""
    text = _write(value, f"+,.{decimals}f")
    is_zero = not text.strip("+-0.")
    return text[1:] if is_zero else text.replace("-", "\u2212")


def format_change(value: float, then: float) -> str:
    """Return the relative change from `then` to `value` as signed text in per cent."""
    return f"{format_signed(100 * (value / then - 1))}%"
