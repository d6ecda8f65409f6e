"""Commands that bring in files of counts and test values in any layout, and lists of registers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from survey.access.work import Seen, Work
from survey.cli.evidence_alarms import alarms
from survey.cli.operator import change_as_operator, read_as_account, read_as_operator
from survey.cli.options import read_bytes
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_record
from survey.cli.output_file import output_file
from survey.collection.importing.mapped_list import ListProposal
from survey.collection.importing.mapping_documents import write_mapping_json
from survey.collection.importing.rejections import reason_of
from survey.comparative_tests.measured_values import (
    add_measured_values,
    propose_test_mapping,
    read_value_file,
)
from survey.comparative_tests.reading import get_comparative_test, list_comparative_tests
from survey.counts.bringing_in.count_files import CountFile, read_count_file, write_problems
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.bringing_in.published_tables import PublishedFile, read_published_tables
from survey.counts.bringing_in.table_mapping import read_mapping_json
from survey.counts.bringing_in.trader_totals import NamesOf
from survey.counts.count_declaration import TOTAL, CountKind
from survey.counts.count_kinds import COMPLAINT_WEEKS, COMPLAINTS, OPINION
from survey.counts.deliveries import (
    DeliveryHead,
    DeliveryReceipt,
    build_upload_id,
    preview_delivery,
)
from survey.counts.delivery_changes import DeliveryChanges
from survey.counts.lost_lists import name_lost
from survey.counts.published_quarters import preview_published, store_published
from survey.counts.standing_deliveries import list_delivered_periods
from survey.counts.trader_lists import import_cases
from survey.counts.trader_rules import ask_for_traders
from survey.education.entry_list import add_entries, propose_entry_mapping, read_entry_file
from survey.education.registers import ACTIVITIES, BASES, STATIONS, Register
from survey.figures.figure_table import csv_bytes
from survey.frame.workbook_io import CellError, tabulate_errors
from survey.locale import NotFoundError, RefusedError, msg, translator
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.tables import MeasurementRound, now
from survey.tabular.text_table import TextTable

app = typer.Typer(no_args_is_help=True)
app.command()(alarms)
_LISTED = 20
"""Problems and losses that are printed; the file of problems has all."""


class FileKind(StrEnum):
    """What a file holds: complaints or opinion, single complaints, a register, or test values."""

    COMPLAINTS = "complaints"
    COMPLAINT_CASES = "complaint-cases"
    COMPLAINT_WEEKS = "complaint-weeks"
    COMPLAINT_WEEK_CASES = "complaint-week-cases"
    """Single complaints, counted by week."""
    OPINION = "opinion"
    EDUCATION = "education"
    """Activities of consumer education."""
    BASES = "bases"
    STATIONS = "stations"
    TEST_VALUES = "test-values"
    """Values that a laboratory measured for a comparative test."""

    @property
    def register(self) -> Register[Any, Any] | None:
        """The register that the file is a list of; None for counts."""
        return _REGISTERS.get(self)

    @property
    def counts(self) -> CountKind:
        """The kind of counts that the file is stored as, if it holds counts."""
        if self in {FileKind.COMPLAINT_WEEKS, FileKind.COMPLAINT_WEEK_CASES}:
            return COMPLAINT_WEEKS
        return OPINION if self is FileKind.OPINION else COMPLAINTS

    @property
    def is_cases(self) -> bool:
        """Whether every row is one case."""
        return self in {FileKind.COMPLAINT_CASES, FileKind.COMPLAINT_WEEK_CASES}


_REGISTERS: Mapping[FileKind, Register[Any, Any]] = {
    FileKind.EDUCATION: ACTIVITIES,
    FileKind.BASES: BASES,
    FileKind.STATIONS: STATIONS,
}
KindArgument = Annotated[FileKind, typer.Argument(help="What the file holds.")]
FileArgument = Annotated[Path, typer.Argument(help="Workbook (.xlsx) or CSV; XML of test values.")]
TestOption = Annotated[
    str, typer.Option("--test", help="Short name of the comparative test, for test values.")
]
AccountOption = Annotated[
    str | None, typer.Option("--as", help="Sign-in name of who delivers. Default: the operator.")
]


@app.callback()
def evidence() -> None:
    """Bring in files of counts and test values in any layout, and lists of registers."""


@app.command()
def mapping(
    kind: KindArgument, file: FileArgument, test: TestOption = "", account: AccountOption = None
) -> None:
    """Print the mapping that is proposed for a file, as JSON to correct and to import with."""
    with error_reporting():
        if kind is FileKind.TEST_VALUES:
            _propose_of_values(file, test, account)
            return
        if kind.register is not None:
            _print_proposal(propose_entry_mapping(kind.register, content=read_bytes(file)))
            return
        proposal = propose_mapping(kind.counts, read_bytes(file), of_cases=kind.is_cases)
        typer.echo(write_mapping_json(proposal.mapping).decode(), nl=False)
        if proposal.layout:
            print_note("Known layout: {layout}", layout=proposal.layout)
        print_note("Columns of the file: {columns}", columns=" · ".join(proposal.heads))


@app.command("import")
def import_(
    kind: KindArgument,
    file: FileArgument,
    mapping: Annotated[
        Path | None,
        typer.Option(help="Mapping (JSON) as the page keeps it. Default: as it is proposed."),
    ] = None,
    account: AccountOption = None,
    test: TestOption = "",
    occasion: Annotated[
        MeasurementRound, typer.Option("--round", help="What the test values are.")
    ] = MeasurementRound.FIRST,
    reason: Annotated[str, typer.Option(help="Why values are measured again or corrected.")] = "",
    source: Annotated[
        str | None, typer.Option(help="Who counted; stands below every figure. Default: the file.")
    ] = None,
    data_as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day until which it was counted. Default: today."),
    ] = None,
    known_faults: Annotated[str, typer.Option(help="Shown with every figure.")] = "",
    code_version: Annotated[
        str, typer.Option(help="Version of the code lists. Default: the newest.")
    ] = "",
    area: Annotated[
        str,
        typer.Option(
            help="Code of the province or city that the file speaks of: only what stands of it is "
            "replaced. Default: the area of who delivers."
        ),
    ] = "",
    confirm_losses: Annotated[
        str, typer.Option(help="Word that confirms exactly the losses that were listed.")
    ] = "",
    correction: Annotated[
        str, typer.Option(help="Reason of a correction; needed where a month is closed.")
    ] = "",
    names_of: Annotated[
        NamesOf | None,
        typer.Option(
            "--totals", help="Keep totals by name of a year of complaint-cases, for good."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    problems: Annotated[
        Path | None, typer.Option(help="CSV for the problems, with the rows they are in.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """Check a file and store its counts as one delivery, or say every problem and store nothing.

    Of a list of single complaints only the mapped columns are read; they are counted at once, and
    nothing of a case is stored. A table of a quarter as an association publishes it is kept apart
    from months. Exit code 1: refused, nothing was stored.
    """
    with error_reporting():
        if kind.register is not None:
            listed = _ListFile(file, mapping, account)
            _import_list(kind, listed, problems, output, dry_run=dry_run)
            return
        if kind is FileKind.TEST_VALUES:
            given = _ValueFile(file, mapping, account, test, occasion, reason)
            _import_values(given, problems, output, dry_run=dry_run)
            return
        content, day = read_bytes(file), data_as_of.date() if data_as_of else china_date(now())
        head = DeliveryHead(
            "", source or file.name, day, known_faults, code_version, file.name,
            confirmed_losses=confirm_losses, area=area, correction=correction,
        )  # fmt: skip
        is_plain = kind is FileKind.COMPLAINTS and mapping is None
        published = read_published_tables(content) if is_plain else None
        if published is not None:
            changes, record = _import_published(published, head, account, problems, dry_run=dry_run)
            _finish(kind.counts, changes, head, record, output)
            return
        with read_as_operator() as work:
            own = _act_as(work, account)
            asked = ask_for_traders(own, names_of=names_of) if names_of else None
        read = read_count_file(
            kind.counts,
            content,
            mapping=read_mapping_json(read_bytes(mapping), kind.counts) if mapping else None,
            of_cases=kind.is_cases,
            version=code_version,
            traders=asked,
        )
        for remark in read.remarks:
            print_note(remark)
        if read.check.counts is None:
            _report_problems(read, problems)
        head = replace(head, code_version=read.check.version)
        with read_as_operator(long_running=True) as work:
            changes = preview_delivery(
                _act_as(work, account),
                counts=read.check.require_counts(),
                area=area,
                data_as_of=day,
            )
        receipt = None
        if not dry_run and changes.confirmation in {"", confirm_losses}:
            receipt = change_as_operator(
                lambda work: _store(_act_as(work, account), read, head), long_running=True
            )
        _finish(kind.counts, changes, head, _build_record(read, receipt), output)


def _finish(
    kind: CountKind,
    changes: DeliveryChanges,
    head: DeliveryHead,
    record: dict[str, object],
    output: OutputFormat,
) -> None:
    """Print losses and the record; exit with 1 if something is lost that nobody confirmed."""
    _list_losses(kind, changes)
    print_record(record, output)
    if changes.confirmation not in {"", head.confirmed_losses}:
        print_note(
            "Nothing was stored. To confirm exactly these losses: --confirm-losses {word}",
            word=changes.confirmation,
        )
        raise typer.Exit(1)


def _import_published(
    published: PublishedFile,
    head: DeliveryHead,
    account: str | None,
    problems: Path | None,
    *,
    dry_run: bool,
) -> tuple[DeliveryChanges, dict[str, object]]:
    """Store published tables unless something would be lost; return that, and what to print."""
    if published.problems:
        rows = np.array(sorted({each.row for each in published.problems}), np.int64)
        _report_problems(CountFile(published.check, TextTable((), (), rows)), problems)
    with read_as_operator() as work:
        changes = preview_published(
            _act_as(work, account), file=published, data_as_of=head.data_as_of
        )
    receipt = None
    if not dry_run and changes.confirmation in {"", head.confirmed_losses}:
        receipt = change_as_operator(
            lambda work: store_published(_act_as(work, account), file=published, head=head)
        )
    return changes, {
        "kind": "complaints",
        "rows": published.rows,
        "quarters": ", ".join(published.periods),
        "lists": ", ".join(each.lens.value for each in published.tables),
        "sum": max(each.counts[TOTAL] for each in published.tables),
        **_describe_receipt(receipt),
    }


def _import_list(
    kind: FileKind,
    given: "_ListFile",
    problems: Path | None,
    output: OutputFormat,
    *,
    dry_run: bool,
) -> None:
    """Enter a list into a register; what the register has already is named and left out."""
    register = _REGISTERS[kind]
    with read_as_operator() as work:
        listed = read_entry_file(
            _act_as(work, given.account),
            register=register,
            name=given.path.name,
            content=read_bytes(given.path),
            mapping=given.read_mapping(),
        )
    for each in listed.repeated[:_LISTED]:
        title = register.details(each)["title"]
        print_note("In the register already, left out: {title}", title=title)
    _refuse_cells(listed.errors, problems, register.refused)
    added = 0
    if not dry_run:
        added = change_as_operator(
            lambda work: add_entries(
                _act_as(work, given.account), register=register, listed=listed, with_repeated=False
            )
        )
    rows = len(listed.entries)
    print_record({"kind": kind.value, "rows": rows, "stored": added}, output)


def _refuse_cells(errors: Sequence[CellError], path: Path | None, code: str) -> None:
    """Print the first problems of cells, write all of them to `path`, and exit with 1 if any."""
    heads, lines = tabulate_errors(errors, translator(current_settings().language))
    for _, row, column, value, reason in lines[:_LISTED]:
        _print_problem(row, column, value, reason)
    if path is not None and lines:
        with output_file(path, private=True) as draft:
            draft.write(csv_bytes(pd.DataFrame(lines, columns=heads)))
    if lines:
        raise RefusedError(
            code, msg("{count} cells have problems. Nothing was stored.", count=len(lines))
        )


@dataclass(frozen=True)
class _ListFile:
    """A list, how it is read, and who brings it in."""

    path: Path
    mapping: Path | None
    account: str | None

    def read_mapping(self) -> bytes:
        return read_bytes(self.mapping) if self.mapping else b""


@dataclass(frozen=True)
class _ValueFile(_ListFile):
    """A laboratory's file, and what its values are."""

    test: str
    occasion: MeasurementRound
    reason: str


