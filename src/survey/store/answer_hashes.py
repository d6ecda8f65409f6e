"""Hashes of stored answers, as entries of the audit trail hold them (docs/audit.md).

The format never changes, as that of the seals: entries keep the hash that was computed then.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from survey.store.audit_chain import canonical_json
from survey.store.audit_events import SubjectKind

HASH = "answers_sha256"
"""Key in the detail of an entry: the hash of one revision, or of many by `format_sealed_name`."""
REVISION = "revision"
"""Key in the detail of an entry about one interview: the revision, by default the first."""
SEAL_BATCH_SIZE = 300
"""Interviews in one entry: a cell of a spreadsheet takes no more than 32,767 characters."""


def answers_sha256(answers: Mapping[str, Any], weight: float | None = None) -> str:
    """Return the SHA-256 of the canonical JSON of the answers and of the weight they came with.

    The same whichever database both are read from. Without a weight it is the hash of the answers.
    """
    document = answers if weight is None else {"answers": dict(answers), "weight": weight}
    return hashlib.sha256(canonical_json(document)).hexdigest()


def format_sealed_name(response_id: UUID, number: int = 1) -> str:
    """Return the name of a revision in an audit entry about many interviews."""
    return response_id.hex if number == 1 else f"{response_id.hex}/{number}"


def read_sealed_name(name: str) -> tuple[bytes, int]:
    """Return interview id and revision number from the name of a revision; raises ValueError."""
    plain, _, number = name.partition("/")
    return UUID(plain).bytes, int(number or 1)


def iter_hashes(
    subject_kind: str, subject_id: str, detail: Mapping[str, Any]
) -> Iterator[tuple[bytes, int, str]]:
    """Yield interview, revision number and hash of every revision that an audit entry holds.

    Raises:
        ValueError: A name in the entry is not that of a revision.
    """
    held = detail.get(HASH)
    if isinstance(held, Mapping):
        for name, sha256 in held.items():
            yield (*read_sealed_name(name), str(sha256))
    elif held is not None and subject_kind == SubjectKind.RESPONSE:
        yield UUID(subject_id).bytes, int(detail.get(REVISION, 1)), str(held)
