"""People whose presses, choices, typed boxes and files are counted by the browser itself.

What the browser hears is counted, whoever causes it: a journey cannot press around the counter. An
address is typed only through the counter, as a press; a text that is typed or pasted is one box.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from playwright.sync_api import BrowserContext, Locator, Page

from tests.journeys.app_page import wait_until_idle

_LISTENER = """
(() => {
  const tell = kind => window.countedBySurvey(kind);
  const typed = "input:not([type=radio]):not([type=checkbox]):not([type=file]), textarea, " +
    "[role=spinbutton]";
  const box = element => element.closest("[data-testid=stDateInput]") || element;
  let last = null;
  const type = element => { if (box(element) !== last) { last = box(element); tell("field"); } };
  const hear = (name, act) => document.addEventListener(name, act, true);
  // To go into a box is part of typing in it, and to open a list part of choosing from it.
  hear("pointerdown", event => {
    if (!event.isTrusted || event.target.closest(typed)) return;
    last = null;
    tell("click");
  });
  hear("keydown", event => {
    if (!event.isTrusted) return;
    const element = event.target, isBox = Boolean(element.closest(typed));
    if (event.key === "Enter" || (event.key === " " && !isBox)) tell("click");
    else if (element.closest("[role=spinbutton]") && event.key.length === 1) type(element);
  });
  hear("input", event => {
    if (event.isTrusted && event.target.closest(typed)) type(event.target);
  });
  hear("change", event => { if (event.target.matches("input[type=file]")) tell("file"); });
})();
"""


class Counted:
    """Somebody at a computer of the journey; what they do goes into the one count of it."""

    def __init__(self, context: BrowserContext, count: Counter[str], home: str) -> None:
        """`home` is the address of the platform, where they have just signed in."""
        self._count, self._is_counting = count, True
        context.expose_function("countedBySurvey", self._add)
        context.add_init_script(_LISTENER)
        self.page: Page = context.new_page()
        self._go, self._home = self.page.goto, home
        for name in ("goto", "reload"):
            setattr(self.page, name, _refuse)

    def start(self) -> None:
        """Look at the start page, as somebody who has just signed in does."""
        self._go(self._home)
        wait_until_idle(self.page)

    def visit(self, path: str) -> None:
        """Type an address of the platform, or open one that was handed over."""
        self._add("click")
        self._go(self._home + path)

    def press(self, place: Locator) -> None:
        """Press a button or link, and wait until the page is drawn."""
        place.click()
        wait_until_idle(self.page)

    def paste(self, box: Locator, text: str) -> None:
        """Paste a text into a box as from another program."""
        box.click()
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("ControlOrMeta+v")
        wait_until_idle(self.page)

    @contextmanager
    def not_counted(self) -> Iterator[Page]:
        """Leave out what is no step of the journey, such as a second factor."""
        self._hear_all()
        self._is_counting = False
        yield self.page
        self._hear_all()
        self._is_counting = True

    def _hear_all(self) -> None:
        """Wait for what the browser has still to tell: it tells everything in order."""
        self.page.evaluate("1")

    def _add(self, kind: str) -> None:
        if self._is_counting:
            self._count[kind] += 1


def require_at_most(count: Counter[str], **limits: int) -> None:
    """Fail if there was more of a kind than its limit."""
    above = {kind: count[kind] for kind, limit in limits.items() if count[kind] > limit}
    assert not above, (above, limits)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("a counted person follows links, or types an address by `visit`")
