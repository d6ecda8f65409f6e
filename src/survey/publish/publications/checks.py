"""Check of published files as `survey verify` makes it: the script's, and the time stamp."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from cryptography import x509

from survey.locale import Message, msg
from survey.publish.publications.signing_keys import is_signed_by_library
from survey.publish.publications.time_stamp import TimeStampError, check_time_stamp
from survey.publish.publications.verify import (
    MAX_SIGNATURE_BYTES,
    MAX_TIME_STAMP_BYTES,
    READ_ERRORS,
    SIGNATURE,
    TIME_STAMP,
    CheckResult,
    Finding,
    KeyList,
    check_path,
    open_release,
    read_whole,
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
        "hidden_bytes": msg(
            "It holds bytes that are no part of its files, or these in another order."
        ),
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
    if not authorities or not result.manifest:
        return result, None
    try:
        with open_release(path) as (release, _):
            stamp = read_whole(release, TIME_STAMP, MAX_TIME_STAMP_BYTES)
            signature = read_whole(release, SIGNATURE, MAX_SIGNATURE_BYTES)
        return result, check_time_stamp(stamp, signature, authorities)
    except TimeStampError:
        finding = Finding(TIME_STAMP, "time_stamp")
        others = [each for each in result.findings if each != finding]
        return result._replace(findings=[*others, finding]), None
    except READ_ERRORS:  # it is missing, or `check_path` has found that it cannot be read
        return result, None
