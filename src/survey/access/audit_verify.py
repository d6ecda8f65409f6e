"""Verification of the audit chain: every entry is there, in its place and unchanged."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import func, select, text
from sqlmodel import Session, col
from sqlmodel import select as select_sqlmodel

from survey.access.answer_verify import AnswerHashes, AnswerReport
from survey.access.audit_members import count_stray_members, verify_members
from survey.access.roles import Action
from survey.access.state_verify import InterviewStates
from survey.access.work import Work
from survey.locale import Message, msg
from survey.records import build_from
from survey.settings import current_settings
from survey.store.audit_chain import (
    NO_KEY_ID,
    ChainEntry,
    Keyring,
    SealInput,
    canonical_json,
    format_utc,
    keyring,
    seal,
)
from survey.store.audit_events import AuditEvent
from survey.store.audit_writer import seal_stored_entries
from survey.store.tables import AnyRow, AuditEntry, AuditHead, table_of

ANCHOR = "audit.anchor"
"""Log event that notes a seal."""
CHAIN = "chain"
"""Subject id of entries about the trail itself."""
_ENTRY_BATCH_SIZE = 10_000
_TICK_ENTRIES = 1_000
_SEAL = re.compile(r"[0-9a-f]{64}")
_MAX_LISTED_DEFECTS = 200

_MAX_SEQUENCE = 2**63 - 1
_READ = """
SELECT sequence, id, at, actor_id, action, subject_kind, subject_id, hash, key_id,
{detail} AS detail
FROM audit_entry WHERE sequence > :after AND sequence <= :last ORDER BY sequence LIMIT :count
"""
# Both give the document as text: what was tampered with need not be one.
_READ_POSTGRES = text(_READ.format(detail="CAST(detail AS text)"))
_READ_SQLITE = text(_READ.format(detail="detail"))

_ENTRIES, _HEAD = table_of(AuditEntry), table_of(AuditHead)


@dataclass(frozen=True)
class Anchor:
    """Number and seal (chain hash) of an audit entry, as written down outside the store."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """Parse an anchor written as `number:seal`; raises ValueError for anything else."""
        number, _, seal_text = text.strip().partition(":")
        if not _SEAL.fullmatch(seal_text):
            raise ValueError(text)
        return cls(int(number), seal_text)


@dataclass(frozen=True)
class ChainDefect:
    """Defect of the entries numbered `first` to `last`; both 0 if it concerns no entry."""

    first: int
    last: int
    text: Message


@dataclass
class ChainReport:
    """Result of a verification of the whole audit trail: extent, counts and defects."""

    first: int = 0
    """Entry number after which the chain begins."""
    last: int = 0
    hash: str = ""
    rows: int = 0
    keyed_from: int | None = None
    """Number of the first entry that is sealed with a key."""
    answers: AnswerReport = field(default_factory=AnswerReport)
    """Comparison of the stored answers with the hashes that entries hold."""
    findings: list[ChainDefect] = field(default_factory=list)
    wrong: int = 0
    """Number of defects; only the first few hundred are kept."""

    @property
    def is_intact(self) -> bool:
        """Whether the verification found no defect."""
        return not self.wrong

    def add(self, text: Message, first: int = 0, last: int = 0) -> None:
        """Count a defect of one entry, of a range of entries, or of none, and keep its text."""
        self.wrong += 1
        if len(self.findings) < _MAX_LISTED_DEFECTS:
            self.findings.append(ChainDefect(first, last or first, text))


def verify(
    work: Work,
    *,
    anchors: Iterable[Anchor] = (),
    new_key: bool = False,
    tick: Callable[[int, int], None] | None = None,
) -> ChainReport:
    """Verify audit trail (chain, `anchors`; `new_key` still unused) and answers; return defects.

    The trail is read as a stream by number; entries written meanwhile are left for the next time.

    Args:
        anchors: Seals that were written down elsewhere.
        new_key: The key was set a moment ago, and no entry has been sealed with it yet.
        tick: Called now and then with the number of entries read and of all there are.
    """
    work.require(Action.ADMINISTER)
    report = ChainReport()
    head = work.session.connection().execute(select(_HEAD)).one_or_none()
    if head is None:
        report.add(msg("The head of the chain is gone."))
    verifier = _ChainVerifier(
        report, keyring(current_settings()), {anchor.sequence: anchor for anchor in anchors}
    )
    verifier.start(head)
    end, answers = head.sequence if head is not None else _MAX_SEQUENCE, AnswerHashes()
    states = InterviewStates()
    for row in _read_entries(work.session, report.first, end):
        verifier.check_entry(row)
        answers.add_entry(row)
        states.add_entry(row)
        verify_members(work.session, row, report.add)
        if tick is not None and report.rows % _TICK_ENTRIES == 0:
            tick(report.rows, end - report.first)
    verifier.finish(head)
    answers.compare(work.session, after=end, add=report.add)
    states.compare(work.session, after=end, add=report.add)
    report.answers = answers.report
    _check_unchained_entries(work.session, report)
    stray = count_stray_members(work.session)
    if stray:
        report.add(msg("{count} members belong to no entry about many.", count=stray))
    if verifier.ring.keys and report.keyed_from is None and report.rows and not new_key:
        report.add(
            msg("A key is set, and no entry is sealed with it. If it is new, say so (--new-key).")
        )
    return report


def get_latest_anchor(*, session: Session) -> Anchor | None:
    """Return number and seal (chain hash) of the last entry; None if no head is stored."""
    head = session.connection().execute(select(_HEAD)).one_or_none()
    return None if head is None else Anchor(head.sequence, head.hash)


def record_verification(work: Work, *, report: ChainReport) -> None:
    """Record the result of a verification as an entry, which the audit page reads."""
    work.require(Action.ADMINISTER)
    work.record(
        AuditEvent.AUDIT_VERIFIED,
        CHAIN,
        {
            "entries": report.rows,
            "up_to": report.last,
            "hash": report.hash,
            "wrong": report.wrong,
            "answers": report.answers.compared,
        },
    )


def _read_entries(session: Session, after: int, last: int) -> Iterator[AnyRow]:
    """Yield the entries numbered above `after` up to `last`, by number, in batches."""
    connection = session.connection()
    query = _READ_POSTGRES if connection.dialect.name == "postgresql" else _READ_SQLITE
    bounds = {"after": after, "last": last, "count": _ENTRY_BATCH_SIZE}
    while rows := connection.execute(query, bounds).all():
        yield from rows
        bounds["after"] = rows[-1].sequence


def _check_unchained_entries(session: Session, report: ChainReport) -> None:
    """Add to `report` defects for entries without a number, or numbered after the head."""
    connection = session.connection()
    unchained = select(func.count()).where(
        _ENTRIES.c.sequence.is_(None) | (_ENTRIES.c.sequence <= report.first)
    )
    count = connection.execute(unchained).scalar_one()
    if count:
        report.add(msg("{count} entries stand outside of the chain.", count=count))
    end = func.coalesce(select(_HEAD.c.sequence).scalar_subquery(), _MAX_SEQUENCE)
    beyond = connection.execute(
        select(func.min(_ENTRIES.c.sequence), func.max(_ENTRIES.c.sequence)).where(
            _ENTRIES.c.sequence > end
        )
    ).one()
    if beyond[0] is not None:
        report.add(msg("These entries stand behind the end that the head names."), *beyond)


@dataclass
class _ChainVerifier:
    report: ChainReport
    ring: Keyring
    anchors: dict[int, Anchor]
    _expected: int = 1
    _previous_seal: str | None = None
    """Previous seal; None if it is missing, so that the next one cannot be checked."""
    _announced_base: tuple[int, str] | None = None
    """Beginning after a lawful removal, as an entry of the chain states it."""
    _keyed: bool = False

    def start(self, head: AnyRow | None) -> None:
        if head is not None:
            self.report.first = self.report.last = head.base_sequence
            self.report.hash = head.base_hash
            self._expected, self._previous_seal = head.base_sequence + 1, head.base_hash

    def check_entry(self, row: AnyRow) -> None:
        if row.sequence < self._expected:
            self.report.add(msg("This number is there twice."), row.sequence)
            return
        if row.sequence > self._expected:
            self.report.add(msg("These entries are missing."), self._expected, row.sequence - 1)
            self._previous_seal = None
        self._check_key(row)
        self._check_anchor(row)
        if self._seal_holds(row) and row.action == AuditEvent.AUDIT_TRIMMED:
            detail = orjson.loads(row.detail)
            self._announced_base = (detail.get("up_to"), detail.get("hash"))
        self._expected, self._previous_seal = row.sequence + 1, row.hash
        self.report.rows += 1
        self.report.last, self.report.hash = row.sequence, row.hash or ""

    def _check_key(self, row: AnyRow) -> None:
        if row.key_id:
            self._keyed = True
            self.report.keyed_from = self.report.keyed_from or row.sequence
        elif self._keyed:
            self.report.add(msg("Sealed without the key, after entries with it."), row.sequence)

    def _seal_holds(self, row: AnyRow) -> bool:
        key = None
        if row.key_id != NO_KEY_ID:
            key = self.ring.key(row.key_id or "")
            if key is None:
                unknown = msg("Sealed with the key {name}, which is not here.", name=row.key_id)
                self.report.add(unknown, row.sequence)
                return False
        if self._previous_seal is not None and _seal_of(self._previous_seal, row, key) != row.hash:
            self.report.add(msg("Changed after it was written."), row.sequence)
            return False
        return self._previous_seal is not None

    def _check_anchor(self, row: AnyRow) -> None:
        anchor = self.anchors.pop(row.sequence, None)
        if anchor is not None and anchor.hash != row.hash:
            self.report.add(msg("Its seal is not the one that was written down."), row.sequence)

    def finish(self, head: AnyRow | None) -> None:
        if head is not None:
            self._check_head(head)
        for sequence in sorted(self.anchors):
            if sequence > self.report.first:
                self.report.add(msg("This entry was written down once and is missing."), sequence)

    def _check_head(self, head: AnyRow) -> None:
        last = self._expected - 1
        if last < head.sequence:
            self.report.add(msg("These entries are missing at the end."), last + 1, head.sequence)
        elif head.hash != self.report.hash:
            self.report.add(msg("The head names another seal than the last entry."), head.sequence)
        if head.base_sequence and self._announced_base != (head.base_sequence, head.base_hash):
            removed = msg("These entries were removed, and no entry says so.")
            self.report.add(removed, 1, head.base_sequence)


def _seal_of(onto: str, row: AnyRow, key: bytes | None) -> str | None:
    """Return the seal (chain hash) of a row that follows seal `onto`; None for a malformed row."""
    try:
        written = SealInput(
            _text_of(row.id),
            _time_of(row.at),
            _text_of(row.actor_id) if row.actor_id else None,
            row.action,
            row.subject_kind,
            row.subject_id,
            canonical_json(orjson.loads(row.detail)),
        )
        return seal(onto, row.sequence, written, key)
    except (TypeError, ValueError):
        return None


def _text_of(value: UUID | str) -> str:
    return value.hex if isinstance(value, UUID) else value


def _time_of(value: datetime | str) -> str:
    """Return a stored time in the form that seals cover; SQLite returns UTC text without zone."""
    return (
        format_utc(value)
        if isinstance(value, datetime)
        else f"{str(value).replace(' ', 'T')}+00:00"
    )


def seal_unchained_entries(work: Work) -> int:
    """Give number and seal (chain hash) to audit entries that have none; return how many had none.

    An audit entry records their number and a SHA-256 over their ids, because nothing proves what
    they say.
    """
    work.require(Action.ADMINISTER)
    query = (
        select_sqlmodel(AuditEntry)
        .where(col(AuditEntry.sequence).is_(None))
        .order_by(col(AuditEntry.id))
    )
    rows = work.session.exec(query).all()
    if not rows:
        return 0
    entries = [build_from(ChainEntry, row, detail=canonical_json(row.detail)) for row in rows]
    work.session.expunge_all()
    seal_stored_entries(work.session.connection(), entries)
    ids = hashlib.sha256(b"".join(entry.id.bytes for entry in entries)).hexdigest()
    work.record(AuditEvent.AUDIT_ADOPTED, CHAIN, {"entries": len(entries), "ids_sha256": ids})
    return len(entries)
