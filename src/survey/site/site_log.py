"""Transparency log on the public site: its files, and the page that says what it is."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from survey.locale import Message, Translator, msg
from survey.release.log_checkpoints import PublicLog
from survey.release.manifest import zip_files
from survey.release.transparency_log import hash_entries
from survey.release.verify import CHECKPOINT, ENTRIES, TILE_WIDTH, WITNESSED, find_root, tile_path
from survey.store.china_time import china_date, format_day

LOG_FOLDER = "log"
LOG_ARCHIVE = "log.zip"
_MAX_SHOWN = 200
"""Entries on the page; all of them are in the files."""

LOG_TEXTS: Mapping[str, Message] = {
    "title": msg("Transparency log"),
    "lead": msg(
        "Each public release, each correction and each release taken back, each key that signs and "
        "each set of rules is entered here, one below the other, together with the act itself. "
        "Nobody can change, move or remove an entry later without everybody noticing who kept an "
        "earlier state."
    ),
    "why": msg(
        "So nobody can be shown one history and somebody else another: provincial associations and "
        "universities compare each new state with the one that they saw before, and sign it as "
        "witnesses."
    ),
    "scope": msg(
        "Only acts of public releases stand here. What is announced, under embargo or released to "
        "account holders alone is in no entry."
    ),
    "state": msg("Newest signed state"),
    "name": msg("Name of the log"),
    "size": msg("Entries"),
    "root": msg("Root"),
    "day": msg("Last entry"),
    "witnesses": msg("Witnesses"),
    "no_witness": msg("No witness has signed this log yet."),
    "witness_key": msg("Key of the witness"),
    "check": msg("How to check"),
    "check_text": msg(
        "The script checks that the log is signed, that the release stands in it, that it goes on "
        "from the state that you saw before, and that the witness you name has signed it:"
    ),
    "become": msg(
        "Whoever wants to be a witness needs no server: the command compares the log with what it "
        "remembers and writes a signature, which the association takes up here. The first time, "
        "when there is nothing to remember yet, it ends in --first."
    ),
    "entries": msg("Entries, the newest first"),
    "all_files": msg("The whole log in one file"),
    "number": msg("Number"),
    "date": msg("Day"),
    "act": msg("Act"),
}
"""Name in the template -> text."""
_ACTS: Mapping[str, Message] = {
    "release": msg("Released: {id}"),
    "replaced": msg("Replaced by a correction: {id}"),
    "retraction": msg("Taken back: {id}"),
    "key": msg("New key: {id}"),
    "key_withdrawn": msg("Key withdrawn: {id}"),
    "rules": msg("Set of rules: {id}"),
}
"""Kind of an entry -> sentence."""
_DIGITS_OF_RULES = 16


def build_log_files(log: PublicLog) -> Mapping[str, bytes]:
    """Return path -> content of the log's files below its folder (c2sp.org/tlog-tiles)."""
    newest = log.checkpoint.size
    essential = {CHECKPOINT: log.note, **dict(_iter_bundles(log.entries, newest))}
    for size, note in log.notes:
        if size in log.witnessed_sizes and size != newest:
            essential[f"{WITNESSED}/{size}"] = note
    files = dict(essential)
    hashes = hash_entries(log.entries)
    for size, _ in log.notes:
        files |= dict(_iter_tiles(hashes, size))
        files |= dict(_iter_bundles(log.entries, size))
    last = orjson.loads(log.entries[-1])
    files[LOG_ARCHIVE] = zip_files(essential, _parse_moment(last))
    return files


def _iter_places(size: int, newest: int) -> Iterator[tuple[int, int]]:
    """Yield number and width of the tiles of `size` hashes, but those that were filled since."""
    for start in range(0, size, TILE_WIDTH):
        width = min(TILE_WIDTH, size - start)
        if width == TILE_WIDTH or newest < start + TILE_WIDTH:
            yield start // TILE_WIDTH, width


def _iter_bundles(entries: Sequence[bytes], size: int) -> Iterator[tuple[str, bytes]]:
    for number, width in _iter_places(size, len(entries)):
        start = number * TILE_WIDTH
        bundle = b"".join(
            len(entry).to_bytes(2, "big") + entry for entry in entries[start : start + width]
        )
        yield f"{ENTRIES}/{tile_path(number, width)}", bundle


def _iter_tiles(hashes: Sequence[bytes], size: int) -> Iterator[tuple[str, bytes]]:
    """Yield the tiles of a log of this size: hashes, above them roots of whole tiles."""
    level, count = 0, size
    while count:
        for number, width in _iter_places(count, len(hashes)):
            start = number * TILE_WIDTH
            yield (
                f"tile/{level}/{tile_path(number, width)}",
                b"".join(hashes[start : start + width]),
            )
        whole = range(0, len(hashes) - TILE_WIDTH + 1, TILE_WIDTH)
        hashes = [find_root(hashes[start : start + TILE_WIDTH]) for start in whole]
        level, count = level + 1, count // TILE_WIDTH


def describe_log(log: PublicLog, t: Translator) -> Mapping[str, Any]:
    """Return what the page of the log shows."""
    acts = [orjson.loads(entry) for entry in log.entries]
    shown = list(enumerate(acts))[-_MAX_SHOWN:]
    return {
        "words": {name: t(text) for name, text in LOG_TEXTS.items()},
        "state": {
            "origin": log.checkpoint.origin,
            "size": log.checkpoint.size,
            "root": base64.b64encode(log.checkpoint.root).decode(),
            "day": _format_day(t, acts[-1]),
        },
        "witnesses": [
            {
                "name": witness.key.name,
                "key": str(witness.key),
                "signed": t(
                    "has signed {size} entries on {day}",
                    size=witness.size,
                    day=format_day(t, china_date(datetime.fromtimestamp(witness.at, UTC))),
                ),
            }
            for witness in log.witnesses
        ],
        "acts": [
            {"number": number, "day": _format_day(t, act), "text": _describe_act(t, act)}
            for number, act in reversed(shown)
        ],
        "archive": f"{LOG_FOLDER}/{LOG_ARCHIVE}",
        "checkpoint": f"{LOG_FOLDER}/{CHECKPOINT}",
    }


def _describe_act(t: Translator, act: Mapping[str, Any]) -> str:
    name = str(act["id"])
    shown = name[:_DIGITS_OF_RULES] if act["kind"] == "rules" else name
    return t(_ACTS[act["kind"]].msgid, id=shown)


def _format_day(t: Translator, act: Mapping[str, Any]) -> str:
    return format_day(t, china_date(_parse_moment(act)))


def _parse_moment(act: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(act["at"])
