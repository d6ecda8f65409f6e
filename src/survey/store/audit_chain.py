"""Format of the audit chain: the bytes that a seal covers, and how it is computed.

The format never changes: another byte would break every existing chain (docs/audit.md).
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from survey.locale import RefusedError, msg
from survey.settings import Settings
from survey.store.audit_events import SubjectKind

GENESIS_SEAL = "0" * 64
"""Previous seal of the first entry of a chain."""
NO_KEY_ID = ""
"""Key id of a seal without a key."""
MIN_KEY_CHARS = 32

_FORMAT = 1
_FRACTION = re.compile(rb"\d[.eE]")
_WHOLE_KINDS = frozenset({str, int, bool, type(None)})
_MIN_WHOLE, _WHOLE_LIMIT = -(2**63), 2**64
"""Whole numbers in between are read back as integers, all others as floats."""
HASH = "answers_sha256"
"""Key in the detail of an entry: the hash of one revision, or of many by `format_sealed_name`."""
PLACE = "place_sha256"
"""Key beside `HASH`, for one or many alike: the hash of where an interview belongs."""
REVISION = "revision"
"""Key in the detail of an entry about one interview: the revision, by default the first."""
SEAL_BATCH_SIZE = 150
"""Interviews in one entry: a cell of a spreadsheet takes no more than 32,767 characters."""


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """Audit entry before it gets number and seal (a chained hash); `detail` is canonical JSON."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    action: str
    subject_kind: str
    subject_id: str
    detail: bytes


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """Audit entry with its number, its seal (a chained hash), and the id of the seal's key."""

    entry: ChainEntry
    sequence: int
    hash: str
    key_id: str


def canonical_json(detail: Any) -> bytes:
    """Return a document as JSON bytes, identical whether read from SQLite or PostgreSQL.

    PostgreSQL reorders keys and writes 1e3 as 1000, so keys are sorted here and whole numbers are
    written without a fraction.
    """
    text = orjson.dumps(detail, option=orjson.OPT_SORT_KEYS)
    if _may_hold_fraction(detail) and _FRACTION.search(text):
        text = orjson.dumps(_parse_whole(orjson.loads(text)), option=orjson.OPT_SORT_KEYS)
    return text


def _may_hold_fraction(detail: Any) -> bool:
    """Return whether a document may contain fractions; False if just texts and whole numbers.

    A look at the types takes a fifth of the time of a search of the text.
    """
    if type(detail) is not dict:
        return True
    others = set(map(type, detail.values())) - _WHOLE_KINDS
    if others != {list}:
        return bool(others)
    lists = (value for value in detail.values() if type(value) is list)
    return any(not _WHOLE_KINDS.issuperset(map(type, value)) for value in lists)


