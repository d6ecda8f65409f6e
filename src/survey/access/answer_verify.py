"""Comparison of stored answers with the hashes in the audit trail.

Every revision has its hash in an entry of the trail (`store/audit_chain.py`). The answers are
read as a stream; memory holds one hash per interview.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import BindParameter, Connection, Executable, bindparam, select, text
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, msg
from survey.store.audit_chain import (
    HASH,
    PLACE,
    SEAL_BATCH_SIZE,
    answers_sha256,
    format_sealed_name,
    iter_hashes,
    place_sha256,
)
from survey.store.audit_events import AuditEvent
from survey.store.tables import AnyRow, Response, table_of

READ_BATCH_SIZE = 2_000
_RESPONSES = table_of(Response)
_ACTIONS = frozenset(
    {
        AuditEvent.RESPONSE_SUBMITTED,
        AuditEvent.RESPONSE_CORRECTED,
        AuditEvent.RESPONSES_SEALED,
        AuditEvent.RESPONSE_WITHDRAWN,
        AuditEvent.WAVE_ANSWERS_ARCHIVED,
        AuditEvent.WAVE_ANSWERS_RESTORED,
    }
)
"""Actions of entries that hold hashes, or say that answers were deleted or are elsewhere."""
_REVISIONS = (
    "SELECT r.response_id, r.wave_id, r.number, r.is_current, {answers} AS answers, "
    "response.given_weight AS weight, response.city_code, response.point_id, "
    "response.quota_cell_id FROM response_revision r "
    "LEFT JOIN response ON response.id = r.response_id"
)
_READ_POSTGRES = text(_REVISIONS.format(answers="CAST(r.answers AS text)"))
_READ_SQLITE = text(_REVISIONS.format(answers="r.answers"))
_ENTRIES = """
SELECT sequence, action, subject_kind, subject_id, {detail} AS detail FROM audit_entry
WHERE sequence > :after AND action IN :actions ORDER BY sequence
"""
_WANTED: BindParameter[Any] = bindparam("actions", expanding=True)
_ENTRIES_POSTGRES = text(_ENTRIES.format(detail="CAST(detail AS text)")).bindparams(_WANTED)
_ENTRIES_SQLITE = text(_ENTRIES.format(detail="detail")).bindparams(_WANTED)

_Key = tuple[bytes, int]
AddDefect = Callable[[Message, int], None]


@dataclass
class AnswerReport:
    """Counts of stored answers, by what their comparison with the audit trail's hashes found."""

    compared: int = 0
    unsealed: int = 0
    first_unsealed: str = ""
    without_place: int = 0
    """Interviews whose entries are of a version that did not enter city, point and quota cell."""
    archived: int = 0
    """Revisions that lie in an archive (`survey wave archive-answers`), by word of the trail."""


class _SealedRevision(NamedTuple):
    """Hashes of one revision of an interview in the audit trail, and the number of their entry."""

    sha256: str
    place: str
    sequence: int


@dataclass
class _TrailHashes:
    """What the audit trail says of answers: hashes by revision, withdrawals, archived waves."""

    hashes: dict[_Key, _SealedRevision] = field(default_factory=dict)
    latest: dict[bytes, int] = field(default_factory=dict)
    """The newest revision of those interviews that have more than one."""
    withdrawn: set[bytes] = field(default_factory=set)
    archived_waves: set[UUID] = field(default_factory=set)

    def add(self, row: AnyRow) -> None:
        if row.action not in _ACTIONS:
            return
        try:
            detail = orjson.loads(row.detail)
            if row.action == AuditEvent.RESPONSE_WITHDRAWN:
                self.withdrawn.add(UUID(row.subject_id).bytes)
                return
            if row.action == AuditEvent.WAVE_ANSWERS_ARCHIVED:
                self.archived_waves.add(UUID(row.subject_id))
                return
            if row.action == AuditEvent.WAVE_ANSWERS_RESTORED:
                self.archived_waves.discard(UUID(row.subject_id))
                return
            for response, number, sha256, place in iter_hashes(
                row.subject_kind, row.subject_id, detail
            ):
                self.hashes[response, number] = _SealedRevision(sha256, place, row.sequence)
                if number > 1:
                    self.latest[response] = max(number, self.latest.get(response, 1))
        except (ValueError, TypeError, AttributeError):
            # What is no document has lost its seal as well, and that is reported.
            return


@dataclass(frozen=True)
class _MismatchedRevision:
    """Stored revision of answers that differs from its hash; new audit entries may explain it."""

    response: bytes
    number: int
    sha256: str
    place: str
    empty: bool
    is_current: bool


