"""Paper questionnaire as PDF: numbers and codes of the keying grid, routes in words.

The layout knows two sizes. The large one is for people who do not read small print: nothing on it
is smaller than `LARGE_PRINT.small`, running heads included.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from survey.figures.drawing import write_typst_pdf
from survey.locale import Labels, Message, Translator, label_text, msg, translator
from survey.questionnaire.jump_targets import Jump, list_guided, list_jumps, question_after
from survey.questionnaire.model import Images, Instrument, Item, ItemKind, Section, SpecialAnswer
from survey.questionnaire.paper_codes import (
    SPECIAL_LETTERS,
    SPECIAL_NAMES,
    PrintedOption,
    list_printed_options,
    number_questions,
)
from survey.questionnaire.question_types import type_of
from survey.questionnaire.translations import ConditionText

_TEMPLATE = Path(__file__).with_name("paper_form.typ")
_REFERENCE = re.compile(r"\$\{([^{}]+)\}")

_DAY_BLANK, _TIME_BLANK = msg("Year ______  month ____  day ____"), msg("hour ____  minute ____")
_WRITTEN_MOMENTS: Mapping[ItemKind, tuple[Message, ...]] = {
    ItemKind.DATE: (_DAY_BLANK,),
    ItemKind.TIME: (_TIME_BLANK,),
    ItemKind.DATETIME: (_DAY_BLANK, _TIME_BLANK),
}

_PICTURE_WIDTH, _PIXEL = 150.0, 25.4 / 96
"""Widest picture, and largest size of a pixel, in millimetres."""

PrintedRow = dict[str, Any]
"""What the template draws below the row before: `kind` and what this kind needs."""
PrintedBlock = list[PrintedRow]
"""Rows that stay on one page if a page can hold them."""


@dataclass(frozen=True)
class PaperSize:
    """Sizes of print in points; `lead` is the line spacing as a multiple of the size."""

    title: float
    heading: float
    text: float
    small: float
    lead: float = 1.5


USUAL_PRINT = PaperSize(title=17, heading=13, text=11, small=9.5)
LARGE_PRINT = PaperSize(title=24, heading=22, text=20, small=18, lead=1.4)


def paper_form_pdf(
    instrument: Instrument,
    pictures: Mapping[str, bytes] | None = None,
    *,
    language: str,
    large: bool = False,
) -> bytes:
    """Return the questionnaire as PDF, in `large` print if asked; default language if unknown.

    Args:
        instrument: The questionnaire.
        pictures: SHA-256 -> JPEG of the pictures that it shows.
        language: Code of the language to print.
        large: Whether in large print.
    """
    codes = [each.code for each in instrument.languages]
    chosen = language if language in codes else instrument.default_language
    form = _PaperForm(instrument, chosen, pictures or {})
    return form.write(LARGE_PRINT if large else USUAL_PRINT)


class _PaperForm:
    """Writer of one printed questionnaire: title page, sections, questions and thanks."""

    def __init__(
        self, instrument: Instrument, language: str, pictures: Mapping[str, bytes]
    ) -> None:
        self.instrument, self.language, self.pictures = instrument, language, pictures
        self.t: Translator = translator(language)
        self.numbers = number_questions(instrument)
        self.jumps = list_jumps(instrument)
        self.guided = list_guided(instrument, self.jumps)
        self.conditions = ConditionText(instrument, self.t, language)
        self.title = label_text(instrument.title, language, instrument.name)

    def write(self, size: PaperSize) -> bytes:
        data = {
            "title": self.title,
            "language": self.language,
            "size": asdict(size),
            "version": self.instrument.version,
            # The template knows the numbers when all pages are set.
            "page": self.t("page {number} of {pages}", number="{number}", pages="{pages}"),
            "blocks": [*self._iter_blocks()],
        }
        return write_typst_pdf(_TEMPLATE, data)

    def _iter_blocks(self) -> Iterator[PrintedBlock]:
        yield self._build_front()
        for section in self.instrument.sections:
            yield from self._iter_section_blocks(section)
        yield [_gap(4), _text(self._get_thanks())]

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
        blanks = [{"kind": "field", "text": name} for name in fields]
        return [
            _text(self.title, "title"), _gap(2), *blanks, _gap(2), _text(guide, "small"), _gap(2)
        ]  # fmt: skip

    def _iter_section_blocks(self, section: Section) -> Iterator[PrintedBlock]:
        """Yield a section's blocks, each kept on a page; the first item's has the heading."""
        shown = [item for item in section.items if type_of(item).is_shown]
        blocks = [self._build_item_block(item) for item in shown]
        heading = self._build_section_heading(section)
        if section.ends is not None:
            yield [*heading, *(row for block in blocks for row in block)]
        elif blocks:
            yield [*heading, *blocks[0]]
            yield from blocks[1:]

    def _build_section_heading(self, section: Section) -> PrintedBlock:
        t, title = self.t, label_text(section.title, self.language)
        rows = [_gap(3), {"kind": "rule"}]
        if title:
            rows.append(_text(title, "heading"))
        if section.relevant is not None:
            condition = self.conditions.write(section.relevant)
            words = (
                t("The interview ends here if {condition}:", condition=condition)
                if section.ends is not None
                else self._describe_section_condition(
                    condition, question_after(self.instrument, section)
                )
            )
            rows.append(_text(words, "small"))
        return [*rows, _gap(1)]

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
        number, rows = self.numbers.get(item.name), [*self._iter_condition_rows(item)]
        label = self._label_in_language(item.label)
        if number is None:
            return [*rows, _text(label), *self._iter_pictures(item), _gap(2)]
        text = label + self._describe_remarks(item)
        rows.append(_text(text, indented=True) | {"mark": f"{number}."})
        hints = (self._label_in_language(item.hint), self.conditions.write_filter(item))
        rows += [_text(hint, "small", indented=True) for hint in hints if hint]
        rows += self._iter_pictures(item)
        return [*rows, *self._iter_answer_rows(item), _gap(2.5)]

    def _iter_pictures(self, item: Item) -> Iterator[PrintedRow]:
        """Yield the picture of a question, then those of its choices side by side, each named."""
        choices = [
            self._draw_picture(choice.image, 24, self._label_in_language(choice.label))
            for choice in item.choices
            if choice.image
        ]
        own = [self._draw_picture(item.image, 45, "")] if item.image else []
        yield from ({"kind": "pictures", "pictures": shown} for shown in (own, choices) if shown)

    def _draw_picture(self, images: Images, height: float, name: str) -> dict[str, Any]:
        """Return a picture of at most a height in millimetres as SVG, the text that JSON takes."""
        usual = images.get(self.instrument.default_language) or next(iter(images.values()))
        picture = images.get(self.language, usual)
        size = f'width="{picture.width}" height="{picture.height}"'
        content = b64encode(self.pictures[picture.sha256]).decode()
        svg = f'<image {size} href="data:image/jpeg;base64,{content}"/>'
        scale = min(height / picture.height, _PICTURE_WIDTH / picture.width, _PIXEL)
        return {
            "svg": f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{svg}</svg>',
            "width": picture.width * scale,
            "name": name,
        }

    def _iter_condition_rows(self, item: Item) -> Iterator[PrintedRow]:
        if item.relevant is not None and item.name not in self.guided:
            words = self.t("Only if {condition}:", condition=self.conditions.write(item.relevant))
            yield _text(words, "small", indented=item.name in self.numbers)

    def _describe_remarks(self, item: Item) -> str:
        t = self.t
        remarks = [t("(several answers)")] if type_of(item).allows_several else []
        remarks += [t("(write the place of each answer, 1 for the first)")] * type_of(
            item
        ).is_ranked
        remarks += [] if item.required else [t("(optional)")]
        return "".join(f" {remark}" for remark in remarks)

    def _iter_answer_rows(self, item: Item) -> Iterator[PrintedRow]:
        options = list_printed_options(item)
        if options:
            yield _boxes([self._describe_box(item, option) for option in options])
        elif type_of(item).is_ranked:
            labels = (self._label_in_language(choice.label) for choice in item.choices)
            yield from (_text(f"____  {label}", indented=True) for label in labels)
        elif item.kind is ItemKind.TEXT:
            yield from ({"kind": "line", "share": 1} for _ in range(2))
        elif item.kind in _WRITTEN_MOMENTS:
            blanks = "  ".join(self.t(blank) for blank in _WRITTEN_MOMENTS[item.kind])
            yield _text(blanks, indented=True)
        else:
            yield {"kind": "line", "share": 1 / 3}
        if item.specials:
            yield _boxes(
                [
                    (f"{SPECIAL_LETTERS[special]} {self._name_special(item, special)}", "")
                    for special in item.specials
                ]
            )

    def _name_special(self, item: Item, special: SpecialAnswer) -> str:
        own = item.special_labels.get(special, {})
        return label_text(own, self.language, self.t(SPECIAL_NAMES[special]))

    def _describe_box(self, item: Item, option: PrintedOption) -> tuple[str, str]:
        """Return an answer's text, and a note on the question it leads to (empty: the next one)."""
        jump = self.jumps.get(item.name, {}).get(option.value)
        label = self._label_in_language(option.label)
        return f"{option.code} {label}".rstrip(), self._describe_jump(jump) if jump else ""

    def _describe_jump(self, jump: Jump) -> str:
        if jump.question is not None:
            return self.t("→ go on with question {number}", number=jump.question)
        return self.t("→ the interview ends here")

    def _get_thanks(self) -> str:
        thanks = label_text(self.instrument.thanks, self.language)
        return thanks or self.t("This is the end. Thank you!")

    def _label_in_language(self, labels: Labels) -> str:
        text = label_text(labels, self.language)
        return _REFERENCE.sub(
            lambda match: self.t("[answer to {name}]", name=self.conditions.name(match[1])), text
        )


def _gap(height: float) -> PrintedRow:
    """Return an empty row of this height in millimetres."""
    return {"kind": "gap", "height": height}


def _text(text: str, size: str = "text", *, indented: bool = False) -> PrintedRow:
    """Return a paragraph as a printed row; `size` is the name of a size of `PaperSize`."""
    return {"kind": "text", "text": text, "size": size, "indented": indented, "mark": ""}


def _boxes(boxes: list[tuple[str, str]]) -> PrintedRow:
    """Return a row of answer boxes (text, note), side by side unless any has a note."""
    texts = [f"{text}  {follow}".rstrip() for text, follow in boxes]
    return {"kind": "boxes", "texts": texts, "beside": not any(follow for _, follow in boxes)}
