"""The collector of screen texts does not look into f-strings, so no text may hide in one."""

import ast
from pathlib import Path

import pytest

from survey.settings import PROJECT_ROOT

SOURCES = sorted((PROJECT_ROOT / "src" / "survey").rglob("*.py")) + sorted(
    (PROJECT_ROOT / "pages").glob("*.py")
)


def hidden_texts(source: str) -> list[str]:
    return [
        call.args[0].value
        for formatted in ast.walk(ast.parse(source))
        if isinstance(formatted, ast.JoinedStr)
        for call in ast.walk(formatted)
        if isinstance(call, ast.Call)
        and (getattr(call.func, "id", None) or getattr(call.func, "attr", None))
        in {"t", "_t", "msg"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ]


def test_finds_what_it_looks_for() -> None:
    assert hidden_texts("x = f\"<b>{escape(t('Hello'))}</b>\"") == ["Hello"]
    assert hidden_texts('x = t("Hello {name}", name=f"{n}")') == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_screen_text_hides_in_an_f_string(path: Path) -> None:
    assert hidden_texts(path.read_text(encoding="utf-8")) == []
