"""Commands that verify and export the audit trail, and `survey doctor`."""

from collections.abc import Iterator
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import orjson
import typer

from survey.access.answer_verify import seal_stored_answers
from survey.access.audit_queries import TrailFilter, stream_trail
from survey.access.audit_verify import (
    ANCHOR,
    Anchor,
    ChainReport,
    record_verification,
    seal_unchained_entries,
    verify,
)
from survey.access.principal import OPERATOR
from survey.cli.operator import change_as_operator, read_as_operator, record_output
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.output_file import output_file, standard_output
from survey.locale import translator
from survey.operations.installation import check_installation
from survey.release.audit_export import write_csv
from survey.settings import current_settings


def doctor(form: FormatOption = OutputFormat.TABLE) -> None:
    """Check store, clock, disk, snapshots, engine, backups, keys and addresses; say what to do.

    Exit code 0 when all is well, 1 when something needs attention.
    """
    settings = current_settings()
    t = translator(settings.language)
    findings = check_installation(settings, OPERATOR, with_trials=True)
    rows = [
        (t("OK") if finding.passed else t("ATTENTION"), t(finding.name), t(finding.detail))
        for finding in findings
    ]
    print_table((t("state"), t("checked"), t("finding")), rows, form)
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)


app = typer.Typer(
    help="Check the audit trail, export it.", no_args_is_help=True, add_completion=False
)


@app.command("verify")
def verify_trail(
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="A seal written down elsewhere, as number:seal. May be repeated."),
    ] = None,
    anchors: Annotated[
        Path | None,
        typer.Option(
            help="Log of the platform (JSON lines): every anchor in it is checked.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="The key was set a moment ago; it sealed nothing yet.")
    ] = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Find every entry that was changed, removed, added or moved, and answers that were changed.

    Exit code 1 if there is one.
    """
    with error_reporting():
        known = [*_parse_anchors(anchor or []), *(_iter_anchors(anchors) if anchors else [])]
        with read_as_operator() as work:
            report = verify(work, anchors=known, new_key=new_key)
        _print_report(report, form, len(known))
        change_as_operator(lambda work: record_verification(work, report=report))
    if not report.is_intact:
        raise typer.Exit(1)


@app.command("export")
def export_trail(
    out: Annotated[Path, typer.Argument(help="CSV file to write, or - for standard output.")],
) -> None:
    """Write the whole trail as CSV, from the oldest entry on; the export is entered too."""
    t = translator(current_settings().language)
    output = standard_output() if str(out) == "-" else output_file(out, private=True)
    with error_reporting(), output as draft:
        with read_as_operator() as work:
            text = TextIOWrapper(draft.file, encoding="utf-8", newline="")
            entries = stream_trail(work, choice=TrailFilter())
            count = write_csv(text, entries, t)
            text.detach()
        draft.flush()
        record_output(out.name, draft.file.tell())
    print_note("{count} entries were written.", count=count)


@app.command("adopt")
def adopt() -> None:
    """Take in entries and answers that the version before stored without a seal; says how many."""
    with error_reporting():
        count, answers = change_as_operator(
            lambda work: (seal_unchained_entries(work), seal_stored_answers(work)),
            long_running=True,
        )
        print_note("{count} entries were taken into the chain.", count=count)
        print_note("The hashes of {count} stored answers were entered.", count=answers)


def _parse_anchors(texts: list[str]) -> list[Anchor]:
    try:
        return [Anchor.parse(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(f"{error}: number:seal (64 hexadecimal digits)") from error


def _iter_anchors(log: Path) -> Iterator[Anchor]:
    with log.open("rb") as lines:
        for line in lines:
            if ANCHOR.encode() in line:
                with suppress(ValueError, KeyError, TypeError):
                    event = orjson.loads(line)
                    if event["event"] == ANCHOR:
                        yield Anchor.parse(f"{event['sequence']}:{event['hash']}")


def _print_report(report: ChainReport, form: OutputFormat, anchors: int) -> None:
    t = translator(current_settings().language)
    if report.findings:
        rows = [
            (finding.first or None, finding.last or None, t(finding.text))
            for finding in report.findings
        ]
        print_table(("from", "to", "finding"), rows, form)
    if report.wrong > len(report.findings):
        print_note(
            "{count} more findings are not listed.", count=report.wrong - len(report.findings)
        )
    print_note(
        "{rows} entries were read, numbers {first} to {last}; the last seal is {hash}.",
        rows=report.rows,
        first=report.first + 1,
        last=report.last,
        hash=report.hash,
    )
    print_note(
        "{count} stored answers were compared with the trail.", count=report.answers.compared
    )
    if report.answers.without_place:
        print_note(
            "City, point and quota cell of {count} interviews were not compared: their entries are "
            "of an earlier version. To enter them as they are now: survey audit adopt",
            count=report.answers.without_place,
        )
    if report.keyed_from is None:
        print_note(
            "No entry is sealed with a key: whoever owns the database could rewrite all of them."
        )
    elif report.keyed_from > report.first + 1:
        print_note(
            "Entries before number {number} are sealed without a key.", number=report.keyed_from
        )
    if not anchors:
        print_note(
            "No seal from elsewhere was given: an end that was cut off cannot be noticed for sure."
        )
    if report.is_intact:
        print_note("The trail is whole.")
    else:
        print_note("The trail is NOT whole.")
