"""Large print: the same report in letters of 18 points, one column, wide tables turned into lists.

Nothing is left out. A table that is too wide for its letters names each figure on a line of its
own, and what a picture shows is said below it as well.
"""

from collections.abc import Sequence
from dataclasses import replace

from survey.locale import Translator, translator
from survey.reports.contents import (
    PADDING_EMS,
    Block,
    Column,
    Paragraph,
    Report,
    ReportChart,
    ReportEdition,
    ReportSection,
    ReportTable,
    measure_text,
)
from survey.reports.report_builder import cut_hash

BODY_POINTS, _USUAL_POINTS, _SLOPE, _LEAST_POINTS = 18.0, 10.5, 0.9, 16.0
"""Letters of the text, here and as usual; larger ones grow less, and none is smaller than 16."""
PAGE_EMS = 29.0
"""Width of the page in letters' heights of a cell: 468 points at 16 points."""
_MAX_COLUMNS, _MAX_LINE_EMS = 4, 12.0
"""Of a table that stays one, and how wide a line of words is before it is broken."""
_NAME_SHARE, _DETAILS_SHARE = 2.0, 5.0


def enlarge_points(points: float) -> float:
    """Return how many points a text of so many has in large print."""
    return max(_LEAST_POINTS, BODY_POINTS + _SLOPE * (points - _USUAL_POINTS))


def enlarge_report(report: Report) -> Report:
    """Return a report in large print, with the same contents."""
    t = translator(report.language)
    sections = tuple(_enlarge_section(section, t) for section in report.sections)
    imprint = replace(
        report.imprint,
        snapshot=cut_hash(report.imprint.snapshot),
        figures=cut_hash(report.imprint.figures),
    )
    return replace(report, imprint=imprint, sections=sections, edition=ReportEdition.LARGE)


def _enlarge_section(section: ReportSection, t: Translator) -> ReportSection:
    blocks: list[Block] = []
    for block in section.blocks:
        blocks.append(_enlarge_table(block, t) if isinstance(block, ReportTable) else block)
        if isinstance(block, ReportChart):
            blocks.append(Paragraph(block.panel.alt))
    return replace(section, blocks=tuple(blocks))


def _enlarge_table(table: ReportTable, t: Translator) -> ReportTable:
    """Return a table that fits the page in large print: as it is, or a list of its rows."""
    heads = [column.head for column in table.columns]
    needed = sum(
        _measure_column(column, [row[place] for row in (heads, *table.rows)])
        for place, column in enumerate(table.columns)
    )
    if len(heads) <= _MAX_COLUMNS and needed <= PAGE_EMS:
        return replace(table, page_ems=PAGE_EMS)
    # A number in front of the name is part of it.
    named = 2 if table.columns[0].is_number and len(heads) > 2 else 1
    columns = (Column(" ".join(heads[:named]), _NAME_SHARE), Column(t("Details"), _DETAILS_SHARE))
    rows = tuple(
        (" ".join(filter(None, row[:named])), _list_details(heads[named:], row[named:], t))
        for row in table.rows
    )
    return replace(table, columns=columns, rows=rows, page_ems=PAGE_EMS)


def _measure_column(column: Column, texts: Sequence[str]) -> float:
    """Return the width that a column needs: figures stand on one line, words may go on below."""
    longest = max(measure_text(line) for text in texts for line in text.split("\n"))
    return PADDING_EMS + (longest if column.is_number else min(longest, _MAX_LINE_EMS))


def _list_details(heads: Sequence[str], texts: Sequence[str], t: Translator) -> str:
    """Return a line for each further cell of a row: its head and its text, also where empty."""
    pairs = zip(heads, texts, strict=True)
    return "\n".join(
        t("{head}: {value}", head=head, value=" ".join(text.split("\n"))) for head, text in pairs
    )
