"""What every answer carries, which requests may change something, and where a redirect may lead."""

from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from survey.access.tokens import MAX_TOKEN_CHARS, digest, new_token

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The address of a page holds its one-time token: no other site is told it.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

FILE_HEADERS = {
    name: PAGE_HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
}
"""For scripts, styles and questionnaires: what the page is told holds for them as well."""


DASHBOARD_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "media-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; "
        "frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""For Streamlit's own answers. Its start page and its charts need inline code and `eval`, so this
policy keeps out other sites and frames, and not a script that somebody has got into a page."""

STRICT_TRANSPORT = "max-age=31536000"
"""A year, without subdomains: they may not be ours."""


def is_same_site(request: Request) -> bool:
    """Whether a request that changes something was made by a page of ours.

    Browsers say where a request comes from; one that says nothing is not a browser and so has
    no signed-in visitor who could be abused.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc == request.headers.get("host", "")


@dataclass(frozen=True)
class FormToken:
    """Ties a plain form to the browser it was shown in: another site can neither read nor guess it.

    The browser keeps a secret in a cookie that no script sees, and the form carries its hash. It
    stands beside `is_same_site`, for browsers that say nothing of where a request comes from.
    """

    COOKIE = "survey_form"
    BITS = 128
    LIFETIME = 12 * 3600

    secret: str

    @classmethod
    def of(cls, request: Request) -> "FormToken":
        """The token of this browser, or a new one."""
        kept = request.cookies.get(cls.COOKIE, "")
        return cls(kept if 0 < len(kept) <= MAX_TOKEN_CHARS else new_token(bits=cls.BITS))

    @property
    def field(self) -> str:
        """What the form carries in a hidden field."""
        return digest(f"form:{self.secret}")

    def agrees(self, field: str | None) -> bool:
        """Whether a form that came back was shown in this browser."""
        return field is not None and compare_digest(self.field.encode(), field.encode())

    def keep(
        self, response: Response, request: Request, trusted_proxies: int, *, path: str
    ) -> None:
        """Have the browser keep the secret, for addresses under `path`."""
        response.set_cookie(
            self.COOKIE, self.secret, max_age=self.LIFETIME, path=path, httponly=True,
            samesite="strict", secure=is_https(request, trusted_proxies),
        )  # fmt: skip


def is_https(request: Request, trusted_proxies: int) -> bool:
    """Whether the visitor's browser speaks to us by HTTPS, as far as our own proxies say."""
    if trusted_proxies and "x-forwarded-proto" in request.headers:
        return request.headers["x-forwarded-proto"].split(",")[-1].strip() == "https"
    return bool(request.scope["scheme"] == "https")


def safe_path(target: str | None) -> str:
    """A path of this site to go on to; anything else, the start page."""
    if not target or not target.startswith("/") or len(target) > 512:
        return "/"
    unsafe = target.startswith("//") or "\\" in target or not target.isprintable()
    return "/" if unsafe else target
