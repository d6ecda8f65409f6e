"""Pages change things through `run_change` alone, which says every failure in words."""

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from survey.kit.page_runner import Presses
from survey.settings import PROJECT_ROOT

ROOMS = [PROJECT_ROOT / "src" / "survey" / name for name in ("kit", "screens")]
WRITERS = {
    "bulk_import/__init__.py": "the thread of a background job keeps its problem",
    "feedback.py": "the one way",
    "export.py": "a background job keeps its problem, and the download button says those of files",
    "evidence_releases.py": "runs within the download button, which says its problems",
    "comparative_tests/page.py": "runs within the download button, which says its problems",
    "experience_checks/findings.py": "runs within the download button, which says its problems",
    "releases.py": "runs within the download button, which says its problems",
    "report_downloads.py": "runs within the download button, which says its problems",
    "invitation_codes.py": "issues the next code while it is drawn, without a click",
}
"""Modules that open a transaction to write, and why they may."""
CATCHERS = {
    "background_job.py": "keeps the problem of a thread",
    "bulk_import/target.py": "keeps the error with the file that it is about",
    "count_mapping.py": "keeps the form of a mapping beside the file that it does not fit",
    "feedback.py": "the one way",
    "list_entry.py": "the list says why the file cannot be read",
    "outside_data.py": "keeps the error with the file that it is about",
    "page_runner.py": "errors while a page is drawn",
}
"""Modules that catch every error of ours, and why they may."""


def _modules() -> list[Path]:
    return [
        *(path for room in ROOMS for path in room.rglob("*.py")),
        *(PROJECT_ROOT / "pages").glob("*.py"),
    ]


def _name(path: Path) -> str:
    inside = next((room for room in ROOMS if path.is_relative_to(room)), PROJECT_ROOT)
    return path.relative_to(inside).as_posix()


def test_only_perform_opens_transactions_for_people() -> None:
    writers = {
        _name(path)
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"run_in_transaction", "session_scope"}
    }
    assert writers == WRITERS.keys()


def test_only_feedback_says_errors_of_ours() -> None:
    catchers = {
        _name(path)
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.type, ast.Name)
        and node.type.id == "SurveyError"
    }
    assert catchers == CATCHERS.keys()


def test_every_popover_has_a_key() -> None:
    """Without one the browser knows it by its place: another one that moves there would be open."""
    nameless = [
        f"{_name(path)}:{node.lineno}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "st.popover"
        and not any(keyword.arg == "key" for keyword in node.keywords)
    ]
    assert nameless == []


def test_a_popover_with_a_button_says_in_itself_what_was_refused() -> None:
    """At the top of the page it is not seen: the popover stays open, perhaps far below."""
    silent = [
        f"{_name(path)}:{node.lineno}"
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.With)
        and any("st.popover(" in ast.unparse(item) for item in node.items)
        and "st.button(" in ast.unparse(node)
        and "show_feedback(" not in ast.unparse(node)
    ]
    assert silent == []


def test_the_second_press_waits_for_the_first_and_gets_its_result() -> None:
    """As on a slow machine, where each press of a double click has a thread of its own."""
    presses, begun, may_end = Presses(), threading.Event(), threading.Event()
    button, changes = [object()], []

    def change() -> str:
        begun.set()
        assert may_end.wait(10)
        changes.append("published")
        return "result"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(presses.handle, button, change)
        assert begun.wait(10)
        second = threads.submit(presses.handle, button, change)
        may_end.set()
        assert (first.result(10), second.result(10)) == ("result", "result")
    assert changes == ["published"]
    presses.handle([object()], change)
    assert changes == ["published"] * 2, "another button"


def test_a_press_that_failed_is_tried_again() -> None:
    presses, button = Presses(), [object()]
    with pytest.raises(ZeroDivisionError):
        presses.handle(button, lambda: 1 // 0)
    assert presses.handle(button, lambda: 1) == 1
