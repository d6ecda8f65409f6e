"""Encryption of a backup as an age file (age-encryption.org/v1), by `pyrage`.

The tools `age` and `rage` open it as well, even without this software. The reader detects every
change, and a truncated file before its last part is used.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyrage

from survey.locale import RefusedError, SurveyError, msg
from survey.store.backup.age_passphrase import (
    MAGIC,
    SCRYPT_START,
    FileIdentity,
    HeaderUnreadableError,
    PassphraseWrongError,
    header_length,
    unwrap_with_passphrase,
    wrap_with_passphrase,
)
from survey.store.backup.manifest import BackupLockedError, authentication_error, truncated_error

OLD_MAGIC = b"survey-sealed-1\n"
"""Beginning of encrypted backups before the age format, which version 0.1.0 opens."""
START_BYTES = len(SCRYPT_START)
_MIN_PASSPHRASE_CHARS = 12
_READ_BYTES = 64 << 10
_NO_MATCH = "No matching keys found"


@dataclass(frozen=True)
class BackupSecret:
    """Secret that encrypts or opens a backup: a passphrase, or age keys."""

    phrase: str = ""
    recipients: tuple[pyrage.x25519.Recipient, ...] = ()
    identities: tuple[pyrage.x25519.Identity, ...] = ()

    @classmethod
    def passphrase(cls, text: str) -> "BackupSecret":
        """Return a passphrase as the secret; raises `RefusedError` if it is too short."""
        if len(text) < _MIN_PASSPHRASE_CHARS:
            raise RefusedError(
                "weak_secret",
                msg(
                    "A passphrase for a backup needs at least {count} characters.",
                    count=_MIN_PASSPHRASE_CHARS,
                ),
            )
        return cls(phrase=text)

    @classmethod
    def key_file(cls, content: bytes) -> "BackupSecret":
        """Return the age keys in a key file's content; raises `RefusedError` if it has none."""
        lines = content.decode("utf-8", errors="replace").split("\n")
        keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        try:
            identities = tuple(pyrage.x25519.Identity.from_str(key) for key in keys)
        except pyrage.IdentityError:
            identities = ()
        if not identities:
            raise RefusedError(
                "key_file_unusable",
                msg(
                    "A key file holds a line that begins with AGE-SECRET-KEY-1; make one with: "
                    "survey keys new-backup > backup.key"
                ),
            )
        return cls(
            recipients=tuple(identity.to_public() for identity in identities), identities=identities
        )

    @classmethod
    def public_keys(cls, keys: list[str]) -> "BackupSecret":
        """Return a secret of public age keys, which encrypts backups but cannot open them."""
        try:
            return cls(recipients=tuple(pyrage.x25519.Recipient.from_str(key) for key in keys))
        except pyrage.RecipientError as error:
            raise RefusedError(
                "key_file_unusable", msg("A recipient is a public key of age and begins with age1.")
            ) from error


def new_key_file() -> str:
    """Return the text of a new key file, with its public key in a comment as `age-keygen` does."""
    identity = pyrage.x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n"


def is_encrypted(start: bytes) -> bool:
    """Return whether `start` begins an age file; raises `BackupLockedError` for the old format."""
    if start.startswith(OLD_MAGIC):
        raise BackupLockedError(
            msg(
                "This backup was encrypted in a format that is not used any more. Version 0.1.0 "
                "of the software, before backups became age files, opens it: restore it there and "
                "back up again."
            )
        )
    return start.startswith(MAGIC)


def needs_passphrase(start: bytes) -> bool:
    """Return whether `start` begins an age file that was encrypted by a passphrase."""
    return start.startswith(SCRYPT_START)


