"""Names and titles that people wrote stand on a page as they were written, never as Markdown."""

import ast
from collections.abc import Iterator

import pytest

from survey.settings import PROJECT_ROOT
from survey.ui.text_blocks import escape_markdown

SOURCE = PROJECT_ROOT / "src" / "survey" / "ui"
DRAWING = {
    "markdown", "caption", "subheader", "title", "header", "write", "info", "warning", "error",
    "success", "toast",
}  # fmt: skip
WRITTEN = {
    "title", "titles", "subtitle", "name", "label", "full_name", "login", "note", "notes",
    "person", "supervisor", "agency", "reason", "contact", "point_name", "surveyor", "wave_title",
    "description", "retraction_reason",
}  # fmt: skip
"""Attributes that hold what somebody wrote."""


def _list_bare(node: ast.AST) -> Iterator[str]:
    """Yield the written texts of an argument that nothing escapes."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        # `t(page.title)` is a text of the catalogue; a length is a number.
        if name in {"escape_markdown", "len"}:
            return
        if name == "t":
            for keyword in node.keywords:
                yield from _list_bare(keyword.value)
            return
    if isinstance(node, ast.Attribute) and node.attr in WRITTEN:
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from _list_bare(child)


def _list_faults(source: str) -> list[str]:
    return [
        f"line {call.lineno}: {bare}"
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr in DRAWING) == ("st", True)
        and call.args
        for bare in _list_bare(call.args[0])
    ]


def test_what_people_wrote_is_escaped_where_streamlit_reads_markdown() -> None:
    faults = {
        path.relative_to(SOURCE).as_posix(): found
        for path in sorted(SOURCE.rglob("*.py"))
        if (found := _list_faults(path.read_text("utf-8")))
    }
    assert faults == {}


@pytest.mark.parametrize(
    "source",
    [
        "st.subheader(wave.label(language))",
        "st.markdown(f'**{check.summary.title[language]}**')",
        "st.caption(t('{name} signs', name=person.name))",
    ],
)
def test_the_next_one_is_found(source: str) -> None:
    assert _list_faults(source)


def test_a_title_full_of_signs_stays_as_it_is() -> None:
    escaped = escape_markdown("**2026** [main](http://x) :red[!] $a$ <b>")
    assert escaped == (r"\*\*2026\*\* \[main\](http\://x) \:red\[!\] \$a\$ \<b\>")
