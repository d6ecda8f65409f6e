"""Commands on a wave: quotas, review, freezing, release, recomputation and archived answers."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from survey.access.approval import SecondPersonRequiredError
from survey.access.principal import OPERATOR
from survey.access.work import operator_work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import (
    FormatOption,
    OutputFormat,
    error_reporting,
    print_note,
    print_record,
    print_table,
)
from survey.collection.answer_archive.archiving import archive_answers, restore_answers
from survey.figures.views.freeze_preview import build_freeze_preview
from survey.files.microdata.row_preparation import prepare_rows
from survey.locale import translator
from survey.results.freeze import freeze_wave
from survey.results.freeze_preview import preview_freeze
from survey.results.freeze_reading import STAGE_NAMES, FreezeStage
from survey.results.recompute import list_altered_tables, recompute_wave
from survey.results.release import release_request_options, release_wave, revoke_release
from survey.results.snapshots import outdated_waves
from survey.review.review_counts import list_review_counts
from survey.settings import Settings, current_settings
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import read_scope
from survey.store.tables import Shown, WaveAct
from survey.waves.dual_approval import set_single_approval
from survey.waves.planning.wave_requests import RequestConflictError, find_open_request, request_act
from survey.waves.quotas import QuotaPolicy, set_quota_policy

app = typer.Typer(
    help="Answers of a released wave: into a file, and back.",
    no_args_is_help=True,
    add_completion=False,
)
KeyArgument = Annotated[str, typer.Argument(help="Key of the wave, for example main-2024.")]


@app.command("archive-answers")
def archive(
    key: KeyArgument,
    out: Annotated[
        Path, typer.Option(help="New file (.parquet), or a folder in which it is named.")
    ],
) -> None:
    """Move the answers of a released wave from the database into a Parquet file.

    They leave the database only after the file was read back and found equal; its hash stands in
    the audit trail. Until it is restored, single interviews of the wave cannot be opened and the
    wave cannot be frozen anew; results stay. Where an administrator has an account, one of them
    requests it on the page of the wave first.
    """
    with error_reporting():
        settings = current_settings()
        file = out / f"answers-{key}.parquet" if out.is_dir() else out
        archived = change_as_operator(
            lambda work: archive_answers(work, wave_key=key, out=file, data_dir=settings.data_dir),
            long_running=True,
        )
        print_note(
            "{count} revisions of answers were moved to {file}. SHA-256: {hash}",
            count=archived.rows,
            file=file,
            hash=archived.file_sha256,
        )
        print_note("Keep a second copy of this file elsewhere: the database has none.")


@app.command("restore-answers")
def restore(
    key: KeyArgument,
    source: Annotated[Path, typer.Option("--from", help="The file that was written.")],
) -> None:
    """Put archived answers back into the database, if they are what was archived."""
    with error_reporting():
        restored = change_as_operator(
            lambda work: restore_answers(work, wave_key=key, source=source), long_running=True
        )
        print_note(
            "{count} revisions of answers of {wave} are in the database again.",
            count=restored.rows,
            wave=key,
        )


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
    without_point: Annotated[
        WithoutPoint,
        typer.Option(
            help="Interviews without a sampling point where others have one. refuse: stop and say "
            "how many. stratum: count them as a stratum of their own in each city."
        ),
    ] = WithoutPoint.REFUSE,
    groups: Annotated[
        str,
        typer.Option(
            help="Questions of the form whose answers make further groups, by name and separated "
            "by commas."
        ),
    ] = "",
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Only show what a freeze would show, city by city; nothing is stored."
        ),
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Where the parts of the wave are summed: local, local:N for N processes, or a "
            "Spark master. Else as SURVEY_ENGINE says. The figures are the same."
        ),
    ] = None,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Freeze the approved responses of a wave and compute every estimate.

    Writes typed Parquet with a manifest, rakes the weights, and applies the disclosure rules.
    Cities that are left out of the wave are not counted. With --final, and for a released wave,
    where an administrator has an account, this is one of two people: it requests the freeze, or
    confirms a request.
    """
    if preview and final:
        raise typer.BadParameter("Give either --preview or --final.")
    names = tuple(name.strip() for name in groups.split(",") if name.strip())
    options = FreezeOptions(without_point=without_point, groups=names)
    with error_reporting():
        settings = current_settings()
        if preview:
            _print_preview(settings, wave, options, form)
            return
        if not options.groups and without_point is WithoutPoint.REFUSE:
            options = _read_requested_freeze(wave)
        with _request_if_required(wave, WaveAct.FREEZE, options.as_request()):
            frozen = freeze_wave(
                settings,
                wave_key=wave,
                actor=OPERATOR,
                options=replace(options, final=final),
                engine=engine,
                tick=_print_progress,
            )
            print_record(frozen.model_dump(mode="json"), form)
        prepare_rows(settings, wave_key=wave, actor=OPERATOR)


