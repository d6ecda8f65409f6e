"""Chart as a PNG file, with its title, its labels and its data inside."""

from functools import lru_cache
from typing import Any

import pandas as pd
import vl_convert

from survey.publish.charts import ORDINARY, chart_spec
from survey.publish.charts.style import wrap_text
from survey.publish.fonts import chinese_font
from survey.publish.views.chart_panels import ChartPanel

_WIDTH = 860
_CHARACTERS = 118
_INK, _QUIET = "#1C1B1A", "#5F5C58"


@lru_cache(maxsize=1)
def _family() -> str:
    """Return the font family, registered with the renderer on first use."""
    font = chinese_font()
    if font.source == "package" and font.file is not None:
        vl_convert.register_font_directory(str(font.file.parent))
    return f"{font.family}, sans-serif" if font.family else "sans-serif"


def png(panel: ChartPanel, footnotes: tuple[str, ...] = (), scale: float = 2.0) -> bytes:
    """Render `panel`; `footnotes` (watermark, honesty sentence) stand under the title."""
    return bytes(vl_convert.vegalite_to_png(printable(panel, footnotes), scale=scale))


def printable(panel: ChartPanel, footnotes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the complete specification of the exported chart, on white paper."""
    family = _family()
    lines = [
        line
        for text in (panel.subtitle, *footnotes)
        if text
        for line in wrap_text(text, _CHARACTERS)
    ]
    title = {
        "text": list(wrap_text(panel.title, _CHARACTERS * 2 // 3)),
        "subtitle": lines,
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 18,
        "subtitleFontSize": 12,
        "subtitleColor": _QUIET,
        "subtitlePadding": 6,
        "offset": 14,
        "font": family,
        "subtitleFont": family,
        "color": _INK,
    }
    return {**untitled(panel, panel.drawn, width=_WIDTH), "title": title, "padding": 20}


def untitled(panel: ChartPanel, rows: pd.DataFrame, *, width: float) -> dict[str, Any]:
    """Return the specification of a chart of `rows`, on white paper and without its title."""
    spec = chart_spec(panel.kind, panel.text, ORDINARY)
    config = dict(spec["config"])
    config["axis"] = {**config["axis"], "labelColor": _INK, "titleColor": _QUIET}
    config["font"] = _family()
    return {
        **spec,
        "width": width,
        "data": {"values": _records(rows)},
        "config": config,
        "background": "white",
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
