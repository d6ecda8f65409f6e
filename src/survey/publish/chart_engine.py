"""Chart library with the typeface of charts: what a process needs to draw, and nothing else.

A process that only draws imports this module: neither pandas nor Altair.
"""

from functools import lru_cache
from typing import Any

import vl_convert

from survey.publish.fonts import chinese_font


@lru_cache(maxsize=1)
def chart_family() -> str:
    """Return the font family, registered with the chart library on first use."""
    font = chinese_font()
    if font.source == "package" and font.file is not None:
        vl_convert.register_font_directory(str(font.file.parent))
    return f"{font.family}, sans-serif" if font.family else "sans-serif"


def draw_svg(spec: dict[str, Any]) -> str:
    """Draw a chart as vectors; the library's engine starts with the first one."""
    chart_family()
    return str(vl_convert.vegalite_to_svg(spec))