class AnswerHashes:
    """Collector of the answer hashes of the audit trail, to compare all stored answers with."""

    def __init__(self) -> None:
        self.report = AnswerReport()
        self._trail = _TrailHashes()
        self._mismatches: list[_MismatchedRevision] = []

    def add_entry(self, entry: AnyRow) -> None:
        """Add an audit entry: row with `sequence`, `action`, subject, and `detail` as text."""
        self._trail.add(entry)

    def compare(self, session: Session, *, after: int, add: AddDefect) -> None:
        """Compare stored answers with entries collected and those above `after`; report by `add`.

        What was stored or withdrawn meanwhile is explained by the later entries.
        """
        missing = dict(self._trail.hashes)
        for row in _iter_revisions(session):
            key = (_encode_id(row.response_id), row.number)
            missing.pop(key, None)
            self.report.compared += 1
            self._check_revision(key, row)
        for entry in iter_entries(session, after, _ACTIONS):
            self._trail.add(entry)
        for suspect in self._mismatches:
            self._report_mismatch(suspect, add)
        self._excuse_archived(session, missing)
        for (response, number), sealed in missing.items():
            gone = msg(
                "The answers of interview {response} (revision {number}) are gone.",
                response=UUID(bytes=response),
                number=number,
            )
            add(gone, sealed.sequence)
        self._report_unsealed(add)

    def _excuse_archived(self, session: Session, missing: dict[_Key, _SealedRevision]) -> None:
        """Remove from `missing`, in place, answers whose wave the trail reports as archived."""
        if not self._trail.archived_waves or not missing:
            return
        query = select(_RESPONSES.c.id).where(
            _RESPONSES.c.wave_id.in_(sorted(self._trail.archived_waves))
        )
        archived = {row.id.bytes for row in stream_rows(session.connection(), query)}
        for key in [key for key in missing if key[0] in archived]:
            del missing[key]
            self.report.archived += 1

    def _check_revision(self, key: _Key, row: AnyRow) -> None:
        answers = _parse_answers(row.answers)
        response, number = key
        suspect = _MismatchedRevision(
            response,
            number,
            answers_sha256(answers, row.weight) if answers is not None else "",
            _hash_place(answers, row) if answers is not None else "",
            answers == {},
            bool(row.is_current),
        )
        sealed = self._trail.hashes.get(key)
        is_withdrawn = response in self._trail.withdrawn
        if suspect.is_current and sealed and not sealed.place and not is_withdrawn:
            self.report.without_place += 1
        if not _matches_trail(suspect, self._trail):
            self._mismatches.append(suspect)

    def _report_mismatch(self, suspect: _MismatchedRevision, add: AddDefect) -> None:
        if _matches_trail(suspect, self._trail):
            return
        sealed = self._trail.hashes.get((suspect.response, suspect.number))
        name = str(UUID(bytes=suspect.response))
        if sealed is None and suspect.response not in self._trail.withdrawn:
            self.report.unsealed += 1
            self.report.first_unsealed = self.report.first_unsealed or name
            return
        add(_describe_defect(suspect, self._trail, name), sealed.sequence if sealed else 0)

    def _report_unsealed(self, add: AddDefect) -> None:
        if self.report.unsealed:
            unsealed = msg(
                "{count} stored answers have no entry with their hash, the first of interview "
                "{response}: they came in before answers were sealed, or past the platform. "
                "Look where they come from, then run: survey audit adopt",
                count=self.report.unsealed,
                response=self.report.first_unsealed,
            )
            add(unsealed, 0)


def _matches_trail(suspect: _MismatchedRevision, held: _TrailHashes) -> bool:
    if not _is_rightly_current(suspect, held):
        return False
    if suspect.response in held.withdrawn:
        return suspect.empty
    sealed = held.hashes.get((suspect.response, suspect.number))
    return sealed is not None and sealed.sha256 == suspect.sha256 and _is_in_place(suspect, sealed)


def _is_rightly_current(suspect: _MismatchedRevision, held: _TrailHashes) -> bool:
    """Return whether `suspect` is rightly current or not: only the newest revision in `held` is."""
    return suspect.is_current == (suspect.number == held.latest.get(suspect.response, 1))


def _is_in_place(suspect: _MismatchedRevision, sealed: _SealedRevision) -> bool:
    """Return whether city, point and quota cell of `suspect`, if current, match entry `sealed`."""
    return not suspect.is_current or sealed.place in {"", suspect.place}


