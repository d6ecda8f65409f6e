"""Paper questionnaire as PDF: numbers and codes of the keying grid, routes in words.

The layout knows two sizes. The large one is for people who do not read small print: nothing on it
is smaller than `LARGE_PRINT.small`, running heads included.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from fpdf import FPDF
from fpdf.enums import TextMode

from survey.instrument.condition_text import ConditionText
from survey.instrument.jump_targets import Jump, list_guided, list_jumps, question_after
from survey.instrument.model import (
    Instrument,
    Item,
    ItemKind,
    Labels,
    Section,
    SpecialAnswer,
    label_text,
)
from survey.instrument.paper_codes import (
    SPECIAL_LETTERS,
    SPECIAL_NAMES,
    PrintedOption,
    list_printed_options,
    number_questions,
)
from survey.instrument.question_types import type_of
from survey.locale import Translator, translator
from survey.publish.fonts import register_font
from survey.publish.paper_lines import (
    PrintedBlock,
    PrintedRow,
    paginate,
    truncate_to_width,
    wrap_lines,
)

_BLACK, _GREY, _LINE = 0, 90, 150
_MM_PER_POINT = 25.4 / 72
_PAGE_WIDTH, _PAGE_HEIGHT, _MARGIN = 210.0, 297.0, 18.0
_WIDTH = _PAGE_WIDTH - 2 * _MARGIN
_REFERENCE = re.compile(r"\$\{([^{}]+)\}")


@dataclass(frozen=True)
class PaperSize:
    """Sizes of print in points; `lead` is the distance of two lines in sizes of print."""

    title: float
    heading: float
    text: float
    small: float
    lead: float = 1.5

    @property
    def indent(self) -> float:
        """Return the column of the question numbers in millimetres."""
        return self.text * _MM_PER_POINT * 2.3


USUAL_PRINT = PaperSize(title=17, heading=13, text=11, small=9.5)
LARGE_PRINT = PaperSize(title=24, heading=22, text=20, small=18, lead=1.4)


@dataclass(frozen=True)
class _TickBox:
    """An answer to tick, with what follows from it."""

    text: str
    follow: str = ""


def paper_form_pdf(instrument: Instrument, *, language: str, large: bool = False) -> bytes:
    """Return the questionnaire in one of its languages, on pages of A4."""
    codes = [each.code for each in instrument.languages]
    chosen = language if language in codes else instrument.default_language
    return _PaperForm(instrument, chosen, LARGE_PRINT if large else USUAL_PRINT).build()


class _PaperForm:
    """One document while it is laid out."""

    def __init__(self, instrument: Instrument, language: str, size: PaperSize) -> None:
        self.instrument, self.language, self.size = instrument, language, size
        self.t: Translator = translator(language)
        self.numbers = number_questions(instrument)
        self.jumps = list_jumps(instrument)
        self.guided = list_guided(instrument, self.jumps)
        self.conditions = ConditionText(instrument, self.t, language)
        self.pdf = FPDF(format="A4")
        self.pdf.set_auto_page_break(False)
        self.title = label_text(instrument.title, language, instrument.name)
        self.pdf.set_title(self.title)
        self.pdf.set_lang(language)
        self.face = register_font(self.pdf)

    def build(self) -> bytes:
        top = _MARGIN + self._line_height_of(self.size.small) + 3
        pages = paginate(self._iter_blocks(), _PAGE_HEIGHT - top - _MARGIN)
        for number, rows in enumerate(pages, start=1):
            self.pdf.add_page()
            self._draw_head(number, len(pages))
            y = top
            for row in rows:
                row.draw(self.pdf, _MARGIN, y)
                y += row.height
        return bytes(self.pdf.output())

    # Content, from top to bottom

    def _iter_blocks(self) -> Iterator[PrintedBlock]:
        yield self._build_front()
        for section in self.instrument.sections:
            yield from self._iter_section_blocks(section)
        yield [self._build_gap(4), *self._build_paragraph(self._get_thanks(), self.size.text)]

    def _build_front(self) -> PrintedBlock:
        t = self.t
        fields = (
            t("Number of the sheet"), t("Sampling point"), t("Surveyor"), t("Day of the interview")
        )  # fmt: skip
        guide = t(
            "Tick one box for each question, unless it says that several may be ticked. Where an "
            "arrow stands behind an answer, go on with the question that it names; otherwise with "
            "the next one that is for you."
        )
        return [
            *self._build_paragraph(self.title, self.size.title, heavy=True),
            self._build_gap(2),
            *(self._build_blank_field(name) for name in fields),
            self._build_gap(2),
            *self._build_paragraph(guide, self.size.small, shade=_GREY),
            self._build_gap(2),
        ]

    def _iter_section_blocks(self, section: Section) -> Iterator[PrintedBlock]:
        """Yield the heading with the first item, so that no heading ends a page, then the rest."""
        shown = [item for item in section.items if type_of(item).is_shown]
        blocks = [self._build_item_block(item) for item in shown]
        heading = self._build_section_heading(section)
        if section.ends is not None:
            yield [*heading, *(row for block in blocks for row in block)]
        elif blocks:
            yield [*heading, *blocks[0]]
            yield from blocks[1:]

    def _build_section_heading(self, section: Section) -> PrintedBlock:
        t, title = self.t, label_text(section.title, self.language, "")
        rows = [self._build_gap(3), self._build_rule()]
        if title:
            rows += self._build_paragraph(title, self.size.heading, heavy=True)
        if section.relevant is not None:
            condition = self.conditions.write(section.relevant)
            words = (
                t("The interview ends here if {condition}:", condition=condition)
                if section.ends is not None
                else self._describe_section_condition(
                    condition, question_after(self.instrument, section)
                )
            )
            rows += self._build_paragraph(words, self.size.small, shade=_GREY)
        return [*rows, self._build_gap(1)]

    def _describe_section_condition(self, condition: str, otherwise: int | None) -> str:
        t = self.t
        if otherwise is None:
            return t(
                "This part only if {condition}; otherwise the interview is over.",
                condition=condition,
            )
        return t(
            "This part only if {condition}; otherwise go on with question {number}.",
            condition=condition,
            number=otherwise,
        )

    def _build_item_block(self, item: Item) -> PrintedBlock:
        number = self.numbers.get(item.name)
        if number is None:
            rows = self._build_condition_lines(item)
            return [
                *rows,
                *self._build_paragraph(self._label_in_language(item.label), self.size.text),
                self._build_gap(2),
            ]
        indent = self.size.indent
        rows = list(self._build_condition_lines(item, indent))
        text = self._label_in_language(item.label) + self._describe_remarks(item)
        rows += self._build_paragraph(
            text, self.size.text, indent=indent, mark=f"{number}.", heavy_mark=True
        )
        if item.hint:
            rows += self._build_paragraph(
                self._label_in_language(item.hint), self.size.small, indent=indent, shade=_GREY
            )
        return [*rows, *self._iter_answer_rows(item), self._build_gap(2.5)]

    def _build_condition_lines(self, item: Item, indent: float = 0) -> Sequence[PrintedRow]:
        if item.relevant is None or item.name in self.guided:
            return ()
        words = self.t("Only if {condition}:", condition=self.conditions.write(item.relevant))
        return self._build_paragraph(words, self.size.small, indent=indent, shade=_GREY)

    def _describe_remarks(self, item: Item) -> str:
        t = self.t
        remarks = [t("(several answers)")] if type_of(item).allows_several else []
        remarks += [] if item.required else [t("(optional)")]
        return "".join(f" {remark}" for remark in remarks)

    def _iter_answer_rows(self, item: Item) -> Iterator[PrintedRow]:
        options = list_printed_options(item)
        if options:
            yield from self._iter_tick_box_rows(
                [self._build_box(item, option) for option in options]
            )
        elif item.kind is ItemKind.TEXT:
            yield from (self._build_writing_line() for _ in range(2))
        elif item.kind is ItemKind.DATE:
            yield from self._build_paragraph(
                self.t("Year ______  month ____  day ____"), self.size.text, self.size.indent
            )
        else:
            yield self._build_writing_line(_WIDTH / 3)
        specials = [
            _TickBox(f"{SPECIAL_LETTERS[special]} {self._name_special(item, special)}")
            for special in item.specials
        ]
        yield from self._iter_tick_box_rows(specials)

    def _name_special(self, item: Item, special: SpecialAnswer) -> str:
        own = item.special_labels.get(special, {})
        return label_text(own, self.language, self.t(SPECIAL_NAMES[special]))

    def _build_box(self, item: Item, option: PrintedOption) -> _TickBox:
        jump = self.jumps.get(item.name, {}).get(option.value)
        label = self._label_in_language(option.label)
        return _TickBox(
            f"{option.code} {label}".rstrip(), self._describe_jump(jump) if jump else ""
        )

    def _describe_jump(self, jump: Jump) -> str:
        if jump.question is not None:
            return self.t("→ go on with question {number}", number=jump.question)
        return self.t("→ the interview ends here")

    def _get_thanks(self) -> str:
        thanks = label_text(self.instrument.thanks, self.language, "")
        return thanks or self.t("This is the end. Thank you!")

    def _label_in_language(self, labels: Labels) -> str:
        text = label_text(labels, self.language, "")
        return _REFERENCE.sub(
            lambda match: self.t("[answer to {name}]", name=self.conditions.name(match[1])), text
        )

    # Rows

    def _line_height_of(self, size: float) -> float:
        return size * _MM_PER_POINT * self.size.lead

    def _measure_text(self, size: float, text: str) -> float:
        self.pdf.set_font(self.face, size=size)
        return self.pdf.get_string_width(text)

    def _build_gap(self, height: float) -> PrintedRow:
        return PrintedRow(height, lambda _pdf, _x, _y: None)

    def _build_rule(self) -> PrintedRow:
        def draw(pdf: FPDF, x: float, y: float) -> None:
            pdf.set_draw_color(_LINE)
            pdf.line(x, y, x + _WIDTH, y)

        return PrintedRow(1.5, draw)

    def _build_paragraph(
        self,
        text: str,
        size: float,
        indent: float = 0,
        *,
        shade: int = _BLACK,
        heavy: bool = False,
        mark: str = "",
        heavy_mark: bool = False,
    ) -> list[PrintedRow]:
        """Return the lines of a text; `mark` stands before the first of them."""
        lines = wrap_lines(text, _WIDTH - indent, partial(self._measure_text, size))

        def draw(line: str, first: bool, _pdf: FPDF, x: float, y: float) -> None:
            if first and mark:
                self._draw_text(x, y, mark, size, shade, heavy_mark)
            self._draw_text(x + indent, y, line, size, shade, heavy)

        return [
            PrintedRow(self._line_height_of(size), partial(draw, line, number == 0))
            for number, line in enumerate(lines)
        ]

    def _draw_text(
        self, x: float, top: float, text: str, size: float, shade: int, heavy: bool = False
    ) -> None:
        pdf, baseline = (
            self.pdf,
            top + self._line_height_of(size) * 0.5 + size * _MM_PER_POINT * 0.36,
        )
        pdf.set_font(self.face, size=size)
        pdf.set_text_color(shade)
        if not heavy:
            pdf.text(x, baseline, text)
            return
        # The typeface comes in one weight: a thin outline makes the other.
        with pdf.local_context(text_mode=TextMode.FILL_STROKE, line_width=size * 0.012):
            pdf.set_draw_color(shade)
            pdf.text(x, baseline, text)

    def _iter_tick_box_rows(self, boxes: Sequence[_TickBox]) -> Iterator[PrintedRow]:
        """Yield rows of answers: side by side where none of them leads elsewhere."""
        side_by_side = not any(box.follow for box in boxes)
        room, x = _WIDTH - self.size.indent, 0.0
        row: list[tuple[float, _TickBox]] = []
        for box in boxes:
            width = self._measure_box(box)
            if row and (not side_by_side or x + width > room):
                yield from self._iter_box_rows(row)
                row, x = [], 0.0
            row.append((x, box))
            x += width + self.size.text * _MM_PER_POINT * 1.2
        if row:
            yield from self._iter_box_rows(row)

    @property
    def _square(self) -> float:
        return self.size.text * _MM_PER_POINT * 0.85

    def _measure_box(self, box: _TickBox) -> float:
        text = f"{box.text}  {box.follow}".rstrip()
        return self._square * 1.5 + self._measure_text(self.size.text, text)

    def _iter_box_rows(self, row: Sequence[tuple[float, _TickBox]]) -> Iterator[PrintedRow]:
        size, start = self.size.text, self.size.indent + self._square * 1.5
        lone = row[0][1]
        if len(row) == 1 and self._measure_box(lone) > _WIDTH - self.size.indent:
            text = f"{lone.text}  {lone.follow}".rstrip()
            lines = self._build_paragraph(text, size, start)
            yield PrintedRow(lines[0].height, partial(self._draw_square_and, lines[0]))
            yield from lines[1:]
            return

        def draw(_pdf: FPDF, x: float, y: float) -> None:
            for offset, box in row:
                self._draw_square(x + self.size.indent + offset, y)
                text = f"{box.text}  {box.follow}".rstrip()
                self._draw_text(x + start + offset, y, text, size, _BLACK)

        yield PrintedRow(self._line_height_of(size) * 1.08, draw)

    def _draw_square_and(self, row: PrintedRow, pdf: FPDF, x: float, y: float) -> None:
        self._draw_square(x + self.size.indent, y)
        row.draw(pdf, x, y)

    def _draw_square(self, x: float, y: float) -> None:
        self.pdf.set_draw_color(_BLACK)
        top = y + (self._line_height_of(self.size.text) - self._square) / 2
        self.pdf.rect(x, top, self._square, self._square)

    def _build_writing_line(self, width: float = 0) -> PrintedRow:
        height = self._line_height_of(self.size.text) * 1.25
        end = width or _WIDTH - self.size.indent

        def draw(pdf: FPDF, x: float, y: float) -> None:
            pdf.set_draw_color(_LINE)
            left = x + self.size.indent
            pdf.line(left, y + height - 1, left + end, y + height - 1)

        return PrintedRow(height, draw)

    def _build_blank_field(self, name: str) -> PrintedRow:
        height = self._line_height_of(self.size.text) * 1.2

        def draw(pdf: FPDF, x: float, y: float) -> None:
            self._draw_text(x, y, name, self.size.text, _BLACK)
            left = x + self._measure_text(self.size.text, name) + 3
            pdf.set_draw_color(_LINE)
            pdf.line(left, y + height - 1, x + _WIDTH * 0.7, y + height - 1)

        return PrintedRow(height, draw)

    def _draw_head(self, number: int, pages: int) -> None:
        size, top = self.size.small, _MARGIN - 4
        page = " · ".join(
            (
                self.instrument.version,
                self.t("page {number} of {pages}", number=number, pages=pages),
            )
        )
        width = self._measure_text(size, page)
        fits = truncate_to_width(self.pdf, self.title, _WIDTH - width - 6)
        self._draw_text(_MARGIN, top, fits, size, _GREY)
        self._draw_text(_PAGE_WIDTH - _MARGIN - width, top, page, size, _GREY)
        y = top + self._line_height_of(size)
        self.pdf.set_draw_color(_LINE)
        self.pdf.line(_MARGIN, y, _PAGE_WIDTH - _MARGIN, y)
