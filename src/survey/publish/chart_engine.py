"""Chart library with the typeface of charts: what a process needs to draw, and nothing else.

A process that only draws imports this module: neither pandas nor Altair.
"""

from functools import lru_cache
from typing import Any

import vl_convert

from survey.publish.typeface import FONT_FAMILY, FONT_FILE


@lru_cache(maxsize=1)
def chart_family() -> str:
    """Return the font family, registered with the chart library on first use."""
    vl_convert.register_font_directory(str(FONT_FILE.parent))
    return f"{FONT_FAMILY}, sans-serif"


def draw_svg(spec: dict[str, Any]) -> str:
    """Draw a chart as vectors; the library's engine starts with the first one."""
    chart_family()
    return str(vl_convert.vegalite_to_svg(spec))
