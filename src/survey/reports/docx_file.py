"""Report as a Word document, body and template, which an association edits in Word."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.oxml.ns import qn
from docx.oxml.shape import CT_Inline
from docx.oxml.xmlchemy import serialize_for_reading
from docx.shared import Inches, Mm
from docxtpl import DocxTemplate, InlineImage
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from survey.figures.office_zip import normalise_zip
from survey.locale import RefusedError, msg
from survey.reports.contents import (
    Block,
    BulletList,
    Paragraph,
    Report,
    ReportChart,
    ReportPhoto,
    ReportSection,
    ReportTable,
)
from survey.reports.large_print import enlarge_points
from survey.reports.pictures import PHOTO_DOTS_PER_INCH, Picture, ReportPictures, number_captions

BODY, BULLET, CAPTION, NOTE, CELL, TABLE = (
    "Body Text", "List Bullet", "Caption", "Report Note", "Report Cell", "Report Table",
)  # fmt: skip
STYLES = (BODY, BULLET, CAPTION, NOTE, CELL, TABLE)
"""Styles that a template must have; an association changes how they look in Word."""
PAGE_TWIPS = 9184
"""Width between the margins, 162 mm, in twentieths of a point."""
_MAX_INCHES, _MAX_HEIGHT_INCHES = 6.35, 5.4
_LARGE_HEIGHT_INCHES, _MAX_ENLARGED = 8.0, 2.0
"""Charts of large print: how high they may be, and how much they are enlarged."""
_TOGETHER = 14
"""Rows of a table up to which it is kept on one page."""


class BodyWriter:
    """Writer of a report's sections as Word XML; it adds their pictures to the document."""

    def __init__(
        self,
        part: Any,
        captions: Mapping[int, str],
        pictures: ReportPictures,
        *,
        is_large: bool = False,
    ) -> None:
        self._part = part
        self._is_large = is_large
        self._captions = captions
        self._pictures = pictures
        self._style_ids = {
            style.name: style.style_id for style in part.document.styles if style.name in STYLES
        }
        self._picture_count = 0

    def write(self, section: ReportSection) -> str:
        """Return the blocks of a section as Word XML, adding its pictures to the document."""
        following = (*section.blocks[1:], None)
        return "".join(map(self._write_block, section.blocks, following))

    def _write_block(self, block: Block, following: Block | None) -> str:
        if isinstance(block, Paragraph):
            leads = isinstance(following, ReportTable | ReportChart | ReportPhoto)
            return self._render_paragraph(NOTE if block.quiet else BODY, block.text, keeps=leads)
        if isinstance(block, BulletList):
            return "".join(self._render_paragraph(BULLET, line) for line in block.lines)
        if isinstance(block, ReportTable):
            return self._render_table(block)
        if isinstance(block, ReportPhoto):
            return self._render_photo(block)
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
        note = " ".join(text for text in (block.panel.subtitle, block.panel.note) if text)
        picture = self._pictures.draw_png(block.panel)
        return self._render_picture(picture, self._captions[id(block)], block.panel.alt, note)

    def _render_photo(self, block: ReportPhoto) -> str:
        width, height = block.width / PHOTO_DOTS_PER_INCH, block.height / PHOTO_DOTS_PER_INCH
        picture = Picture(block.content, width, height)
        return self._render_picture(picture, self._captions[id(block)], block.title, "")

    def _render_picture(self, picture: Picture, caption: str, alt: str, note: str) -> str:
        self._picture_count += 1
        relation, _ = self._part.get_or_add_image(io.BytesIO(picture.content))
        most, height = (
            (_MAX_ENLARGED, _LARGE_HEIGHT_INCHES) if self._is_large else (1.0, _MAX_HEIGHT_INCHES)
        )
        scale = min(most, _MAX_INCHES / picture.width, height / picture.height)
        width, height = picture.width * scale, picture.height * scale
        inline = CT_Inline.new_pic_inline(
            self._picture_count,
            relation,
            f"chart-{self._picture_count}.png",
            Inches(width),
            Inches(height),
        )
        inline.docPr.set("descr", alt)
        style = self._style_ids.get(BODY, BODY)
        drawing = (
            f'<w:p><w:pPr><w:pStyle w:val="{style}"/><w:keepNext/><w:jc w:val="center"/></w:pPr>'
            f"<w:r><w:drawing>{serialize_for_reading(inline)}</w:drawing></w:r></w:p>"
        )
        return (
            self._render_paragraph(CAPTION, caption, keeps=True)
            + drawing
            + self._render_paragraph(NOTE, note)
        )

    def _render_table(self, table: ReportTable) -> str:
        widths = [round(PAGE_TWIPS * width) for width in table.widths]
        notes = tuple(filter(None, (table.note, table.ids)))
        together = len(table.rows) <= _TOGETHER and not self._is_large
        kept = len(table.rows) - (0 if notes else 1)
        head = self._render_row(
            [column.head for column in table.columns], table, widths, is_head=True
        )
        rows = [
            self._render_row(row, table, widths, keeps=together and index < kept)
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
            + "".join(self._render_paragraph(NOTE, note) for note in notes or ("",))
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
    """Return a text as a run of Word XML with its line breaks; empty for an empty text."""
    if not text:
        return ""
    lines = "<w:br/>".join(
        f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n")
    )
    return f"<w:r>{lines}</w:r>"


SHIPPED_TEMPLATE = Path(__file__).with_name("report.docx")
PLAIN_TEMPLATE = Path(__file__).with_name("plain_report.docx")
"""Letterhead and every section in order, for what is no report of a wave."""
_BESIDE_THE_TEXT = ("header+xml", "footer+xml")
"""Ends of the media types of headers and footers."""
_LANGUAGE_TAGS: Mapping[str, str] = {"zh": "zh-CN", "en": "en-GB"}


def open_template(template: Path) -> DocxTemplate:
    """Open a Word template from its file.

    Raises:
        RefusedError: the file is no Word document.
    """
    try:
        opened = DocxTemplate(io.BytesIO(template.read_bytes()))
        opened.init_docx()
    except Exception as error:  # docx raises errors of zip, XML and its own
        raise RefusedError(
            "template_unusable",
            msg("{file} is no Word document (.docx) that can be opened.", file=template.name),
        ) from error
    return opened


def write_docx(
    report: Report, template: Path | None = None, pictures: ReportPictures | None = None
) -> bytes:
    """Return the report as Word, in `template` or the shipped one; same report, same bytes."""
    file = template or SHIPPED_TEMPLATE
    document = open_template(file)
    writer = BodyWriter(
        document.docx.part,
        number_captions(report),
        pictures or ReportPictures(),
        is_large=report.is_large,
    )
    environment = SandboxedEnvironment(autoescape=True)
    try:
        document.render(
            template_fields(report, writer) | _logo_field(document, report),
            environment,
            autoescape=True,
        )
    except TemplateError as error:
        raise RefusedError(
            "template_unusable",
            msg("The template {file} cannot be filled: {reason}", file=file.name, reason=error),
        ) from error
    _set_properties(document.docx.core_properties, report)
    _set_language(document.docx.styles.element, report)
    if report.is_large:
        _enlarge_letters(document.docx)
    buffer = io.BytesIO()
    document.save(buffer)
    return normalise_zip(buffer.getvalue())


def template_fields(report: Report, writer: BodyWriter) -> dict[str, Any]:
    """Return (field that a template may name -> its value), bodies of sections made by `writer`."""
    imprint = report.imprint
    return {
        "title": report.title,
        "subtitle": report.subtitle,
        "area": report.area,
        "score": report.score,
        "interval": report.interval,
        "organisation": imprint.organisation,
        "contact": imprint.contact,
        "wave": imprint.wave,
        "date": imprint.date,
        "snapshot": imprint.snapshot,
        "figures": imprint.figures,
        "mark": " · ".join(imprint.marks),
        "words": report.words,
        "findings": list(report.findings),
        "sections": {
            section.key: {"title": section.title, "body": Markup(writer.write(section))}
            for section in report.sections
        },
    }


def _logo_field(document: DocxTemplate, report: Report) -> dict[str, Any]:
    """Return the field `logo`: a picture 14 mm high, or an empty text."""
    logo = report.imprint.logo
    picture = InlineImage(document, io.BytesIO(logo), height=Mm(14)) if logo else ""
    return {"logo": picture}


def _set_properties(properties: Any, report: Report) -> None:
    properties.title = report.title
    properties.subject = report.subtitle
    properties.author = report.imprint.organisation
    properties.last_modified_by = report.imprint.organisation
    properties.created = properties.modified = report.imprint.made_at.replace(tzinfo=None)
    properties.revision = 1
    properties.language = _LANGUAGE_TAGS[report.language]


def _set_language(styles: Any, report: Report) -> None:
    """Set the report's language in all Word `styles` (XML), in place; Asian text is zh-CN.

    Without a name, or with one of another country, an office program draws the signs of that.
    """
    for named in styles.iter(qn("w:lang")):
        named.set(qn("w:val"), _LANGUAGE_TAGS[report.language])
        named.set(qn("w:eastAsia"), _LANGUAGE_TAGS["zh"])


def _enlarge_letters(document: Any) -> None:
    """Set every size of letters of a Word document as large print has it, in place."""
    beside = (each.target_part for each in document.part.rels.values() if not each.is_external)
    parts = [document.styles.element, document.element]
    parts += [each.element for each in beside if each.content_type.endswith(_BESIDE_THE_TEXT)]
    for part in parts:
        for size in (*part.iter(qn("w:sz")), *part.iter(qn("w:szCs"))):
            half_points = int(size.get(qn("w:val")))
            size.set(qn("w:val"), str(round(2 * enlarge_points(half_points / 2))))
