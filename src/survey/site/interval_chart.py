"""Charts of intervals as SVG that stands alone: value, interval and source line, light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import escape

_WIDTH, _NAME_WIDTH, _VALUE_WIDTH, _LINE, _HEAD, _MAX_CHARS = 720, 190, 150, 20, 66, 15
_STEPS = (1, 2, 5, 10, 20, 50)
_MAX_TICKS = 8
_STYLE = (
    "text{font:13px system-ui,-apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',"
    "sans-serif;fill:#1c1b1a}.t{font-size:16px;font-weight:600}.q{fill:#5c5955;font-size:12px}"
    ".g{stroke:#d8d4ce}.i{stroke:#9b1c1c;stroke-width:2.5}.p{fill:#9b1c1c}.b{fill:#fff}"
    ".w{fill:#9b1c1c;font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#eceae6}.q{fill:#b5b0a9}.g{stroke:#3a3836}"
    ".i{stroke:#e5736b}.p,.w{fill:#e5736b}.b{fill:#141414}}"
)


class ChartLine(NamedTuple):
    """One line of a chart: name, value and interval, and these as text."""

    name: str
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class ChartTexts:
    """Texts of a chart; `mark` says that its data are those of a demonstration."""

    title: str
    subtitle: str
    source: str
    mark: str
    language: str


class Scale(NamedTuple):
    """Range of values that a chart or a column of bars covers, with the distance of its ticks."""

    start: float
    end: float
    step: float

    def place(self, value: float, width: float) -> float:
        """Return where a value lies on a line of `width`, to a tenth."""
        return round(width * (value - self.start) / (self.end - self.start), 1) + 0.0

    @property
    def ticks(self) -> Sequence[float]:
        count = round((self.end - self.start) / self.step)
        return [self.start + number * self.step for number in range(count + 1)]


def find_scale(lows: Sequence[float], highs: Sequence[float]) -> Scale:
    """Return a scale with whole ends that holds every interval; it need not begin at 0."""
    low, high = min(lows, default=0.0), max(highs, default=100.0)
    step = next(each for each in _STEPS if (high - low) / each <= _MAX_TICKS)
    start, end = math.floor(low / step) * step, math.ceil(high / step) * step
    return Scale(start, end if end > start else start + step, step)


def chart_height(lines: int) -> int:
    """Return the height of a chart with so many lines, in pixels."""
    return _HEAD + 18 + _LINE * lines + 64


def draw_intervals(lines: Sequence[ChartLine], texts: ChartTexts) -> str:
    """Return an SVG with a point and an interval a line; equal lines give equal bytes."""
    scale = find_scale([line.low for line in lines], [line.high for line in lines])
    width = _WIDTH - _NAME_WIDTH - _VALUE_WIDTH
    bottom = _HEAD + 18 + _LINE * len(lines)
    height = chart_height(len(lines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" lang="{escape(texts.language)}">'
        f"<title>{escape(texts.title)}</title><desc>{escape(texts.subtitle)}</desc>"
        f'<style>{_STYLE}</style><rect class="b" width="{_WIDTH}" height="{height}"/>'
        f'<text class="t" x="0" y="20">{escape(texts.title)}</text>'
        f'<text class="q" x="0" y="40">{escape(texts.subtitle)}</text>'
    ]
    for tick in scale.ticks:
        x = _NAME_WIDTH + scale.place(tick, width)
        parts.append(
            f'<path class="g" d="M{x} {_HEAD}V{bottom}"/>'
            f'<text class="q" x="{x}" y="{_HEAD - 6}" text-anchor="middle">{tick:g}</text>'
        )
    for number, line in enumerate(lines):
        y = _HEAD + 14 + _LINE * number
        low, high, at = (
            _NAME_WIDTH + scale.place(value, width) for value in (line.low, line.high, line.value)
        )
        parts.append(
            f'<text x="{_NAME_WIDTH - 10}" y="{y + 4}" text-anchor="end">{_shorten(line.name)}'
            f'</text><path class="i" d="M{low} {y}H{high}"/><circle class="p" cx="{at}" cy="{y}" '
            f'r="4"/><text x="{_WIDTH - _VALUE_WIDTH + 14}" y="{y + 4}">{escape(line.text)}</text>'
        )
    parts.append(f'<text class="q" x="0" y="{bottom + 26}">{escape(texts.source)}</text>')
    if texts.mark:
        parts.append(f'<text class="w" x="0" y="{bottom + 46}">{escape(texts.mark)}</text>')
    return "".join(parts) + "</svg>\n"


def _shorten(name: str) -> str:
    """Return a name that fits beside its line, escaped; Chinese signs are twice as wide."""
    room = 2 * _MAX_CHARS - 3
    shown = ""
    for sign in name:
        room -= 2 if ord(sign) > 0x2E7F else 1
        if room < 0:
            return str(escape(shown)) + "…"
        shown += sign
    return str(escape(shown))
