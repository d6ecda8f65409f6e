"""Encryption of a backup: AES-256-GCM in chunks, the key from a passphrase or a key file.

Each chunk's nonce counts up and says whether it is the last one, so that chunks can neither be
changed, swapped nor left out (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár,
2015). The header is authenticated with every chunk.
"""

import hmac
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from survey.locale import SurveyError, msg
from survey.store.backup.errors import BackupLocked, cut_off, not_authentic

MAGIC = b"survey-sealed-1\n"
CHUNK = 1 << 20
_TAG = 16
_LAYOUT = struct.Struct("<16sB16s7s16s")
_SCRYPT_N = 1 << 17
"""With r = 8: 128 MB and about half a second for each guess of a passphrase."""
_SHORTEST_PASSPHRASE, _SHORTEST_KEY = 12, 32


class WeakSecret(SurveyError):
    code = "weak_secret"


@dataclass(frozen=True)
class Secret:
    """What opens a backup."""

    material: bytes
    from_file: bool

    @classmethod
    def passphrase(cls, text: str) -> "Secret":
        if len(text) < _SHORTEST_PASSPHRASE:
            raise WeakSecret(
                msg(
                    "A passphrase for a backup needs at least {count} characters.",
                    count=_SHORTEST_PASSPHRASE,
                )
            )
        return cls(text.encode(), from_file=False)

    @classmethod
    def key_file(cls, content: bytes) -> "Secret":
        if len(content) < _SHORTEST_KEY:
            raise WeakSecret(
                msg(
                    "A key file needs at least {count} random bytes; make one with: "
                    "head -c 32 /dev/urandom > backup.key",
                    count=_SHORTEST_KEY,
                )
            )
        return cls(content, from_file=True)

    def derive(self, salt: bytes) -> tuple[bytes, bytes]:
        """The key, and what tells a wrong secret from a damaged file."""
        if self.from_file:
            kdf: HKDF | Scrypt = HKDF(SHA256(), 48, salt, MAGIC)
        else:
            kdf = Scrypt(salt, 48, _SCRYPT_N, 8, 1)
        derived = kdf.derive(self.material)
        return derived[:32], derived[32:]


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + struct.pack(">I?", number, last)


class SealedWriter:
    """A file that encrypts what is written to it; `close` writes the last chunk."""

    def __init__(self, target: BinaryIO, secret: Secret) -> None:
        salt, self._prefix = os.urandom(16), os.urandom(7)
        key, check = secret.derive(salt)
        self._header = _LAYOUT.pack(MAGIC, secret.from_file, salt, self._prefix, check)
        self._cipher = AESGCM(key)
        self._target, self._held, self._number = target, bytearray(), 0
        target.write(self._header)

    def write(self, data: bytes) -> int:
        self._held += data
        while len(self._held) > CHUNK:
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def close(self) -> None:
        self._seal(bytes(self._held), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, last)
        self._target.write(self._cipher.encrypt(nonce, chunk, self._header))
        self._number += 1


class SealedReader:
    """The plain bytes of a sealed file, each chunk verified before any of it is given out."""

    def __init__(self, source: BinaryIO, secret: Secret | None) -> None:
        header = source.read(_LAYOUT.size)
        if len(header) < _LAYOUT.size:
            raise cut_off()
        _, from_file, salt, self._prefix, check = _LAYOUT.unpack(header)
        key, own_check = _fitting(secret, bool(from_file)).derive(salt)
        if not hmac.compare_digest(check, own_check):
            raise BackupLocked(
                msg("This key file does not open the backup.")
                if from_file
                else msg("This passphrase does not open the backup.")
            )
        self._header, self._cipher = header, AESGCM(key)
        self._source, self._plain, self._number = source, bytearray(), 0
        self._next = source.read(CHUNK + _TAG)
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._plain) < size):
            self._open_chunk()
        taken = len(self._plain) if size < 0 else size
        data = bytes(self._plain[:taken])
        del self._plain[:taken]
        return data

    def _open_chunk(self) -> None:
        chunk, self._next = self._next, self._source.read(CHUNK + _TAG)
        self._ended = not self._next
        nonce = _nonce(self._prefix, self._number, self._ended)
        try:
            self._plain += self._cipher.decrypt(nonce, chunk, self._header)
        except InvalidTag as error:
            raise not_authentic() from error
        self._number += 1


def _fitting(secret: Secret | None, from_file: bool) -> Secret:
    if secret is None or secret.from_file != from_file:
        raise BackupLocked(
            msg("The backup is encrypted with a key file; name it with --key-file.")
            if from_file
            else msg("The backup is encrypted with a passphrase; it is needed to open it.")
        )
    return secret
