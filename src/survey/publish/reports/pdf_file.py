"""Report as PDF, set by Typst with the Chinese typeface embedded."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from survey.publish.fonts import chinese_font
from survey.publish.reports.captions import number_captions
from survey.publish.reports.contents import Block, BulletList, Paragraph, Report, ReportTable
from survey.publish.reports.pictures import draw_svg

_TEMPLATE = Path(__file__).with_name("report.typ")
_MAX_POINTS, _MAX_HEIGHT_POINTS = 455.0, 400.0
_POINTS_PER_PIXEL = 0.75
_FALLBACK = "Libertinus Serif"
"""Comes with Typst; without Chinese, where no Chinese typeface is installed."""


def write_pdf(report: Report) -> bytes:
    """Return the report as PDF; the same report gives the same bytes."""
    captions = number_captions(report)
    imprint, words = report.imprint, report.words
    labels = (
        (words["organisation"], imprint.organisation),
        (words["contact"], imprint.contact),
        (words["date"], imprint.date),
    )
    data = {
        "language": report.language,
        "font": chinese_font().family or _FALLBACK,
        "title": report.title,
        "subtitle": report.subtitle,
        "words": dict(words),
        "imprint": {
            "organisation": imprint.organisation,
            "wave": imprint.wave,
            "date": imprint.date,
            "snapshot": imprint.snapshot,
            "marks": " · ".join(imprint.marks),
            "lines": labels,
        },
        "findings": report.findings,
        "sections": [
            {
                "title": section.title,
                "blocks": [_describe_block(block, captions) for block in section.blocks],
            }
            for section in report.sections
        ],
    }
    content: bytes = typst.compile(
        _TEMPLATE.read_bytes(),
        font_paths=_read_fonts(),
        sys_inputs={"report": json.dumps(data, ensure_ascii=False)},
        timestamp=imprint.made_at,
        format="pdf",
    )
    return content


@lru_cache(maxsize=1)
def _read_fonts() -> typst.Fonts:
    """Return the typefaces: the one that the product installs, else those of the machine."""
    font = chinese_font()
    packaged = font.source == "package" and font.file is not None
    folders = [str(font.file.parent)] if packaged and font.file is not None else []
    return typst.Fonts(include_system_fonts=not packaged, font_paths=folders)


def _describe_block(block: Block, captions: dict[int, str]) -> dict[str, Any]:
    """Return a block as plain data for the template."""
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text}
    if isinstance(block, BulletList):
        return {"kind": "list", "lines": block.lines}
    caption = captions[id(block)]
    if isinstance(block, ReportTable):
        return {
            "kind": "table",
            "caption": caption,
            "heads": [column.head for column in block.columns],
            "shares": [column.share for column in block.columns],
            "numbers": [column.is_number for column in block.columns],
            "rows": block.rows,
            "note": block.note,
        }
    svg = draw_svg(block.panel)
    width, height = _size_of(svg)
    scale = min(1.0, _MAX_POINTS / width, _MAX_HEIGHT_POINTS / height)
    return {
        "kind": "chart",
        "caption": caption,
        "svg": svg,
        "width": width * scale,
        "alt": block.panel.alt,
        "note": " ".join(text for text in (block.panel.subtitle, block.panel.note) if text),
    }


def _size_of(svg: str) -> tuple[float, float]:
    """Return width and height of a drawing in points."""
    head = svg[: svg.index(">")]
    width, height = (
        float(head.partition(f' {name}="')[2].partition('"')[0].removesuffix("px"))
        for name in ("width", "height")
    )
    return width * _POINTS_PER_PIXEL, height * _POINTS_PER_PIXEL
