"""Check of an association's template: what is wrong is said in words, in Chinese as well."""

from pathlib import Path

import docx
import pytest
from docx.document import Document

from survey.locale import translator
from survey.publish.reports.docx_file import SHIPPED_TEMPLATE, TemplateUnusableError
from survey.publish.reports.template_check import find_template_problems, list_unused_sections


def altered(folder: Path, *, old: str = "", new: str = "", add: str = "") -> Path:
    """The shipped template with one text replaced or a paragraph more."""
    document: Document = docx.Document(str(SHIPPED_TEMPLATE))
    header = document.sections[0].header.paragraphs
    for paragraph in (*document.paragraphs, *header):
        for run in paragraph.runs:
            if old and old in run.text:
                run.text = run.text.replace(old, new)
    if add:
        document.add_paragraph(add)
    path = folder / "own.docx"
    document.save(str(path))
    return path


def problems(path: Path) -> list[str]:
    t = translator("zh")
    return [t(problem) for problem in find_template_problems(path)]


def test_the_shipped_template_is_fine() -> None:
    assert problems(SHIPPED_TEMPLATE) == []
    assert list_unused_sections(SHIPPED_TEMPLATE) == []


@pytest.mark.parametrize(
    ("add", "part"),
    [
        ("{{ scoer }}", "没有字段 scoer"),
        ("{{ sections.strength.title }}", "没有字段 sections.strength"),
        ("{{ words.headline }}", "没有字段 words.headline"),
        ("{{ title.upper }}", "没有字段 title.upper"),
        ("{%p if mark %}", "不完整"),
    ],
)
def test_an_unknown_or_broken_field_is_named(tmp_path: Path, add: str, part: str) -> None:
    (problem,) = problems(altered(tmp_path, add=add))
    assert part in problem


def test_a_template_without_the_marks_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(altered(tmp_path, old="mark", new="area"))
    assert "缺少字段 mark" in problem


def test_a_section_may_be_left_out_but_the_method(tmp_path: Path) -> None:
    own = altered(tmp_path, old="sections.leaders", new="sections.method")
    assert problems(own) == []
    assert list_unused_sections(own) == ["leaders"]
    (problem,) = problems(altered(tmp_path, old="sections.method", new="sections.headline"))
    assert "缺少字段 sections.method" in problem


def test_missing_styles_are_named(tmp_path: Path) -> None:
    path = tmp_path / "plain.docx"
    document = docx.Document()
    document.add_paragraph("{{ title }} {{ mark }}")
    document.add_paragraph("{{p sections.method.body }}")
    document.save(str(path))
    assert [text for text in problems(path) if "Report Table" in text]


def test_another_file_is_no_template(tmp_path: Path) -> None:
    path = tmp_path / "own.docx"
    path.write_bytes(b"PK")
    with pytest.raises(TemplateUnusableError):
        find_template_problems(path)
