"""Names and titles that people wrote stand on a page as they were written, never as Markdown."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pytest

from survey.kit.text_blocks import escape_markdown
from survey.settings import PROJECT_ROOT

SOURCE = PROJECT_ROOT / "src" / "survey"
DRAWING = {
    "markdown", "caption", "subheader", "title", "header", "write", "info", "warning", "error",
    "success", "toast",
    "button", "checkbox", "date_input", "download_button", "expander", "file_uploader",
    "form_submit_button", "link_button", "metric", "multiselect", "number_input", "page_link",
    "pills", "popover", "radio", "segmented_control", "selectbox", "spinner", "status", "text_area",
    "text_input", "toggle",
}  # fmt: skip
"""Texts, and widgets by their label."""
WRITTEN = {
    "title", "titles", "subtitle", "name", "label", "full_name", "login", "note", "notes",
    "person", "supervisor", "agency", "reason", "contact", "point_name", "surveyor", "wave_title",
    "description", "retraction_reason",
}  # fmt: skip
"""Attributes that hold what somebody wrote."""


_Values = Mapping[str, Sequence[ast.AST]]


def _list_bare(node: ast.AST, values: _Values) -> Iterator[str]:
    """Yield the written texts of an argument that nothing escapes, those in its variables too."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        # `t(page.title)` is a text of the catalogue; a length is a number.
        if name in {"escape_markdown", "len", "sum"}:
            return
        if name == "t":
            for keyword in node.keywords:
                yield from _list_bare(keyword.value, values)
            return
    # A constant such as `OPERATOR` is nobody's text.
    if isinstance(node, ast.Attribute) and node.attr in WRITTEN and not _is_constant(node.value):
        yield ast.unparse(node)
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.Name):
        others = {name: known for name, known in values.items() if name != node.id}
        for value in values.get(node.id, ()):
            yield from _list_bare(value, others)
    for child in ast.iter_child_nodes(node):
        yield from _list_bare(child, values)


def _is_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper()


def _collect_values(function: ast.AST) -> _Values:
    """Return the texts that plain variables of a function are given, by name."""
    values = defaultdict(list)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, _TEXTS):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    values[target.id].append(node.value)
    return values


_TEXTS = (ast.Attribute, ast.BinOp, ast.IfExp, ast.JoinedStr, ast.Call)


def _list_faults(source: str) -> list[str]:
    tree = ast.parse(source)
    functions: list[ast.AST] = [
        part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef)
    ]
    parts = functions or [tree]
    return sorted(
        {
            f"line {call.lineno}: {bare}"
            for part in parts
            for values in [_collect_values(part)]
            for call in ast.walk(part)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in DRAWING
            and call.args
            for bare in _list_bare(call.args[0], values)
        }
    )


def test_what_people_wrote_is_escaped_where_streamlit_reads_markdown() -> None:
    faults = {
        path.relative_to(SOURCE).as_posix(): found
        for room in ("kit", "screens")
        for path in sorted((SOURCE / room).rglob("*.py"))
        if (found := _list_faults(path.read_text("utf-8")))
    }
    assert faults == {}


@pytest.mark.parametrize(
    "source",
    [
        "st.subheader(wave.label(language))",
        "st.markdown(f'**{check.summary.title[language]}**')",
        "st.caption(t('{name} signs', name=person.name))",
        "count.caption(task.point_name)",
        "st.button(t('Take {name} off', name=reader.name), key='x')",
        "title = f'{point.name} · 5'\nst.expander(title)",
    ],
)
def test_the_next_one_is_found(source: str) -> None:
    assert _list_faults(source)


def test_a_title_full_of_signs_stays_as_it_is() -> None:
    escaped = escape_markdown("**2026** [main](http://x) :red[!] $a$ <b>")
    assert escaped == (r"\*\*2026\*\* \[main\](http\://x) \:red\[!\] \$a\$ \<b\>")
