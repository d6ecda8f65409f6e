"""The code on the surveyor's screen: the next one is there as soon as the last one was opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

import segno
import streamlit as st

from survey.fieldwork.assignments import QuotaProgress, SurveyorTask, list_unfilled_quotas
from survey.fieldwork.invitations import InvitationState, get_invitation_states, issue_invitation
from survey.locale import Message, SurveyError, msg
from survey.publish.views.display_names import DisplayNames
from survey.store.china_time import CHINA
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.ui.current_principal import require_principal
from survey.ui.navigation import PAGES_BY_KEY, PageKey
from survey.ui.page_runner import PageContext, page_fragment

_REFRESH_SECONDS = 3.0
_REMEMBERED = 3
"""Codes handed out before the one on the screen, with what became of them."""
_SHOWN_GAPS = 5
_CODES, _ANOTHER = "codes", "codes/another"

_STATES: Mapping[InvitationState, Message] = MappingProxyType(
    {
        InvitationState.ISSUED: msg("Waiting to be scanned"),
        InvitationState.OPENED: msg("Opened: being answered"),
        InvitationState.OTHER_DEVICE: msg(
            "Opened: being answered. Another device was refused; give that person a new code."
        ),
        InvitationState.ANSWERED: msg("Answered. Thank you!"),
        InvitationState.EXPIRED: msg("Expired without an answer"),
        InvitationState.VOIDED: msg("Taken back"),
    }
)


@dataclass(frozen=True)
class ShownInvitation:
    """A link on the screen; its token is nowhere else and goes with this session."""

    invitation_id: UUID
    token: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class InvitationDisplay:
    """The code to be scanned next at one point, and the last ones before it."""

    current: ShownInvitation
    before: tuple[ShownInvitation, ...] = ()

    @property
    def ids(self) -> list[UUID]:
        return [self.current.invitation_id, *(link.invitation_id for link in self.before)]


def draw_invitation_codes(page: PageContext, task: SurveyorTask) -> None:
    """The code, whom the city still needs, and the way to ask the questions oneself."""
    t = page.t
    with st.container(horizontal=True, key="actions"):
        if st.button(t("Ask the questions myself"), key="assisted", icon=":material/edit_note:"):
            point = f"{task.wave_key}/{task.point_code}"
            st.switch_page(PAGES_BY_KEY[PageKey.INTERVIEW].path, query_params={"point": point})
    _draw_codes(page, task)


@page_fragment(run_every=_REFRESH_SECONDS)
def _draw_codes(page: PageContext, task: SurveyorTask) -> None:
    """Looks every few seconds; a code that was opened makes way for the next one."""
    try:
        codes, states = _get_open_code(page, task)
        with read_scope(page.settings.store_url) as session:
            needed = list_unfilled_quotas(
                session=session, principal=page.principal, point_id=task.point_id
            )
    except SurveyError as error:
        st.caption(page.t(error.message))
        return
    picture, words = st.columns([1, 1.4], vertical_alignment="top")
    address = f"{public_origin(page)}/q/{codes.current.token}"
    with picture:
        _draw_code(page, address)
    with words:
        _draw_instructions(page, task, codes.current, address)
        if needed is not None:
            _draw_needed_groups(page, needed)
        _draw_recent_codes(page, codes, states)


def _get_open_code(
    page: PageContext, task: SurveyorTask
) -> tuple[InvitationDisplay, dict[UUID, InvitationState]]:
    """A code that nobody has opened, made now where there is none, and the state of the last."""
    kept: dict[UUID, InvitationDisplay] = st.session_state.setdefault(_CODES, {})
    codes = kept.get(task.point_id)
    wanted = st.session_state.pop(_ANOTHER, None) == task.point_id
    states = {} if codes is None else _states(page, codes)
    if codes is None:
        codes = InvitationDisplay(_issue(page, task))
    elif wanted or states.get(codes.current.invitation_id) is not InvitationState.ISSUED:
        codes = _issue_following(page, task, codes)
    kept[task.point_id] = codes
    return codes, states


def _issue_following(
    page: PageContext, task: SurveyorTask, codes: InvitationDisplay
) -> InvitationDisplay:
    before = (codes.current, *codes.before)[:_REMEMBERED]
    return replace(codes, current=_issue(page, task), before=before)


def _states(page: PageContext, codes: InvitationDisplay) -> dict[UUID, InvitationState]:
    with read_scope(page.settings.store_url) as session:
        return get_invitation_states(
            session=session, principal=page.principal, invitation_ids=codes.ids, now=now()
        )


def _issue(page: PageContext, task: SurveyorTask) -> ShownInvitation:
    issued_at = now()
    issued = run_in_transaction(
        page.settings.store_url,
        lambda session: issue_invitation(
            session=session,
            principal=require_principal(page.settings),
            wave_key=task.wave_key,
            point_id=task.point_id,
            now=issued_at,
            ready_made=True,
        ),
    )
    return ShownInvitation(issued.invitation_id, issued.token, issued_at, issued.expires_at)


def _draw_code(page: PageContext, address: str) -> None:
    # The page's sanitiser drops inline SVG, not pictures.
    code = segno.make(address, error="m").png_data_uri(scale=8, border=2)
    label = escape(page.t("QR code of the one-time link"), quote=True)
    st.html(f'<div class="hcs-qr"><img alt="{label}" src="{escape(code, quote=True)}"></div>')


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
        t("Another code"), key="new-link", icon=":material/qr_code:",
        on_click=_ask_for_another, args=(task.point_id,),
    )  # fmt: skip


def _ask_for_another(point_id: UUID) -> None:
    st.session_state[_ANOTHER] = point_id


def _draw_needed_groups(page: PageContext, needed: Sequence[QuotaProgress]) -> None:
    """Whom to address next: the biggest gaps of the city's quota."""
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
    """The codes handed out last, the newest first."""
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
    """Where respondents reach this server: as configured, else as this browser does."""
    if page.settings.public_url:
        return page.settings.public_url.rstrip("/")
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else ""
