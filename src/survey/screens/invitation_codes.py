"""Invitation codes on a surveyor's screen, and printed sheets of them for use without a network.

A code on the screen is replaced as soon as it was opened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from urllib.parse import urlsplit
from uuid import UUID

import segno
import streamlit as st

from survey.access.work import Work
from survey.collection.invitation_sheets import (
    INVITATIONS_PER_PAGE,
    MAX_PAGES,
    MAX_VALID_DAYS,
    InvitationSheetStatus,
    issue_invitation_sheet,
    list_invitation_sheets,
    void_invitation_sheet,
)
from survey.collection.invitations import InvitationState, get_invitation_states, issue_invitation
from survey.figures.views.display_names import DisplayNames
from survey.kit.download_button import PDF, File, draw_download_button, name_file
from survey.kit.feedback import run_change, show_feedback, show_problems
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import escape_markdown
from survey.kit.viewer import require_principal
from survey.locale import Message, msg
from survey.reports.code_sheets_pdf import invitation_sheet_pdf
from survey.store.china_time import CHINA
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.waves.assignments import QuotaProgress, SurveyorTask, list_unfilled_quotas

_REFRESH_SECONDS = 3.0
_REMEMBERED = 3
"""Codes handed out before the one on the screen, with what became of them."""
_SHOWN_GAPS = 5
_CODES, _ANOTHER = "codes", "codes/another"

_STATES: Mapping[InvitationState, Message] = {
    InvitationState.ISSUED: msg("Waiting to be scanned"),
    InvitationState.OPENED: msg("Opened: being answered"),
    InvitationState.OTHER_DEVICE: msg(
        "Opened: being answered. Another device was refused; give that person a new code."
    ),
    InvitationState.ANSWERED: msg("Answered. Thank you!"),
    InvitationState.EXPIRED: msg("Expired without an answer"),
    InvitationState.VOIDED: msg("Taken back"),
}
_PRINTED, _MESSAGES, _DAYS = "sheet/printed", "sheets", 3


@dataclass(frozen=True)
class ShownInvitation:
    """Invitation on the screen; its token exists only in this browser session."""

    invitation_id: UUID
    token: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class InvitationDisplay:
    """Invitation now on screen for a sampling point, and the latest ones shown before it."""

    current: ShownInvitation
    before: tuple[ShownInvitation, ...] = ()

    @property
    def ids(self) -> list[UUID]:
        return [self.current.invitation_id, *(link.invitation_id for link in self.before)]


def draw_invitation_codes(page: PageContext, task: SurveyorTask) -> None:
    """Draw the QR code of an invitation to point `task`, groups needed, and a link to interview."""
    t = page.t
    with st.container(horizontal=True, key="actions"):
        if st.button(t("Ask the questions myself"), key="assisted", icon=":material/edit_note:"):
            point = f"{task.wave_key}/{task.point_code}"
            st.switch_page(PAGES_BY_KEY[PageKey.INTERVIEW].path, query_params={"point": point})
    _draw_codes(page, task)


@page_fragment(run_every=_REFRESH_SECONDS)
def _draw_codes(page: PageContext, task: SurveyorTask) -> None:
    """Draw an invitation's QR code, refreshed every few seconds; a new one once it was opened."""
    with show_problems(page.t):
        codes, states = _get_open_code(page, task)
        with page.read() as work:
            needed = list_unfilled_quotas(work, point_id=task.point_id)
        _draw_open_code(page, task, codes, states, needed)


def _draw_open_code(
    page: PageContext,
    task: SurveyorTask,
    codes: InvitationDisplay,
    states: Mapping[UUID, InvitationState],
    needed: Sequence[QuotaProgress] | None,
) -> None:
    picture, words = st.columns([1, 1.4], vertical_alignment="top")
    address = f"{public_origin(page)}/q/{codes.current.token}"
    with picture:
        # The page's sanitiser drops inline SVG, not pictures.
        code = segno.make(address, error="m").png_data_uri(scale=8, border=2)
        label = escape(page.t("QR code of the one-time link"), quote=True)
        st.html(f'<div class="hcs-qr"><img alt="{label}" src="{escape(code, quote=True)}"></div>')
    with words:
        _draw_instructions(page, task, codes.current, address)
        if needed is not None:
            _draw_needed_groups(page, needed)
        _draw_recent_codes(page, codes, states)


def _get_open_code(
    page: PageContext, task: SurveyorTask
) -> tuple[InvitationDisplay, dict[UUID, InvitationState]]:
    """Return the unopened code of point `task`, issued if needed, and `invitation id -> state`."""
    kept: dict[UUID, InvitationDisplay] = st.session_state.setdefault(_CODES, {})
    codes = kept.get(task.point_id)
    wanted = st.session_state.pop(_ANOTHER, None) == task.point_id
    states = {} if codes is None else _get_code_states(page, codes)
    if codes is None:
        codes = InvitationDisplay(_issue_invitation(page, task))
    elif wanted or states.get(codes.current.invitation_id) is not InvitationState.ISSUED:
        before = (codes.current, *codes.before)[:_REMEMBERED]
        codes = replace(codes, current=_issue_invitation(page, task), before=before)
    kept[task.point_id] = codes
    return codes, states


def _get_code_states(page: PageContext, codes: InvitationDisplay) -> dict[UUID, InvitationState]:
    with page.read() as work:
        return get_invitation_states(work, invitation_ids=codes.ids)


