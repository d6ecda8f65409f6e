"""Commands on the transparency log: show it, sign it, witness it, check it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from survey.access.work import Work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.output_file import output_file
from survey.locale import RefusedError, msg
from survey.release.archives import describe_finding
from survey.release.log_checkpoints import (
    add_cosignature,
    check_own_log,
    find_public_log,
    record_checkpoint,
    take_up_log,
)
from survey.release.log_witness import witness_log
from survey.release.public_acts import enter_public_acts
from survey.release.signing_keys import add_key_to_file, is_signed_by_library, read_key_file
from survey.release.transparency_log import list_entries
from survey.release.verify import (
    READ_ERRORS,
    Checkpoint,
    LogCheck,
    PublishedLog,
    check_log,
    open_log,
    parse_checkpoint,
    parse_keys,
    parse_note_key,
    read_log,
)

app = typer.Typer(help="Transparency log of public releases (docs/public-door.md).")

LogPath = Annotated[
    Path, typer.Argument(exists=True, help="log.zip of the public site, or its folder log.")
]


@app.command("show")
def show_log(form: FormatOption = OutputFormat.TABLE) -> None:
    """List the entries, and say which state is signed and who has witnessed it."""
    with error_reporting(), read_as_operator() as work:
        acts = [orjson.loads(entry) for entry in list_entries(work)]
        rows = [(number, act["at"], act["kind"], act["id"]) for number, act in enumerate(acts)]
        print_table(("position", "at", "kind", "id"), rows, form)
        log = find_public_log(work)
        if log is None:
            print_note("No state of the log is signed yet: survey release log checkpoint")
            return
        state = log.checkpoint
        print_note("Signed up to {size} of {all}: {name}", size=state.size, all=len(acts),
                   name=state.origin)  # fmt: skip
        for witness in log.witnesses:
            print_note("{witness} has signed {size}.", witness=witness.key, size=witness.size)


@app.command("checkpoint")
def sign_log(
    key: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False,
            help="File of the key that signs, where this server has none; its newest line.",
        ),
    ] = None,
    cosignature: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Signature of a witness to take up."),
    ] = None,
    witness: Annotated[str, typer.Option(help="Key of the witness, as it told us.")] = "",
    take_up: Annotated[
        Path | None,
        typer.Option(
            "--continue", exists=True,
            help="Published log (log.zip) that goes on where this restored store ends.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Enter what is missing and sign the log; or take up the signature of a witness.

    Public acts are entered and signed as they are done. This is for a key that the server does not
    hold, and after a key was withdrawn or a backup restored.
    """

    def sign(work: Work) -> Checkpoint:
        if cosignature is not None:
            line = cosignature.read_text("utf-8")
            return add_cosignature(work, line=line, verifier_key=witness)
        if published is not None:
            take_up_log(work, published=published)
            return published.checkpoint
        enter_public_acts(work)
        return record_checkpoint(work, key=signing_key)

    with error_reporting():
        signing_key = read_key_file(key)[-1] if key else None
        published = _read_published(take_up) if take_up else None
        state = change_as_operator(sign)
        typer.echo(state.body.decode(), nl=False)


@app.command("witness")
def witness(
    log: LogPath,
    keys: Annotated[Path, typer.Option(exists=True, dir_okay=False,
                                       help="The association's published list of keys.")],
    key: Annotated[Path, typer.Option(help="Key file of the witness; made if there is none.")],
    name: Annotated[str, typer.Option(help="Name of the witness, for example its address.")],
    remember: Annotated[Path, typer.Option(help="File that remembers the state signed last.")],
    out: Annotated[Path, typer.Option(help="File for the signature to hand over.")],
    first: Annotated[
        bool, typer.Option("--first", help="This log is seen for the first time.")
    ] = False,
) -> None:  # fmt: skip
    """Compare a log with what was seen before, sign it as a witness, and remember it.

    Needs neither a server nor a store: only the files of the public site. A log that changed what
    it said before is refused, and that is worth telling others.
    """
    with error_reporting():
        if remember.exists() == first:
            raise RefusedError(
                "log_not_witnessed",
                msg(
                    "Give --first for a log that is seen for the first time, and only then: "
                    "without the remembered state a rewritten history would not be noticed."
                ),
            )
        own = read_key_file(key)[-1:] or [add_key_to_file(key)]
        published = parse_keys(keys.read_text("utf-8"))
        remembered = None if first else remember.read_bytes()
        state = witness_log(log, published, remembered, own[0], name, datetime.now(UTC))
        # Remembered before it is handed over: what was signed must never be forgotten.
        with output_file(remember, private=True) as draft:
            draft.write(state.checkpoint.note)
        with output_file(out) as draft:
            draft.write(state.cosignature)
        print_note("{size} entries are signed in {file}.", size=state.checkpoint.size, file=out)
        print_note("Key of this witness, to hand over once: {key}", key=state.key)


@app.command("verify")
def verify_log(
    log: Annotated[
        Path | None,
        typer.Argument(exists=True, help="Published log; without it the one of this store."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Published list of keys.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="State seen before.")
    ] = None,
    witness_key: Annotated[
        list[str] | None, typer.Option("--witness", help="Key of a witness who has to have signed.")
    ] = None,
) -> None:
    """Check a published log without a store, or the log of this store before it goes on.

    After a backup was restored, compare the store with what a witness or the site holds.
    """
    with error_reporting():
        try:
            seen = [parse_checkpoint(each.read_bytes()) for each in checkpoint or ()]
            witnesses = [parse_note_key(each) for each in witness_key or ()]
            published = parse_keys(keys.read_text("utf-8")) if keys else None
        except READ_ERRORS as error:
            raise typer.BadParameter(str(error)) from error
        if log is None:
            with read_as_operator() as work:
                size = check_own_log(work, seen=seen)
        else:
            if published is None:
                raise typer.BadParameter("--keys")
            check = check_log(log, published, seen, witnesses, is_signed_by_library)
            size = len(_require_whole(check))
        print_note("The log of {size} entries holds.", size=size)


def _require_whole(check: LogCheck) -> Sequence[bytes]:
    """Return the entries of a checked log; raise `RefusedError` if something is wrong with it."""
    if check.findings or check.log is None:
        raise RefusedError("log_refused", describe_finding(check.findings[0]))
    return check.log.entries


def _read_published(path: Path) -> PublishedLog:
    try:
        with open_log(path) as source:
            return read_log(source)
    except READ_ERRORS as error:
        raise typer.BadParameter(f"{path}: {error}") from error
