"""Build the Word templates of reports that ship with the platform, the same bytes each time.

An association edits a copy of it in Word (docs/reports.md); this file is only how ours came to be.
"""

import io
from datetime import datetime

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from survey.figures.office_zip import normalise_zip
from survey.reports.contents import ReportPart
from survey.reports.docx_file import (
    BODY,
    BULLET,
    CAPTION,
    CELL,
    NOTE,
    PLAIN_TEMPLATE,
    SHIPPED_TEMPLATE,
    TABLE,
)
from survey.reports.report_builder import SECTION_KEYS
from survey.reports.scope import PART_OF

ACCENT, INK, QUIET = (
    RGBColor(0xBF, 0x3B, 0x30),
    RGBColor(0x1C, 0x1B, 0x1A),
    RGBColor(0x5F, 0x5C, 0x58),
)
LATIN, SONG, HEI = "Arial", "宋体", "黑体"
_MARGIN, _WIDTH = 24, 162
_KEY_BEFORE = dict(zip(SECTION_KEYS[1:], SECTION_KEYS, strict=False))
_EPOCH = datetime(2024, 1, 1)  # noqa: DTZ001  (Office times carry no zone)


def build_template() -> bytes:
    """Return the template of reports on a wave."""
    document = _begin_document()
    for key in SECTION_KEYS:
        part = PART_OF.get(key, ReportPart.BODY)
        if part is not PART_OF.get(_KEY_BEFORE.get(key, key), ReportPart.BODY):
            _begin_part(document, part)
        _write_section(document, key)
    _write_hashes(document)
    return _save(document)


def build_plain_template() -> bytes:
    """Return the template of what is no report of a wave: its sections in their order."""
    document = _begin_document()
    document.add_paragraph("{%p for section in sections.values() %}")
    document.add_paragraph("{{ section.title }}", style="Heading 2")
    document.add_paragraph("{{p section.body }}", style=BODY)
    document.add_paragraph("{%p endfor %}")
    return _save(document)


def _begin_document() -> Document:
    document = docx.Document()
    _set_page(document)
    _define_styles(document)
    _write_header_and_footer(document)
    _write_letterhead(document)
    return document


def _save(document: Document) -> bytes:
    properties = document.core_properties
    properties.author = properties.title = properties.comments = properties.keywords = ""
    properties.last_modified_by, properties.revision = "", 1
    properties.created = properties.modified = _EPOCH
    buffer = io.BytesIO()
    document.save(buffer)
    return normalise_zip(buffer.getvalue())


def _set_page(document: Document) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(_MARGIN)
    section.top_margin, section.bottom_margin = Mm(26), Mm(22)
    section.header_distance, section.footer_distance = Mm(12), Mm(10)
    section.different_first_page_header_footer = False


def _define_styles(document: Document) -> None:
    styles = document.styles
    _set_font(styles["Normal"], 10.5, SONG, INK)
    _set_paragraph(styles["Normal"], after=0, line=1.0)
    for name, size, before, after in (("Heading 1", 20.0, 0, 10), ("Heading 2", 14.0, 16, 6)):
        style = styles[name]
        _set_font(style, size, HEI, INK if name == "Heading 1" else ACCENT, bold=False)
        _set_paragraph(style, before=before, after=after, line=1.1, keeps=True)
    _set_font(styles["Title"], 24, HEI, INK, bold=False)
    _set_paragraph(styles["Title"], after=10, line=1.2)
    border = styles["Title"].element.pPr.find(qn("w:pBdr"))
    if border is not None:
        styles["Title"].element.pPr.remove(border)
    _set_font(styles["Subtitle"], 12, HEI, QUIET, bold=False, italic=False)
    _set_paragraph(styles["Subtitle"], after=6, line=1.2)
    _set_font(styles[BODY], 10.5, SONG, INK)
    _set_paragraph(styles[BODY], after=6, line=1.35)
    _set_font(styles[BULLET], 10.5, SONG, INK)
    _set_paragraph(styles[BULLET], after=4, line=1.35)
    _set_font(styles[CAPTION], 9.5, HEI, INK, bold=False)
    _set_paragraph(styles[CAPTION], before=10, after=4, line=1.1, keeps=True)
    for name, size, colour, after in ((NOTE, 8.5, QUIET, 10), (CELL, 9, INK, 0)):
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = styles["Normal"]
        style.quick_style = True
        _set_font(style, size, SONG, colour)
        _set_paragraph(style, before=3 if name == NOTE else 0, after=after, line=1.15)
    styles.element.append(parse_xml(_TABLE_STYLE))


def _set_font(
    style: ParagraphStyle,
    size: float,
    chinese: str,
    colour: RGBColor,
    *,
    bold: bool | None = None,
    italic: bool | None = None,
) -> None:
    font = style.font
    font.size, font.name, font.bold, font.italic = Pt(size), LATIN, bold, italic
    font.color.rgb = colour
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    fonts.set(qn("w:eastAsia"), chinese)
    fonts.set(qn("w:cs"), LATIN)


