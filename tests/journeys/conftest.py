"""A real browser before a real server: one process on a free port, with its own small store."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from survey.settings import Settings
from tests.browser_program import find_browser
from tests.complete_answers import WOMAN_OF_1985
from tests.server_process import LivePlatform, Respondent, Server, seed_store
from tests.synthetic_results import PLANS, synthetic_store

if TYPE_CHECKING:
    from tests.conftest import MakeOnce

FIRST_TIER = frozenset(
    {"test_drill_down", "test_public_form", "test_review_by_keys", "test_withdrawing"}
)
"""Journeys of `make test`: a reader, respondents and a supervisor; the others are slow tests."""
PHONE = {"width": 390, "height": 844}
PATIENCE = 60_000
"""Milliseconds: what is right comes sooner, and a busy machine must not fail a journey."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.journey)
            if item.path.stem not in FIRST_TIER:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        message = "NO CHROMIUM FOUND: the browser journeys are skipped"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--force-prefers-reduced-motion"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    data_dir = tmp_path_factory.mktemp("live")
    settings = Settings(data_dir=data_dir, database_url="", demo=True)
    instrument, surveyor, point = seed_store(settings)
    server = Server(data_dir)
    server.start()
    yield LivePlatform(server, settings, instrument, surveyor, point)
    server.stop()


@pytest.fixture(scope="session")
def results_server(
    make_once: "MakeOnce", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A platform with two whole waves, made up; journeys that only read share it."""

    def fill(folder: Path) -> None:
        settings = Settings(data_dir=folder, database_url="", demo=True)
        synthetic_store(settings, plans=PLANS[:2], measures_a_topic=1)

    data_dir = tmp_path_factory.mktemp("results") / "data"
    shutil.copytree(make_once("two-synthetic-waves", fill), data_dir)
    server = Server(data_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A phone of a Chinese reader; change a page's size or media where a test needs another."""
    phone = browser.new_context(viewport=PHONE, locale="zh-CN", color_scheme="light")
    phone.set_default_timeout(PATIENCE)
    yield phone
    phone.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which no script may fail."""
    failures: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    assert not failures, failures


@pytest.fixture
def respondent(page: Page) -> Respondent:
    return Respondent(page)


@pytest.fixture
def complete() -> dict[str, object]:
    """Answers that lead through the whole main questionnaire."""
    return dict(WOMAN_OF_1985)
