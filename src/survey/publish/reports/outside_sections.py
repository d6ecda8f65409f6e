"""Section on what stands beside the score of a city: complaints, experience checks, opinion."""

from survey.publish.reports.contents import (
    Block,
    Column,
    Paragraph,
    ReportKind,
    ReportTable,
    Section,
)
from survey.publish.reports.scope import ReportScope
from survey.publish.views.complaints import Table
from survey.publish.views.outside_city import OutsidePart, build_outside_parts

_FIRST_SHARE = 3.0
"""Part of the width of the first column, which holds names; the others share the rest alike."""


def build_outside(scope: ReportScope) -> Section | None:
    """Build what stands beside the score; None where there is nothing of this city."""
    if scope.kind is not ReportKind.CITY or scope.outside is None or scope.outside.is_empty:
        return None
    blocks: list[Block] = [Paragraph(scope.say("outside", "apart"))]
    for part in build_outside_parts(scope.outside, scope.language):
        blocks += _list_blocks(part)
    return scope.section("outside", blocks)


def _list_blocks(part: OutsidePart) -> list[Block]:
    """Return the sentences of a part, its tables, and below the last of them its notes."""
    note = " ".join(part.notes)
    blocks: list[Block] = [Paragraph(sentence) for sentence in part.sentences]
    for number, (title, table) in enumerate(part.tables, start=1):
        blocks.append(_build_table(title, table, note if number == len(part.tables) else ""))
    if not part.tables:
        blocks.append(Paragraph(note, quiet=True))
    return blocks


def _build_table(title: str, table: Table, note: str) -> ReportTable:
    heads, rows = table
    columns = tuple(
        Column(head, 1.6 if place else _FIRST_SHARE, is_number=place > 0)
        for place, head in enumerate(heads)
    )
    return ReportTable(title, columns, rows, note)
