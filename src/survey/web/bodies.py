"""Small request bodies: given up as soon as they are larger or slower than anything of ours."""

import asyncio
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

MAX_BYTES = 4 * 1024
SECONDS = 10.0
_MOST_FIELDS = 10


async def read_small(request: Request, most: int = MAX_BYTES) -> bytes | None:
    """The body; None when it is too large, too slow or cut off."""
    content = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                content.extend(chunk)
                if len(content) > most:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(content)


async def read_form(request: Request) -> dict[str, str]:
    """The few fields of a plain form; whatever is not one of ours has none."""
    content = await read_small(request)
    if content is None:
        return {}
    try:
        fields = parse_qs(content.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