class _Worker(threading.Thread):
    """Thread that runs pyrage at the other end of a pipe and keeps the error of its work."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="backup-encryption", daemon=True)
        self._work = work
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.error = error


class _QueueTarget:
    """File for pyrage to write to; it keeps the original error, which pyrage only quotes."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            self._target.write(data)
        except OSError as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Do nothing: pyrage calls it, and the owner of the file flushes it."""


class _PassphraseHeader:
    """Filter that replaces the age header of pyrage by one that a passphrase opens."""

    def __init__(self, target: BinaryIO, identity: FileIdentity, phrase: str) -> None:
        self._target, self._identity, self._phrase = target, identity, phrase
        self._start: bytes | None = b""

    def write(self, data: bytes) -> None:
        if self._start is None:
            self._target.write(data)
            return
        self._start += data
        length = header_length(self._start)
        if length is not None:
            file_key = self._identity.unwrap(self._start[:length])
            self._target.write(wrap_with_passphrase(file_key, self._phrase))
            self._target.write(self._start[length:])
            self._start = None


class EncryptedWriter:
    """Write-only file that encrypts what is written; `close` completes the target."""

    def __init__(self, target: BinaryIO, secret: BackupSecret) -> None:
        inner: Any = target
        recipients = list(secret.recipients)
        if secret.phrase:
            own = FileIdentity.generate()
            inner, recipients = (
                _PassphraseHeader(target, own, secret.phrase),
                [own.identity.to_public()],
            )
        self._target = _QueueTarget(inner)
        reading, writing = os.pipe()
        self._plain = os.fdopen(writing, "wb", buffering=_READ_BYTES)
        self._worker = _Worker(lambda: self._encrypt(reading, recipients))

    def _encrypt(self, reading: int, recipients: list[pyrage.x25519.Recipient]) -> None:
        # Closed in any case, or whoever writes would wait for ever.
        with os.fdopen(reading, "rb", buffering=0) as source:
            pyrage.encrypt_io(source, self._target, recipients)

    def write(self, data: bytes) -> int:
        try:
            self._plain.write(data)
        except BrokenPipeError as error:
            self._worker.join()
            raise self._find_failure() or error from None
        return len(data)

    def close(self) -> None:
        with suppress(BrokenPipeError):  # What broke it is raised below.
            self._plain.close()
        self._worker.join()
        failure = self._find_failure()
        if failure is not None:
            raise failure

    def discard(self) -> None:
        """End the thread that encrypts; the encrypted file stays incomplete."""
        with suppress(OSError):
            self._plain.close()
        self._worker.join()

    def _find_failure(self) -> Exception | None:
        return self._target.error or self._worker.error


class _OpenedStream:
    """Age file whose header was replaced: the new header, then the rest of the file."""

    def __init__(self, header: bytes, source: BinaryIO) -> None:
        self._header, self._source = header, source

    def read(self, size: int = -1) -> bytes:
        if self._header:
            data, self._header = self._header[:size], self._header[size:]
            return data
        return self._source.read(size)


class EncryptedReader:
    """Read-only file of the decrypted content; its end is read only if it is authentic."""

    def __init__(self, source: BinaryIO, secret: BackupSecret | None) -> None:
        start = source.read(_READ_BYTES)
        opened, identities = _open_stream(start, source, secret)
        reading, writing = os.pipe()
        self._plain = os.fdopen(reading, "rb", buffering=_READ_BYTES)
        self._worker = _Worker(lambda: self._decrypt(opened, writing, identities))

    def _decrypt(
        self, source: _OpenedStream, writing: int, identities: list[pyrage.x25519.Identity]
    ) -> None:
        with os.fdopen(writing, "wb", buffering=0) as plain:
            pyrage.decrypt_io(source, _FullWriteSink(plain), identities)

    def read(self, size: int = -1) -> bytes:
        data = self._plain.read(size)
        if size < 0 or len(data) < size:
            self._worker.join()
            if self._worker.error is not None:
                raise _translate_error(self._worker.error) from self._worker.error
        return data

    def close(self) -> None:
        """End the thread that decrypts, even if the file was not read to its end."""
        self._plain.close()
        self._worker.join()


class _FullWriteSink:
    """Pipe for pyrage to write to, where each write takes all bytes."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            rest = rest[self._pipe.write(rest) :]
        return len(data)

    def flush(self) -> None:
        """Do nothing, as each write passes on all of its bytes."""


def _open_stream(
    start: bytes, source: BinaryIO, secret: BackupSecret | None
) -> tuple[_OpenedStream, list[pyrage.x25519.Identity]]:
    if not needs_passphrase(start):
        if secret is None or not secret.identities:
            raise BackupLockedError(
                msg("The backup is encrypted with a key file; name it with --key-file.")
            )
        return _OpenedStream(start, source), list(secret.identities)
    if secret is None or not secret.phrase:
        raise BackupLockedError(
            msg("The backup is encrypted with a passphrase; it is needed to open it.")
        )
    try:
        length = header_length(start)
        if length is None:
            raise truncated_error()
        file_key = unwrap_with_passphrase(start[:length], secret.phrase)
    except HeaderUnreadableError as error:
        raise authentication_error() from error
    except PassphraseWrongError as error:
        raise BackupLockedError(msg("This passphrase does not open the backup.")) from error
    own = FileIdentity.generate()
    return _OpenedStream(own.wrap(file_key) + start[length:], source), [own.identity]


def _translate_error(error: Exception) -> SurveyError:
    if isinstance(error, pyrage.DecryptError) and _NO_MATCH in str(error):
        return BackupLockedError(msg("This key file does not open the backup."))
    return authentication_error()
