"""Codes on paper: printing a sheet before going where there is no network, and taking it back."""

import streamlit as st

from survey.fieldwork.clock import CHINA
from survey.fieldwork.sheets import (
    LONGEST_DAYS,
    MOST_PAGES,
    PER_PAGE,
    SheetState,
    issue_sheet,
    my_sheets,
    void_sheet,
)
from survey.fieldwork.tasks import Task
from survey.locale import SurveyError
from survey.publish.code_sheet import code_sheet_pdf
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.unavailable import change_scope
from survey.ui.download_button import PDF, File, download_button
from survey.ui.furniture import notice
from survey.ui.handing_out import origin
from survey.ui.page import Visit, fragment
from survey.ui.session import signed_in

_PRINTED, _DAYS = "sheet/printed", 3


def printed_codes(visit: Visit, task: Task) -> None:
    """Closed until a surveyor needs paper."""
    t = visit.t
    place = st.expander(
        t("Printed codes for places without a network"), key="sheets", on_change="rerun"
    )
    if place.open:
        with place:
            _sheets(visit, task)


@fragment()
def _sheets(visit: Visit, task: Task) -> None:
    t = visit.t
    st.caption(
        t(
            "A sheet holds {count} codes. Each works once, on one phone; the phone of the "
            "respondent needs a network when it opens the code, yours does not.",
            count=PER_PAGE,
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pages = st.number_input(t("Pages"), 1, MOST_PAGES, 1, key="sheet/pages")
        days = st.number_input(t("Days they are valid"), 1, LONGEST_DAYS, _DAYS, key="sheet/days")
        wanted = st.button(t("Make the sheet"), key="sheet/make", icon=":material/print:")
    if wanted:
        _make(visit, task, pages=int(pages), days=int(days))
    printed: tuple[str, bytes] | None = st.session_state.get(_PRINTED)
    if printed is not None:
        name, content = printed
        download_button(
            visit, t("Download sheet {name} (PDF)", name=name),
            File(f"codes-{name}.pdf", PDF, lambda: content), key="sheet/download", type="primary",
        )  # fmt: skip
        st.caption(t("Keep this file to yourself: whoever has it can answer the questionnaire."))
    _list(visit)


def _make(visit: Visit, task: Task, *, pages: int, days: int) -> None:
    t = visit.t
    try:
        with change_scope(visit.settings.store_url) as session:
            sheet = issue_sheet(
                session=session, principal=signed_in(visit.settings), point_id=task.point_id,
                pages=pages, days=days, now=now(),
            )  # fmt: skip
            # Drawn before the codes are kept: without its paper no code would be of any use.
            content = code_sheet_pdf(sheet, origin=origin(visit), language=visit.language)
    except SurveyError as error:
        notice(t("No sheet was made"), t(error.message))
        return
    st.session_state[_PRINTED] = sheet.name, content


def _list(visit: Visit) -> None:
    with read_scope(visit.settings.store_url) as session:
        sheets = my_sheets(session=session, principal=visit.principal, now=now())
    for sheet in sheets:
        _row(visit, sheet)


def _row(visit: Visit, sheet: SheetState) -> None:
    t = visit.t
    until = f"{sheet.expires_at.astimezone(CHINA):%m-%d %H:%M}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            t(
                "**{name}** · {point} · {untouched} of {printed} codes unused · until {time}",
                name=sheet.name, point=sheet.point_name, untouched=sheet.untouched,
                printed=sheet.printed, time=until,
            )
        )  # fmt: skip
        if sheet.untouched:
            st.button(
                t("Take back"), key=f"sheet/void/{sheet.id}", on_click=_take_back,
                args=(visit, sheet),
            )  # fmt: skip


def _take_back(visit: Visit, sheet: SheetState) -> None:
    t = visit.t
    try:
        with change_scope(visit.settings.store_url) as session:
            count = void_sheet(
                session=session, principal=signed_in(visit.settings), sheet_id=sheet.id, now=now()
            )
    except SurveyError as error:
        st.toast(t(error.message))
        return
    if st.session_state.get(_PRINTED, ("",))[0] == sheet.name:
        del st.session_state[_PRINTED]
    st.toast(
        t(
            "{count} unused codes of sheet {name} do not open any more.",
            count=count,
            name=sheet.name,
        )
    )