def _parse_whole(value: Any) -> Any:
    if isinstance(value, float):
        whole = value.is_integer() and _MIN_WHOLE <= value < _WHOLE_LIMIT
        return int(value) if whole else value
    if isinstance(value, dict):
        return {key: _parse_whole(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_parse_whole(element) for element in value]
    return value


@dataclass(frozen=True)
class Keyring:
    """Keys of the audit trail's seals, the oldest first; without keys, seals are plain SHA-256."""

    keys: tuple[bytes, ...] = ()

    @property
    def newest(self) -> str:
        """Id of the key that makes new seals; `NO_KEY_ID` without keys."""
        return key_id_of(self.keys[-1]) if self.keys else NO_KEY_ID

    def key(self, key_id: str) -> bytes | None:
        """Return the key with this id; None if the keyring does not hold it."""
        return next((key for key in self.keys if key_id_of(key) == key_id), None)


@lru_cache(maxsize=16)
def key_id_of(key: bytes) -> str:
    """Return the public id of a key: 12 hexadecimal digits that do not reveal the key."""
    return hashlib.sha256(b"name of an audit key\n" + key).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class SealInput:
    """Audit entry in the text form that its seal covers; `at` is UTC to the microsecond."""

    id: str
    at: str
    actor_id: str | None
    action: str
    subject_kind: str
    subject_id: str
    detail: bytes

    @classmethod
    def of(cls, entry: ChainEntry) -> "SealInput":
        """Return the text form, which a seal covers, of an entry that is not sealed yet."""
        return cls(
            entry.id.hex,
            format_utc(entry.at),
            entry.actor_id.hex if entry.actor_id else None,
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            entry.detail,
        )


def format_utc(at: datetime) -> str:
    """Return a time as ISO text in UTC to the microsecond, the form that seals cover."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def seal(previous: str, sequence: int, written: SealInput, key: bytes | None) -> str:
    """Return the seal (64 hexadecimal digits) of entry `written`, number `sequence`, on `previous`.

    It is an HMAC-SHA256 (RFC 2104), or SHA-256 without a key.
    """
    head = orjson.dumps(
        (
            _FORMAT,
            sequence,
            written.id,
            written.at,
            written.actor_id,
            written.action,
            written.subject_kind,
            written.subject_id,
        )
    )
    content = b"\n".join((previous.encode(), head, written.detail))
    if key is None:
        return hashlib.sha256(content).hexdigest()
    return hmac.digest(key, content, "sha256").hex()


def seal_all(
    entries: Sequence[ChainEntry], *, after: int, onto: str, ring: Keyring
) -> Iterator[SealedEntry]:
    """Yield entries numbered from `after` + 1, each sealed on the last seal, first on `onto`."""
    key_id, key = ring.newest, ring.keys[-1] if ring.keys else None
    for sequence, entry in enumerate(entries, start=after + 1):
        onto = seal(onto, sequence, SealInput.of(entry), key)
        yield SealedEntry(entry, sequence, onto, key_id)


def keyring(settings: Settings) -> Keyring:
    """Return the keys, named in the settings, that make the seals of the audit trail.

    Raises:
        RefusedError: A key cannot be used; there is never a silent chain without a key.
    """
    return _read_keyring(settings.audit_key, settings.audit_key_file)


@lru_cache(maxsize=4)
def _read_keyring(key: str, file: Path | None) -> Keyring:
    lines = [key] if key else []
    if file is not None:
        try:
            listed = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedError(
                "audit_key_unusable", msg("The audit key file {file} cannot be read.", file=file)
            ) from error
        lines = [*listed, *lines]
        if not any(line.strip() for line in listed):
            raise RefusedError(
                "audit_key_unusable", msg("The audit key file {file} is empty.", file=file)
            )
    keys = tuple(line.strip().encode() for line in lines if line.strip())
    if any(len(audit_key) < MIN_KEY_CHARS for audit_key in keys):
        raise RefusedError(
            "audit_key_unusable",
            msg("An audit key has fewer than {count} characters.", count=MIN_KEY_CHARS),
        )
    return Keyring(keys)


def answers_sha256(answers: Mapping[str, Any], weight: float | None = None) -> str:
    """Return the SHA-256 of an interview's answers and, if it was imported, its weight.

    The same whichever database both are read from. Without a weight it is the hash of the answers.
    """
    document = answers if weight is None else {"answers": dict(answers), "weight": weight}
    return hashlib.sha256(canonical_json(document)).hexdigest()


def place_sha256(
    answers: Mapping[str, Any], *, city_code: str, point_id: UUID | None, cell_id: UUID | None
) -> str:
    """Return the SHA-256 of an interview's city, point and quota cell together with its answers.

    The answers are in it so that nobody finds the quota cell, which tells age and gender, by trying
    all there are: after a withdrawal they are gone, and the entry stays.
    """
    place = [city_code, *(each.hex if each else None for each in (point_id, cell_id))]
    return hashlib.sha256(canonical_json({"answers": dict(answers), "place": place})).hexdigest()


def format_sealed_name(response_id: UUID, number: int = 1) -> str:
    """Return interview id and revision number as text, the key of a hash in bulk audit entries."""
    return response_id.hex if number == 1 else f"{response_id.hex}/{number}"


def read_sealed_name(name: str) -> tuple[bytes, int]:
    """Return interview id and revision number from `format_sealed_name` text; raises ValueError."""
    plain, _, number = name.partition("/")
    return UUID(plain).bytes, int(number or 1)


def iter_hashes(
    subject_kind: str, subject_id: str, detail: Mapping[str, Any]
) -> Iterator[tuple[bytes, int, str, str]]:
    """Yield interview, revision, answer hash and place hash for each revision in an audit entry.

    The second hash is that of `place_sha256`; entries of earlier versions hold none, and it is "".

    Raises:
        ValueError: A name in the entry is not that of a revision.
    """
    held = detail.get(HASH)
    if isinstance(held, Mapping):
        places = detail.get(PLACE, {})
        for name, sha256 in held.items():
            yield (*read_sealed_name(name), str(sha256), str(places.get(name, "")))
    elif held is not None and subject_kind == SubjectKind.RESPONSE:
        revision = int(detail.get(REVISION, 1))
        yield UUID(subject_id).bytes, revision, str(held), str(detail.get(PLACE, ""))
