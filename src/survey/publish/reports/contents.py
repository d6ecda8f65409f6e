"""Contents of a report: sections of sentences, tables and charts, whatever file they go into."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from survey.publish.reports.column_widths import fit_widths
from survey.publish.views.chart_panels import ChartPanel


class ReportKind(StrEnum):
    """Kind of area that a report is about."""

    CITY = "city"
    PROVINCE = "province"
    NATION = "nation"


@dataclass(frozen=True)
class Paragraph:
    """Sentences that stand together; a `quiet` one is a note."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class BulletList:
    """Short lines, each with a bullet."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """Column of a table; `share` is its part of the width of the page."""

    head: str
    share: float
    is_number: bool = False
    is_detail: bool = False
    """Left out on slides, which have no room for it."""


@dataclass(frozen=True)
class ReportTable:
    """Table of texts; every number in it is a published figure, rounded."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def widths(self) -> tuple[float, ...]:
        """Width of each column as its part of the page, with no word broken."""
        heads = tuple(column.head for column in self.columns)
        return fit_widths([column.share for column in self.columns], (heads, *self.rows))


@dataclass(frozen=True, eq=False)
class ReportChart:
    """Chart with the heading that stands outside its picture."""

    panel: ChartPanel


Block = Paragraph | BulletList | ReportTable | ReportChart


@dataclass(frozen=True, eq=False)
class Section:
    """Section of a report; `key` names it in templates."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Imprint:
    """Facts that stand on the cover and at the foot of every page."""

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


@dataclass(frozen=True, eq=False)
class Report:
    """Whole report in one language, as every format writes it."""

    kind: ReportKind
    code: str
    area: str
    language: str
    title: str
    subtitle: str
    imprint: Imprint
    words: Mapping[str, str]
    """Headings and labels outside the sections, by name."""
    findings: tuple[str, ...]
    """Key findings, a sentence each."""
    sections: tuple[Section, ...]

    def find_section(self, key: str) -> Section | None:
        """Return the section of that key; None where the report has nothing to say on it."""
        return next((section for section in self.sections if section.key == key), None)

    def tables(self) -> Iterator[ReportTable]:
        """Yield the tables of all sections in order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, ReportTable))

    def sentences(self) -> Iterator[str]:
        """Yield the findings and every sentence of the sections."""
        yield from self.findings
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    yield block.text
                elif isinstance(block, BulletList):
                    yield from block.lines
