"""Random secrets that are handed out once and stored only as their SHA-256."""

import hashlib
import secrets

MAX_TOKEN_CHARS = 128
"""Longest secret; of a longer text only the beginning is hashed."""


def new_token(*, bits: int) -> str:
    """Return a random text that is safe in URLs and cookies."""
    return secrets.token_urlsafe(bits // 8)


def digest(token: str) -> str:
    """Return the SHA-256 that the store keeps instead of a token."""
    return hashlib.sha256(token[:MAX_TOKEN_CHARS].encode("utf-8", "surrogatepass")).hexdigest()
