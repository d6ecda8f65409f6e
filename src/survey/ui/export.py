"""Taking rows away: which wave, what for, in which form; then the file."""

import streamlit as st

from survey.access.principal import Action
from survey.locale import SurveyError
from survey.publish.rows import (
    LONGEST_PURPOSE,
    ExportableWave,
    Form,
    RowFile,
    deviation_lines,
    export_rows,
    exportable_waves,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import now
from survey.ui.download_button import File, download_button
from survey.ui.exact_rows import FORM_NAMES, MEDIA, exact_rows, requests_to_decide
from survey.ui.filters import filter_row
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.page import Visit
from survey.ui.session import signed_in
from survey.ui.url import pick

_MADE = "export/made"


def export(visit: Visit) -> None:
    """Rows for analysts, and requests for exact files for those who decide them."""
    if visit.principal.may(Action.APPROVE_EXACT_ROWS):
        requests_to_decide(visit)
    if visit.principal.may(Action.EXPORT_ROWS):
        _rows(visit)


def _rows(visit: Visit) -> None:
    """Says what to do when no wave is frozen yet."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        waves = {
            wave.key: wave for wave in exportable_waves(session=session, principal=visit.principal)
        }
    if not waves:
        notice(
            t("There is nothing to export yet"),
            t("Interviews can be taken away once a wave has been frozen for good."),
        )
        return
    with filter_row():
        key = pick(
            t("Wave"), "wave", list(waves), language=visit.language,
            show=lambda code: waves[code].title.get(visit.language, code),
            explanation=explain("wave", visit.language),
        )  # fmt: skip
    _what_is_in_it(visit, waves[key])
    _form(visit, waves[key])
    _made(visit, key)
    exact_rows(visit, waves[key])


def _what_is_in_it(visit: Visit, wave: ExportableWave) -> None:
    t = visit.t
    st.subheader(t("Single interviews, de-identified"), anchor=False)
    st.markdown(
        t(
            "Rated and chosen answers with weights and design, so that published figures can be "
            "computed again. Without ids, links, surveyors, exact times, ages in years and "
            "anything typed in. Rare combinations are blanked."
        )
    )
    st.caption(
        t(
            "{count} interviews are frozen in this wave; a file holds those of your area. Each "
            "file is recorded with your name and purpose and carries marks of your account.",
            count=f"{wave.rows:,}",
        )
    )


def _form(visit: Visit, wave: ExportableWave) -> None:
    t = visit.t
    with st.form("export/rows", border=True, enter_to_submit=False):
        purpose = st.text_area(
            t("What the rows are needed for"), key="export/purpose", max_chars=LONGEST_PURPOSE,
            height=90,
        )  # fmt: skip
        form = st.radio(
            t("File"), [choice.value for choice in Form], horizontal=True, key="export/form",
            format_func=lambda choice: FORM_NAMES[Form(choice)],
        )  # fmt: skip
        wanted = st.form_submit_button(t("Make the file"), type="primary")
    if wanted:
        st.session_state.pop(_MADE, None)
        _make(visit, wave, str(purpose or ""), Form(form))


def _make(visit: Visit, wave: ExportableWave, purpose: str, form: Form) -> None:
    t = visit.t
    try:
        with (
            st.spinner(t("Preparing the file …")),
            session_scope(visit.settings.store_url) as session,
        ):
            made = export_rows(
                visit.settings, session=session, principal=signed_in(visit.settings),
                wave_key=wave.key, purpose=purpose, form=form, t=t, now=now(),
            )  # fmt: skip
    except SurveyError as error:
        notice(t(error.message), t("No file was made."))
        return
    st.session_state[_MADE] = (wave.key, form, made)


def _made(visit: Visit, key: str) -> None:
    t = visit.t
    kept: tuple[str, Form, RowFile] | None = st.session_state.get(_MADE)
    if kept is None or kept[0] != key:
        return
    _, form, made = kept
    st.success(
        t(
            "{rows} interviews. {blanked} rare values were blanked, {dropped} interviews left out.",
            rows=f"{made.rows:,}",
            blanked=f"{made.blanked:,}",
            dropped=f"{made.dropped:,}",
        )
    )
    for line in deviation_lines(t, made.deviation):
        st.caption(line)
    download_button(
        visit, t("Download {name}", name=made.name),
        File(made.name, MEDIA[form], lambda: made.content), key="export/download",
        type="primary", icon=":material/download:",
    )  # fmt: skip
