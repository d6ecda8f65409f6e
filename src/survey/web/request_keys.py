"""Keys of requests that programs make, with the limits before and after the key is known."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from survey.access.secret_hashes import digest
from survey.locale import Translator, msg
from survey.web.http import RateLimit, client_address, json_response
from survey.web.submission_intake import TOO_MANY

_NO_KEY = msg("This needs a key: send the header “Authorization: Bearer …”.")
_NO_SUCH_KEY = msg("This key does not work, or not any more.")


@dataclass(frozen=True)
class RequestKeys:
    """Reader of keys; `address_limit` counts requests before their key is known."""

    address_limit: RateLimit
    key_limit: RateLimit
    trusted_proxies: int

    def read(self, request: Request, t: Translator) -> str | Response:
        """Return the key of a request, or the answer that refuses it."""
        address = client_address(request, self.trusted_proxies)
        wait = self.address_limit.seconds_until_allowed(address)
        if not wait:
            scheme, _, rest = request.headers.get("authorization", "").partition(" ")
            key = rest.strip()
            if scheme.lower() != "bearer" or not key:
                return refusal(401, "key_missing", t(_NO_KEY), {"WWW-Authenticate": "Bearer"})
            wait = self.key_limit.seconds_until_allowed(digest(key))
            if not wait:
                return key
        return refusal(429, "too_many", t(TOO_MANY), {"Retry-After": str(int(wait) + 1)})


def unknown_key(t: Translator) -> Response:
    """Return the answer to a key that opens nothing."""
    return refusal(401, "key_unknown", t(_NO_SUCH_KEY), {"WWW-Authenticate": "Bearer"})


def refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error as every endpoint for programs answers it."""
    return json_response(status, {"code": code, "message": message}, headers)
