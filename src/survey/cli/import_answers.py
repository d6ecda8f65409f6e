"""Command that imports answers from files."""

from pathlib import Path
from typing import Annotated

import typer

from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.options import read_bytes
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_record
from survey.collection.importing.commit import commit_import
from survey.collection.importing.import_plan import ImportPlan, plan_import
from survey.collection.importing.rejections import describe_cause, reason_of
from survey.collection.importing.target_wave import ImportRequest
from survey.locale import Labels, Message, translator
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.waves.instruments import find_instrument


def import_answers(
    answers: Annotated[Path, typer.Argument(help="A CSV of answers, one interview a row.")],
    form: Annotated[
        str,
        typer.Option(help="The questionnaire: an XLSForm workbook, or the name of a stored one."),
    ],
    wave: Annotated[str, typer.Option(help="Key of the wave, for example pilot-2025.")],
    mapping: Annotated[
        Path | None,
        typer.Option(help="CSV with columns column, item, value, code (see docs/import.md)."),
    ] = None,
    city: Annotated[
        str | None, typer.Option(help="City of rows that name none: GB/T 2260 code or name.")
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(
            help="Series of a new wave: waves of one series are compared with each other. Default: "
            "the key of the wave."
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of a new wave.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    skip_rejected: Annotated[
        bool, typer.Option("--skip-rejected", help="Import the good rows and leave the bad out.")
    ] = False,
    skip_unsupported: Annotated[
        bool, typer.Option("--skip-unsupported", help="As for `survey form import`.")
    ] = False,
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """Import answers collected elsewhere as a wave.

    Every row is checked against the questionnaire first. When a row is refused, nothing is
    written unless --skip-rejected is given. The same file again adds nothing.
    """
    with error_reporting():
        request = ImportRequest(
            content=read_bytes(answers),
            instrument=_load_instrument(form, skip_unsupported),
            wave_key=wave,
            mapping=read_bytes(mapping) if mapping else None,
            city_code=city,
            series=series,
            title={"zh": title, "en": title} if title else {},
            file_name=answers.name,
        )
        with read_as_operator(long_running=True) as work:
            plan = plan_import(work, request=request)
        _explain(plan)
        refused = bool(plan.rejected_rows) and not skip_rejected
        if not dry_run and not refused:
            change_as_operator(lambda work: commit_import(work, plan=plan), long_running=True)
        written = 0 if dry_run or refused else len(plan.accepted)
        print_record(_build_record(plan, written), output)
        if refused:
            print_note(
                "Nothing was written. Mend the rows, or use --skip-rejected to leave them out."
            )
            raise typer.Exit(1)


def _load_instrument(form: str, skip_unsupported: bool) -> Instrument:
    if Path(form).suffix:
        way = "skip" if skip_unsupported else "refuse"
        return read_xlsform(Path(form), unsupported=way).instrument  # type: ignore[arg-type]
    with read_scope(current_settings().store_url) as session:
        return find_instrument(session=session, name=form)


def _explain(plan: ImportPlan) -> None:
    """Print the remarks, unused columns and rejected rows of an import before it is written."""
    for remark in plan.remarks:
        print_note(remark)
    if plan.unmapped:
        print_note("Columns that nothing uses: {columns}", columns=", ".join(plan.unmapped))
    if plan.absent_items:
        print_note("Questions without a column: {items}", items=", ".join(plan.absent_items))
    language = current_settings().language
    for cause in plan.causes:
        print_note(describe_cause(cause, _format_reason(cause.message), translator(language)))
    for rejection in plan.rejected:
        print_note(
            "Row {row}, column {column}, value “{value}”: {reason}",
            row=rejection.row,
            column=rejection.column,
            value=rejection.value,
            reason=_format_reason(rejection.message),
        )


def _format_reason(message: Labels | Message) -> str:
    language = current_settings().language
    return reason_of(message, language, translator(language))


def _build_record(plan: ImportPlan, written: int) -> dict[str, object]:
    return {
        "wave": plan.request.wave_key,
        "accepted": len(plan.accepted),
        "rejected": plan.rejected_rows,
        "duplicates": plan.duplicates,
        "dropped_answers": plan.dropped_answers,
        "written": written,
        "encoding": plan.encoding,
    }
