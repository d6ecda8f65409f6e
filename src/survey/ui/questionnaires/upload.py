"""Upload of a questionnaire: findings row by row, the difference, a trial, and storing it."""

from functools import partial

import streamlit as st

from survey.access.work import Work
from survey.fieldwork.questionnaires import (
    Questionnaire,
    QuestionnaireSummary,
    UploadCheck,
    check_upload,
    get_questionnaire,
    store_questionnaire,
)
from survey.instrument.checks import describe_figures
from survey.instrument.model import Instrument
from survey.instrument.paper_codes import number_questions
from survey.instrument.xlsform.reader import ImportedForm
from survey.locale import label_text
from survey.ui.feedback import perform
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.plan.tree_upload import draw_tree_upload
from survey.ui.questionnaires.differences import draw_difference
from survey.ui.questionnaires.findings import draw_findings
from survey.ui.questionnaires.preview import draw_preview
from survey.ui.text_blocks import escape_markdown

_TYPES = ["xlsx", "xls", "csv", "md"]


def draw_upload(page: PageContext, summaries: tuple[QuestionnaireSummary, ...]) -> None:
    """Draw the upload; nothing is stored before its last button. The page checks the right."""
    t = page.t
    st.header(t("Upload a questionnaire"), anchor=False)
    st.markdown(
        t(
            "An XLSForm workbook with the sheets survey, choices and settings. It is checked "
            "first; nothing is stored before you confirm."
        )
    )
    given = st.file_uploader(t("Questionnaire (XLSForm)"), type=_TYPES, key="questionnaires/file")
    with st.container(horizontal=True):
        skip = st.checkbox(
            t("Leave out what is not supported, and list it"), key="questionnaires/skip"
        )
        renormalise = st.checkbox(
            t("Indicators without a question leave their weight to the others"),
            key="questionnaires/renormalise",
        )
    if given is None:
        with st.expander(t("An indicator tree of your own")):
            draw_tree_upload(page)
        return
    with page.read() as work:
        check = check_upload(
            work,
            file_name=given.name,
            content=given.getvalue(),
            skip_unsupported=skip,
            renormalise=renormalise,
        )
    _draw_result(page, check)
    if check.form is not None and not check.errors:
        _draw_new_version(page, check, check.form, summaries)


def _draw_result(page: PageContext, check: UploadCheck) -> None:
    t = page.t
    if check.errors:
        draw_notice(
            t("This questionnaire cannot be stored yet"),
            t("Nothing was stored. Mend the rows below in your file and upload it again."),
            alert=True,
        )
    elif check.form is not None:
        instrument = check.form.instrument
        draw_notice(
            t(
                "The file can be read: {title}",
                title=label_text(instrument.title, page.language, instrument.name),
            ),
            t(
                "{name}, version {version}: {sections} pages, {items} questions, {scored} of them "
                "scored.",
                name=instrument.name,
                version=instrument.version,
                sections=len(instrument.sections),
                items=len(number_questions(instrument)),
                scored=len(instrument.scored_items),
            ),
        )
        figures = describe_figures(instrument)
        if figures is not None:
            st.caption(escape_markdown(t(figures)))
    if check.errors or check.warnings:
        draw_findings(page, (*check.errors, *check.warnings), key="questionnaires/upload")


def _draw_new_version(
    page: PageContext,
    check: UploadCheck,
    form: ImportedForm,
    summaries: tuple[QuestionnaireSummary, ...],
) -> None:
    t, instrument = page.t, form.instrument
    earlier = next((each for each in summaries if each.name == instrument.name), None)
    if earlier is not None and not check.already_stored:
        version = escape_markdown(earlier.version)
        st.header(t("Difference to version {version}", version=version), anchor=False)
        with page.read() as work:
            before = get_questionnaire(work, instrument_id=earlier.id)
        draw_difference(
            page,
            before,
            Questionnaire(instrument, check.tree),
            key="questionnaires/upload/difference",
        )
    if st.toggle(t("Try it on a phone (nothing is stored)"), key="questionnaires/try-upload"):
        draw_preview(page, instrument, is_stored=False)
    _draw_confirmation(page, check, form)


def _draw_confirmation(page: PageContext, check: UploadCheck, form: ImportedForm) -> None:
    t, instrument = page.t, form.instrument
    if check.already_stored:
        st.info(t("This very questionnaire is stored already. There is nothing to add."))
        return
    if check.taken_version:
        draw_notice(
            t(
                "Version {version} of {name} exists with other content",
                version=instrument.version,
                name=instrument.name,
            ),
            t(
                "Waves may rest on it, so it never changes. Write a new version on the settings "
                "sheet and upload the file again."
            ),
        )
        return
    st.button(
        t(
            "Store as {name}, version {version}",
            name=escape_markdown(instrument.name),
            version=escape_markdown(instrument.version),
        ),
        type="primary",
        key="questionnaires/store",
        on_click=partial(_store_form, page, form),
    )


def _store_form(page: PageContext, form: ImportedForm) -> None:
    instrument: Instrument = form.instrument

    def add(work: Work) -> None:
        store_questionnaire(work, instrument=instrument, rows=form.rows)

    done = page.t(
        "{name}, version {version}, is stored.",
        name=instrument.name,
        version=escape_markdown(instrument.version),
    )
    if perform(page, add, done=done) is not None:
        st.query_params["form"] = f"{instrument.name}/{instrument.version}"
