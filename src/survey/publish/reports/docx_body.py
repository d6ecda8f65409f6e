"""Blocks of a section as WordprocessingML, in the styles of the template."""

import io
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.oxml.shape import CT_Inline
from docx.oxml.xmlchemy import serialize_for_reading
from docx.shared import Inches

from survey.publish.reports.contents import (
    Block,
    BulletList,
    Paragraph,
    ReportChart,
    ReportTable,
    Section,
)
from survey.publish.reports.pictures import ReportPictures

BODY, BULLET, CAPTION, NOTE, CELL, TABLE = (
    "Body Text", "List Bullet", "Caption", "Report Note", "Report Cell", "Report Table",
)  # fmt: skip
STYLES = (BODY, BULLET, CAPTION, NOTE, CELL, TABLE)
"""Styles that a template must have; an association changes how they look in Word."""
PAGE_TWIPS = 9184
"""Width between the margins, 162 mm, in twentieths of a point."""
_MAX_INCHES, _MAX_HEIGHT_INCHES = 6.35, 5.4
_TOGETHER = 14
"""Rows of a table up to which it is kept on one page."""


class BodyWriter:
    """Writer of sections for one document; pictures become parts of it."""

    def __init__(self, part: Any, captions: Mapping[int, str], pictures: ReportPictures) -> None:
        self._part = part
        self._captions = captions
        self._pictures = pictures
        self._style_ids = {
            style.name: style.style_id for style in part.document.styles if style.name in STYLES
        }
        self._picture_count = 0

    def write(self, section: Section) -> str:
        """Return the blocks of a section as XML."""
        return "".join(self._write_block(block) for block in section.blocks)

    def _write_block(self, block: Block) -> str:
        if isinstance(block, Paragraph):
            return self._render_paragraph(NOTE if block.quiet else BODY, block.text)
        if isinstance(block, BulletList):
            return "".join(self._render_paragraph(BULLET, line) for line in block.lines)
        if isinstance(block, ReportTable):
            return self._render_table(block)
        return self._render_chart(block)

    def _render_paragraph(
        self, style: str, text: str, *, keeps: bool = False, align: str = ""
    ) -> str:
        properties = f'<w:pStyle w:val="{self._style_ids.get(style, style)}"/>'
        if keeps:
            properties += "<w:keepNext/>"
        if align:
            properties += f'<w:jc w:val="{align}"/>'
        return f"<w:p><w:pPr>{properties}</w:pPr>{_run(text)}</w:p>"

    def _render_chart(self, block: ReportChart) -> str:
        picture = self._pictures.draw_png(block.panel)
        self._picture_count += 1
        relation, _ = self._part.get_or_add_image(io.BytesIO(picture.content))
        scale = min(1.0, _MAX_INCHES / picture.width, _MAX_HEIGHT_INCHES / picture.height)
        width, height = picture.width * scale, picture.height * scale
        inline = CT_Inline.new_pic_inline(
            self._picture_count,
            relation,
            f"chart-{self._picture_count}.png",
            Inches(width),
            Inches(height),
        )
        inline.docPr.set("descr", block.panel.alt)
        style = self._style_ids.get(BODY, BODY)
        drawing = (
            f'<w:p><w:pPr><w:pStyle w:val="{style}"/><w:keepNext/><w:jc w:val="center"/></w:pPr>'
            f"<w:r><w:drawing>{serialize_for_reading(inline)}</w:drawing></w:r></w:p>"
        )
        note = " ".join(text for text in (block.panel.subtitle, block.panel.note) if text)
        return (
            self._render_paragraph(CAPTION, self._captions[id(block)], keeps=True)
            + drawing
            + self._render_paragraph(NOTE, note)
        )

    def _render_table(self, table: ReportTable) -> str:
        widths = [round(PAGE_TWIPS * width) for width in table.widths]
        together = len(table.rows) <= _TOGETHER
        head = self._render_row(
            [column.head for column in table.columns], table, widths, is_head=True
        )
        rows = [
            self._render_row(row, table, widths, keeps=together and index < len(table.rows) - 1)
            for index, row in enumerate(table.rows)
        ]
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
        style = quoteattr(self._style_ids.get(TABLE, TABLE))
        return (
            self._render_paragraph(CAPTION, self._captions[id(table)], keeps=True)
            + f'<w:tbl><w:tblPr><w:tblStyle w:val={style}/><w:tblW w:w="{PAGE_TWIPS}" '
            'w:type="dxa"/><w:tblLayout w:type="fixed"/><w:tblLook w:val="0420" '
            'w:firstRow="1" w:noVBand="1"/></w:tblPr>'
            f"<w:tblGrid>{grid}</w:tblGrid>{head}{''.join(rows)}</w:tbl>"
            + self._render_paragraph(NOTE, table.note)
        )

    def _render_row(
        self,
        texts: Sequence[str],
        table: ReportTable,
        widths: Sequence[int],
        *,
        is_head: bool = False,
        keeps: bool = False,
    ) -> str:
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
            + self._render_paragraph(
                CELL, text, keeps=keeps or is_head, align="right" if column.is_number else "left"
            )
            + "</w:tc>"
            for text, column, width in zip(texts, table.columns, widths, strict=True)
        )
        repeated = "<w:tblHeader/>" if is_head else ""
        return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{cells}</w:tr>"


def _run(text: str) -> str:
    """Return text as a run; line breaks stay."""
    if not text:
        return ""
    lines = "<w:br/>".join(
        f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n")
    )
    return f"<w:r>{lines}</w:r>"
