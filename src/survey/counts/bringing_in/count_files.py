"""One way for every file of counts: template, known layout or mapping, then the check."""

import csv
import dataclasses
import io
from dataclasses import dataclass
from hashlib import sha256

from survey.collection.importing.mapping_documents import write_mapping_json
from survey.collection.importing.rejections import ImportNotPossibleError, reason_of
from survey.counts.bringing_in.case_amounts import count_amounts, find_amount_column
from survey.counts.bringing_in.mapped_table import MappedTable, list_heads, read_mapped_table
from survey.counts.bringing_in.proposal import Proposal, propose_mapping
from survey.counts.bringing_in.table_mapping import TableMapping
from survey.counts.bringing_in.trader_totals import (
    TraderQuestion,
    TraderTotals,
    count_traders,
    find_trader_columns,
)
from survey.counts.count_check import MAX_FILE_PROBLEMS, CountCheck, MappedOrigin, check_counts
from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import COMPLAINTS
from survey.frame.code_lists import shipped_code_lists
from survey.locale import Message, SurveyError, Translator, msg
from survey.spreadsheets import csv_row
from survey.tabular.reading import read_text_table
from survey.tabular.text_table import TextTable


@dataclass(frozen=True, eq=False)
class CountFile:
    """A file of counts with the result of its check, and how it was read."""

    check: CountCheck
    source: TextTable
    """The columns that were read, as they stand in the file; of a case list without its cells."""
    proposal: Proposal | None = None
    """How the file was understood without a mapping; None if it is the template or was mapped."""
    left_out: int = 0
    """Rows of subtotals and notes that were left out."""
    traders: TraderTotals | None = None
    """Totals by name, where they were asked for of a list of single complaints without problems."""

    @property
    def remarks(self) -> tuple[Message, ...]:
        """Which worksheet and layout were read, and what was not."""
        sheets, columns = self.source.other_sheets, self.check.ignored_columns
        said: tuple[tuple[object, Message], ...] = (
            (self.source.sheet, msg("Worksheet that was read: {sheet}", sheet=self.source.sheet)),
            (sheets, msg("Not read: {sheets}", sheets=", ".join(sheets))),
            (self.layout, msg("Known layout: {layout}", layout=self.layout)),
            (
                self.left_out,
                msg("{count} rows of subtotals and notes were left out.", count=self.left_out),
            ),
            (columns, msg("Columns that nothing uses: {columns}", columns=", ".join(columns))),
        )
        return tuple(message for is_so, message in said if is_so)

    @property
    def layout(self) -> str:
        """Name of the known layout that the file has; empty for any other."""
        return self.proposal.layout if self.proposal else ""


def read_count_file(
    kind: CountKind,
    content: bytes,
    *,
    mapping: TableMapping | None = None,
    of_cases: bool = False,
    version: str = "",
    traders: TraderQuestion | None = None,
) -> CountFile:
    """Read and check a file of counts; without a mapping as the template, else as proposed.

    Args:
        of_cases: Whether every row is one case, which is counted and not kept.
        traders: By which names cases are counted as well; without it no name is read.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: A required column is missing, or the mapping does not fit.
    """
    if traders is not None and not of_cases:
        raise ImportNotPossibleError(msg("Totals by name are made of single complaints alone."))
    plain = None if mapping is not None or of_cases else _read_template(kind, content)
    if plain is not None:
        check = check_counts(kind, plain, sha256=sha256(content).hexdigest(), version=version,
                             most_problems=MAX_FILE_PROBLEMS)  # fmt: skip
        if check.counts is not None:
            return CountFile(check, plain)
    proposal = None if mapping is not None else propose_mapping(kind, content, of_cases=of_cases)
    chosen = mapping if proposal is None else proposal.mapping
    assert chosen is not None
    if of_cases is not (chosen.cases is not None):
        raise ImportNotPossibleError(
            msg("The file holds single cases and the mapping counts, or the other way round.")
        )
    lists = shipped_code_lists()
    known = version or lists.newest
    lists.require_version(known)
    known_heads = list_heads(content, chosen)
    heads = find_trader_columns(known_heads, traders.names_of) if traders else {}
    has_amounts = of_cases and kind is COMPLAINTS
    amount = find_amount_column(known_heads) if has_amounts else None
    mapped = read_mapped_table(
        kind, content, chosen, lists=lists, version=known,
        also=(*heads.values(), *([amount] if amount else [])),
    )  # fmt: skip
    # Read by another mapping, a file is another delivery.
    digest = sha256(write_mapping_json(chosen) + content).hexdigest()
    check = _check_mapped(kind, mapped, digest, known)
    if amount is not None and check.counts is not None:
        amounts = count_amounts(amount, mapped.also[amount], mapped.table)
        counts = dataclasses.replace(check.counts, amounts=amounts)
        check = dataclasses.replace(check, counts=counts)
    totals = None
    if traders is not None and check.counts is not None:
        columns = {role: mapped.also[head] for role, head in heads.items()}
        totals = count_traders(traders, columns, mapped.table, check.counts.periods)
    return CountFile(check, mapped.source, proposal, mapped.left_out, totals)


def _read_template(kind: CountKind, content: bytes) -> TextTable | None:
    """Return the table if the file begins with the heads of the template, else None."""
    try:
        table = read_text_table(content)
        kind.bind_columns(table.header)
    except SurveyError:
        return None
    return table


def _check_mapped(kind: CountKind, mapped: MappedTable, digest: str, version: str) -> CountCheck:
    origin = MappedOrigin(mapped.head, is_cases=mapped.mapping.cases is not None)
    check = check_counts(
        kind, mapped.table, sha256=digest, version=version, origin=origin,
        most_problems=MAX_FILE_PROBLEMS,
    )  # fmt: skip
    rows = len(mapped.source.rows)
    return dataclasses.replace(check, ignored_columns=mapped.ignored, row_count=rows)


def write_problems(file: CountFile, language: str, t: Translator) -> bytes:
    """Return the problems of a file as CSV: row, column, value, reason, and the row as it stands.

    Of a case list the rows are not repeated.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    heads = (t("Row"), t("Column"), t("Value"), t("Reason"))
    writer.writerow(csv_row((*heads, *file.source.header)))
    place = {int(row): at for at, row in enumerate(file.source.rows)}
    columns = [file.source.texts(number) for number in range(len(file.source.header))]
    for each in file.check.problems:
        at = place[each.row]
        cells = (column.values[column.codes[at]] for column in columns)
        reason = reason_of(each.message, language, t)
        writer.writerow(csv_row((each.row, each.column, each.value, reason, *cells)))
    return buffer.getvalue().encode("utf-8-sig")
