"""What stands in an address, before any route reads it."""

from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

_NUL, _REPLACEMENT = "\x00", "\ufffd"
_NUL_IN_QUERY = b"%00"
_REPLACEMENT_IN_QUERY = quote(_REPLACEMENT).encode()


class NulByteMiddleware:
    """Reads a NUL in an address as bytes that are no text are read: as the sign for "unreadable".

    No name or code of ours holds one, so the address leads nowhere. PostgreSQL, which takes a NUL
    in no value, would otherwise fail at it where SQLite finds nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _holds_nul(scope):
            scope = {
                **scope,
                "path": scope["path"].replace(_NUL, _REPLACEMENT),
                "query_string": scope["query_string"].replace(_NUL_IN_QUERY, _REPLACEMENT_IN_QUERY),
            }
        await self.app(scope, receive, send)


def _holds_nul(scope: Scope) -> bool:
    return _NUL in scope["path"] or _NUL_IN_QUERY in scope["query_string"]
