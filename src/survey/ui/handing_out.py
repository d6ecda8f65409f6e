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

from survey.fieldwork.clock import CHINA
from survey.fieldwork.invitations import InvitationState, issue, states_of
from survey.fieldwork.tasks import QuotaProgress, Task, still_needed
from survey.locale import Message, SurveyError, msg
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.unavailable import change_scope
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit, fragment
from survey.ui.session import signed_in

_LOOK_EVERY = 3.0
_REMEMBERED = 3
"""Codes handed out before the one on the screen, with what became of them."""
_SHOWN_GAPS = 5
_CODES, _ANOTHER = "codes", "codes/another"

_STATES: Mapping[InvitationState, Message] = MappingProxyType(
    {
        InvitationState.ISSUED: msg("Waiting to be scanned"),
        InvitationState.OPENED: msg("Opened: being answered"),
        InvitationState.ELSEWHERE: msg(
            "Opened: being answered. Another device was refused; give that person a new code."
        ),
        InvitationState.ANSWERED: msg("Answered. Thank you!"),
        InvitationState.EXPIRED: msg("Expired without an answer"),
        InvitationState.VOIDED: msg("Taken back"),
    }
)


@dataclass(frozen=True)
class HandedOut:
    """A link on the screen; its token is nowhere else and goes with this session."""

    invitation_id: UUID
    token: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Codes:
    """The code to be scanned next at one point, and the last ones before it."""

    current: HandedOut
    before: tuple[HandedOut, ...] = ()

    @property
    def ids(self) -> list[UUID]:
        return [self.current.invitation_id, *(link.invitation_id for link in self.before)]


def hand_out(visit: Visit, task: Task) -> None:
    """The code, whom the city still needs, and the way to ask the questions oneself."""
    t = visit.t
    with st.container(horizontal=True, key="actions"):
        if st.button(t("Ask the questions myself"), key="assisted", icon=":material/edit_note:"):
            point = f"{task.wave_key}/{task.point_code}"
            st.switch_page(BY_KEY[PageKey.INTERVIEW].path, query_params={"point": point})
    _codes(visit, task)


@fragment(run_every=_LOOK_EVERY)
def _codes(visit: Visit, task: Task) -> None:
    """Looks every few seconds; a code that was opened makes way for the next one."""
    try:
        codes, states = _ready(visit, task)
        with read_scope(visit.settings.store_url) as session:
            needed = still_needed(
                session=session, principal=visit.principal, point_id=task.point_id
            )
    except SurveyError as error:
        st.caption(visit.t(error.message))
        return
    picture, words = st.columns([1, 1.4], vertical_alignment="top")
    address = f"{origin(visit)}/q/{codes.current.token}"
    with picture:
        _draw_code(visit, address)
    with words:
        _say_how(visit, task, codes.current, address)
        if needed is not None:
            _whom(visit, needed)
        _what_became(visit, codes, states)


def _ready(visit: Visit, task: Task) -> tuple[Codes, dict[UUID, InvitationState]]:
    """A code that nobody has opened, made now where there is none, and the state of the last."""
    kept: dict[UUID, Codes] = st.session_state.setdefault(_CODES, {})
    codes = kept.get(task.point_id)
    wanted = st.session_state.pop(_ANOTHER, None) == task.point_id
    states = {} if codes is None else _states(visit, codes)
    if codes is None:
        codes = Codes(_issue(visit, task))
    elif wanted or states.get(codes.current.invitation_id) is not InvitationState.ISSUED:
        codes = _following(visit, task, codes)
    kept[task.point_id] = codes
    return codes, states


def _following(visit: Visit, task: Task, codes: Codes) -> Codes:
    before = (codes.current, *codes.before)[:_REMEMBERED]
    return replace(codes, current=_issue(visit, task), before=before)


def _states(visit: Visit, codes: Codes) -> dict[UUID, InvitationState]:
    with read_scope(visit.settings.store_url) as session:
        return states_of(
            session=session, principal=visit.principal, invitation_ids=codes.ids, now=now()
        )


def _issue(visit: Visit, task: Task) -> HandedOut:
    issued_at = now()
    with change_scope(visit.settings.store_url) as session:
        issued = issue(
            session=session,
            principal=signed_in(visit.settings),
            wave_key=task.wave_key,
            point_id=task.point_id,
            now=issued_at,
            ready_made=True,
        )
    return HandedOut(issued.invitation_id, issued.token, issued_at, issued.expires_at)


def _draw_code(visit: Visit, address: str) -> None:
    # The page's sanitiser drops inline SVG, not pictures.
    code = segno.make(address, error="m").png_data_uri(scale=8, border=2)
    label = escape(visit.t("QR code of the one-time link"), quote=True)
    st.html(f'<div class="hcs-qr"><img alt="{label}" src="{escape(code, quote=True)}"></div>')


def _say_how(visit: Visit, task: Task, link: HandedOut, address: str) -> None:
    t = visit.t
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


def _whom(visit: Visit, needed: Sequence[QuotaProgress]) -> None:
    """Whom to address next: the biggest gaps of the city's quota."""
    t = visit.t
    if not needed:
        st.markdown(t("**The quota of this city is full.** Nobody more is needed."))
        return
    names = Names(visit.language, None)
    lines = ""
    for quota in needed[:_SHOWN_GAPS]:
        who = [names.group(group) for group in quota.groups]
        more = t("{count} more people", count=quota.missing)
        lines += f"<li>{escape(' · '.join(who))}<b>{escape(more)}</b></li>"
    title = escape(t("Most needed now"))
    st.html(f'<div class="hcs-needed"><h3>{title}</h3><ol>{lines}</ol></div>')


def _what_became(visit: Visit, codes: Codes, states: Mapping[UUID, InvitationState]) -> None:
    """The codes handed out last, the newest first."""
    t = visit.t
    lines = "".join(
        f"<li>{link.issued_at.astimezone(CHINA):%H:%M} "
        f"<b>{escape(t(_STATES[states[link.invitation_id]]))}</b></li>"
        for link in codes.before
        if link.invitation_id in states
    )
    if lines:
        title = escape(t("Codes handed out before"))
        st.html(f'<div class="hcs-codes" role="status">{title}<ul>{lines}</ul></div>')


def origin(visit: Visit) -> str:
    """Where respondents reach this server: as configured, else as this browser does."""
    if visit.settings.public_url:
        return visit.settings.public_url.rstrip("/")
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else ""
