"""Signed states of the transparency log, and the signatures of witnesses under them."""

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlmodel import col, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import SurveyError, msg, translator
from survey.release.signing_keys import (
    SigningKey,
    SigningKeyError,
    find_signing_key,
    is_signed_by_library,
    is_withdrawn,
    read_signing_keys,
)
from survey.release.transparency_log import append_acts, hash_entries, list_entries
from survey.release.verify import (
    LOG_KIND,
    Checkpoint,
    NoteKey,
    PublishedLog,
    find_root,
    key_id_of,
    parse_checkpoint,
    parse_note_key,
)
from survey.store.audit_events import AuditEvent
from survey.store.tables import PublicationKey, TransparencyCheckpoint, TransparencyCosignature

_LOG = logging.getLogger(__name__)
_DASH = "\u2014"


class LogError(SurveyError):
    """Raised when the transparency log does not continue what was signed, or by somebody else."""

    code = "log_refused"


@dataclass(frozen=True)
class LogWitness:
    """Somebody else who has seen the log: key, and the newest state that it signed."""

    key: NoteKey
    size: int
    at: int
    """When, in seconds since 1970."""


@dataclass(frozen=True)
class PublicLog:
    """Transparency log as strangers see it: up to the newest state that a standing key signed."""

    checkpoint: Checkpoint
    entries: tuple[bytes, ...]
    notes: tuple[tuple[int, bytes], ...]
    """Size and bytes of every signed state up to there with the signatures of witnesses."""
    witnesses: tuple[LogWitness, ...]

    @property
    def note(self) -> bytes:
        """The newest state with all signatures."""
        return self.notes[-1][1]

    @property
    def witnessed_sizes(self) -> frozenset[int]:
        return frozenset(witness.size for witness in self.witnesses)


def format_signature(key: NoteKey, signature: bytes) -> str:
    """Return a signature as a line below a note (c2sp.org/signed-note)."""
    return f"{_DASH} {key.name} {base64.b64encode(key.id + signature).decode()}\n"


def sign_state(origin: str, entries: Sequence[bytes], key: SigningKey) -> bytes:
    """Return the checkpoint of a log with these entries, signed by the association."""
    root = base64.b64encode(find_root(hash_entries(entries))).decode()
    body = f"{origin}\n{len(entries)}\n{root}\n"
    named = NoteKey(origin, LOG_KIND, key.public_bytes)
    signature = format_signature(named, key.private.sign(body.encode()))
    return f"{body}\n{signature}".encode()


def sign_checkpoint(work: Work, *, key: SigningKey | None = None) -> Checkpoint:
    """Sign the log as it is now and return that state; one that stands is not signed again.

    Args:
        key: The key that signs; without it the newest one of this server.

    Raises:
        SigningKeyError: no key can sign.
        LogError: the log is empty, or does not continue what was signed before.
    """
    work.require(Action.RELEASE)
    key = key or find_signing_key(work, is_demo=work.settings.demo)
    if is_withdrawn(work.session, key.id):
        raise SigningKeyError(msg("The key {key} is not registered, or was withdrawn.", key=key.id))
    entries = list_entries(work)
    if not entries:
        raise LogError(msg("The transparency log has no entries yet."))
    stored = _list_stored(work)
    _require_continuation(entries, [parse_checkpoint(each.note.encode()) for each in stored])
    newest = parse_checkpoint(stored[-1].note.encode()) if stored else None
    if newest and newest.size == len(entries) and _find_signer(work, newest):
        return newest
    origin = newest.origin if newest else _name_log(work, entries)
    note = sign_state(origin, entries, key)
    row = work.session.get(TransparencyCheckpoint, len(entries))
    row = row or TransparencyCheckpoint(size=len(entries), note="")
    row.note = note.decode()
    work.session.add(row)
    work.session.flush()
    return parse_checkpoint(note)


def sign_if_possible(work: Work) -> None:
    """Sign the log after an act; where that fails the act stands, and the operator signs later."""
    work.require(Action.RELEASE)
    try:
        sign_checkpoint(work)
    except (SigningKeyError, LogError) as error:
        _LOG.warning("the transparency log is not signed: %s", translator("en")(error.message))


def record_checkpoint(work: Work, *, key: SigningKey | None = None) -> Checkpoint:
    """Sign the log as the operator asked, record that, and return the state.

    Raises: see `sign_checkpoint`.
    """
    work.require(Action.RELEASE)
    before = len(_list_stored(work))
    checkpoint = sign_checkpoint(work, key=key)
    if len(_list_stored(work)) > before:
        signer = _find_signer(work, checkpoint)
        work.record(AuditEvent.RELEASE_LOG_SIGNED, signer, _describe(checkpoint))
    return checkpoint


