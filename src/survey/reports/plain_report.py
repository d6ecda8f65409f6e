"""Word and PDF files that are no report of a wave: title, who makes them, sections in order."""

from collections.abc import Iterable

from survey.access.work import Work
from survey.locale import translator
from survey.reports.contents import Imprint, Report, ReportSection
from survey.reports.pictures import report_pictures
from survey.reports.report_builder import WORDS
from survey.reports.report_service import MEDIA_TYPES, ReportFile, ReportFormat
from survey.reports.rule_check import read_rules
from survey.store.china_time import china_date, format_day

PLAIN_FORMATS = (ReportFormat.DOCX, ReportFormat.PDF)


def build_plain_report(
    work: Work,
    *,
    language: str,
    titles: tuple[str, str],
    about: str,
    marks: Iterable[str],
    sections: Iterable[ReportSection | None],
) -> Report:
    """Return a report of today from its sections; those that are None are left out.

    Args:
        titles: Title and subtitle.
        about: What its pages name in their foot, such as the title of a check.
        marks: Cases of the rule `mark`, such as `demo`, that hold.
    """
    rules, t = read_rules(work.settings.report_rules), translator(language)
    words = {name: rules.write(language, "word", name) for name in WORDS}
    title, subtitle = titles
    return Report(
        area="",
        language=language,
        title=title,
        subtitle=subtitle,
        imprint=Imprint(
            organisation=work.settings.report_organisation,
            contact=work.settings.report_contact,
            wave=about,
            made_at=work.now,
            date=format_day(t, china_date(work.now)),
            snapshot="",
            figures="",
            marks=tuple(rules.write(language, "mark", mark) for mark in marks),
        ),
        score="",
        interval="",
        words={**words, "date": t("Made on")},
        findings=(),
        sections=tuple(section for section in sections if section is not None),
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
