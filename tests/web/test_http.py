"""Whose requests are accepted, and under which address they are counted."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.testclient import TestClient

from survey.settings import Settings
from survey.web.http import client_address, is_own_origin, is_same_site
from survey.web.routes import build_app
from tests.nginx_process import Nginx
from tests.submission_clients import ServerProcess, wait_for

PUBLIC = "https://survey.example.org"


def headers(host: str, *origins: str) -> Headers:
    named = [(b"host", host.encode()), *((b"origin", each.encode()) for each in origins)]
    return Headers(raw=named)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("10.0.0.7:8501", "http://10.0.0.7:8501"),
        ("localhost:8501", "http://localhost:8501"),
        ("survey.example.org", "https://survey.example.org"),
        ("survey.example.org", "https://Survey.Example.org:443"),
        ("survey.example.org:443", "https://survey.example.org"),
        ("app1:8501", PUBLIC),
        ("[::1]:8501", "http://[::1]:8501"),
    ],
)
def test_our_own_pages_may(host: str, origin: str) -> None:
    assert is_own_origin(headers(host, origin), PUBLIC)


def test_whoever_is_no_browser_may() -> None:
    assert is_own_origin(headers("localhost"), "")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://survey.example.org.evil.example",
        "https://evil.example/survey.example.org",
        "https://survey.example.org@evil.example",
        "https://evil.example@survey.example.org",
        "http://survey.example.org:8501",
        "null",
        "",
        "file://",
        "survey.example.org",
        "http://[::1",
        "chrome-extension://survey.example.org",
    ],
)
def test_others_may_not(origin: str) -> None:
    assert not is_own_origin(headers("survey.example.org", origin), PUBLIC)
    assert not is_own_origin(headers("", origin), "")


def test_two_of_them_are_none_of_ours() -> None:
    both = headers("localhost", "http://localhost", "http://evil.example")
    assert not is_own_origin(both, "")


def posted(host: str, **named: str) -> Request:
    """A post that reaches the server with this `Host` and these headers of the browser."""
    pairs = {"host": host, **{name.replace("_", "-"): value for name, value in named.items()}}
    raw = [(name.encode(), value.encode()) for name, value in pairs.items()]
    return Request({"type": "http", "method": "POST", "headers": raw})


@pytest.mark.parametrize(
    ("host", "origin", "public_url", "accepted"),
    [
        ("app1:8501", PUBLIC, PUBLIC, True),
        ("app1:8501", PUBLIC, "", False),
        ("app1:8501", "https://evil.example", PUBLIC, False),
        ("app1:8501", "null", PUBLIC, False),
        ("survey.example.org", PUBLIC, "", True),
        ("survey.example.org:443", "https://Survey.Example.org", "", True),
        ("survey.example.org", "https://survey.example.org.evil.example", PUBLIC, False),
    ],
)
def test_a_post_of_an_older_browser_is_judged_by_its_origin(
    host: str, origin: str, public_url: str, accepted: bool
) -> None:
    settings = Settings(public_url=public_url)
    assert is_same_site(posted(host, origin=origin), settings) is accepted


@pytest.mark.parametrize(
    ("fetch_site", "accepted"),
    [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False)],
)
def test_what_the_browser_says_of_the_site_counts_first(fetch_site: str, accepted: bool) -> None:
    settings = Settings(public_url=PUBLIC)
    for origin in (PUBLIC, "https://evil.example"):
        request = posted("app1:8501", origin=origin, sec_fetch_site=fetch_site)
        assert is_same_site(request, settings) is accepted


@pytest.mark.parametrize("public_url", [PUBLIC, ""])
def test_every_endpoint_knows_the_public_address(web_settings: Settings, public_url: str) -> None:
    settings = web_settings.model_copy(update={"public_url": public_url})
    headers = {"Host": "app1:8501", "Origin": PUBLIC}
    with TestClient(build_app(settings), headers=headers) as client:
        code = client.post("/api/responses", json={}).json()["code"]
        assert code == ("malformed" if public_url else "other_site")
        leaving = client.post("/auth/logout", follow_redirects=False)
        assert leaving.status_code == (303 if public_url else 403)


@pytest.fixture(params=[PUBLIC, ""], ids=["public address set", "not set"])
def behind_nginx(
    request: pytest.FixtureRequest, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Nginx, str]]:
    """The shipped proxy, but one that names the replica instead of the address asked for."""
    public_url: str = request.param
    monkeypatch.setenv("SURVEY_PUBLIC_URL", public_url)
    server = ServerProcess(store_url, tmp_path)
    nginx = Nginx(tmp_path, [server.port, server.port])
    locations = tmp_path / "survey.locations"
    shipped = locations.read_text("utf-8")
    locations.write_text(shipped.replace("$http_host", "app1:8501"), "utf-8")
    assert locations.read_text("utf-8") != shipped
    server.start()
    nginx.start()
    wait_for(server.is_up, "the server starts")
    yield nginx, public_url
    nginx.stop()
    server.stop()


@pytest.mark.slow
def test_a_proxy_may_rewrite_the_host(behind_nginx: tuple[Nginx, str]) -> None:
    nginx, public_url = behind_nginx

    def post(origin: str) -> int:
        connection = HTTPConnection("127.0.0.1", nginx.port, timeout=30)
        headers = {"Content-Type": "application/json", "Origin": origin}
        connection.request("POST", "/api/responses", b"{}", headers)
        status = connection.getresponse().status
        connection.close()
        return status

    assert post(PUBLIC) == (400 if public_url else 403)
    assert post("https://evil.example") == 403


def request(peer: str | None, forwarded: str | None = None) -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
    return Request({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "counted"),
    [
        ("198.51.100.7", None, 0, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", 0, "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9", 1, "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("127.0.0.1", None, 1, "unknown"),
        ("127.0.0.1", "<script>", 1, "unknown"),
        ("2001:db8:1:2:3:4:5:6", None, 0, "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", None, 0, "198.51.100.7"),
        (None, None, 0, "unknown"),
    ],
)
def test_the_address_that_is_counted(
    peer: str | None, forwarded: str | None, proxies: int, counted: str
) -> None:
    assert client_address(request(peer, forwarded), proxies) == counted
