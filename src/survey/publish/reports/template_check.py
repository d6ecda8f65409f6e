"""Check of a Word template: unknown fields, missing ones and missing styles, in words."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from docxtpl import DocxTemplate
from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from survey.locale import Message, msg
from survey.publish.reports.docx_body import STYLES
from survey.publish.reports.docx_file import open_template
from survey.publish.reports.report_builder import SECTION_KEYS, WORDS

FIELDS = frozenset(
    {"title", "subtitle", "area", "organisation", "contact", "wave", "date", "snapshot", "mark"}
)
_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"words": WORDS, "sections": SECTION_KEYS, "findings": ()}
)
_MUST = ("title", "mark", "sections.method")
"""Fields without which a report would hide what it is: demonstration, unreleased, its method."""
_BODY = re.compile(r"\{\{\s*(?!p\s)[^}]*\.body\s*\}\}")


def find_template_problems(template: Path) -> list[Message]:
    """Return what keeps a template from being used; none where it is fine.

    Raises:
        TemplateUnusableError: the file is no Word document.
    """
    document = open_template(template)
    problems: list[Message] = []
    names: set[str] = set()
    for place, source in _read_sources(document):
        try:
            names |= set(_list_names(source))
        except TemplateSyntaxError as error:
            problems.append(
                msg(
                    "In the {place}: a field or a tag is not complete ({reason}).",
                    place=place,
                    reason=error.message,
                )
            )
    unknown = [name for name in sorted(names) if not _is_known(name)]
    problems += [
        _describe_unknown(name)
        for name in unknown
        if not any(other.startswith(f"{name}.") for other in unknown)
    ]
    if not problems:
        problems += [
            msg("The field {field} is missing; every report must say it.", field=name)
            for name in _MUST
            if not any(own == name or own.startswith(f"{name}.") for own in names)
        ]
    styles = {style.name for style in document.docx.styles}
    return problems + [
        msg("The style “{style}” is missing; reports are written in it.", style=style)
        for style in STYLES
        if style not in styles
    ]


def list_unused_sections(template: Path) -> list[str]:
    """Return the sections that a template leaves out, which is allowed."""
    names = {
        name for _, source in _read_sources(open_template(template)) for name in _list_names(source)
    }
    return [
        key for key in SECTION_KEYS if not any(name.startswith(f"sections.{key}") for name in names)
    ]


def _read_sources(document: DocxTemplate) -> Iterator[tuple[Message, str]]:
    """Yield the parts of a template with its tags as the renderer sees them."""
    yield msg("text"), document.patch_xml(document.get_xml())
    for uri, place in ((document.HEADER_URI, msg("header")), (document.FOOTER_URI, msg("footer"))):
        for _, part in document.get_headers_footers(uri):
            yield place, document.patch_xml(document.get_part_xml(part))


def _list_names(source: str) -> Iterator[str]:
    """Yield every dotted name that a template reads, without the names that it sets itself."""
    tree = SandboxedEnvironment().parse(source)
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    for node in tree.find_all((nodes.Getattr, nodes.Name)):
        name = _join_dotted_name(node)
        if name and name.partition(".")[0] not in own:
            yield name


def _join_dotted_name(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name if node.ctx == "load" else ""
    if isinstance(node, nodes.Getattr):
        head = _join_dotted_name(node.node)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _is_known(name: str) -> bool:
    head, _, rest = name.partition(".")
    if head in FIELDS or head == "findings":
        return not rest
    if head not in _PARTS:
        return False
    key, _, part = rest.partition(".")
    if not key:
        return True
    return key in _PARTS[head] and part in ({"", "title", "body"} if head == "sections" else {""})


def _describe_unknown(name: str) -> Message:
    head = name.partition(".")[0]
    known = [f"{head}.{key}" for key in _PARTS.get(head, ())] or sorted({*FIELDS, *_PARTS})
    return msg("There is no field {field}. There are: {known}.", field=name, known=", ".join(known))
