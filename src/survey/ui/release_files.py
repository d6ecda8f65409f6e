"""Choice of the files that a release is to hold: kinds, languages and formats of reports."""

from collections.abc import Sequence

import streamlit as st

from survey.locale import LANGUAGES, msg
from survey.publish.publications.file_builders import FILE_BUILDERS
from survey.publish.publications.publication_source import REPORTS, FileBuilderName, FileChoice
from survey.publish.reports.report_service import ReportFormat
from survey.ui.page_runner import PageContext

_LANGUAGE_NAMES = {"zh": msg("Chinese language"), "en": msg("English language")}
_FORMAT_NAMES = {
    ReportFormat.DOCX: "Word",
    ReportFormat.PDF: "PDF",
    ReportFormat.PPTX: "PowerPoint",
}


def describe_files(page: PageContext, approved: Sequence[str]) -> str:
    """Return the kinds of files in an approved list, in words."""
    names = [FileChoice.parse(text).name for text in approved]
    return page.t(", ").join(page.t(FILE_BUILDERS[name].name) for name in names)


def draw_file_choices(page: PageContext) -> tuple[str, ...]:
    """Draw the choice and return the approved list; the figures are in every release."""
    t = page.t
    offered = [name for name in FILE_BUILDERS if name is not FileBuilderName.FIGURES]
    names = st.multiselect(
        t("Files, besides every figure with its id"),
        offered,
        default=[FileBuilderName.TABLES],
        format_func=lambda name: t(FILE_BUILDERS[name].name),
        # The browser knows an option by its label, so each language needs a widget of its own.
        key=f"releases/builders/{page.language}",
        help=t("Rows of people are in no release. City reports take minutes to build."),
    )
    # Below each other on a phone: side by side their choices do not fit.
    of_language, of_format = st.columns(2)
    with of_language:
        languages = st.multiselect(
            t("Languages"),
            LANGUAGES,
            default=list(LANGUAGES),
            format_func=lambda code: t(_LANGUAGE_NAMES[code]),
            key=f"releases/languages/{page.language}",
        )
    with of_format:
        formats = st.multiselect(
            t("Formats of reports"),
            list(ReportFormat),
            default=[ReportFormat.DOCX, ReportFormat.PDF],
            format_func=_FORMAT_NAMES.__getitem__,
            key="releases/formats",
        )
    ordered = tuple(code for code in LANGUAGES if code in languages) or LANGUAGES
    forms = tuple(form for form in ReportFormat if form in formats) or tuple(ReportFormat)
    choices = [
        FileChoice(name, ordered, forms if name in REPORTS else ())
        for name in offered
        if name in names
    ]
    return (FileBuilderName.FIGURES.value, *map(str, choices))
