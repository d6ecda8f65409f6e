"""PDF files set by Typst from a template and plain data, with the Chinese typeface embedded."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from survey.publish.typeface import FONT_FAMILY, FONT_FILE


@lru_cache(maxsize=1)
def read_fonts() -> typst.Fonts:
    """Return the typefaces: those of the machine are none of them."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONT_FILE.parent)])


def write_typst_pdf(
    template: Path, data: Mapping[str, Any], *, made_at: datetime | None = None
) -> bytes:
    """Return the PDF that a template makes of `data`; the same data give the same bytes.

    Args:
        template: Reads `sys.inputs.data` (JSON), with the name of the typeface as `font` in it.
        data: Plain values only.
        made_at: What the file names as its time; without it none.
    """
    plain = json.dumps(dict(data, font=FONT_FAMILY), ensure_ascii=False)
    content: bytes = typst.compile(
        template.read_bytes(),
        font_paths=read_fonts(),
        sys_inputs={"data": plain},
        # Typst takes whole seconds alone; the moment of a real freeze has microseconds.
        timestamp=made_at.replace(microsecond=0) if made_at else None,
        format="pdf",
    )
    return content