def _print_progress(stage: FreezeStage, done: int, total: int) -> None:
    """Print a freeze's progress on one terminal line; print nothing if stderr is no terminal."""
    if not sys.stderr.isatty():
        return
    text = str(translator(current_settings().language)(STAGE_NAMES[stage], done=done, total=total))
    typer.echo(f"\r\x1b[K{text}", err=True, nl=done == total)


def _print_preview(
    settings: Settings, wave: str, options: FreezeOptions, form: OutputFormat
) -> None:
    """Print a freeze's preview, with the same sentences and cities as on the wave's page."""
    made = preview_freeze(settings, wave_key=wave, principal=OPERATOR, options=options)
    with read_as_operator() as work:
        counts = list_review_counts(work, key=wave)
    view = build_freeze_preview(made, counts, settings.language)
    for sentence in (view.headline, *view.sentences, *view.warnings):
        typer.echo(sentence, err=True)
    print_table([str(column) for column in view.cities], view.cities.itertuples(index=False), form)


def _read_requested_freeze(wave: str) -> FreezeOptions:
    """Return the options of the open request to freeze a wave, or the defaults without one."""
    with read_as_operator() as work:
        request = find_open_request(work, key=wave)
    if request is None or request.act is not WaveAct.FREEZE:
        return FreezeOptions()
    return FreezeOptions.of_request(request.options)


@contextmanager
def _request_if_required(wave: str, act: WaveAct, options: Mapping[str, Any]) -> Iterator[None]:
    """Run the block; if `act` takes two people, store a request that another one confirms."""
    try:
        yield
    except SecondPersonRequiredError as error:
        try:
            change_as_operator(lambda work: request_act(work, key=wave, act=act, options=options))
        except RequestConflictError:
            raise error from None
        print_note(
            "This takes two people. It is requested now; another person confirms it in the "
            "browser, on the page of the wave {wave}.",
            wave=wave,
        )


def release(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    show: Annotated[
        Shown | None,
        typer.Option(
            help="What readers may see of cities outside their area. scores: names and figures. "
            "names: the names of the first places only. nothing: neither."
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(help="How many first places are named, with --show names.")
    ] = None,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take the release back; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why the release is taken back.")] = "",
) -> None:
    """Release the results of a frozen wave to readers of other areas, or take that back.

    Where somebody with an account may release, this is one of two people: it requests the release,
    or confirms a request.
    """
    if revoke == (show is not None):
        raise typer.BadParameter("Give either --show or --revoke.")

    with error_reporting():
        if show is None:
            change_as_operator(lambda work: revoke_release(work, wave_key=wave, reason=reason))
            print_note("The release of {wave} is taken back.", wave=wave)
            return
        options = release_request_options(show, top)
        with _request_if_required(wave, WaveAct.RELEASE, options):
            change_as_operator(
                lambda work: release_wave(work, wave_key=wave, shown=show, first_places=top)
            )
            print_note("{wave} is released.", wave=wave)


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
    with error_reporting():
        recompute_tables(wave)


def recompute_tables(keys: list[str] | None = None) -> None:
    """Recompute the named waves, or else all outdated ones, and print a note for each."""
    settings = current_settings()
    with read_scope(settings.store_url) as session:
        needed = keys or outdated_waves(settings, session)
    for key in needed:
        _report_altered_tables(settings, key)
        print_note("Computing the results of {wave} again …", wave=key)
        change_as_operator(partial(recompute_wave, wave_key=key), long_running=True)


def _report_altered_tables(settings: Settings, key: str) -> None:
    with read_scope(settings.store_url) as session:
        altered = list_altered_tables(operator_work(session, settings), wave_key=key)
    if altered:
        print_note(
            "These files in the results of {wave} were changed after they had been sealed, and not "
            "by this software: {files}. They are now replaced by what the frozen responses give.",
            wave=key,
            files=", ".join(altered),
        )


def quota(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2026.")],
    policy: Annotated[
        QuotaPolicy,
        typer.Option(
            help="stop: a full quota takes nobody more at the door. count: everybody counts, and "
            "what is beyond the target is flagged."
        ),
    ],
    city: Annotated[
        str | None, typer.Option(help="GB/T 2260 code; without it the whole wave.")
    ] = None,
) -> None:
    """Let full quotas stop interviews at the door, or go on counting."""
    with error_reporting():
        quotas = change_as_operator(
            lambda work: set_quota_policy(work, wave_key=wave, policy=policy, city_code=city)
        )
        print_note("{count} quotas of {wave} follow this rule now.", count=quotas, wave=wave)


def one_person_review(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example pilot-2025.")],
    off: Annotated[bool, typer.Option("--off", help="Ask for two people again.")] = False,
) -> None:
    """Let one person give both approvals of review in a small wave; usually two are needed."""
    with error_reporting():
        change_as_operator(lambda work: set_single_approval(work, wave_key=wave, allowed=not off))
