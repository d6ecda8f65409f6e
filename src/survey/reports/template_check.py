"""Check of a Word template: its package, its fields, missing ones and missing styles, in words."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from docxtpl import DocxTemplate
from jinja2.exceptions import TemplateSyntaxError

from survey.locale import Message, RefusedError, msg
from survey.reports.docx_file import STYLES, open_template
from survey.reports.report_builder import SECTION_KEYS
from survey.reports.template_language import TemplatePart, read_part

MAX_FILE_BYTES, MAX_UNPACKED_BYTES, MAX_PARTS = 20_000_000, 100_000_000, 1_000
_TEXT = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_SAFE_LINKS = ("https://", "http://", "mailto:")
_ACTIVE = re.compile(
    r"vbaproject|vbadata|macrosheet|activex|oleobject|/control$|/afchunk$|/package$|"
    r"attachedtemplate|keymapcustomizations|attachedtoolbars|mailmerge",
    re.IGNORECASE,
)
"""Kinds of relationship whose target Word runs, merges in or loads."""
_FIELDS = frozenset(
    {"PAGE", "NUMPAGES", "SECTION", "SECTIONPAGES", "TOC", "TC", "PAGEREF", "REF", "NOTEREF",
     "STYLEREF", "SEQ", "HYPERLINK"}
)  # fmt: skip
"""Fields of Word that number pages and tables and point within the document or to a page."""
_RENDERED = re.compile(r"word/(document|header\d*|footer\d*)\.xml")
_TAG = re.compile(r"\{[{%#]")

_NO_ARCHIVE = (zipfile.BadZipFile, NotImplementedError)
"""What `zipfile` raises for what is none, and for a version or a packing that it does not know."""


def find_package_problems(template: Path) -> list[Message]:
    """Return what is wrong with the package of a template, before a Word library opens it.

    A file that is no archive has no problem here: the reader names it.
    """
    if template.stat().st_size > MAX_FILE_BYTES:
        return [_describe_size(MAX_FILE_BYTES)]
    try:
        archive = zipfile.ZipFile(template)
    except _NO_ARCHIVE:
        return []
    with archive:
        members = archive.infolist()
        if len(members) > MAX_PARTS:
            return [_describe_size(MAX_FILE_BYTES)]
        if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
            return [_describe_size(MAX_UNPACKED_BYTES)]
        return [
            problem
            for member in members
            if member.filename.lower().endswith((".xml", ".rels"))
            for problem in _inspect_member(archive, member)
        ]


def _inspect_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[Message]:
    """Yield the problems of one file in a Word package, among them that it cannot be read.

    Damaged, encrypted, or packed in a way that Python does not know.
    """
    try:
        content = archive.read(member)
    except (*_NO_ARCHIVE, zlib.error, EOFError, RuntimeError):
        yield _describe_unreadable(member.filename)
        return
    yield from _inspect_part(member.filename, content)


def _describe_unreadable(part: str) -> Message:
    return msg("{part} in the template is no XML that can be read.", part=part)


def _describe_size(limit: int) -> Message:
    return msg(
        "The template is too large: it may have {size} MB, packed or unpacked.",
        size=limit // 1_000_000,
    )


def _inspect_part(name: str, content: bytes) -> Iterator[Message]:
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException):
        yield _describe_unreadable(name)
        return
    if name.lower().endswith(".rels"):
        yield from _inspect_relations(root)
        return
    yield from _inspect_fields(root)
    if not _RENDERED.fullmatch(name) and _TAG.search("".join(root.itertext())):
        yield msg(
            "Fields may stand in text, header and footer; {part} has braces of a field.", part=name
        )


def _inspect_relations(root: Element) -> Iterator[Message]:
    for relation in root.iter(_RELATIONSHIP):
        kind, target = relation.get("Type", ""), relation.get("Target", "")
        is_link = kind.endswith("/hyperlink") and target.lower().startswith(_SAFE_LINKS)
        if relation.get("TargetMode", "").lower() == "external" and not is_link:
            yield msg(
                "The template loads something from elsewhere: {target}. Pictures have to be "
                "embedded, and links begin with http or mailto.",
                target=target[:200],
            )
        elif _ACTIVE.search(kind):
            yield msg(
                "The template holds macros, controls or another file: {target}.",
                target=target[:200],
            )


def _inspect_fields(root: Element) -> Iterator[Message]:
    """Yield a problem per Word field in the XML `root` that is not allowed.

    The name of a field may lie in several runs, so the texts between two marks are joined.
    """
    texts, current = [], ""
    for element in root.iter():
        if element.tag == f"{_TEXT}fldSimple":
            texts.append(element.get(f"{_TEXT}instr", ""))
        elif element.tag == f"{_TEXT}fldChar":
            texts.append(current)
            current = ""
        elif element.tag == f"{_TEXT}instrText":
            current += element.text or ""
    for text in (*texts, current):
        name = text.split()[0].upper() if text.strip() else ""
        if name and name not in _FIELDS:
            yield msg(
                "The template has the Word field {field}, not one of those allowed: {known}.",
                field=name[:40],
                known=", ".join(sorted(_FIELDS)),
            )


_MARK = "mark"
_MUST = ("title", _MARK, "sections.method.body")
"""Fields without which a report would hide what it is: demonstration, unreleased, its method."""
_BODY_BESIDE_TEXT = re.compile(r"\{\{\s*(?!p\s)[^}]*\.body\s*\}\}")


def require_usable_template(template: Path) -> None:
    """Raise `RefusedError` with the first problem of a template, if there is any."""
    stat = template.stat() if template.exists() else None
    problem = _find_first_problem(template, stat and (stat.st_mtime_ns, stat.st_size))
    if problem is not None:
        raise RefusedError(
            "template_unusable",
            msg(
                "The template {file} cannot be filled: {reason}", file=template.name, reason=problem
            ),
        )


@lru_cache(maxsize=8)
def _find_first_problem(template: Path, _version: object) -> Message | None:
    return next(iter(find_template_problems(template)), None)


def find_template_problems(template: Path) -> list[Message]:
    """Return problems for which a template cannot be used; raise if it is no Word document.

    Raises:
        RefusedError: the file is no Word document.
    """
    if template.exists():
        problems = find_package_problems(template)
        if problems:
            return problems
    document = open_template(template)
    parts: list[TemplatePart] = []
    for place, source, has_bodies in _read_sources(document):
        try:
            part = read_part(source, has_bodies=has_bodies)
        except TemplateSyntaxError as error:
            problems.append(
                msg(
                    "In the {place}: a field or a tag is not complete ({reason}).",
                    place=place,
                    reason=error.message,
                )
            )
            continue
        parts.append(part)
        problems += part.problems
    # The text with its tags as they were typed, whatever the runs.
    typed = re.sub(r"<[^>]*>", "", document.get_xml().replace("</w:p>", "\n"))
    if _BODY_BESIDE_TEXT.search(typed):
        problems.append(
            msg("The body of a section stands alone in its paragraph, as {example}.",
                example="{{p sections.method.body }}")
        )  # fmt: skip
    if not problems:
        problems += _find_missing_fields(document, parts)
    styles = {style.name for style in document.docx.styles}
    return problems + [
        msg("The style “{style}” is missing; reports are written in it.", style=style)
        for style in STYLES
        if style not in styles
    ]


def _find_missing_fields(document: DocxTemplate, parts: list[TemplatePart]) -> Iterator[Message]:
    always = {name for part in parts for name in part.always}
    missing = [name for name in _MUST if name not in always]
    for name in missing:
        yield msg("The field {field} is missing; every report must say it.", field=name)
    if _MARK not in missing and not _is_marked_on_every_page(document):
        yield msg(
            "The field {field} has to stand in the header or the footer of every kind of page.",
            field=_MARK,
        )


def _is_marked_on_every_page(document: DocxTemplate) -> bool:
    """Return whether every kind of page has the field `mark` in its header or footer."""
    docx = document.docx
    for section in docx.sections:
        pages = [(section.header, section.footer)]
        if section.different_first_page_header_footer:
            pages.append((section.first_page_header, section.first_page_footer))
        if docx.settings.odd_and_even_pages_header_footer:
            pages.append((section.even_page_header, section.even_page_footer))
        for ends in pages:
            sources = [document.patch_xml(document.get_part_xml(end.part)) for end in ends]
            if not any(_MARK in read_part(text, has_bodies=False).always for text in sources):
                return False
    return True


def list_unused_sections(template: Path) -> list[str]:
    """Return the keys of the sections whose bodies a template leaves out, which is allowed."""
    sources = _read_sources(open_template(template))
    names = {name for _, source, bodies in sources
             for name in read_part(source, has_bodies=bodies).printed}  # fmt: skip
    return [key for key in SECTION_KEYS if f"sections.{key}.body" not in names]


def _read_sources(document: DocxTemplate) -> Iterator[tuple[Message, str, bool]]:
    """Yield (name, XML source, whether sections may be there) of text, headers and footers.

    With each stands its name and whether sections may be written there.
    """
    yield msg("text"), document.patch_xml(document.get_xml()), True
    for uri, place in ((document.HEADER_URI, msg("header")), (document.FOOTER_URI, msg("footer"))):
        for _, part in document.get_headers_footers(uri):
            yield place, document.patch_xml(document.get_part_xml(part)), False
