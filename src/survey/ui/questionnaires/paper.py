"""Tab of the paper questionnaire: language, size of print, and the file."""

from functools import partial

import streamlit as st

from survey.instrument.model import Instrument
from survey.publish.paper_form_pdf import LARGE_PRINT, paper_form_pdf
from survey.ui.download_button import PDF, File, draw_download_button, name_file
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick


def draw_paper(page: PageContext, instrument: Instrument, file_stem: str) -> None:
    """Draw the choice of language and size, and the download of the printable questionnaire."""
    t = page.t
    st.markdown(
        t(
            "A printable questionnaire on A4. Questions and answers carry the numbers that the "
            "page for paper entry counts by, and routes are said in words, so what is filled in "
            "can be keyed without thinking. Write the number of the sheet on the first page."
        )
    )
    names = {language.code: language.name for language in instrument.languages}
    sizes = {
        "usual": t("Usual print"),
        "large": t("Large print, at least {points} pt", points=f"{LARGE_PRINT.small:g}"),
    }
    preferred = page.language if page.language in names else instrument.default_language
    with st.container(horizontal=True, vertical_alignment="bottom"):
        language = pick(
            t("Language of the paper"),
            "paper_language",
            list(names),
            show=names.__getitem__,
            language=page.language,
            default=preferred,
            as_buttons=True,
        )
        size = pick(
            t("Size of print"),
            "print",
            list(sizes),
            show=sizes.__getitem__,
            language=page.language,
            as_buttons=True,
        )
    large = size == "large"
    name = "-".join([file_stem, language, *(["large"] if large else [])])
    draw_download_button(
        page,
        t("Paper questionnaire (PDF)"),
        File(
            name_file(page, name, "pdf"),
            PDF,
            partial(paper_form_pdf, instrument, language=language, large=large),
        ),
        key=f"questionnaires/paper/{name}",
        type="primary",
        icon=":material/print:",
    )
