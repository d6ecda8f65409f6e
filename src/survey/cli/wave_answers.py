"""Commands that archive the answers of a released wave and restore them."""

from pathlib import Path
from typing import Annotated

import typer

from survey.cli.operator import change_as_operator
from survey.cli.output import error_reporting, print_note
from survey.fieldwork.answer_archive.archiving import archive_answers, restore_answers
from survey.settings import current_settings

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
            lambda work: archive_answers(
                work,
                wave_key=key,
                out=file,
                data_dir=settings.data_dir,
                two_people=settings.two_person_freeze,
            ),
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
