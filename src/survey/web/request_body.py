"""Request bodies: given up as soon as they are larger or slower than anything of ours."""

import asyncio
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

MAX_BYTES = 4 * 1024
SECONDS = 10.0
_MAX_FIELDS = 10
_NUL, _UNREADABLE = "\x00", "\ufffd"


class BodyTooLargeError(Exception):
    """More than was asked for has arrived."""


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """The whole body, however it arrives.

    Raises `BodyTooLargeError`, `TimeoutError` when it is not complete in time, and
    `ClientDisconnect`.
    """
    content = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            content.extend(chunk)
            if len(content) > most:
                raise BodyTooLargeError
    return bytes(content)


async def read_small(request: Request, most: int = MAX_BYTES) -> bytes | None:
    """The body; None when it is too large, too slow or cut off."""
    try:
        return await read_body(request, most, SECONDS)
    except (BodyTooLargeError, TimeoutError, ClientDisconnect):
        return None


async def read_form(request: Request) -> dict[str, str]:
    """The few fields of a plain form; whatever is not one of ours has none."""
    content = await read_small(request)
    if content is None:
        return {}
    try:
        fields = parse_qs(content.decode("utf-8", "replace"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    return {name: without_nul(values[0]) for name, values in fields.items()}


def without_nul(text: str) -> str:
    """The text as every database takes it: PostgreSQL keeps no NUL, and nobody types one."""
    return text.replace(_NUL, _UNREADABLE)
