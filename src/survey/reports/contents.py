"""Contents of a report: sections of sentences, tables with their widths, and charts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from survey.figures.views.chart_panels import ChartPanel
from survey.locale import Translator
from survey.locale.figures import format_count

PAGE_EMS = 52.0
"""Width of the text on A4 in letters' heights of a cell: 468 points at 9 points."""
PADDING_EMS = 1.3
"""Left and right of the text of a cell."""
_WIDE_EMS, _NARROW_EMS = 1.0, 0.58
"""Of a Chinese character and, on average, of a bold letter or digit."""
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_UNIT = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+(?:\u00a0[^\s{_WIDE}]+)*")
"""What a line is never broken within: a Chinese character, a word, a number."""


def fit_widths(
    wanted: Sequence[float], rows: Sequence[Sequence[str]], page_ems: float = PAGE_EMS
) -> tuple[float, ...]:
    """Return column widths that add up to 1, by `wanted` ones and the longest word in `rows`.

    A column keeps the part it wants unless a word of it would break; then it takes what the word
    needs, and the columns with room to spare give it. Where all words together are wider than the
    page, each column gets its part of what it needs.

    Args:
        wanted: wanted parts of the width, on any scale.
        rows: cells of the heads and of every row.
        page_ems: width of the page in letters' heights of a cell.
    """
    needed = [
        max((_measure_longest_word(row[place]) for row in rows), default=0.0) + PADDING_EMS
        for place in range(len(wanted))
    ]
    if sum(needed) >= page_ems:
        return tuple(width / sum(needed) for width in needed)
    fixed: set[int] = set()
    while True:
        room = page_ems - sum(needed[place] for place in fixed)
        whole = sum(part for place, part in enumerate(wanted) if place not in fixed)
        widths = [
            needed[place] if place in fixed else room * part / whole
            for place, part in enumerate(wanted)
        ]
        narrow = {place for place, width in enumerate(widths) if width < needed[place] - 1e-9}
        if not narrow:
            return tuple(width / page_ems for width in widths)
        fixed |= narrow


def _measure_longest_word(text: str) -> float:
    """Return the width, in ems, of the longest part of a text that no line may break."""
    return max(map(measure_text, _UNIT.findall(text)), default=0.0)


def measure_text(text: str) -> float:
    """Return the width of a text on one line, in ems."""
    return sum(_WIDE_EMS if re.match(f"[{_WIDE}]", char) else _NARROW_EMS for char in text)


class ReportKind(StrEnum):
    """Kind of area that a report is about, or the method, which is the same for all of them."""

    CITY = "city"
    PROVINCE = "province"
    NATION = "nation"
    METHOD = "method"


class ReportEdition(StrEnum):
    """Edition of a report: as usual, in large print, or a page of a city in everyday words."""

    STANDARD = "standard"
    LARGE = "large"
    EASY = "easy"


def name_report_file(
    wave: str,
    kind: ReportKind,
    area: str,
    language: str,
    form: str,
    edition: ReportEdition = ReportEdition.STANDARD,
) -> str:
    """Return the name of a report's file, such as `main-2024-city-320500-zh.pdf`."""
    suffix = "" if edition is ReportEdition.STANDARD else f"-{edition}"
    return f"{wave}-{kind}-{area}-{language}{suffix}.{form}"


class ReportPart(StrEnum):
    """Part of a report: a letter to who decides, the body, and the annex with technical matter."""

    LETTER = "letter"
    BODY = "text"
    ANNEX = "annex"


