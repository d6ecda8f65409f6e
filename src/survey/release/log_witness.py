"""Witness of a transparency log: compares it with the state seen before, and signs the new one.

Nothing here opens a store: a provincial association or a university does it with the files of the
public site, a key of its own, and a file that remembers.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from survey.locale import Message, RefusedError, msg
from survey.release.archives import describe_finding
from survey.release.log_checkpoints import format_signature
from survey.release.signing_keys import SigningKey, is_signed_by_library
from survey.release.verify import (
    WITNESS_KIND,
    Checkpoint,
    KeyList,
    NoteKey,
    check_log,
    cosigned_message,
    parse_checkpoint,
)


@dataclass(frozen=True)
class WitnessedState:
    """What a witness writes: the state to remember, and the signature to hand over."""

    checkpoint: Checkpoint
    cosignature: bytes
    key: NoteKey


def witness_log(
    log: Path,
    published: KeyList,
    remembered: bytes | None,
    key: SigningKey,
    name: str,
    at: datetime,
) -> WitnessedState:
    """Return the signature of a witness under a log that continues what it remembers.

    Args:
        remembered: The state that it signed last; None of a log that it sees for the first time.
        name: How the witness is called, for example its address.

    Raises:
        RefusedError: the log is not signed, is not whole, or does not go on from there.
    """
    seen = []
    if remembered is not None:
        try:
            seen = [parse_checkpoint(remembered)]
        except ValueError as error:
            raise _refuse(msg("What was remembered of the log cannot be read.")) from error
    check = check_log(log, published, seen, check_signature=is_signed_by_library)
    if check.findings or check.log is None:
        raise _refuse(describe_finding(check.findings[0]))
    checkpoint, witness = check.log.checkpoint, NoteKey(name, WITNESS_KIND, key.public_bytes)
    if not name or set(name) & set(" +\n\t"):
        raise _refuse(msg("The name of a witness has neither spaces nor a plus sign."))
    seconds = int(at.timestamp())
    signature = key.private.sign(cosigned_message(checkpoint.body, seconds))
    line = format_signature(witness, seconds.to_bytes(8, "big") + signature)
    return WitnessedState(checkpoint, line.encode(), witness)


def _refuse(reason: Message) -> RefusedError:
    return RefusedError(
        "log_not_witnessed", msg("The log is not signed by this witness: {reason}", reason=reason)
    )
