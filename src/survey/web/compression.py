"""Response bodies that are sent many times and compressed once."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response

MIN_COMPRESSED_BYTES = 400
_FOREVER = "public, max-age=31536000, immutable"
_NEVER = "no-store"


@dataclass(frozen=True)
class CachedBody:
    """Content with its media type, its compressed form and its digest."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        """Content compressed by gzip, always to the same bytes."""
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        """Start of the SHA-256 of the content, for its address."""
        return hashlib.sha256(self.content).hexdigest()[:16]


def cached_response(
    request: Request,
    body: CachedBody,
    *,
    status: int = 200,
    forever: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return `body` in an encoding that the browser accepts.

    Args:
        forever: Let browsers keep it for a year, else forbid to store it.
    """
    every = {"Cache-Control": _FOREVER if forever else _NEVER, "Vary": "Accept-Encoding"}
    every.update(headers or {})
    content = body.content
    if len(content) >= MIN_COMPRESSED_BYTES and "gzip" in request.headers.get(
        "accept-encoding", ""
    ):
        content = body.compressed
        every["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, media_type=body.media_type, headers=every)
