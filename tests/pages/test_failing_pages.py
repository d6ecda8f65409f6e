"""A page that fails shows a number, and the log has its line under the same number."""

import logging
import re
from collections.abc import Callable
from typing import Any, Never

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.observe.logs import current_request_id
from survey.screens import audit_page

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The page does not know which database it is; one is enough here."""
    return sqlite_url


def test_the_number_on_the_screen_is_the_one_in_the_log(
    visit_as: Any, employ: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append(current_request_id())

    def fail(**_: object) -> Never:
        raise ValueError("somebody's answer")

    monkeypatch.setattr(audit_page, "read_trail", fail)
    keep, log = Keep(), logging.getLogger("survey.kit.page_runner")
    log.addHandler(keep)
    try:
        text = read(visit_as(PageKey.AUDIT, employ(Role.ADMINISTRATOR, "CN")))
    finally:
        log.removeHandler(keep)
    assert "somebody's answer" not in text
    (number,) = set(re.findall(r"this number: ([0-9a-f]{10})", text))
    assert number in logged
