"""What every journey does on a page of the platform: wait until it is drawn, send it a file."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_IDLE = (
    "[data-testid=stApp][data-test-connection-state=CONNECTED]"
    "[data-test-script-state=notRunning]:has(h1)"
)
"""Streamlit's own marks. Before its first run a page is not running either: it has no title yet."""


def wait_until_idle(page: Page) -> None:
    """Wait until the page is drawn and nothing runs."""
    page.locator(_IDLE).wait_for()


def upload_file(page: Page, file: Path | dict[str, Any], *, within: str = "") -> None:
    """Choose a file for the first field in an element, as a person could: once it is all drawn.

    A field that is drawn anew while the browser already reads a file lets go of it.
    """
    wait_until_idle(page)
    page.locator(f"{within} input[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
