"""Report as PDF, set by Typst with the Chinese typeface embedded."""

import json
from pathlib import Path
from typing import Any

import typst

from survey.publish.chart_drawings import read_fonts
from survey.publish.fonts import chinese_font
from survey.publish.reports.captions import number_captions
from survey.publish.reports.contents import Block, BulletList, Paragraph, Report, ReportTable
from survey.publish.reports.pictures import ReportPictures

_TEMPLATE = Path(__file__).with_name("report.typ")
_MAX_POINTS, _MAX_HEIGHT_POINTS = 455.0, 400.0
_FALLBACK = "Libertinus Serif"
"""Comes with Typst; without Chinese, where no Chinese typeface is installed."""


def write_pdf(report: Report, pictures: ReportPictures | None = None) -> bytes:
    """Return the report as PDF; the same report gives the same bytes."""
    captions, pictures = number_captions(report), pictures or ReportPictures()
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
            "figures": imprint.figures,
            "marks": " · ".join(imprint.marks),
            "lines": labels,
        },
        "findings": report.findings,
        "sections": [
            {
                "title": section.title,
                "blocks": [_describe_block(block, captions, pictures) for block in section.blocks],
            }
            for section in report.sections
        ],
    }
    content: bytes = typst.compile(
        _TEMPLATE.read_bytes(),
        font_paths=read_fonts(),
        sys_inputs={"report": json.dumps(data, ensure_ascii=False)},
        # Typst takes whole seconds alone; the moment of a real freeze has microseconds.
        timestamp=imprint.made_at.replace(microsecond=0),
        format="pdf",
    )
    return content


def _describe_block(
    block: Block, captions: dict[int, str], pictures: ReportPictures
) -> dict[str, Any]:
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
            "shares": block.widths,
            "numbers": [column.is_number for column in block.columns],
            "rows": block.rows,
            "note": block.note,
        }
    drawing = pictures.draw_svg(block.panel)
    scale = min(1.0, _MAX_POINTS / drawing.width, _MAX_HEIGHT_POINTS / drawing.height)
    return {
        "kind": "chart",
        "caption": caption,
        "svg": drawing.svg,
        "width": drawing.width * scale,
        "alt": block.panel.alt,
        "note": " ".join(text for text in (block.panel.subtitle, block.panel.note) if text),
    }
