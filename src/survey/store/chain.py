"""The hash chain of the audit trail: what an entry says, byte for byte, and how it is sealed.

The format is for good: changing a byte of it breaks every chain there is (docs/audit.md).
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from survey.locale import SurveyError, msg
from survey.settings import Settings

START = "0" * 64
"""What the first entry of a chain is sealed onto."""
PLAIN = ""
"""The name of no key."""
SHORTEST_KEY = 32

_FORMAT = 1
_FRACTION = re.compile(rb"\d[.eE]")
_SMALLEST_WHOLE, _PAST_WHOLE = -(2**63), 2**64
"""Whole numbers in between are read back as integers, all others as floats."""


class AuditKeyUnusable(SurveyError):
    code = "audit_key_unusable"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry before it has a place in the chain; `detail` is canonical JSON."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    action: str
    subject_kind: str
    subject_id: str
    detail: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry in its place: the number, the seal, and the name of the key that made it."""

    entry: Entry
    sequence: int
    hash: str
    key_id: str


def canonical(detail: Any) -> bytes:
    """The same bytes for the same document, whichever database it was read back from.

    PostgreSQL orders keys anew and writes 1e3 as 1000; so keys are sorted here and whole numbers
    written as such.
    """
    text = orjson.dumps(detail, option=orjson.OPT_SORT_KEYS)
    if _FRACTION.search(text):
        text = orjson.dumps(_whole(orjson.loads(text)), option=orjson.OPT_SORT_KEYS)
    return text


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        whole = value.is_integer() and _SMALLEST_WHOLE <= value < _PAST_WHOLE
        return int(value) if whole else value
    if isinstance(value, dict):
        return {key: _whole(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_whole(element) for element in value]
    return value


@dataclass(frozen=True)
class Keyring:
    """The keys of the seals, oldest first; none at all is a chain without a secret."""

    keys: tuple[bytes, ...] = ()

    @property
    def newest(self) -> str:
        """The name of the key that seals now; `PLAIN` without keys."""
        return name_of(self.keys[-1]) if self.keys else PLAIN

    def key(self, key_id: str) -> bytes | None:
        """The key of this name; None when it is not on the ring."""
        return next((key for key in self.keys if name_of(key) == key_id), None)


@lru_cache(maxsize=16)
def name_of(key: bytes) -> str:
    """A key's public name: it tells keys apart and gives none away."""
    return hashlib.sha256(b"name of an audit key\n" + key).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as texts, the way its seal sees it; `at` is UTC to the microsecond."""

    id: str
    at: str
    actor_id: str | None
    action: str
    subject_kind: str
    subject_id: str
    detail: bytes

    @classmethod
    def of(cls, entry: Entry) -> "Written":
        return cls(
            entry.id.hex,
            utc_text(entry.at),
            entry.actor_id.hex if entry.actor_id else None,
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            entry.detail,
        )


def utc_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def seal(previous: str, sequence: int, written: Written, key: bytes | None) -> str:
    """64 hexadecimal digits over the seal before, the number and all that the entry says.

    SHA-256, or with a key HMAC-SHA256 (RFC 2104).
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


def seal_all(entries: Sequence[Entry], *, after: int, onto: str, ring: Keyring) -> Iterator[Sealed]:
    """The entries in their order behind entry number `after`, whose seal is `onto`."""
    key_id, key = ring.newest, ring.keys[-1] if ring.keys else None
    for sequence, entry in enumerate(entries, start=after + 1):
        onto = seal(onto, sequence, Written.of(entry), key)
        yield Sealed(entry, sequence, onto, key_id)


def keyring(settings: Settings) -> Keyring:
    """The keys that the settings name; unusable ones are an error, never a chain without a key."""
    return _keyring(settings.audit_key, settings.audit_key_file)


@lru_cache(maxsize=4)
def _keyring(key: str, file: Path | None) -> Keyring:
    lines = [key] if key else []
    if file is not None:
        try:
            listed = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AuditKeyUnusable(
                msg("The audit key file {file} cannot be read.", file=file)
            ) from error
        lines = [*listed, *lines]
        if not any(line.strip() for line in listed):
            raise AuditKeyUnusable(msg("The audit key file {file} is empty.", file=file))
    keys = tuple(line.strip().encode() for line in lines if line.strip())
    if any(len(audit_key) < SHORTEST_KEY for audit_key in keys):
        raise AuditKeyUnusable(
            msg("An audit key has fewer than {count} characters.", count=SHORTEST_KEY)
        )
    return Keyring(keys)
