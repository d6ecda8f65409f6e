"""Bring answers in from files, and freeze a wave."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.options import read_bytes
from survey.cli.output import Format, FormatOption, print_record, reporting_errors, say
from survey.fieldwork.importing import (
    ImportPlan,
    ImportRequest,
    Rejection,
    commit_import,
    plan_import,
)
from survey.fieldwork.instruments import find_instrument
from survey.fieldwork.second_person import allow_one_person
from survey.instrument.model import Instrument
from survey.instrument.xlsform import read_xlsform
from survey.locale import Message, translator
from survey.publish.results import freeze_wave
from survey.publish.results.recompute import outdated_waves, recompute_wave
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope, session_scope


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    skip_rejected: Annotated[
        bool, typer.Option("--skip-rejected", help="Import the good rows and leave the bad out.")
    ] = False,
    skip_unsupported: Annotated[
        bool, typer.Option("--skip-unsupported", help="As for `survey form import`.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Import answers collected elsewhere as a wave.

    Every row is checked against the questionnaire first. When a row is refused, nothing is
    written unless --skip-rejected is given. The same file again adds nothing.
    """
    with reporting_errors():
        now = datetime.now(UTC)
        url = current_settings().store_url
        request = ImportRequest(
            content=read_bytes(answers),
            instrument=_instrument(form, skip_unsupported),
            wave_key=wave,
            mapping=read_bytes(mapping) if mapping else None,
            city_code=city,
        )
        with read_scope(url) as session:
            plan = plan_import(session=session, principal=OPERATOR, request=request, now=now)
        _explain(plan)
        refused = bool(plan.rejected_rows) and not skip_rejected
        if not dry_run and not refused:
            with session_scope(url) as session:
                commit_import(session=session, principal=OPERATOR, plan=plan, now=now)
        written = 0 if dry_run or refused else len(plan.accepted)
        print_record(_record(plan, written), output)
        if refused:
            say("Nothing was written. Mend the rows, or use --skip-rejected to leave them out.")
            raise typer.Exit(1)


def freeze(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    final: Annotated[
        bool,
        typer.Option(
            "--final",
            help="Close the wave for good: its responses become frozen. Without it the snapshot "
            "is provisional and may be made again.",
        ),
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Freeze the approved responses of a wave and compute every estimate.

    Writes typed Parquet with a manifest, rakes the weights, and applies the disclosure rules.
    """
    with reporting_errors():
        frozen = freeze_wave(current_settings(), wave_key=wave, final=final, actor=OPERATOR)
        print_record(frozen.model_dump(mode="json"), form)


def one_person_review(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example pilot-2025.")],
    off: Annotated[bool, typer.Option("--off", help="Ask for two people again.")] = False,
) -> None:
    """Let one person give both approvals of review in a small wave; usually two are needed."""
    with reporting_errors(), session_scope(current_settings().store_url) as session:
        allow_one_person(
            session=session, principal=OPERATOR, wave_key=wave, allowed=not off,
            now=datetime.now(UTC),
        )  # fmt: skip


def recompute(
    wave: Annotated[
        list[str] | None,
        typer.Option(help="Key of a wave; may repeat. Without it: every wave that needs it."),
    ] = None,
) -> None:
    """Compute the tables of frozen waves again, after an update of the software.

    Snapshots and states stay as they are. Without --wave, only waves whose tables are missing or
    were computed by another version.
    """
    with reporting_errors():
        recompute_tables(current_settings(), wave)


def recompute_tables(settings: Settings, keys: list[str] | None = None) -> None:
    """The waves named, or those that need it; says which."""
    with read_scope(settings.store_url) as session:
        needed = keys or outdated_waves(settings, session)
    for key in needed:
        say("Computing the results of {wave} again …", wave=key)
        with session_scope(settings.store_url) as session:
            recompute_wave(settings, session, wave_key=key, actor=OPERATOR, now=datetime.now(UTC))


def _instrument(form: str, skip_unsupported: bool) -> Instrument:
    if Path(form).suffix:
        way = "skip" if skip_unsupported else "refuse"
        return read_xlsform(Path(form), unsupported=way).instrument  # type: ignore[arg-type]
    with read_scope(current_settings().store_url) as session:
        return find_instrument(session=session, name=form)


def _explain(plan: ImportPlan) -> None:
    """What a person should know before the rows are written."""
    for remark in plan.remarks:
        say(remark)
    if plan.unmapped:
        say("Columns that nothing uses: {columns}", columns=", ".join(plan.unmapped))
    if plan.absent_items:
        say("Questions without a column: {items}", items=", ".join(plan.absent_items))
    for rejection in plan.rejected:
        say(
            "Row {row}, column {column}, value “{value}”: {reason}",
            row=rejection.row,
            column=rejection.column,
            value=rejection.value,
            reason=_reason(rejection),
        )


def _reason(rejection: Rejection) -> str:
    language = current_settings().language
    if isinstance(rejection.message, Message):
        return translator(language)(rejection.message)
    return rejection.message.get(language) or next(iter(rejection.message.values()), "")


def _record(plan: ImportPlan, written: int) -> dict[str, object]:
    return {
        "wave": plan.request.wave_key,
        "accepted": len(plan.accepted),
        "rejected": plan.rejected_rows,
        "duplicates": plan.duplicates,
        "dropped_answers": plan.dropped_answers,
        "written": written,
        "encoding": plan.encoding,
    }
