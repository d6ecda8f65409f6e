"""Bodies that are sent many times: compressed once, chosen by what the browser accepts."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response

WORTH_COMPRESSING = 400
_FOREVER = "public, max-age=31536000, immutable"
_NEVER = "no-store"


@dataclass(frozen=True)
class CachedBody:
    """Content of one kind, with its compressed twin."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:16]


def cached_response(
    request: Request,
    body: CachedBody,
    *,
    status: int = 200,
    forever: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`body` in the encoding that the browser takes; kept by it for ever or not at all."""
    every = {"Cache-Control": _FOREVER if forever else _NEVER, "Vary": "Accept-Encoding"}
    every.update(headers or {})
    content = body.content
    if len(content) >= WORTH_COMPRESSING and "gzip" in request.headers.get("accept-encoding", ""):
        content = body.compressed
        every["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, media_type=body.media_type, headers=every)
