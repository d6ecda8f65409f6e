"""The start page before anybody signs in: the published score, the way in, and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.requests import Request

from survey.release.public_headline import PublicHeadline
from survey.settings import Settings
from survey.web import start_page
from survey.web.start_page import RequestedPage, show_start

START = RequestedPage("", lambda _role: "/", is_start=True)
ELSEWHERE = RequestedPage("Overview", lambda _role: "/overview")
HEADLINE = PublicHeadline({"zh": "2026年测评", "en": "Survey 2026"}, 82.34, 81.9, 82.76, 61_234)


@pytest.fixture
def show(tmp_path: Path) -> Callable[..., str]:
    def page(asked: RequestedPage = START, *, demo: bool = False, language: str = "en") -> str:
        scope = {
            "type": "http", "method": "GET", "path": "/", "headers": [], "scheme": "http",
            "server": ("localhost", 80), "query_string": f"lang={language}".encode(),
        }  # fmt: skip
        settings = Settings(database_url="", data_dir=tmp_path, demo=demo, _env_file=None)
        return bytes(show_start(Request(scope), settings, asked).body).decode()

    return page


def test_the_published_score_stands_there_with_its_interval(
    show: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_page, "_find_headline", lambda *_: HEADLINE)
    words = show()
    assert "Survey 2026" in words
    assert "<strong>82.3</strong>" in words
    assert "from 81.9 to 82.8; 61,234 interviews" in words
    assert "sampling error only" in words
    assert '<rect class="sf-interval" x="81.9" width="0.9"' in words
    assert "2026年测评" in show(language="zh")
    assert "82.3" not in show(ELSEWHERE), "a page that asks to sign in is about that page"


def test_without_a_store_it_is_the_way_in_all_the_same(show: Callable[..., str]) -> None:
    words = show()
    assert "sf-front" not in words
    assert "/auth/login" in words
    assert "Answer the questionnaire yourself" not in words


def test_a_visitor_of_the_demonstration_is_inside_with_one_press(show: Callable[..., str]) -> None:
    words = show(demo=True)
    first = words.index("Answer the questionnaire yourself")
    assert words.index('value="/interview') < first < words.index("sf-roles")
    assert "Answer the questionnaire yourself" not in show(ELSEWHERE, demo=True)


def test_the_public_site_is_one_press_away_where_it_is_on(show: Callable[..., str]) -> None:
    assert 'href="/data/en/"' in show(demo=True)
    assert 'href="/data/"' in show(demo=True, language="zh")
    assert "/data/" not in show()
    assert "/data/" not in show(ELSEWHERE, demo=True)
