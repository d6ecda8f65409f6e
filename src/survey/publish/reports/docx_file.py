"""Report as a Word document, from a template that an association edits in Word."""

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from docx.oxml.ns import qn
from docxtpl import DocxTemplate
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from survey.locale import RefusedError, msg
from survey.publish.reports.captions import number_captions
from survey.publish.reports.contents import Report
from survey.publish.reports.docx_body import BodyWriter
from survey.publish.reports.office_zip import normalise_zip
from survey.publish.reports.pictures import ReportPictures

SHIPPED_TEMPLATE = Path(__file__).with_name("report.docx")
_LANGUAGE_TAGS: Mapping[str, str] = MappingProxyType({"zh": "zh-CN", "en": "en-GB"})


def open_template(template: Path) -> DocxTemplate:
    """Return a Word template, opened.

    Raises:
        RefusedError: the file is no Word document.
    """
    try:
        opened = DocxTemplate(io.BytesIO(template.read_bytes()))
        opened.init_docx()
    except Exception as error:  # docx raises errors of zip, XML and its own
        raise RefusedError(
            "template_unusable",
            msg("{file} is no Word document (.docx) that can be opened.", file=template.name),
        ) from error
    return opened


def write_docx(
    report: Report, template: Path | None = None, pictures: ReportPictures | None = None
) -> bytes:
    """Return the report as a Word document; the same report gives the same bytes."""
    file = template or SHIPPED_TEMPLATE
    document = open_template(file)
    writer = BodyWriter(document.docx.part, number_captions(report), pictures or ReportPictures())
    environment = SandboxedEnvironment(autoescape=True)
    try:
        document.render(template_fields(report, writer), environment, autoescape=True)
    except TemplateError as error:
        raise RefusedError(
            "template_unusable",
            msg("The template {file} cannot be filled: {reason}", file=file.name, reason=error),
        ) from error
    _set_properties(document.docx.core_properties, report)
    _set_language(document.docx.styles.element, report)
    buffer = io.BytesIO()
    document.save(buffer)
    return normalise_zip(buffer.getvalue())


def template_fields(report: Report, writer: BodyWriter) -> dict[str, Any]:
    """Return every field that a template may name (docs/reports.md)."""
    imprint = report.imprint
    return {
        "title": report.title,
        "subtitle": report.subtitle,
        "area": report.area,
        "organisation": imprint.organisation,
        "contact": imprint.contact,
        "wave": imprint.wave,
        "date": imprint.date,
        "snapshot": imprint.snapshot,
        "figures": imprint.figures,
        "mark": " · ".join(imprint.marks),
        "words": report.words,
        "findings": list(report.findings),
        "sections": {
            section.key: {"title": section.title, "body": Markup(writer.write(section))}
            for section in report.sections
        },
    }


def _set_properties(properties: Any, report: Report) -> None:
    properties.title = report.title
    properties.subject = report.subtitle
    properties.author = report.imprint.organisation
    properties.last_modified_by = report.imprint.organisation
    properties.created = properties.modified = report.imprint.made_at.replace(tzinfo=None)
    properties.revision = 1
    properties.language = _LANGUAGE_TAGS[report.language]


def _set_language(styles: Any, report: Report) -> None:
    """Name the languages of the text: Chinese signs are those of the mainland in every report.

    Without a name, or with one of another country, an office program draws the signs of that.
    """
    for named in styles.iter(qn("w:lang")):
        named.set(qn("w:val"), _LANGUAGE_TAGS[report.language])
        named.set(qn("w:eastAsia"), _LANGUAGE_TAGS["zh"])
