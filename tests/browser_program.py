"""The browser of this machine that journeys drive."""

import shutil

BROWSERS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip
"""Best first. The shell is the same engine without windows, for seven tenths of the processor: the
other ones open a whole window, its tab strip and all, for every context of a test."""


def find_browser() -> str | None:
    """Return the path of the best browser that is installed."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)