def _set_paragraph(
    style: ParagraphStyle, *, before: float = 0, after: float, line: float, keeps: bool = False
) -> None:
    layout = style.paragraph_format
    layout.space_before, layout.space_after, layout.line_spacing = Pt(before), Pt(after), line
    layout.keep_with_next = keeps
    layout.widow_control = True


_TABLE_STYLE = f"""
<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="ReportTable">
  <w:name w:val="{TABLE}"/><w:basedOn w:val="TableNormal"/><w:uiPriority w:val="99"/><w:qFormat/>
  <w:tblPr>
    <w:tblBorders>
      <w:top w:val="single" w:sz="12" w:space="0" w:color="1C1B1A"/>
      <w:bottom w:val="single" w:sz="12" w:space="0" w:color="1C1B1A"/>
      <w:insideH w:val="single" w:sz="4" w:space="0" w:color="D9D5CF"/>
    </w:tblBorders>
    <w:tblCellMar>
      <w:top w:w="45" w:type="dxa"/><w:left w:w="85" w:type="dxa"/>
      <w:bottom w:w="45" w:type="dxa"/><w:right w:w="85" w:type="dxa"/>
    </w:tblCellMar>
  </w:tblPr>
  <w:tblStylePr w:type="firstRow">
    <w:rPr><w:b/><w:bCs/></w:rPr>
    <w:tcPr><w:tcBorders>
      <w:bottom w:val="single" w:sz="6" w:space="0" w:color="1C1B1A"/>
    </w:tcBorders><w:shd w:val="clear" w:color="auto" w:fill="F4F1EC"/></w:tcPr>
  </w:tblStylePr>
</w:style>
"""


def _write_header_and_footer(document: Document) -> None:
    section = document.sections[0]
    header, footer = section.header.paragraphs[0], section.footer.paragraphs[0]
    for paragraph in (header, footer):
        paragraph.style = document.styles[NOTE]
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    header.add_run("{{ title }}")
    mark = header.add_run("\t{{ mark }}")
    mark.font.color.rgb = ACCENT
    footer.add_run(
        f"{_named('organisation', '{{ organisation }} · ')}{{{{ wave }}}} · {{{{ date }}}}\t"
    )
    _add_field(footer, "PAGE")
    footer.add_run(" / ")
    _add_field(footer, "NUMPAGES")


def _add_field(paragraph: Paragraph, code: str) -> None:
    for kind in ("begin", None, "separate", "text", "end"):
        run = paragraph.add_run("1" if kind == "text" else "")
        if kind is None:
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = f" {code} "
            run._r.append(instruction)
        elif kind != "text":
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)


def _named(field: str, text: str) -> str:
    """Return a text of the template that is left out where `field` is empty."""
    return f"{{% if {field} %}}{text}{{% endif %}}"


def _write_letterhead(document: Document) -> None:
    document.add_paragraph("{%p if logo %}")
    document.add_paragraph("{{ logo }}", style="Subtitle")
    document.add_paragraph("{%p endif %}")
    document.add_paragraph("{%p if organisation %}")
    document.add_paragraph("{{ organisation }}", style="Subtitle")
    document.add_paragraph("{%p endif %}")
    document.add_paragraph("{{ title }}", style="Title")
    contact = _named("contact", " · {{ words.contact }} {{ contact }}")
    document.add_paragraph(
        f"{{{{ subtitle }}}} · {{{{ words.date }}}} {{{{ date }}}}{contact}", style=NOTE
    )
    document.add_paragraph("{%p if mark %}")
    document.add_paragraph("{{ mark }}", style=BODY).runs[0].font.color.rgb = ACCENT
    document.add_paragraph("{%p endif %}")
    answer = document.add_paragraph(style=BODY)
    for text, size, colour in (("{{ score }}", 32, ACCENT), ("  {{ interval }}", 14, INK)):
        run = answer.add_run(text)
        run.font.size, run.font.color.rgb = Pt(size), colour


def _begin_part(document: Document, part: ReportPart) -> None:
    heading = document.add_paragraph(f"{{{{ words.{part} }}}}", style="Heading 1")
    heading.paragraph_format.page_break_before = True


def _write_hashes(document: Document) -> None:
    document.add_paragraph("{{ words.snapshot }}  {{ snapshot }}", style=NOTE)
    figures = _named("figures", "{{ words.figures }}  {{ figures }}")
    document.add_paragraph(figures, style=NOTE)


def _write_section(document: Document, key: str) -> None:
    document.add_paragraph(f"{{%p if sections.{key} %}}")
    document.add_paragraph(f"{{{{ sections.{key}.title }}}}", style="Heading 2")
    document.add_paragraph(f"{{{{p sections.{key}.body }}}}", style=BODY)
    document.add_paragraph("{%p endif %}")


if __name__ == "__main__":
    SHIPPED_TEMPLATE.write_bytes(build_template())
    PLAIN_TEMPLATE.write_bytes(build_plain_template())
