"""Names of rows and sampling points in one file, made with the secret of that file."""

import hashlib
import secrets
from collections.abc import Iterable

NAME_BYTES = 6
"""Length of a name before it is written in hexadecimal: two of 62,000 rows share a name once in
about 150,000 exports."""
_BLOCK_BYTES = 64
"""Block of SHA-256, up to which HMAC fills its key."""


def new_pseudonym_key() -> str:
    return secrets.token_hex(32)


class Pseudonyms:
    """Pseudonyms of rows and points in one file; only its secret links them to ids.

    A name is the beginning of an HMAC-SHA256 (RFC 2104). Both of its hashes take the key in once
    and are copied for each name, which costs half of what copies of `hmac.HMAC` do.
    """

    def __init__(self, secret: str) -> None:
        key = bytes.fromhex(secret).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def __call__(self, kind: str, true_name: str) -> str:
        """Return the pseudonym of one row or point, in hexadecimal."""
        return self.make_names(kind, [true_name])[0].hex()

    def make_names(self, kind: str, true_names: Iterable[str]) -> list[bytes]:
        """Return the pseudonyms of many rows or points, each as `NAME_BYTES` bytes."""
        inner = self._inner.copy()
        inner.update(f"{kind}/".encode())
        copy_inner, copy_outer = inner.copy, self._outer.copy
        names = []
        for true_name in true_names:
            content = copy_inner()
            content.update(true_name.encode())
            name = copy_outer()
            name.update(content.digest())
            names.append(name.digest()[:NAME_BYTES])
        return names