def _find_test(work: Work, key: str) -> Seen:
    """Return the comparative test with a short name, as it is now."""
    for summary in list_comparative_tests(work):
        if summary.key == key:
            return get_comparative_test(work, test_id=summary.id).seen
    raise NotFoundError(
        "comparative_test_unknown",
        msg("There is no comparative test “{key}”; name one by --test.", key=key),
    )


def _propose_of_values(file: Path, test: str, account: str | None) -> None:
    with read_as_operator() as work:
        own = _act_as(work, account)
        proposal = propose_test_mapping(own, _find_test(own, test), content=read_bytes(file))
    _print_proposal(proposal)


def _print_proposal(proposal: ListProposal[Any]) -> None:
    typer.echo(write_mapping_json(proposal.mapping).decode(), nl=False)
    print_note("Columns of the file: {columns}", columns=" · ".join(proposal.heads))


def _import_values(
    given: _ValueFile, problems: Path | None, output: OutputFormat, *, dry_run: bool
) -> None:
    """Enter the values of a laboratory's file into a comparative test, all of them or none."""
    with read_as_operator() as work:
        own = _act_as(work, given.account)
        seen = _find_test(own, given.test)
        listed = read_value_file(
            own,
            seen,
            occasion=given.occasion,
            name=given.path.name,
            content=read_bytes(given.path),
            mapping=given.read_mapping(),
        )
    _refuse_cells(listed.errors, problems, "test_values_refused")
    stored = 0
    if not dry_run:
        stored = change_as_operator(
            lambda work: add_measured_values(
                _act_as(work, given.account),
                seen,
                values=listed.values,
                occasion=given.occasion,
                reason=given.reason,
            )
        )
    print_record({"kind": "test-values", "values": len(listed.values), "stored": stored}, output)


