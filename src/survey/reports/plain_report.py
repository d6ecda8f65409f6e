"""Word and PDF files that are no report of a wave: title, who makes them, sections in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from survey.locale import translator
from survey.reports.contents import Imprint, Report, ReportSection
from survey.reports.pictures import report_pictures
from survey.reports.report_builder import WORDS
from survey.reports.report_service import MEDIA_TYPES, ReportFile, ReportFormat
from survey.reports.rule_check import read_rules
from survey.settings import Settings
from survey.store.china_time import china_date, format_day

PLAIN_FORMATS = (ReportFormat.DOCX, ReportFormat.PDF)


@dataclass(frozen=True, eq=False)
class PlainContents:
    """What such a file says: titles, what its pages name in their foot, and its sections."""

    title: str
    subtitle: str
    about: str
    """Such as the title of the check."""
    marks: Mapping[str, bool]
    """Case of the rule `mark`, such as `demo` -> whether it holds."""
    sections: Sequence[ReportSection | None]
    """Those that are None are left out."""


def build_plain_report(
    settings: Settings, language: str, contents: PlainContents, *, now: datetime
) -> Report:
    """Return the report of contents that were read for whoever gets it, made `now`."""
    rules, t = read_rules(settings.report_rules), translator(language)
    words = {name: rules.write(language, "word", name) for name in WORDS}
    marks = [mark for mark, holds in contents.marks.items() if holds]
    return Report(
        area="",
        language=language,
        title=contents.title,
        subtitle=contents.subtitle,
        imprint=Imprint(
            organisation=settings.report_organisation,
            contact=settings.report_contact,
            wave=contents.about,
            made_at=now,
            date=format_day(t, china_date(now)),
            snapshot="",
            figures="",
            marks=tuple(rules.write(language, "mark", mark) for mark in marks),
        ),
        score="",
        interval="",
        words={**words, "date": t("Made on")},
        findings=(),
        sections=tuple(section for section in contents.sections if section is not None),
    )


def write_plain_report(report: Report, name: str, form: ReportFormat) -> ReportFile:
    """Return a report as the file `name`, in Word or as PDF, without the ending in `name`."""
    # Imported when one is made, as in `report_service`: a page is drawn without them.
    if form is ReportFormat.DOCX:
        from survey.reports.docx_file import PLAIN_TEMPLATE, write_docx

        content = write_docx(report, PLAIN_TEMPLATE)
    else:
        from survey.reports.pdf_file import write_pdf

        with report_pictures() as pictures:
            content = write_pdf(report, pictures)
    return ReportFile(f"{name}.{form}", MEDIA_TYPES[form], content)
