"""What every journey does on a page of the platform: wait until it is drawn, send it a file."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

_IDLE = (
    "[data-testid=stApp][data-test-connection-state=CONNECTED]"
    "[data-test-script-state=notRunning]:has(h1)"
)
"""Streamlit's own marks. Before its first run a page is not running either: it has no title yet."""

_ATTEMPTS = 12
_SETTLED_MILLISECONDS = 200


def wait_until_idle(page: Page) -> None:
    """Wait until nothing runs and every part of the page is drawn.

    The scripts of tables and charts are fetched when the first of them is shown; until then a grey
    box stands in its place. After a press the page still looks idle until the server answers, so it
    must be idle twice; what only the store shows is asked of the page first all the same.
    """
    idle = page.locator(_IDLE)
    while True:
        idle.wait_for()
        page.wait_for_timeout(_SETTLED_MILLISECONDS)
        if idle.count():
            break
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def take_step(page: Page, label: str) -> None:
    """Open a step that asks, and take it.

    A message that something is done is there before the buttons below it are drawn anew; a press
    on an old one would be refused, for what it shows has changed meanwhile.
    """
    wait_until_idle(page)
    page.get_by_role("button", name=label).first.click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name=label).click()
    wait_until_idle(page)


def upload_file(page: Page, file: Path | dict[str, Any], *, within: str = "") -> None:
    """Choose a file for the first field in sight of an element, as often as it takes.

    A field that is drawn anew while the browser already reads a file lets go of it. A tab that was
    just opened shows nothing yet, or first the closed part with a field for another file.
    """
    field = page.locator(f"{within} [data-testid=stFileUploader]:visible").first
    name = file.name if isinstance(file, Path) else file["name"]
    named = field.get_by_title(name, exact=True)
    for _ in range(_ATTEMPTS):
        wait_until_idle(page)
        with suppress(TimeoutError):
            field.locator("input").set_input_files(file)  # type: ignore[arg-type]
            named.wait_for(timeout=5_000)
            wait_until_idle(page)
            if named.count():
                return
    raise AssertionError(name)


def choose_option(box: Locator, option: str | None = None) -> None:
    """Choose from a list by its name, or the first entry, as often as it takes.

    A list that opens while the page is drawn anew closes again; a person opens it once more. A long
    list holds only the entries in sight: the name of another one is typed.
    """
    page = box.page
    in_sight = page.get_by_role("option")
    wanted = in_sight if option is None else page.get_by_role("option", name=option)
    for attempt in range(_ATTEMPTS):
        wait_until_idle(page)
        box.scroll_into_view_if_needed()
        if box.get_attribute("aria-expanded") != "true":
            if attempt % 2:
                box.click()
            else:
                box.press("ArrowDown")
        with suppress(TimeoutError):
            in_sight.first.wait_for(timeout=5_000)
            if option is not None and not _appears(wanted):
                box.fill(option)
            wanted.first.click(timeout=5_000)
            wait_until_idle(page)
            return
        # What was typed into a list that was drawn anew goes as well.
        box.press("Escape")
    raise AssertionError(option)


def _appears(wanted: Locator) -> bool:
    """Tell whether an entry is in sight once the list is drawn."""
    with suppress(TimeoutError):
        wanted.first.wait_for(timeout=500)
        return True
    return False