def _describe_defect(suspect: _MismatchedRevision, held: _TrailHashes, name: str) -> Message:
    sealed = held.hashes.get((suspect.response, suspect.number))
    if suspect.response in held.withdrawn and not suspect.empty:
        return msg(
            "Interview {response} was withdrawn, and answers of it are there.", response=name
        )
    if suspect.response not in held.withdrawn and sealed and sealed.sha256 != suspect.sha256:
        return msg(
            "The answers or the weight of interview {response} (revision {number}) are not those "
            "that came in.",
            response=name,
            number=suspect.number,
        )
    if not _is_rightly_current(suspect, held):
        return msg(
            "Another revision of interview {response} counts as the current one than the newest.",
            response=name,
        )
    return msg(
        "City, sampling point or quota cell of interview {response} are not those that the newest "
        "entry about it holds.",
        response=name,
    )


def _parse_answers(stored: Any) -> Mapping[str, Any] | None:
    """Return the answers by item from stored JSON; None if it is no JSON object."""
    try:
        document = orjson.loads(stored)
    except (ValueError, TypeError):
        return None
    return document if isinstance(document, dict) else None


def _hash_place(answers: Mapping[str, Any], row: AnyRow) -> str:
    point, cell = (
        UUID(bytes=_encode_id(each)) if each else None for each in (row.point_id, row.quota_cell_id)
    )
    return place_sha256(answers, city_code=row.city_code, point_id=point, cell_id=cell)


def _encode_id(value: UUID | str) -> bytes:
    return value.bytes if isinstance(value, UUID) else UUID(value).bytes


def _iter_revisions(session: Session) -> Iterator[AnyRow]:
    connection = session.connection()
    query = _READ_POSTGRES if connection.dialect.name == "postgresql" else _READ_SQLITE
    yield from stream_rows(connection, query)


def stream_rows(
    connection: Connection, query: Executable, values: Mapping[str, Any] | None = None
) -> Iterator[AnyRow]:
    """Yield the rows of a query; memory holds `READ_BATCH_SIZE` of them at a time."""
    options = {"yield_per": READ_BATCH_SIZE}
    for rows in connection.execute(query, values, execution_options=options).partitions():
        yield from rows


def iter_entries(session: Session, after: int, actions: Collection[str]) -> Iterator[AnyRow]:
    """Yield the audit entries numbered above `after` with one of these actions, by number."""
    connection = session.connection()
    query = _ENTRIES_POSTGRES if connection.dialect.name == "postgresql" else _ENTRIES_SQLITE
    yield from stream_rows(connection, query, {"after": after, "actions": sorted(actions)})


def seal_stored_answers(work: Work) -> int:
    """Record in the audit trail the hashes of stored answers that it lacks; return their number.

    These interviews came in before answers, or places, were sealed. The entries say that they were
    made afterwards, because nothing proves the interviews until then.

    Returns:
        How many answers were entered.
    """
    work.require(Action.ADMINISTER)
    held = _TrailHashes()
    for entry in iter_entries(work.session, 0, _ACTIONS):
        held.add(entry)
    unsealed: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    count = 0
    for row, sha256, place in _iter_unsealed(work.session, held):
        wave = str(UUID(bytes=_encode_id(row.wave_id)))
        name = format_sealed_name(UUID(bytes=_encode_id(row.response_id)), row.number)
        unsealed[wave].append((name, sha256, place))
        count += 1
        if len(unsealed[wave]) == SEAL_BATCH_SIZE:
            _record_sealed_answers(work, wave, unsealed.pop(wave))
    for wave, sealed in unsealed.items():
        _record_sealed_answers(work, wave, sealed)
    return count


def _iter_unsealed(session: Session, held: _TrailHashes) -> Iterator[tuple[AnyRow, str, str]]:
    """Yield (row, answer hash, hash of city, point and cell) of revisions not all in trail `held`.

    Answers that are not those of their entry are left to the verification.
    """
    for row in _iter_revisions(session):
        response = _encode_id(row.response_id)
        sealed = held.hashes.get((response, row.number))
        if response in held.withdrawn or (sealed and (sealed.place or not row.is_current)):
            continue
        answers = _parse_answers(row.answers) or {}
        sha256 = answers_sha256(answers, row.weight)
        if sealed is None or sealed.sha256 == sha256:
            yield row, sha256, _hash_place(answers, row)


def _record_sealed_answers(work: Work, wave: str, sealed: list[tuple[str, str, str]]) -> None:
    work.record(
        AuditEvent.RESPONSES_SEALED,
        wave,
        {
            "responses": len(sealed),
            "afterwards": True,
            HASH: {name: sha256 for name, sha256, _ in sealed},
            PLACE: {name: place for name, _, place in sealed},
        },
    )
