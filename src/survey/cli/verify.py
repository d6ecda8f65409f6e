"""Commands that check published files by their signature, and build a release again to compare."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from survey.cli.operator import read_as_operator
from survey.cli.output import error_reporting, print_note
from survey.locale import SurveyError
from survey.release.archives import check_published_path, describe_finding
from survey.release.publishing_steps import build_key_list
from survey.release.reproduction import reproduce_publication
from survey.release.signing_keys import read_authorities
from survey.release.verify import READ_ERRORS, KeyList, fingerprint_of, parse_keys, printable
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Archives, folders, or single files beside release.json.")
    ],
    keys: Annotated[
        Path | None,
        typer.Option(
            help="List of keys that the association publishes, or one public key. Without it those "
            "of the store at hand."
        ),
    ] = None,
    authorities: Annotated[
        Path | None,
        typer.Option(
            help="PEM certificates that time stamps are checked with, where there is one."
        ),
    ] = None,
) -> None:
    """Check whether published files are genuine. Exit code 0: all are; 1: one is not, and why."""
    with error_reporting():
        settings = current_settings()
        published = _read_keys(keys) if keys else _find_stored_keys(settings)
        stamps = authorities or settings.time_stamp_certificates
        certificates = read_authorities(stamps) if stamps else []
        genuine = True
        for path in files:
            result, stamped_at = check_published_path(path, published, certificates)
            name = printable(str(path))
            for finding in result.findings:
                print_note("{file} is not genuine.", file=name)
                print_note(describe_finding(finding))
            if published is None or not result.is_genuine:
                genuine = False
                continue
            print_note(
                "{file} is genuine: release {release}, key {key}.",
                file=name, release=result.manifest["id"], key=result.key_id,
            )  # fmt: skip
            fingerprint = fingerprint_of(published.keys[result.key_id].public_key)
            print_note("Fingerprint of its key: {fingerprint}", fingerprint=fingerprint)
            by = published.corrected.get(result.manifest["id"])
            if by:
                print_note("It was corrected: the release {release} has replaced it.", release=by)
            if certificates and stamped_at is None:
                print_note("It carries no time stamp.")
            if stamped_at is not None:
                print_note("Stamped at {time}.", time=stamped_at.isoformat())
            if result.manifest["demo"]:
                print_note("It holds demonstration data.")
    if not genuine:
        raise typer.Exit(1)


def _read_keys(file: Path) -> KeyList:
    try:
        return parse_keys(file.read_text("utf-8"))
    except READ_ERRORS as error:
        raise typer.BadParameter(f"{file}: {error}") from error


def _find_stored_keys(settings: Settings) -> KeyList | None:
    """Return the list of signing keys in the configured store; None if there is no such store."""
    url = make_url(settings.store_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    try:
        with read_scope(settings.store_url) as session:
            return parse_keys(build_key_list(session, settings).decode())
    except (SurveyError, SQLAlchemyError):
        return None


def reproduce(
    release: Annotated[str, typer.Argument(help="Id of the release, as `survey release list`.")],
) -> None:
    """Build every file of a release again from its snapshot, and say what differs in words.

    Exit code 0: every file is the same, byte for byte; 1: one differs, or it cannot be built again.
    """
    with error_reporting():
        with read_as_operator(long_running=True) as work:
            result = reproduce_publication(work, key=release)
        if not result.is_same_snapshot:
            print_note("The results were computed again after this release was signed.")
        if result.software:
            print_note("Version {version} of the software made it.", version=result.software)
        for finding in result.findings:
            print_note(describe_finding(finding))
        for difference in result.differences:
            print_note(difference)
        print_note("{count} files are the same, byte for byte.", count=len(result.same))
    if not result.is_whole:
        raise typer.Exit(1)
