"""Report as ten slides for the meeting, one message each, the last with what is to be decided."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from survey.figures.office_zip import normalise_zip
from survey.locale import translator
from survey.reports.contents import Paragraph, Report, ReportChart, ReportSection, ReportTable
from survey.reports.pictures import ReportPictures

MAX_SLIDES = 10
_ACTIONS = "actions"
_CHOICES = (
    "headline", "compared", "areas", "cities", "strengths", "groups", "priorities", "change",
    "leaders", "complaints", "standouts", "outside", "tree", "place",
)  # fmt: skip
"""Sections that may become slides; those first here stay where a report has more than fit."""
_ACCENT, _INK, _QUIET, _FAINT = (
    RGBColor(0xBF, 0x3B, 0x30), RGBColor(0x1C, 0x1B, 0x1A),
    RGBColor(0x5F, 0x5C, 0x58), RGBColor(0xF4, 0xF1, 0xEC),
)  # fmt: skip
_WIDTH, _HEIGHT, _LEFT, _INNER, _TOP, _FLOOR = 13.333, 7.5, 0.7, 11.93, 1.45, 6.75
_TEXT_WIDTH, _GAP, _LEAD = 3.9, 0.35, 0.9
_MAX_ROWS, _MAX_LINES = 7, 2
_LATIN, _CHINESE = "Arial", "Microsoft YaHei"
_TITLE_ONLY = 5
"""Layout of the built-in master with a title and nothing else."""


def write_slides(report: Report, pictures: ReportPictures | None = None) -> bytes:
    """Return the report as a presentation (pptx); the same report gives the same bytes."""
    show = Presentation()
    show.slide_width, show.slide_height = Inches(_WIDTH), Inches(_HEIGHT)
    deck = ReportDeck(show, report, pictures or ReportPictures())
    deck.add_cover()
    for section in choose_sections(report):
        years = report.find_section("years")
        if section.key == "compared" and years is not None:
            charts = (block for block in years.blocks if isinstance(block, ReportChart))
            section = replace(section, blocks=(*section.blocks, *charts))
        deck.add_section(section, section.title)
    actions = report.find_section(_ACTIONS)
    if actions is not None:
        deck.add_section(actions, report.words["decide"])
    deck.number_slides()
    _set_properties(show.core_properties, report)
    buffer = io.BytesIO()
    show.save(buffer)
    return normalise_zip(buffer.getvalue())


def choose_sections(report: Report) -> list[ReportSection]:
    """Return the most important sections, at most `MAX_SLIDES` less two, in report order."""
    present = [key for key in _CHOICES if report.find_section(key) is not None]
    chosen = set(present[: MAX_SLIDES - 2])
    return [section for section in report.sections if section.key in chosen]


class ReportDeck:
    """Writer of the slides of one report into a presentation."""

    def __init__(self, show: Any, report: Report, pictures: ReportPictures) -> None:
        self._show = show
        self._report = report
        self._pictures = pictures
        self._t = translator(report.language)

    def add_cover(self) -> None:
        report, imprint = self._report, self._report.imprint
        slide = self._add_slide(report.title, top=2.4, size=36)
        left = _LEFT
        if imprint.logo:
            logo = slide.shapes.add_picture(
                io.BytesIO(imprint.logo), Inches(_LEFT), Inches(0.6), height=Inches(0.6)
            )
            left += logo.width / Inches(1) + 0.2
        self._write(
            slide, (left, 0.7, _INNER + _LEFT - left, 0.6), [imprint.organisation], 18, _QUIET
        )
        self._write(slide, (_LEFT, 3.6, _INNER, 0.6), [report.subtitle], 20, _QUIET)
        lines = [
            f"{report.words[name]}  {text}"
            for name in ("contact", "date")
            if (text := getattr(imprint, name))
        ]
        self._write(slide, (_LEFT, 5.4, _INNER, 1.0), lines, 14, _INK)

    def add_section(self, section: ReportSection, title: str) -> None:
        """Add a slide with the first sentences of a section and its chart or table."""
        slide = self._add_slide(title)
        lines = [block.text for block in section.blocks if isinstance(block, Paragraph)]
        charts = [block for block in section.blocks if isinstance(block, ReportChart)]
        tables = [block for block in section.blocks if isinstance(block, ReportTable)]
        height = _FLOOR - _TOP
        if not charts and not tables:
            self._write(slide, (_LEFT, _TOP, _INNER, height), lines[:_MAX_LINES], 22, _INK)
            return
        if charts:
            self._write(slide, (_LEFT, _TOP, _TEXT_WIDTH, height), lines[:_MAX_LINES], 16, _INK)
            left = _LEFT + _TEXT_WIDTH + _GAP
            self._draw_chart(slide, charts[0], (left, _TOP, _WIDTH - _LEFT - left, height))
            return
        self._write(slide, (_LEFT, _TOP, _INNER, _LEAD), lines[:1], 16, _INK)
        self._draw_table(slide, tables[0], _TOP + _LEAD * bool(lines))

    def _add_slide(self, title: str, *, top: float = 0.55, size: float = 26) -> Any:
        slide = self._show.slides.add_slide(self._show.slide_layouts[_TITLE_ONLY])
        shape = slide.shapes.title
        shape.left, shape.top = Inches(_LEFT), Inches(top)
        shape.width, shape.height = Inches(_INNER), Inches(0.75)
        shape.text_frame.word_wrap, shape.text_frame.margin_left = True, 0
        shape.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        paragraph = shape.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.LEFT
        self._add_run(paragraph, title, size, _INK if top > 1 else _ACCENT)
        marks = " · ".join(self._report.imprint.marks)
        if marks:
            box = (_LEFT, 0.15, _INNER, 0.35)
            self._write(slide, box, [marks], 11, _ACCENT, PP_ALIGN.RIGHT)
        return slide

    def number_slides(self) -> None:
        imprint, slides = self._report.imprint, list(self._show.slides)
        for number, slide in enumerate(slides, 1):
            self._write(slide, (_LEFT, 6.95, _INNER - 1, 0.35), [imprint.foot], 10, _QUIET)
            page = f"{number} / {len(slides)}"
            box = (_WIDTH - _LEFT - 1, 6.95, 1, 0.35)
            self._write(slide, box, [page], 10, _QUIET, PP_ALIGN.RIGHT)

    def _write(
        self,
        slide: Any,
        box: tuple[float, float, float, float],
        lines: Sequence[str],
        size: float,
        colour: RGBColor,
        align: Any = PP_ALIGN.LEFT,
    ) -> None:
        frame = slide.shapes.add_textbox(*map(Inches, box)).text_frame
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = 0
        for index, line in enumerate(lines):
            paragraph = frame.add_paragraph() if index else frame.paragraphs[0]
            paragraph.alignment, paragraph.space_after = align, Pt(size * 0.6)
            paragraph.line_spacing = 1.15
            self._add_run(paragraph, line, size, colour)

    def _add_run(self, paragraph: Any, text: str, size: float, colour: RGBColor) -> None:
        run = paragraph.add_run()
        run.text = text
        run.font.size, run.font.name, run.font.color.rgb = Pt(size), _LATIN, colour
        chinese = run._r.get_or_add_rPr().makeelement(qn("a:ea"), {"typeface": _CHINESE})
        run._r.get_or_add_rPr().append(chinese)

    def _draw_chart(
        self, slide: Any, chart: ReportChart, box: tuple[float, float, float, float]
    ) -> None:
        picture, (left, top, width, height) = self._pictures.draw_png(chart.panel), box
        self._write(slide, (left, top, width, 0.35), [chart.panel.title], 13, _INK)
        self._write(slide, (left, _FLOOR - 0.35, width, 0.4), [chart.panel.subtitle], 9, _QUIET)
        room = height - 0.9
        scale = min(width / picture.width, room / picture.height)
        drawn = slide.shapes.add_picture(
            io.BytesIO(picture.content),
            Inches(left + (width - picture.width * scale) / 2),
            Inches(top + 0.45),
            Inches(picture.width * scale),
            Inches(picture.height * scale),
        )
        drawn._element.nvPicPr.cNvPr.set("descr", chart.panel.alt)

    def _draw_table(self, slide: Any, table: ReportTable, top: float) -> None:
        left, width = _LEFT, _INNER
        columns, rows = table.columns, table.rows[:_MAX_ROWS]
        self._write(slide, (left, top, width, 0.35), [table.title], 13, _INK)
        shape = slide.shapes.add_table(
            len(rows) + 1, len(columns), Inches(left), Inches(top + 0.45), Inches(width), 0
        )
        drawn = shape.table
        drawn.horz_banding = False
        for place, part in enumerate(table.widths):
            drawn.columns[place].width = Inches(width * part)
        heads = [column.head for column in columns]
        for row, texts in enumerate((heads, *rows)):
            drawn.rows[row].height = Inches(0.42)
            for place, text in enumerate(texts):
                self._fill_cell(drawn.cell(row, place), text, columns[place].is_number)
        notes = [table.note]
        if len(rows) < len(table.rows):
            notes.append(self._t("The first {count} rows; the report has all.", count=len(rows)))
        self._write(slide, (left, _FLOOR - 0.35, width, 0.4), [" ".join(notes)], 9, _QUIET)

    def _fill_cell(self, cell: Any, text: str, is_number: bool) -> None:
        cell.margin_left = cell.margin_right = Inches(0.06)
        cell.margin_top = cell.margin_bottom = Inches(0.03)
        cell.vertical_anchor = MSO_ANCHOR.MIDDLE
        cell.fill.solid()
        cell.fill.fore_color.rgb = _FAINT
        paragraph = cell.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.RIGHT if is_number else PP_ALIGN.LEFT
        self._add_run(paragraph, text.replace("\n", "  "), 13, _INK)


def _set_properties(properties: Any, report: Report) -> None:
    properties.title, properties.subject = report.title, report.subtitle
    properties.author = properties.last_modified_by = report.imprint.organisation
    properties.created = properties.modified = report.imprint.made_at.replace(tzinfo=None)
    properties.revision = 1
