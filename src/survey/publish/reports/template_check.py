"""Check of a Word template: its file, its fields, missing ones and missing styles, in words."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from docxtpl import DocxTemplate
from jinja2.exceptions import TemplateSyntaxError

from survey.locale import Message, RefusedError, msg
from survey.publish.reports.docx_body import STYLES
from survey.publish.reports.docx_file import open_template
from survey.publish.reports.report_builder import SECTION_KEYS
from survey.publish.reports.template_language import TemplatePart, read_part
from survey.publish.reports.template_package import find_package_problems

_MARK = "mark"
_MUST = ("title", _MARK, "sections.method.body")
"""Fields without which a report would hide what it is: demonstration, unreleased, its method."""
_BODY_BESIDE_TEXT = re.compile(r"\{\{\s*(?!p\s)[^}]*\.body\s*\}\}")


def require_usable_template(template: Path) -> None:
    """Raise `RefusedError` with the first problem of a template, if it has any."""
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
    """Return what keeps a template from being used; none where it is fine.

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
    if _BODY_BESIDE_TEXT.search(_read_text(document)):
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
    """Return whether header or footer of each kind of page in each section has the mark."""
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
    """Return the sections that a template leaves out, which is allowed."""
    sources = _read_sources(open_template(template))
    names = {name for _, source, bodies in sources
             for name in read_part(source, has_bodies=bodies).printed}  # fmt: skip
    return [key for key in SECTION_KEYS if f"sections.{key}.body" not in names]


def _read_sources(document: DocxTemplate) -> Iterator[tuple[Message, str, bool]]:
    """Yield the parts of a template with its tags as the renderer sees them.

    With each stands its name and whether sections may be written there.
    """
    yield msg("text"), document.patch_xml(document.get_xml()), True
    for uri, place in ((document.HEADER_URI, msg("header")), (document.FOOTER_URI, msg("footer"))):
        for _, part in document.get_headers_footers(uri):
            yield place, document.patch_xml(document.get_part_xml(part)), False


def _read_text(document: DocxTemplate) -> str:
    """Return the text of the template with its tags as they were typed, whatever the runs."""
    return re.sub(r"<[^>]*>", "", document.get_xml().replace("</w:p>", "\n"))
