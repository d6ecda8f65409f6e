"""Commands that bring in files of counts, whatever their layout, and lists of registers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
import typer

from survey.access.work import Work
from survey.cli.operator import account_principal, change_as_operator, read_as_operator
from survey.cli.options import read_bytes
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_record
from survey.cli.output_file import output_file
from survey.collection.importing.rejections import reason_of
from survey.counts.bringing_in.count_files import CountFile, read_count_file, write_problems
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.bringing_in.table_mapping import read_mapping_json, write_mapping_json
from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import COMPLAINTS, OPINION
from survey.counts.deliveries import (
    DeliveryHead,
    DeliveryReceipt,
    build_upload_id,
    import_delivery,
    preview_delivery,
)
from survey.counts.delivery_changes import DeliveryChanges
from survey.counts.standing_deliveries import list_delivered_periods
from survey.education.entry_list import add_entries, read_entry_file
from survey.education.registers import ACTIVITIES, BASES, STATIONS, Register
from survey.figures.figure_table import csv_bytes
from survey.frame.workbook_io import tabulate_errors
from survey.locale import RefusedError, msg, translator
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.tables import now

app = typer.Typer(no_args_is_help=True)
_LISTED = 20
"""Problems and losses that are printed; the file of problems has all."""


class FileKind(StrEnum):
    """What a file holds: counts of complaints or opinion, single complaints, or a register."""

    COMPLAINTS = "complaints"
    COMPLAINT_CASES = "complaint-cases"
    OPINION = "opinion"
    EDUCATION = "education"
    """Activities of consumer education; this and what follows in the columns of the template."""
    BASES = "bases"
    STATIONS = "stations"

    @property
    def register(self) -> Register[Any, Any] | None:
        """The register that the file is a list of; None for counts."""
        return _REGISTERS.get(self)

    @property
    def counts(self) -> CountKind:
        """The kind of counts that the file is stored as.

        Raises:
            RefusedError: it holds no counts.
        """
        if self.register is not None:
            raise RefusedError("no_mapping", msg("A list of a register has the columns of its "
                                                 "template and needs no mapping."))  # fmt: skip
        return OPINION if self is FileKind.OPINION else COMPLAINTS


_REGISTERS: Mapping[FileKind, Register[Any, Any]] = {
    FileKind.EDUCATION: ACTIVITIES,
    FileKind.BASES: BASES,
    FileKind.STATIONS: STATIONS,
}
KindArgument = Annotated[FileKind, typer.Argument(help="What the file holds.")]
FileArgument = Annotated[Path, typer.Argument(help="Workbook (.xlsx) or CSV.")]


@app.callback()
def evidence() -> None:
    """Bring in files of complaints and opinion in any layout, and lists of registers."""


@app.command()
def mapping(kind: KindArgument, file: FileArgument) -> None:
    """Print the mapping that is proposed for a file, as JSON to correct and to import with."""
    with error_reporting():
        proposal = propose_mapping(
            kind.counts, read_bytes(file), of_cases=kind is FileKind.COMPLAINT_CASES
        )
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
    account: Annotated[
        str | None,
        typer.Option("--as", help="Sign-in name of who delivers. Default: the operator."),
    ] = None,
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    problems: Annotated[
        Path | None, typer.Option(help="CSV for the problems, with the rows they are in.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """Check a file and store its counts as one delivery, or say every problem and store nothing.

    Of a list of single complaints only the mapped columns are read; they are counted at once, and
    nothing of a case is stored. Exit code 1: refused, nothing was stored.
    """
    with error_reporting():
        if kind.register is not None:
            target = _ListTarget(kind, kind.register, account, dry_run)
            _import_list(file, target, problems, output)
            return
        read = read_count_file(
            kind.counts,
            read_bytes(file),
            mapping=read_mapping_json(read_bytes(mapping), kind.counts) if mapping else None,
            of_cases=kind is FileKind.COMPLAINT_CASES,
            version=code_version,
        )
        for remark in read.remarks:
            print_note(remark)
        if read.check.counts is None:
            _report_problems(read, problems)
        day = data_as_of.date() if data_as_of else china_date(now())
        head = DeliveryHead(
            "", source or file.name, day, known_faults, read.check.version, file.name,
            confirmed_losses=confirm_losses, area=area,
        )  # fmt: skip
        with read_as_operator(long_running=True) as work:
            changes = preview_delivery(
                _act_as(work, account),
                counts=read.check.require_counts(),
                area=area,
                data_as_of=day,
            )
            changes_refused = bool(changes.losses) and confirm_losses != changes.confirmation
        _list_losses(changes)
        receipt = None
        if not dry_run and not changes_refused:
            receipt = change_as_operator(
                lambda work: _store(_act_as(work, account), read, head), long_running=True
            )
        print_record(_build_record(read, receipt), output)
        if changes_refused:
            print_note(
                "Nothing was stored. To confirm exactly these losses: --confirm-losses {word}",
                word=changes.confirmation,
            )
            raise typer.Exit(1)


class _ListTarget(NamedTuple):
    kind: FileKind
    register: Register[Any, Any]
    account: str | None
    dry_run: bool


def _import_list(
    file: Path, target: _ListTarget, problems: Path | None, output: OutputFormat
) -> None:
    """Enter a list into a register; what the register has already is named and left out."""
    register, account = target.register, target.account
    with read_as_operator() as work:
        listed = read_entry_file(
            _act_as(work, account), register=register, name=file.name, content=read_bytes(file)
        )
    t = translator(current_settings().language)
    for each in listed.repeated[:_LISTED]:
        title = register.details(each)["title"]
        print_note("In the register already, left out: {title}", title=title)
    heads, lines = tabulate_errors(listed.errors, t)
    for _, row, column, value, reason in lines[:_LISTED]:
        _print_problem(row, column, value, reason)
    if problems is not None and lines:
        with output_file(problems, private=True) as draft:
            draft.write(csv_bytes(pd.DataFrame(lines, columns=heads)))
    if lines:
        raise RefusedError(
            register.refused,
            msg("{count} cells have problems. Nothing was stored.", count=len(lines)),
        )
    added = 0
    if not target.dry_run:
        added = change_as_operator(
            lambda work: add_entries(
                _act_as(work, account), register=register, listed=listed, with_repeated=False
            )
        )
    rows = len(listed.entries)
    print_record({"kind": target.kind.value, "rows": rows, "stored": added}, output)


def _act_as(work: Work, account: str | None) -> Work:
    if account is None:
        return work
    principal = account_principal(work, account)
    principal.require_changes_allowed()
    return replace(work, principal=principal)


def _store(work: Work, read: CountFile, head: DeliveryHead) -> DeliveryReceipt:
    periods = list_delivered_periods(work, kind=read.check.kind.kind)
    withdrawn = {each.external_id for each in periods if each.withdrawn_at is not None}
    head = replace(head, area=head.area or work.principal.area)
    upload_id = build_upload_id(read.check.sha256, head, withdrawn)
    return import_delivery(work, check=read.check, head=replace(head, external_id=upload_id))


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


def _list_losses(changes: DeliveryChanges) -> None:
    for each in changes.losses[:_LISTED]:
        print_note("Would be lost: area {area}, month {month}", area=each.area, month=each.period)


def _build_record(read: CountFile, receipt: DeliveryReceipt | None) -> dict[str, object]:
    counts = read.check.require_counts()
    return {
        "kind": read.check.kind.kind.value,
        "rows": read.check.row_count,
        "counts": len(counts.frame),
        "sum": sum(counts.area_sums.values()),
        "months": ", ".join(counts.periods),
        "stored": receipt is not None,
        "delivery": str(receipt.delivery_id) if receipt else "",
        "revisions": ", ".join(f"{m} ({n})" for m, n in receipt.revisions.items())
        if receipt
        else "",
    }
