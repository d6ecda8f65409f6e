"""Whose pages may speak to us."""

import pytest
from starlette.datastructures import Headers

from survey.web.origin import is_own_origin

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