def _issue_invitation(page: PageContext, task: SurveyorTask) -> ShownInvitation:
    issued_at = now()
    issued = run_in_transaction(
        page.settings.store_url,
        lambda session: issue_invitation(
            Work(session, require_principal(page.settings), issued_at, page.settings),
            wave_key=task.wave_key,
            point_id=task.point_id,
            ready_made=True,
        ),
    )
    return ShownInvitation(issued.invitation_id, issued.token, issued_at, issued.expires_at)


def _draw_instructions(
    page: PageContext, task: SurveyorTask, link: ShownInvitation, address: str
) -> None:
    t = page.t
    until = f"{link.expires_at.astimezone(CHINA):%m-%d %H:%M}"
    st.markdown(
        t(
            "Let the respondent scan this code. It works once, until {time}; the next one appears "
            "here by itself.",
            time=until,
        )
    )
    st.code(address, language=None, wrap_lines=True)
    st.button(
        t("Another code"),
        key="new-link",
        icon=":material/qr_code:",
        on_click=_ask_for_another,
        args=(task.point_id,),
    )


def _ask_for_another(point_id: UUID) -> None:
    st.session_state[_ANOTHER] = point_id


def _draw_needed_groups(page: PageContext, needed: Sequence[QuotaProgress]) -> None:
    """Draw the first of `needed`, quota groups by missing interviews, or that the quota is full."""
    t = page.t
    if not needed:
        st.markdown(t("**The quota of this city is full.** Nobody more is needed."))
        return
    names = DisplayNames(page.language, None)
    lines = ""
    for quota in needed[:_SHOWN_GAPS]:
        who = [names.group(group) for group in quota.groups]
        more = t("{count} more people", count=quota.missing)
        lines += f"<li>{escape(' · '.join(who))}<b>{escape(more)}</b></li>"
    title = escape(t("Most needed now"))
    st.html(f'<div class="hcs-needed"><h3>{title}</h3><ol>{lines}</ol></div>')


def _draw_recent_codes(
    page: PageContext, codes: InvitationDisplay, states: Mapping[UUID, InvitationState]
) -> None:
    """Draw the time and state of invitations shown earlier at this point, the newest first."""
    t = page.t
    lines = "".join(
        f"<li>{link.issued_at.astimezone(CHINA):%H:%M} "
        f"<b>{escape(t(_STATES[states[link.invitation_id]]))}</b></li>"
        for link in codes.before
        if link.invitation_id in states
    )
    if lines:
        title = escape(t("Codes handed out before"))
        st.html(f'<div class="hcs-codes" role="status">{title}<ul>{lines}</ul></div>')


def public_origin(page: PageContext) -> str:
    """Return scheme and host of this server: as configured, else as the browser addressed it."""
    if page.settings.public_url:
        return page.settings.public_url.rstrip("/")
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else ""


def draw_invitation_sheets(page: PageContext, task: SurveyorTask) -> None:
    """Draw an expander with printed codes of point `task`: a new sheet and the sheets so far."""
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
    show_feedback(page, _MESSAGES, toast=True)
    printed: tuple[str, bytes] | None = st.session_state.get(_PRINTED)
    if printed is not None:
        name, content = printed
        draw_download_button(
            page,
            t("Download sheet {name} (PDF)", name=name),
            File(name_file(page, f"codes-{name}", "pdf"), PDF, lambda: content),
            key="sheet/download",
            type="primary",
        )
        st.caption(t("Keep this file to yourself: whoever has it can answer the questionnaire."))
    with page.read() as work:
        sheets = list_invitation_sheets(work)
    for sheet in sheets:
        _draw_sheet_row(page, sheet)


def _issue_sheet(page: PageContext, task: SurveyorTask, *, pages: int, days: int) -> None:
    def issue(work: Work) -> tuple[str, bytes]:
        sheet = issue_invitation_sheet(work, point_id=task.point_id, pages=pages, days=days)
        # Printed before the codes are kept: without its paper no code would be of any use.
        pdf = invitation_sheet_pdf(sheet, origin=public_origin(page), language=page.language)
        return sheet.name, pdf

    issued = run_change(page, issue, slot=_MESSAGES, hints=[page.t("No sheet was made.")])
    if issued:
        st.session_state[_PRINTED] = issued.value


def _draw_sheet_row(page: PageContext, sheet: InvitationSheetStatus) -> None:
    t = page.t
    until = f"{sheet.expires_at.astimezone(CHINA):%m-%d %H:%M}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            t(
                "**{name}** · {point} · {untouched} of {printed} codes unused · until {time}",
                name=escape_markdown(sheet.name),
                point=escape_markdown(sheet.point_name),
                untouched=sheet.untouched,
                printed=sheet.printed,
                time=until,
            )
        )
        if sheet.untouched:
            st.button(
                t("Take back"),
                key=f"sheet/void/{sheet.id}",
                on_click=_void_sheet,
                args=(page, sheet),
            )


def _void_sheet(page: PageContext, sheet: InvitationSheetStatus) -> None:
    t = page.t
    voided = run_change(
        page,
        lambda work: void_invitation_sheet(work, sheet_id=sheet.id),
        done=lambda count: t(
            "{count} unused codes of sheet {name} do not open any more.",
            count=count,
            name=sheet.name,
        ),
        slot=_MESSAGES,
    )
    if voided and st.session_state.get(_PRINTED, ("",))[0] == sheet.name:
        del st.session_state[_PRINTED]
