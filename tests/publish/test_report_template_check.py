"""Check of an association's template: what is wrong is said in words, in Chinese as well."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.document import Document

from survey.locale import translator
from survey.reports.docx_file import SHIPPED_TEMPLATE
from survey.reports.template_check import (
    find_template_problems,
    list_unused_sections,
    require_usable_template,
)
from tests.error_codes import raises_code


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


@pytest.mark.parametrize(
    "add",
    [
        # Another figure, or none of the uncertainty.
        "{{ title|replace('不', '') }}",
        "{{ snapshot[:0] }}",
        "{{ title ~ '99.9' }}",
        "{{ findings }}",
        "{{ sections }}",
        "{{ sections.tree }}",
        "{%p for title in findings %}{{ title }}{%p endfor %}",
        # What never ends or fills the memory, without a name of its own.
        "{{ 9 ** 9 ** 9 }}",
        "{{ 'x' * 10 ** 12 }}",
        "{% for a in 'xxxxxxxxxx' %}{% endfor %}",
        "{% for a in findings %}{% for b in findings %}{% endfor %}{% endfor %}",
        "{% include 'other' %}",
        "{% macro m() %}{% endmacro %}",
        "{% set mark = '' %}",
        "{% autoescape false %}{% endautoescape %}",
        "{{ ''.__class__.__mro__ }}",
        # Reports without such a section could not be printed, or would not open.
        "{{ sections.change.title }}",
        "{%p if not sections.change %}{{ sections.change.title }}{%p endif %}",
        "{{ sections.method.body }}",
    ],
)
def test_a_template_names_fields_and_does_nothing_else(tmp_path: Path, add: str) -> None:
    assert problems(altered(tmp_path, add=add))


def test_the_marks_stand_on_every_page_whatever_holds(tmp_path: Path) -> None:
    def save(change: Callable[[Document], None]) -> Path:
        document: Document = docx.Document(str(SHIPPED_TEMPLATE))
        change(document)
        path = tmp_path / "marks.docx"
        document.save(str(path))
        return path

    def leave_header(document: Document) -> None:
        for run in document.sections[0].header.paragraphs[0].runs:
            run.text = run.text.replace("{{ mark }}", "")

    def leave_first_page(document: Document) -> None:
        document.sections[0].different_first_page_header_footer = True

    def leave_even_pages(document: Document) -> None:
        document.settings.odd_and_even_pages_header_footer = True

    def leave_section(document: Document) -> None:
        header = document.add_section().header
        header.is_linked_to_previous = False

    def set_condition(document: Document) -> None:
        for run in document.sections[0].header.paragraphs[0].runs:
            run.text = run.text.replace(
                "{{ mark }}", "{% if sections.change %}{{ mark }}{% endif %}"
            )

    for change in (leave_header, leave_first_page, leave_even_pages, leave_section, set_condition):
        (problem,) = problems(save(change))
        assert "mark" in problem, change
    assert problems(save(lambda _: None)) == []


def repacked(folder: Path, **parts: bytes | tuple[bytes, bytes]) -> Path:
    """The shipped template with parts more, or with one text of a part replaced; `__` is `/`."""
    path = folder / "repacked.docx"
    changes = {name.replace("__", "/").replace("_dot_", "."): new for name, new in parts.items()}
    with zipfile.ZipFile(SHIPPED_TEMPLATE) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            change = changes.pop(member.filename, None)
            if isinstance(change, tuple):
                assert change[0] in content
                content = content.replace(*change)
            new.writestr(member.filename, content)
        for name, content_of_new in changes.items():
            assert isinstance(content_of_new, bytes)
            new.writestr(name, content_of_new, zipfile.ZIP_DEFLATED)
    return path


RELATIONS = "word___rels__document_dot_xml_dot_rels"
END = b"</Relationships>"
KINDS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def relation(kind: bytes, target: bytes, *, external: bool = True) -> tuple[bytes, bytes]:
    mode = b' TargetMode="External"' if external else b""
    added = b'<Relationship Id="rX" Type="%s/%s" Target="%s"%s/>' % (KINDS, kind, target, mode)
    return END, added + END


@pytest.mark.parametrize(
    ("kind", "target", "external"),
    [
        (b"attachedTemplate", b"https://example.org/x.dotm", True),
        (b"image", b"https://example.org/seen.png", True),
        (b"hyperlink", b"file://server/share", True),
        (b"oleObject", b"embeddings/a.bin", False),
        (b"aFChunk", b"a.html", False),
    ],
)
def test_what_word_would_load_or_run_is_named(
    tmp_path: Path, kind: bytes, target: bytes, external: bool
) -> None:
    own = repacked(tmp_path, **{RELATIONS: relation(kind, target, external=external)})
    (problem,) = problems(own)
    assert target.decode() in problem


ODD_PART = b"customXml/odd.xml"


def damage(content: bytes) -> bytes:
    start = content.index(ODD_PART) + len(ODD_PART)
    return content[:start] + b"\xff" * 8 + content[start + 8 :]


def encrypt(content: bytes) -> bytes:
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(ODD_PART))
    return content[: entry + 8] + bytes([content[entry + 8] | 1]) + content[entry + 9 :]


def pack_otherwise(content: bytes) -> bytes:
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(ODD_PART))
    return content[: entry + 10] + bytes([99]) + content[entry + 11 :]


@pytest.mark.parametrize("change", [damage, encrypt, pack_otherwise])
def test_a_part_that_cannot_be_read_is_named_and_hides_no_other(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """No reader of Word documents opens a part that nothing refers to: it was passed silently."""
    image = relation(b"image", b"https://example.org/seen.png")
    own = repacked(tmp_path, **{RELATIONS: image, "customXml__odd_dot_xml": b"<a>text</a>" * 40})
    own.write_bytes(change(own.read_bytes()))
    found = problems(own)
    assert sum(ODD_PART.decode() in problem for problem in found) == 1
    assert sum("seen.png" in problem for problem in found) == 1


def test_an_archive_of_a_later_kind_is_no_word_document(tmp_path: Path) -> None:
    """It asks for a version of the format that there is not yet: nothing of it can be opened."""
    own = repacked(tmp_path, word__more_dot_xml=b"<a/>")
    content = own.read_bytes()
    entry = content.rindex(b"PK\x01\x02")
    own.write_bytes(content[: entry + 6] + bytes([99]) + content[entry + 7 :])
    with pytest.raises(NotImplementedError):
        zipfile.ZipFile(own)
    with raises_code("template_unusable", match="no Word document"):
        problems(own)


def test_a_link_to_a_page_is_allowed(tmp_path: Path) -> None:
    link = relation(b"hyperlink", b"https://example.org/")
    assert problems(repacked(tmp_path, **{RELATIONS: link})) == []


def test_fields_of_word_that_load_something_are_named(tmp_path: Path) -> None:
    field = (
        b"</w:instrText>",
        b'</w:instrText></w:r><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> '
        b"DDE</w:instrText></w:r><w:r><w:instrText>AUTO cmd</w:instrText>",
    )
    found = problems(repacked(tmp_path, word__footer1_dot_xml=field))
    assert found
    assert all("DDEAUTO" in problem for problem in found)


def test_a_file_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    (problem,) = problems(repacked(tmp_path, word__more_dot_xml=b" " * 100_000_001))
    assert "MB" in problem


def test_fields_outside_text_header_and_footer_are_named(tmp_path: Path) -> None:
    """The renderer would fill properties and footnotes, too, where nothing was checked."""
    document: Document = docx.Document(str(SHIPPED_TEMPLATE))
    document.core_properties.title = "{{ 9 ** 9 ** 9 }}"
    path = tmp_path / "own.docx"
    document.save(str(path))
    (problem,) = problems(path)
    assert "docProps/core.xml" in problem


def test_no_report_is_written_in_a_template_that_the_check_refuses(tmp_path: Path) -> None:
    own = altered(tmp_path, old="{{ mark }}", new="")
    with raises_code("template_unusable", match="mark"):
        require_usable_template(own)
    require_usable_template(SHIPPED_TEMPLATE)
    altered(tmp_path)
    require_usable_template(own)


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
    with raises_code("template_unusable"):
        find_template_problems(path)
