"""Charts of intervals as SVG: value, interval, reference and source line, light and dark."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

_MARGIN, _POINT, _LEADING, _TICKS = 12, 4, 20, 24
_STEPS = (1, 2, 5, 10, 20, 50)
_MAX_TICKS = 8
_FIRST_WIDE_SIGN = 0x2E80
"""From here on signs are Chinese ones, twice as wide as a letter."""
_CLOSING_SIGNS = "，。；：、）》”"
"""No line begins with one."""
_SIZES = "text{font:13px %s;fill:#1c1b1a}.t{font-size:16px}.q{font-size:12px}"
_COLOURS = (
    ".q{fill:#5c5955}.g{stroke:#d8d4ce}.i{stroke:#9b1c1c;stroke-width:2.5}.p{fill:#9b1c1c}"
    ".r{stroke:#5c5955;stroke-width:2}.b{fill:#fff}.w{fill:#9b1c1c}"
)
SCREEN_STYLE = (
    _SIZES % "system-ui,-apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
    + _COLOURS
    + ".t,.w{font-weight:600}@media(prefers-color-scheme:dark){text{fill:#eceae6}.q{fill:#b5b0a9}"
    ".g{stroke:#3a3836}.r{stroke:#b5b0a9}.i{stroke:#e5736b}.p,.w{fill:#e5736b}.b{fill:#141414}}"
)
"""Of a drawing that a browser shows, with the typefaces of its reader."""


def picture_style(family: str) -> str:
    """Return the style of a drawing that becomes a picture: one typeface, always light."""
    return _SIZES % f"'{family}'" + _COLOURS


class ChartLine(NamedTuple):
    """One line of a chart: name, value and interval, these as text, and all that is said of it."""

    name: str
    value: float
    low: float
    high: float
    text: str
    note: str
    reference: float | None = None
    """Value of the nation, drawn as a short stroke."""


@dataclass(frozen=True)
class ChartTexts:
    """Texts of a chart; `mark` says that its data are those of a demonstration."""

    title: str
    subtitle: str
    finding: str
    """What the chart shows, in words, for whoever does not see it."""
    source: str
    mark: str
    language: str


class ChartShape(NamedTuple):
    """Measures of a chart: names and values beside the lines, or (stacked) above them."""

    width: int
    name_width: int
    value_width: int
    line_height: int

    @property
    def is_stacked(self) -> bool:
        return not self.name_width


WIDE = ChartShape(720, 200, 150, 20)
NARROW = ChartShape(360, 0, 0, 38)
"""Readable on a phone, where a wide one would shrink to half."""


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


def draw_intervals(
    lines: Sequence[ChartLine],
    texts: ChartTexts,
    shape: ChartShape = WIDE,
    style: str = SCREEN_STYLE,
) -> str:
    """Return an SVG that stands alone, a point and an interval a line; same input, same bytes."""
    head, y = _write_texts([(texts.title, "t", 16), (texts.subtitle, "q", 12)], shape, 0)
    plot, y = _draw_plot(lines, shape, y + 8)
    said = [(texts.source, "q", 12), (texts.mark, "w", 13)]
    foot, y = _write_texts(said, shape, y + 8)
    size = f'width="{shape.width}" height="{y + _MARGIN}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {shape.width} {y + _MARGIN}" {size} '
        f'role="img" lang="{escape(texts.language)}"><title>{escape(texts.title)}</title>'
        f"<desc>{escape(texts.finding)}</desc><style>{style}</style>"
        f'<rect class="b" {size}/>{head}{plot}{foot}</svg>\n'
    )


def draw_inline(lines: Sequence[ChartLine], finding: str) -> Markup:
    """Return the chart as part of a page that has title, source and style: its lines alone."""
    plot, height = _draw_plot(lines, NARROW, 0)
    return Markup(  # every text in it is escaped where it is written
        f'<svg class="chart" viewBox="0 0 {NARROW.width} {height}" role="img" '
        f'aria-label="{escape(finding)}">{plot}</svg>'
    )


def drawing_height(svg: str) -> int:
    """Return the height of a drawing that stands alone, in pixels."""
    return int(svg.partition(' height="')[2].partition('"')[0])


def _write_texts(
    texts: Sequence[tuple[str, str, int]], shape: ChartShape, y: int
) -> tuple[str, int]:
    """Return texts (each with class and size) below `y`, wrapped, and where they end."""
    parts = []
    for text, kind, size in texts:
        for line in _wrap(text, 2 * (shape.width - _MARGIN) // size):
            y += _LEADING
            parts.append(f'<text class="{kind}" x="0" y="{y}">{escape(line)}</text>')
    return "".join(parts), y


def _draw_plot(lines: Sequence[ChartLine], shape: ChartShape, top: int) -> tuple[str, int]:
    """Return ticks and lines below `top`, and where they end."""
    references = [line.reference for line in lines if line.reference is not None]
    scale = find_scale(
        [*(line.low for line in lines), *references], [*(line.high for line in lines), *references]
    )
    left = shape.name_width or _MARGIN
    width = shape.width - left - (shape.value_width or _MARGIN)
    first = top + _TICKS
    bottom = first + shape.line_height * len(lines)
    parts = []
    for tick in scale.ticks:
        x = left + scale.place(tick, width)
        # Where names stand above the lines, a tick leaves them free.
        gaps = ' stroke-dasharray="18 20"' if shape.is_stacked else ""
        start = first + 20 if shape.is_stacked else first - 4
        parts.append(
            f'<path class="g" d="M{x} {start}V{bottom}"{gaps}/>'
            f'<text class="q" x="{x}" y="{first - 9}" text-anchor="middle">{tick:g}</text>'
        )
    for number, line in enumerate(lines):
        y = first + shape.line_height * number
        values = (line.low, line.high, line.value, line.reference or line.value)
        parts += _draw_line(line, shape, y, [left + scale.place(each, width) for each in values])
    return "".join(parts), bottom


def _draw_line(
    line: ChartLine, shape: ChartShape, y: int, places: Sequence[float]
) -> Iterator[str]:
    """Yield the parts of one line; `places` are those of low, high, value and reference."""
    low, high, at, reference = places
    middle = y + (shape.line_height - 10 if shape.is_stacked else shape.line_height // 2)
    baseline = y + 16 if shape.is_stacked else middle + 4
    end = ' text-anchor="end"'
    # What a pointer meets: the whole line, not its few drawn dots.
    yield (
        f'<g class="l"><title>{escape(line.note)}</title><rect fill="none" pointer-events="all" '
        f'y="{y}" width="{shape.width}" height="{shape.line_height}"/>'
    )
    if shape.is_stacked:
        yield f'<text x="0" y="{baseline}">{_shorten(line.name, 33)}</text>'
        yield f'<text x="{shape.width}" y="{baseline}"{end}>{escape(line.text)}</text>'
    else:
        name, value = shape.name_width - 12, shape.width - shape.value_width + 14
        yield f'<text x="{name}" y="{baseline}"{end}>{_shorten(line.name, 27)}</text>'
        yield f'<text x="{value}" y="{baseline}">{escape(line.text)}</text>'
    if line.reference is not None:
        yield f'<path class="r" d="M{reference} {middle - 7}v14"/>'
    yield f'<path class="i" d="M{low} {middle}H{high}"/>'
    yield f'<circle class="p" cx="{at}" cy="{middle}" r="{_POINT}"/></g>'


def _width_of(sign: str) -> int:
    return 2 if ord(sign) >= _FIRST_WIDE_SIGN else 1


def _wrap(text: str, room: int) -> Sequence[str]:
    """Return a text in lines of at most `room` letters, broken at blanks or Chinese signs."""
    lines: list[str] = []
    line, used, at_blank = "", 0, 0
    for sign in text:
        line, used = line + sign, used + _width_of(sign)
        if sign == " " or _width_of(sign) == 2:
            at_blank = len(line)
        if used > room and sign not in _CLOSING_SIGNS:
            cut = at_blank - 1 if 1 < at_blank == len(line) else at_blank or len(line) - 1
            lines.append(line[:cut].rstrip())
            line = line[cut:].lstrip()
            used, at_blank = sum(map(_width_of, line)), 0
    return [*lines, line] if line else lines


def _shorten(name: str, room: int) -> str:
    """Return a name that fits into `room` letters, escaped."""
    if sum(map(_width_of, name)) <= room:
        return str(escape(name))
    shown, used = "", 1
    for sign in name:
        used += _width_of(sign)
        if used > room:
            break
        shown += sign
    return str(escape(shown.rstrip())) + "…"