def _act_as(work: Work, account: str | None) -> Work:
    acting = read_as_account(work, account)
    acting.principal.require_changes_allowed()
    return acting


def _store(work: Work, read: CountFile, head: DeliveryHead) -> DeliveryReceipt:
    periods = list_delivered_periods(work, kind=read.check.kind.kind)
    withdrawn = {each.external_id for each in periods if each.withdrawn_at is not None}
    head = replace(head, area=head.area or work.principal.area)
    upload_id = build_upload_id(read.check.sha256, head, withdrawn)
    return import_cases(work, file=read, head=replace(head, external_id=upload_id))


def _report_problems(read: CountFile, path: Path | None) -> None:
    """Print the first problems, write all of them to `path`, and exit with 1."""
    language = current_settings().language
    t = translator(language)
    for each in read.check.problems[:_LISTED]:
        _print_problem(each.row, each.column, each.value, reason_of(each.message, language, t))
    if path is not None:
        with output_file(path, private=True) as draft:
            draft.write(write_problems(read, language, t))
    read.check.require_counts()


def _print_problem(row: int, column: str, value: str, reason: str) -> None:
    print_note(
        "Row {row}, column {column}, value “{value}”: {reason}",
        row=row,
        column=column,
        value=value,
        reason=reason,
    )


def _list_losses(kind: CountKind, changes: DeliveryChanges) -> None:
    for each in changes.losses[:_LISTED]:
        print_note("Would be lost: area {area}, {period}", area=each.area, period=each.period)
    language = current_settings().language
    for lost in changes.lost_lists[:_LISTED]:
        print_note(
            "Would be lost: {what}, {period}, areas: {areas}",
            what=name_lost(kind, lost, language),
            period=lost.period,
            areas=lost.areas,
        )


def _build_record(read: CountFile, receipt: DeliveryReceipt | None) -> dict[str, object]:
    counts = read.check.require_counts()
    return {
        "kind": read.check.kind.kind.value,
        "rows": read.check.row_count,
        "counts": len(counts.frame),
        "sum": sum(counts.area_sums.values()),
        "months": ", ".join(counts.periods),
        **_describe_receipt(receipt),
    }


def _describe_receipt(receipt: DeliveryReceipt | None) -> dict[str, object]:
    revisions = receipt.revisions if receipt else {}
    return {
        "stored": receipt is not None,
        "delivery": str(receipt.delivery_id) if receipt else "",
        "revisions": ", ".join(f"{month} ({number})" for month, number in revisions.items()),
    }
