"""Rate limits of the public door: a token bucket for every address, in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection

ADDRESS_CACHE_SIZE = 20_000
_UNKNOWN = "unknown"


@dataclass
class RateLimit:
    """At most `per_minute` requests of one address, in bursts of as many; 0 means no limit."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, address: str) -> float:
        """Take one turn: 0 when there is one, else the seconds until the next."""
        if self.per_minute <= 0:
            return 0.0
        now = self.clock()
        rate = self.per_minute / 60
        tokens, seen = self._buckets.pop(address, (float(self.per_minute), now))
        tokens = min(float(self.per_minute), tokens + (now - seen) * rate)
        allowed = tokens >= 1
        self._buckets[address] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > ADDRESS_CACHE_SIZE:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / rate


def client_address(request: HTTPConnection, trusted_proxies: int) -> str:
    """The address to count; `X-Forwarded-For` is believed only as far as our own proxies wrote it.

    With `trusted_proxies` in front, the entry that many places from the right was written by the
    outermost of them; whatever stands further left is the visitor's own claim.
    """
    peer = request.client.host if request.client else _UNKNOWN
    if trusted_proxies > 0:
        claimed = request.headers.get("x-forwarded-for", "").split(",")
        if len(claimed) >= trusted_proxies:
            peer = claimed[-trusted_proxies].strip()
    return _bucket_key(peer)


def _bucket_key(address: str) -> str:
    """One visitor holds a whole IPv6 /64, so that is what is counted."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((parsed, 64), strict=False))
    return str(parsed)
