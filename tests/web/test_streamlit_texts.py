"""Streamlit's own texts: the installed version still shows them, and every page brings ours."""

import re
from pathlib import Path

import pytest
from streamlit import file_util

from survey.kit.page_access import DocumentChangedError, build_document
from survey.locale import translator
from survey.web.assets import asset_url
from survey.web.streamlit_texts import STREAMLIT_TEXTS, streamlit_texts

SCRIPTS = Path(file_util.get_static_dir()) / "static" / "js"
ELSEWHERE = re.compile(r"Diagram|mermaid|katex|cytoscape|SyntaxHighlighter|ECharts|Plotly")
AXIS = ("-axis`", " titled '${", " scale with ${", "`discrete`", "values from ${", ", ending with ")
PRESS = ("`Press Enter to ${", "+Enter to ${", "`submit form`", "`apply`")
MISSING_PAGE = "The page that you have requested does not seem to exist"
ASSEMBLED = {
    "X-axis": AXIS,
    "Y-axis": AXIS,
    "Symbol legend": ("} legend`", "Symbol legend"),
    "group mark container": ("mark container", "group:"),
    "Press ": PRESS,
    "Choose date, ": ("`Choose date`",),
    "year, ": ("`year`",),
    "month, ": ("`month`",),
    "{number} option": ("} option", "available."),
    "add icon": ("} icon`",),
    "Error:": ("`Error: `",),
    f"{MISSING_PAGE}.": (MISSING_PAGE, ". Running the app's main page."),
    "You have requested page": ("You have requested page /", "Running the app's main page."),
}
"""Beginning of a text that Streamlit puts together -> its parts."""
LETTERS = re.compile(r"[A-Za-z]{2}")


@pytest.fixture(scope="module")
def bundle() -> str:
    files = (file for file in sorted(SCRIPTS.glob("*.js")) if not ELSEWHERE.search(file.name))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def _literals(text: str) -> list[str]:
    """The text as the bundle has it: in quotes, or the parts around what is filled in."""
    assembled = next((ASSEMBLED[start] for start in ASSEMBLED if text.startswith(start)), ())
    if assembled:
        return list(assembled)
    if "{" not in text:
        return [f"`{text}`"]
    return [part for part in re.split(r"\{\w+\}", text) if LETTERS.search(part)]


def test_streamlit_still_uses_the_texts_that_are_translated(bundle: str) -> None:
    """An upgrade that words something anew fails here, and the catalog follows."""
    texts = {message.msgid for part in STREAMLIT_TEXTS.values() for message in part}
    gone = {text for text in texts if any(part not in bundle for part in _literals(text))}
    assert gone == set()


def test_every_text_of_streamlit_has_a_translation() -> None:
    known = {source for _part, source, _text in streamlit_texts("zh")}
    assert {m.msgid for part in STREAMLIT_TEXTS.values() for m in part} - known == set()
    assert streamlit_texts("en") == []


@pytest.mark.parametrize(("language", "code"), [("zh", "zh-CN"), ("en", "en")])
def test_the_document_of_a_page_speaks_the_readers_language(language: str, code: str) -> None:
    html = build_document(language).content.decode()
    assert f'<html lang="{code}">' in html
    assert f"<title>{translator(language)('Hundred Cities Survey')}</title>" in html
    assert "Streamlit app" not in html
    ours, streamlits = html.index(asset_url("streamlit.js")), html.index("./static/js/index.")
    assert ours < streamlits, "it has to run before Streamlit asks for the browser's language"


def test_another_document_of_streamlit_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text("<html><noscript></noscript></html>", encoding="utf-8")
    monkeypatch.setattr("streamlit.file_util.get_static_dir", lambda: str(tmp_path))
    build_document.cache_clear()
    with pytest.raises(DocumentChangedError, match="html lang"):
        build_document("zh")
    build_document.cache_clear()
