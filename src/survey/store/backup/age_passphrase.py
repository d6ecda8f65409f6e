"""Header of an age file (age-encryption.org/v1) that opens with a passphrase.

`pyrage` encrypts a stream for recipients, but with a passphrase only what is in memory as a whole.
Both kinds of file differ in their header alone, which wraps the key of the file. So a stream is
encrypted for a key made for this one file, and its header is replaced by one of the passphrase;
reading replaces it back. The content never passes through here.
"""

import base64
import hmac
import os
import re
from dataclasses import dataclass

import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"age-encryption.org/v1\n"
MAX_HEADER_BYTES = 64 << 10
SCRYPT_START = MAGIC + b"-> scrypt "
_HEADER_END = re.compile(rb"^---[^\n]*\n", re.MULTILINE)
_SCRYPT = re.compile(
    re.escape(MAGIC)
    + rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n"
    + rb"([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n"
)
_X25519 = re.compile(rb"-> X25519 ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})\n")
_SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
_X25519_LABEL = b"age-encryption.org/v1/X25519"
_WORK_FACTOR, _MAX_WORK_FACTOR = 17, 20
"""Powers of two, with r = 8: 128 MB for each guess; a file that asks for over 1 GB is refused."""
_NONCE = bytes(12)
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class HeaderUnreadableError(Exception):
    """Raised when an age header is cut off, was changed, or is not of the expected kind."""


class PassphraseWrongError(Exception):
    """Raised when the passphrase does not open the age file."""


def header_length(start: bytes) -> int | None:
    """Return the length of the age header in `start`; None if it does not end there."""
    end = _HEADER_END.search(start)
    if end is None and len(start) > MAX_HEADER_BYTES:
        raise HeaderUnreadableError
    return None if end is None else end.end()


@dataclass(frozen=True)
class FileIdentity:
    """X25519 key pair made for one file; `identity` is the same key in pyrage's form."""

    secret: X25519PrivateKey
    identity: pyrage.x25519.Identity

    @classmethod
    def generate(cls) -> "FileIdentity":
        """Create a new X25519 key pair for one file."""
        secret = X25519PrivateKey.generate()
        text = _encode_bech32("age-secret-key-", secret.private_bytes_raw()).upper()
        return cls(secret, pyrage.x25519.Identity.from_str(text))

    def unwrap(self, header: bytes) -> bytes:
        """Return the file key from a header that pyrage wrote for this identity."""
        match = _X25519.search(header)
        if match is None:
            raise HeaderUnreadableError
        theirs, body = _decode(match[1]), _decode(match[2])
        shared = self.secret.exchange(X25519PublicKey.from_public_bytes(theirs))
        return ChaCha20Poly1305(self._wrap_key(shared, theirs)).decrypt(_NONCE, body, None)

    def wrap(self, file_key: bytes) -> bytes:
        """Return an age header that holds the file key encrypted for this identity."""
        once = X25519PrivateKey.generate()
        public = once.public_key().public_bytes_raw()
        shared = once.exchange(self.secret.public_key())
        body = ChaCha20Poly1305(self._wrap_key(shared, public)).encrypt(_NONCE, file_key, None)
        return _build_header(b"X25519 " + _encode(public), body, file_key)

    def _wrap_key(self, shared: bytes, once: bytes) -> bytes:
        salt = once + self.secret.public_key().public_bytes_raw()
        return HKDF(SHA256(), 32, salt, _X25519_LABEL).derive(shared)


def wrap_with_passphrase(file_key: bytes, passphrase: str) -> bytes:
    """Return an age header that holds the file key encrypted by the passphrase."""
    salt = os.urandom(16)
    body = _build_cipher(passphrase, salt, _WORK_FACTOR).encrypt(_NONCE, file_key, None)
    return _build_header(b"scrypt %s %d" % (_encode(salt), _WORK_FACTOR), body, file_key)


def unwrap_with_passphrase(header: bytes, passphrase: str) -> bytes:
    """Return the file key from an age header that opens with the passphrase.

    Raises:
        HeaderUnreadableError, PassphraseWrongError
    """
    match = _SCRYPT.fullmatch(header)
    if match is None or int(match[2]) > _MAX_WORK_FACTOR:
        raise HeaderUnreadableError
    cipher = _build_cipher(passphrase, _decode(match[1]), int(match[2]))
    try:
        file_key = cipher.decrypt(_NONCE, _decode(match[3]), None)
    except InvalidTag as error:
        raise PassphraseWrongError from error
    if not hmac.compare_digest(
        _compute_mac(header[: match.start(4) - 1], file_key), _decode(match[4])
    ):
        raise HeaderUnreadableError
    return file_key


def _build_cipher(passphrase: str, salt: bytes, work_factor: int) -> ChaCha20Poly1305:
    kdf = Scrypt(_SCRYPT_LABEL + salt, 32, 1 << work_factor, 8, 1)
    return ChaCha20Poly1305(kdf.derive(passphrase.encode()))


def _build_header(stanza: bytes, body: bytes, file_key: bytes) -> bytes:
    start = MAGIC + b"-> " + stanza + b"\n" + _encode(body) + b"\n---"
    return start + b" " + _encode(_compute_mac(start, file_key)) + b"\n"


def _compute_mac(start: bytes, file_key: bytes) -> bytes:
    key = HKDF(SHA256(), 32, b"", b"header").derive(file_key)
    return hmac.digest(key, start, "sha256")


def _encode(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def _encode_bech32(prefix: str, data: bytes) -> str:
    """Return bytes as Bech32 text (BIP 173), the form in which age writes keys."""
    bits = int.from_bytes(data) << (-8 * len(data) % 5)
    count = -(-8 * len(data) // 5)
    groups = [(bits >> 5 * place) & 31 for place in reversed(range(count))]
    spread = [ord(sign) >> 5 for sign in prefix] + [0] + [ord(sign) & 31 for sign in prefix]
    polymod = _compute_bech32_checksum([*spread, *groups, 0, 0, 0, 0, 0, 0]) ^ 1
    check = [(polymod >> 5 * place) & 31 for place in reversed(range(6))]
    return prefix + "1" + "".join(_BECH32[group] for group in groups + check)


def _compute_bech32_checksum(groups: list[int]) -> int:
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    check = 1
    for group in groups:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ group
        for place, term in enumerate(generator):
            check ^= term if top >> place & 1 else 0
    return check
