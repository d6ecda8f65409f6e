"""Which web pages may speak to us: those of our own addresses, and nobody else's."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_own_origin(headers: Headers, public_url: str) -> bool:
    """Whether a request says that a page of this host, or of `SURVEY_PUBLIC_URL`, made it.

    Without an `Origin` no other site can have made it: a browser sends one with every socket, and
    with every request to another site. The scheme is not compared: only a proxy knows whether the
    visitor came by HTTPS, and the host is ours in either case.
    """
    origins = headers.getlist("origin")
    if not origins:
        return True
    claimed = _host_of(origins[0]) if len(origins) == 1 else None
    if claimed is None:
        return False
    scheme, host = claimed
    own = {_without_default_port(headers.get("host", "").lower(), scheme)}
    public = _host_of(public_url) if public_url else None
    if public is not None:
        own.add(public[1])
    return host in own


def _host_of(url: str) -> tuple[str, str] | None:
    """Scheme and host with its port, where it is not the usual one; None for anything else."""
    try:
        parts = urlsplit(url.strip().lower())
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc or "@" in parts.netloc:
        return None
    return parts.scheme, _without_default_port(parts.netloc, parts.scheme)


def _without_default_port(host: str, scheme: str) -> str:
    return host.removesuffix(_DEFAULT_PORTS[scheme])
