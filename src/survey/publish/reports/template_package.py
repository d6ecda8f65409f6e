"""Inspection of the file of a Word template: what a template of reports has no business to hold.

A report goes to a hundred city governments. What Word would load from elsewhere or run when they
open it, or what would fill the memory of the server, is refused before the file is opened.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from survey.locale import Message, msg

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


def find_package_problems(template: Path) -> list[Message]:
    """Return what is wrong with the file, before a reader of Word documents opens it.

    A file that is no archive has no problem here: the reader names it.
    """
    if template.stat().st_size > MAX_FILE_BYTES:
        return [_describe_size(MAX_FILE_BYTES)]
    try:
        archive = zipfile.ZipFile(template)
    except (zipfile.BadZipFile, NotImplementedError):
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
    """Yield what is wrong with a part; one that cannot be read is wrong, whoever else reads it.

    Damaged, encrypted, or packed in a way that Python does not know.
    """
    try:
        content = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
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
    """Yield fields of Word that would load or run something.

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
