"""Check of a file in the reader's browser: its script, and what the script is given to say."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

import orjson

from survey.locale import Message, Translator, msg
from survey.site.released_archive import ReleasedArchive

VERIFIER_FILE = "verify.js"

VERIFIER_TEXTS: Mapping[str, Message] = {
    "title": msg("Check a file here"),
    "lead": msg(
        "Choose a file, or drop it here: the archive of a release or any single file of it. It is "
        "compared with the signed manifest by your browser. Nothing is uploaded."
    ),
    "choose": msg("Choose files"),
    "warning": msg(
        "This check is as honest as the page that it came with: a forger could serve a page of his "
        "own that praises his files. Compare the fingerprint with the printed one. Whoever has to "
        "be sure takes verify.py."
    ),
    "without": msg(
        "Your browser cannot check a file here: that takes a script, an address with https, and a "
        "browser that knows Ed25519. Please use verify.py as it is said below."
    ),
}
"""Name in the template -> text."""
_SCRIPT_TEXTS: Mapping[str, Message] = {
    "busy": msg("Checking…"),
    "genuine": msg("Genuine"),
    "genuineFile": msg("{file} is what was signed in release {release}."),
    "genuineArchive": msg("{file} is release {release}, whole and as it was signed."),
    "changed": msg("Changed"),
    "changedFile": msg("{file} is not what was signed in release {release}."),
    "changedBytes": msg("These bytes differ: {bytes}."),
    "changedSize": msg("It has {size} bytes; {signed} were signed."),
    "missing": msg("Missing: {name}."),
    "unlisted": msg("Not part of the release: {name}."),
    "hidden": msg("The archive holds bytes that are no part of its files."),
    "changedPart": msg("Changed: {name}."),
    "unknown": msg("Not of these releases"),
    "unknownFile": msg("{file} is no file of the releases on this site, or it has another name."),
    "unsigned": msg("Not signed by the association"),
    "unsignedFile": msg("The signature of {file} was not made with a published key."),
    "withdrawn": msg("The key was withdrawn"),
    "withdrawnFile": msg(
        "{file} was signed with a key that the association has withdrawn. It is not genuine."
    ),
    "retracted": msg("Taken back"),
    "retractedFile": msg("{file} is of release {release}, which the association has taken back."),
    "corrected": msg("Release {release} was replaced by {by}."),
    "demo": msg("Demonstration data: every figure was made up by a program."),
    "fingerprint": msg("Fingerprint of the key: {fingerprint}"),
    "unreadable": msg("Cannot be read"),
    "unreadableFile": msg("{file} cannot be read: {reason}"),
    "unreachable": msg("The signed manifests cannot be fetched from this site."),
}
"""Name in the script -> text."""


def read_verifier() -> bytes:
    """Return the script of the check."""
    return (Path(__file__).parent / "templates" / VERIFIER_FILE).read_bytes()


def describe_verifier(releases: Sequence[ReleasedArchive], t: Translator) -> Mapping[str, Any]:
    """Return what the page says of the check, and what its script is given."""
    given = {
        "releases": [release.manifest.id for release in releases],
        "texts": {
            name: t(text.msgid, **_keep_places(text)) for name, text in _SCRIPT_TEXTS.items()
        },
    }
    texts = {name: t(text) for name, text in VERIFIER_TEXTS.items()}
    return {**texts, "script": VERIFIER_FILE, "given": orjson.dumps(given).decode()}


def _keep_places(text: Message) -> Mapping[str, str]:
    """Return each place of a text with itself, for the script fills them in."""
    places = (name for _, name, _, _ in Formatter().parse(text.msgid) if name)
    return {name: f"{{{name}}}" for name in places}