def add_cosignature(work: Work, *, line: str, verifier_key: str) -> Checkpoint:
    """Take up the signature of a witness, record it, and return the state that it is under.

    Raises:
        LogError: it is not the signature of this witness under a state of this log.
    """
    work.require(Action.RELEASE)
    refused = LogError(
        msg("This is not a signature of the witness under a checkpoint of this log.")
    )
    try:
        witness = parse_note_key(verifier_key)
    except ValueError as error:
        raise refused from error
    for row in reversed(_list_stored(work)):
        try:
            checkpoint = parse_checkpoint(f"{row.note}{line.strip()}\n".encode())
        except ValueError as error:
            raise refused from error
        if checkpoint.is_signed(witness, is_signed_by_library):
            break
    else:
        raise refused
    signed = next(each for each in checkpoint.signatures if each[:2] == (witness.name, witness.id))
    own_line = format_signature(witness, signed[2])
    query = select(TransparencyCosignature).where(
        TransparencyCosignature.size == checkpoint.size,
        TransparencyCosignature.verifier_key == str(witness),
    )
    if work.session.exec(query).first() is None:
        cosignature = TransparencyCosignature(
            size=checkpoint.size, verifier_key=str(witness), line=own_line
        )
        detail = {**_describe(checkpoint), "witness": str(witness)}
        work.add(cosignature, AuditEvent.RELEASE_LOG_COSIGNED, witness.id.hex(), detail)
    return checkpoint


def find_public_log(work: Work) -> PublicLog | None:
    """Return the log up to the newest state whose key stands; None before the first one."""
    work.require(Action.RELEASE)
    lines = work.session.exec(
        select(TransparencyCosignature).order_by(col(TransparencyCosignature.verifier_key))
    ).all()
    notes = []
    for row in _list_stored(work):
        below = "".join(each.line for each in lines if each.size == row.size)
        notes.append((row.size, f"{row.note}{below}".encode()))
    while notes:
        checkpoint = parse_checkpoint(notes[-1][1])
        if _find_signer(work, checkpoint):
            break
        notes.pop()
    else:
        return None
    entries = list_entries(work, checkpoint.size)
    newest = {each.verifier_key: each for each in sorted(lines, key=lambda each: each.size)
              if each.size <= checkpoint.size}  # fmt: skip
    witnesses = []
    for verifier_key, newest_line in sorted(newest.items()):
        signed = base64.b64decode(newest_line.line.split(" ")[2])
        at = int.from_bytes(signed[4:12], "big")
        witnesses.append(LogWitness(parse_note_key(verifier_key), newest_line.size, at))
    return PublicLog(checkpoint, tuple(entries), tuple(notes), tuple(witnesses))


def check_own_log(work: Work, *, seen: Sequence[Checkpoint] = ()) -> int:
    """Return the size of the log after comparing it with all signed states, and those in `seen`.

    After a backup was restored, what a witness or the public site holds may be newer than the
    store: then the log has to go on from there, for a second history is noticed.

    Raises:
        LogError: the log does not continue one of them.
    """
    work.require(Action.RELEASE)
    entries = list_entries(work)
    stored = [parse_checkpoint(row.note.encode()) for row in _list_stored(work)]
    _require_continuation(entries, [*stored, *seen])
    return len(entries)


def take_up_log(work: Work, *, published: PublishedLog) -> int:
    """Append the entries of a published log that a restored store lacks; return how many.

    Raises:
        LogError: it is not this log, or signed neither by a registered key nor by one held here.
    """
    work.require(Action.RELEASE)
    entries, checkpoint = list_entries(work), published.checkpoint
    # A key that was made after the backup is not registered in the restored store yet.
    held = (NoteKey(checkpoint.origin, LOG_KIND, key.public_bytes)
            for key in read_signing_keys(work.settings))  # fmt: skip
    is_own = _find_signer(work, checkpoint) or any(map(checkpoint.is_signed, held))
    if not is_own or not published.continues(checkpoint):
        raise LogError(msg("It is not signed by a key of this server."))
    if published.entries[: len(entries)] != entries:
        raise LogError(msg("The log in this store is not the beginning of the published one."))
    append_acts(work, [orjson.loads(entry) for entry in published.entries])
    if list_entries(work) != published.entries:
        raise LogError(msg("The log in this store is not the beginning of the published one."))
    return len(published.entries) - len(entries)


def _list_stored(work: Work) -> Sequence[TransparencyCheckpoint]:
    query = select(TransparencyCheckpoint).order_by(col(TransparencyCheckpoint.size))
    return work.session.exec(query).all()


def _require_continuation(entries: Sequence[bytes], states: Sequence[Checkpoint]) -> None:
    """Raise `LogError` unless the log begins with what each of its signed states covers."""
    hashes = hash_entries(entries)
    for state in states:
        if state.size > len(hashes) or find_root(hashes[: state.size]) != state.root:
            raise LogError(
                msg(
                    "The transparency log does not continue its checkpoint of {size} entries. "
                    "Nothing is signed: a second history would be noticed.",
                    size=state.size,
                )
            )


def _find_signer(work: Work, checkpoint: Checkpoint) -> str:
    """Return the id of the registered key, not withdrawn, that signed; empty if there is none."""
    for key in work.session.exec(select(PublicationKey)):
        public_key = base64.b64decode(key.public_key)
        named = NoteKey(checkpoint.origin, LOG_KIND, public_key)
        if key.withdrawn_at is None and checkpoint.is_signed(named, is_signed_by_library):
            return key_id_of(public_key)
    return ""


def _name_log(work: Work, entries: Sequence[bytes]) -> str:
    """Return the name of a new log, which it keeps for good: its address, else its first hash."""
    address = work.settings.public_url.partition("://")[2].rstrip("/")
    own = hash_entries(entries[:1])[0].hex()[:16]
    return f"{address or 'hundred-cities-survey'}/log/{own}"


def _describe(checkpoint: Checkpoint) -> dict[str, str | int]:
    root = base64.b64encode(checkpoint.root).decode()
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": root}
