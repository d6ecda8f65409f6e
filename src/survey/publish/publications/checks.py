"""Check of published files as `survey verify` makes it: the script's, and the time stamp."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from zipfile import ZipFile

from cryptography import x509

from survey.locale import Message, msg
from survey.publish.publications.signing_keys import is_signed_by_library
from survey.publish.publications.time_stamp import (
    MAX_ANSWER_BYTES,
    TimeStampError,
    check_time_stamp,
)
from survey.publish.publications.verify import (
    MANIFEST,
    MAX_FOLDERS_UP,
    READ_ERRORS,
    SIGNATURE,
    TIME_STAMP,
    CheckResult,
    Finding,
    KeyList,
    check_path,
    is_archive_name,
)

PROBLEM_NAMES = MappingProxyType(
    {
        "no_manifest": msg("There is no release.json beside it to compare with."),
        "no_signature": msg("The signature (release.sig) is missing or cannot be read."),
        "no_keys": msg("The published keys of the association were not given (--keys)."),
        "key_unknown": msg("It was signed with a key that is not among the published ones."),
        "key_withdrawn": msg("It was signed with a key that was withdrawn."),
        "key_of_demo": msg("A key of demonstrations signs no real release."),
        "signature": msg("It is not what was signed: it was changed."),
        "manifest_form": msg("It is not a manifest that can be understood."),
        "retracted": msg("The association has taken this release back."),
        "missing": msg("This file is missing."),
        "changed": msg("It was changed."),
        "unlisted": msg("It is not part of the release."),
        "unsafe_name": msg("Its name leads out of the folder."),
        "twice": msg("It stands in the archive twice."),
        "hidden_bytes": msg("It holds bytes that are no part of its files."),
        "unreadable": msg("It cannot be read."),
        "time_stamp": msg("The time stamp does not hold."),
    }
)
"""Problem of a finding -> what it means."""


def describe_finding(finding: Finding) -> Message:
    """Return a finding as a sentence: the file, the problem, and which bytes or parts differ."""
    problem = PROBLEM_NAMES[finding.problem]
    if finding.problem == "changed" and finding.detail:
        return msg(
            "{file}: {problem} Bytes or parts that differ: {detail}",
            file=finding.file, problem=problem, detail=finding.detail,
        )  # fmt: skip
    if finding.detail:
        return msg(
            "{file}: {problem} ({detail})",
            file=finding.file,
            problem=problem,
            detail=finding.detail,
        )
    return msg("{file}: {problem}", file=finding.file, problem=problem)


def check_published_path(
    path: Path, published: KeyList | None, authorities: Sequence[x509.Certificate] = ()
) -> tuple[CheckResult, datetime | None]:
    """Check a folder, an archive or one file, and its time stamp where authorities are named.

    Returns:
        What differs, and when it was stamped; None without a stamp or without authorities.
    """
    result = check_path(path, published, is_signed_by_library)
    stamp = _read_beside(path, TIME_STAMP) if authorities and result.manifest else None
    if stamp is None:
        return result, None
    try:
        return result, check_time_stamp(stamp, _read_beside(path, SIGNATURE) or b"", authorities)
    except TimeStampError:
        return result._replace(findings=[*result.findings, Finding(TIME_STAMP, "time_stamp")]), None


def _read_beside(path: Path, name: str) -> bytes | None:
    """Return a small file of the release that `path` is, or belongs to; None without it."""
    try:
        if path.is_file() and is_archive_name(path):
            with ZipFile(path) as archive:
                if MANIFEST in archive.namelist():
                    with archive.open(name) as file:
                        return file.read(MAX_ANSWER_BYTES)
    except READ_ERRORS:
        return None
    start = path if path.is_dir() else path.absolute().parent
    for folder in [start, *list(start.absolute().parents)[:MAX_FOLDERS_UP]]:
        if (folder / MANIFEST).is_file():
            file_beside = folder / name
            return file_beside.read_bytes() if file_beside.is_file() else None
    return None
