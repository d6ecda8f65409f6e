"""A page file run on its own, without app.py, still refuses: Streamlit may do that."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey.settings import PROJECT_ROOT, current_settings

PAGES = sorted((PROJECT_ROOT / "pages").glob("*.py"))


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path):
    monkeypatch.setenv("SURVEY_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SURVEY_DEMO", "0")
    current_settings.cache_clear()
    yield
    current_settings.cache_clear()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_run_directly_as_a_stranger_it_shows_nothing_guarded(path: Path) -> None:
    app = AppTest.from_file(str(path), default_timeout=30).run()
    assert not app.exception
    assert not app.get("vega_lite_chart")
    assert not app.get("table")
    assert not app.get("button")
    if path.stem != "home":
        assert not app.title
        bodies = " ".join(element.proto.body for element in app.get("html"))
        assert 'class="hcs-notice"' in bodies


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_thin_and_its_only_statement_is_the_guarded_run(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    statements = [
        node
        for node in ast.parse(source).body
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert len(statements) == 1
    call = statements[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert isinstance(call.value.func, ast.Name)
    assert call.value.func.id in {"run_page", "run_public_page"}
