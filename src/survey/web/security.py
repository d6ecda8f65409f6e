"""What every answer carries, which requests may change something, and where a redirect may lead."""

from urllib.parse import urlsplit

from starlette.requests import Request

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The address of a page holds its one-time token: no other site is told it.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

FILE_HEADERS = {
    name: PAGE_HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
}
"""For scripts, styles and questionnaires: what the page is told holds for them as well."""


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


def is_https(request: Request, trusted_proxies: int) -> bool:
    """Whether the visitor's browser speaks to us by HTTPS, as far as our own proxies say."""
    if trusted_proxies and "x-forwarded-proto" in request.headers:
        return request.headers["x-forwarded-proto"].split(",")[-1].strip() == "https"
    return request.url.scheme == "https"


def safe_path(target: str | None) -> str:
    """A path of this site to go on to; anything else, the start page."""
    if not target or not target.startswith("/") or len(target) > 512:
        return "/"
    unsafe = target.startswith("//") or "\\" in target or not target.isprintable()
    return "/" if unsafe else target