@dataclass(frozen=True)
class Paragraph:
    """Sentences of one paragraph; a `quiet` one is printed as a note."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class BulletList:
    """Lines that are printed with a bullet each."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """Column of a table; `share` is the width it wants, relative to the other columns."""

    head: str
    share: float
    is_number: bool = False
    is_detail: bool = False
    """Number of interviews or design effect: in the annex alone."""


@dataclass(frozen=True)
class ReportTable:
    """Table of texts; every number in it is a published figure, rounded."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    ids: str = ""
    """Ids of the figures, below the table in the annex."""
    is_annexed: bool = False
    """In the annex alone: a picture or a sentence shows the same in letter or body."""
    page_ems: float = PAGE_EMS
    """Width of the page in letters' heights of a cell; less in large print."""

    @property
    def has_details(self) -> bool:
        """Whether the annex has more of this table than the body."""
        return self.is_annexed or any(column.is_detail for column in self.columns)

    def without_details(self, t: Translator) -> "ReportTable":
        """Return the table for the body: its note says on how many interviews its figures rest."""
        kept = [place for place, each in enumerate(self.columns) if not each.is_detail]
        counts = [
            int(number.replace(",", ""))
            for place, column in enumerate(self.columns)
            if column.is_detail and column.head.startswith("n")
            for row in self.rows
            for number in re.findall(r"\d[\d,]*", row[place])
        ]
        notes = [self.note]
        if counts:
            low, high = format_count(min(counts)), format_count(max(counts))
            notes.append(
                t("Based on {n} interviews.", n=low)
                if low == high
                else t("Each figure is based on {low} to {high} interviews.", low=low, high=high)
            )
        return replace(
            self,
            columns=tuple(self.columns[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in self.rows),
            note=" ".join(filter(None, notes)),
            ids="",
        )

    @property
    def widths(self) -> tuple[float, ...]:
        """Widths of the columns as shares of the table's width, such that no word breaks."""
        heads = tuple(column.head for column in self.columns)
        shares = [column.share for column in self.columns]
        return fit_widths(shares, (heads, *self.rows), self.page_ems)


@dataclass(frozen=True, eq=False)
class ReportChart:
    """Chart of a report; its title is printed outside the picture."""

    panel: ChartPanel


@dataclass(frozen=True, eq=False)
class ReportPhoto:
    """Photo of a report: a JPEG that holds pixels alone, its size, and what it shows."""

    content: bytes
    width: int
    height: int
    """Both in pixels."""
    title: str


Block = Paragraph | BulletList | ReportTable | ReportChart | ReportPhoto


@dataclass(frozen=True, eq=False)
class ReportSection:
    """Section of a report; `key` names it in templates."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    part: ReportPart = ReportPart.BODY


@dataclass(frozen=True)
class ReportPublisher:
    """Who publishes a report and answers questions; empty where unknown."""

    organisation: str = ""
    contact: str = ""
    logo: bytes = b""
    """JPEG of the letter and of the first slide."""


@dataclass(frozen=True)
class Imprint:
    """Facts of the letter, of the foot of every page and of the annex."""

    organisation: str
    contact: str
    wave: str
    made_at: datetime
    """Time at which the snapshot was frozen, so that a report made again is the same."""
    date: str
    snapshot: str
    """SHA-256 of the interviews, which is the same after rules or weights were corrected."""
    figures: str
    """SHA-256 of all that the figures come from; empty where none was recorded."""
    marks: tuple[str, ...]
    """Demonstration, provisional or not released, on every page."""
    logo: bytes = b""

    @property
    def foot(self) -> str:
        """Return who publishes the report, the wave and the date, for the foot of every page."""
        return " · ".join(filter(None, (self.organisation, self.wave, self.date)))


@dataclass(frozen=True, eq=False)
class Report:
    """All contents of one report in one language, from which every format is written."""

    area: str
    language: str
    title: str
    subtitle: str
    imprint: Imprint
    score: str
    """Score with its unit, and `interval` in words: the answer of the letter in one line."""
    interval: str
    words: Mapping[str, str]
    """Headings and labels outside the sections, by name."""
    findings: tuple[str, ...]
    """Sentences of the letter, one each."""
    sections: tuple[ReportSection, ...]
    edition: ReportEdition = ReportEdition.STANDARD

    @property
    def is_large(self) -> bool:
        """Whether its letters are large: in large print, and in everyday words."""
        return self.edition is not ReportEdition.STANDARD

    def find_section(self, key: str) -> ReportSection | None:
        """Return the section with this key; None where the report has none."""
        return next((section for section in self.sections if section.key == key), None)

    def list_parts(self) -> list[tuple[ReportPart, list[ReportSection]]]:
        """Return the parts that the report has, in order, with their sections."""
        parts = [(part, [each for each in self.sections if each.part is part])
                 for part in ReportPart]  # fmt: skip
        return [(part, sections) for part, sections in parts if sections]

    def tables(self) -> Iterator[ReportTable]:
        """Yield the tables of all sections in order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, ReportTable))

    def sentences(self) -> Iterator[str]:
        """Yield every sentence of the sections."""
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    yield block.text
                elif isinstance(block, BulletList):
                    yield from block.lines
