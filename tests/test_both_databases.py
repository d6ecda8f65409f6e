"""The list of tests that run on both databases names tests that are there."""

import ast
from pathlib import Path

from tests.both_databases import FILES_ON_BOTH, TESTS_ON_BOTH, WITHOUT_TWINS, is_second_run

TESTS = Path(__file__).parent


def test_every_name_on_the_list_is_that_of_a_test() -> None:
    files = [path for folder in WITHOUT_TWINS for path in (TESTS / folder).rglob("test_*.py")]
    tests = {
        node.name
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert tests >= TESTS_ON_BOTH
    assert {path.stem for path in files} >= FILES_ON_BOTH


def test_what_locks_runs_on_both_everywhere() -> None:
    assert not is_second_run("fieldwork", "test_submission", "test_any")
    assert not is_second_run("snapshot", "test_backup", "test_any")
    assert is_second_run("pages", "test_home_page", "test_any")
