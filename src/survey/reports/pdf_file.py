"""Report as PDF, set by Typst with the Chinese typeface embedded."""

import base64
from pathlib import Path
from typing import Any

from survey.figures.chart_drawings import Drawing
from survey.figures.drawing import PdfStandard, write_typst_pdf
from survey.reports.contents import Block, BulletList, Paragraph, Report, ReportPhoto, ReportTable
from survey.reports.pictures import PHOTO_DOTS_PER_INCH, ReportPictures, number_captions

_TEMPLATE = Path(__file__).with_name("report.typ")
_STANDARDS: tuple[PdfStandard, ...] = ("ua-1", "a-2a")
"""What screen readers need, and what archives ask for: Typst refuses to write a file that fails."""
_MAX_POINTS, _MAX_HEIGHT_POINTS = 458.0, 460.0
_LARGE_HEIGHT_POINTS, _MAX_ENLARGED = 560.0, 2.0
"""Charts of large print: how high they may be, and how much they are enlarged."""


def write_pdf(report: Report, pictures: ReportPictures | None = None) -> bytes:
    """Return the report as PDF; `pictures` are its charts, perhaps being drawn already."""
    captions, pictures = number_captions(report), pictures or ReportPictures()
    imprint, words = report.imprint, report.words
    labels = [
        (words[name], text)
        for name in ("organisation", "contact", "date")
        if (text := getattr(imprint, name))
    ]
    data = {
        "language": report.language,
        "large": report.is_large,
        "title": report.title,
        "subtitle": report.subtitle,
        "score": report.score,
        "interval": report.interval,
        "words": dict(words),
        "imprint": {
            "organisation": imprint.organisation,
            "logo": [*imprint.logo],
            "foot": imprint.foot,
            "snapshot": imprint.snapshot,
            "figures": imprint.figures,
            "marks": " · ".join(imprint.marks),
            "lines": labels,
        },
        "parts": [
            {
                "title": words.get(part, ""),
                "sections": [
                    {
                        "title": section.title,
                        "blocks": [
                            _describe_block(block, report, captions, pictures)
                            for block in section.blocks
                        ],
                    }
                    for section in sections
                ],
            }
            for part, sections in report.list_parts()
        ],
    }
    return write_typst_pdf(_TEMPLATE, data, made_at=imprint.made_at, standards=_STANDARDS)


def _describe_block(
    block: Block, report: Report, captions: dict[int, str], pictures: ReportPictures
) -> dict[str, Any]:
    """Return a block as plain data for the Typst template; `captions`: by `id()` of block."""
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "quiet": block.quiet}
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
            "note": "\n".join(filter(None, (block.note, block.ids))),
        }
    if isinstance(block, ReportPhoto):
        return _describe_picture(_frame_photo(block), caption, block.title, "")
    note = " ".join(text for text in (block.panel.subtitle, block.panel.note) if text)
    drawing = pictures.draw_svg(block.panel)
    return _describe_picture(drawing, caption, block.panel.alt, note, is_large=report.is_large)


def _describe_picture(
    drawing: Drawing, caption: str, alt: str, note: str, *, is_large: bool = False
) -> dict[str, Any]:
    height = _LARGE_HEIGHT_POINTS if is_large else _MAX_HEIGHT_POINTS
    most = _MAX_ENLARGED if is_large else 1.0
    scale = min(most, _MAX_POINTS / drawing.width, height / drawing.height)
    return {
        "kind": "chart",
        "caption": caption,
        "svg": drawing.svg,
        "width": drawing.width * scale,
        "alt": alt,
        "note": note,
    }


def _frame_photo(photo: ReportPhoto) -> Drawing:
    """Return a photo as a drawing of nothing else: data for Typst are texts."""
    width, height = (72 * side / PHOTO_DOTS_PER_INCH for side in (photo.width, photo.height))
    content = base64.b64encode(photo.content).decode()
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{content}"/></svg>'
    )
    return Drawing(svg, width, height)
