"""Printed sheets of invitation codes, for places without a network."""

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.assignments import SurveyorTask
from survey.fieldwork.invitation_sheets import (
    INVITATIONS_PER_PAGE,
    MAX_PAGES,
    MAX_VALID_DAYS,
    InvitationSheetStatus,
    issue_invitation_sheet,
    list_invitation_sheets,
    void_invitation_sheet,
)
from survey.publish.code_sheets_pdf import invitation_sheet_pdf
from survey.store.china_time import CHINA
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.download_button import PDF, File, draw_download_button
from survey.ui.feedback import perform, show_feedback
from survey.ui.invitation_codes import public_origin
from survey.ui.page_runner import PageContext, page_fragment

_PRINTED, _PLACE, _DAYS = "sheet/printed", "sheets", 3


def draw_invitation_sheets(page: PageContext, task: SurveyorTask) -> None:
    """Draw the part for printed codes, folded until a surveyor opens it."""
    t = page.t
    expander = st.expander(
        t("Printed codes for places without a network"), key="sheets", on_change="rerun"
    )
    if expander.open:
        with expander:
            _draw_sheets(page, task)


@page_fragment()
def _draw_sheets(page: PageContext, task: SurveyorTask) -> None:
    t = page.t
    st.caption(
        t(
            "A sheet holds {count} codes. Each works once, on one phone; the phone of the "
            "respondent needs a network when it opens the code, yours does not.",
            count=INVITATIONS_PER_PAGE,
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pages = st.number_input(t("Pages"), 1, MAX_PAGES, 1, key="sheet/pages")
        days = st.number_input(t("Days they are valid"), 1, MAX_VALID_DAYS, _DAYS, key="sheet/days")
        wanted = st.button(t("Make the sheet"), key="sheet/make", icon=":material/print:")
    if wanted:
        _issue_sheet(page, task, pages=int(pages), days=int(days))
    show_feedback(page, _PLACE, toast=True)
    printed: tuple[str, bytes] | None = st.session_state.get(_PRINTED)
    if printed is not None:
        name, content = printed
        draw_download_button(
            page, t("Download sheet {name} (PDF)", name=name),
            File(f"codes-{name}.pdf", PDF, lambda: content), key="sheet/download", type="primary",
        )  # fmt: skip
        st.caption(t("Keep this file to yourself: whoever has it can answer the questionnaire."))
    _draw_sheet_list(page)


def _issue_sheet(page: PageContext, task: SurveyorTask, *, pages: int, days: int) -> None:
    def issue(session: Session, principal: Principal) -> tuple[str, bytes]:
        sheet = issue_invitation_sheet(
            session=session,
            principal=principal,
            point_id=task.point_id,
            pages=pages,
            days=days,
            now=now(),
        )
        # Printed before the codes are kept: without its paper no code would be of any use.
        pdf = invitation_sheet_pdf(sheet, origin=public_origin(page), language=page.language)
        return sheet.name, pdf

    issued = perform(page, issue, place=_PLACE, hints=[page.t("No sheet was made.")])
    if issued:
        st.session_state[_PRINTED] = issued.value


def _draw_sheet_list(page: PageContext) -> None:
    with read_scope(page.settings.store_url) as session:
        sheets = list_invitation_sheets(session=session, principal=page.principal, now=now())
    for sheet in sheets:
        _draw_sheet_row(page, sheet)


def _draw_sheet_row(page: PageContext, sheet: InvitationSheetStatus) -> None:
    t = page.t
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
                t("Take back"), key=f"sheet/void/{sheet.id}", on_click=_void_sheet,
                args=(page, sheet),
            )  # fmt: skip


def _void_sheet(page: PageContext, sheet: InvitationSheetStatus) -> None:
    t = page.t
    voided = perform(
        page,
        lambda session, principal: void_invitation_sheet(
            session=session, principal=principal, sheet_id=sheet.id, now=now()
        ),
        done=lambda count: t(
            "{count} unused codes of sheet {name} do not open any more.",
            count=count,
            name=sheet.name,
        ),
        place=_PLACE,
    )
    if voided and st.session_state.get(_PRINTED, ("",))[0] == sheet.name:
        del st.session_state[_PRINTED]
