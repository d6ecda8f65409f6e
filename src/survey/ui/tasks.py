"""A surveyor's work: the sampling point, the one-time link and its QR code, the count so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

import pandas as pd
import segno
import streamlit as st

from survey.fieldwork.clock import CHINA
from survey.fieldwork.invitations import InvitationState, issue, status_of
from survey.fieldwork.planning.words import KIND_NAMES
from survey.fieldwork.tasks import Task, my_tasks
from survey.locale import Message, SurveyError, msg
from survey.publish.views.names import Names
from survey.store.engine import read_scope, session_scope
from survey.store.tables import now
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit
from survey.ui.url import pick

_WATCH_EVERY = 3.0
_STATES: Mapping[InvitationState, Message] = MappingProxyType(
    {
        InvitationState.ISSUED: msg("Waiting to be scanned"),
        InvitationState.OPENED: msg("Opened: being answered"),
        InvitationState.ANSWERED: msg("Answered. Thank you!"),
        InvitationState.EXPIRED: msg("Expired without an answer"),
    }
)


@dataclass(frozen=True)
class HandedOut:
    """The link on the screen; its token is nowhere else and goes with this session."""

    invitation_id: UUID
    point_id: UUID
    token: str
    expires_at: datetime


def pick_task(visit: Visit) -> Task | None:
    """The sampling point to work at; says what to do when nothing is assigned."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        tasks = my_tasks(session=session, principal=visit.principal, now=now())
    if not tasks:
        notice(
            t("Nothing is assigned to you at the moment"),
            t("Sampling points appear here as soon as a wave is open and points are assigned."),
            t("If you expected some, please ask your supervisor."),
        )
        return None
    by_code = {f"{task.wave_key}/{task.point_code}": task for task in tasks}
    chosen = pick(
        t("Sampling point"),
        "point",
        list(by_code),
        show=lambda code: _title(visit, by_code[code]),
        language=visit.language,
        explanation=explain("sampling point", visit.language),
    )
    return by_code[chosen]


def _title(visit: Visit, task: Task) -> str:
    kind = visit.t(KIND_NAMES[task.point_kind])
    city = task.city_name.get(visit.language, task.city_code)
    return f"{city} · {task.point_name} · {kind} · {task.wave_title.get(visit.language, '')}"


def hand_out(visit: Visit, task: Task) -> None:
    """One button, one link, one QR code; and beside it the way to ask the questions oneself."""
    t = visit.t
    with st.container(horizontal=True, key="actions"):
        wanted = st.button(
            t("New QR code"), type="primary", key="new-link", icon=":material/qr_code:"
        )
        if st.button(t("Ask the questions myself"), key="assisted", icon=":material/edit_note:"):
            point = f"{task.wave_key}/{task.point_code}"
            st.switch_page(BY_KEY[PageKey.INTERVIEW].path, query_params={"point": point})
    if wanted:
        st.session_state["handed-out"] = _issue(visit, task)
    link: HandedOut | None = st.session_state.get("handed-out")
    if link is not None and link.point_id == task.point_id:
        _show_link(visit, link)


def _issue(visit: Visit, task: Task) -> HandedOut:
    with session_scope(visit.settings.store_url) as session:
        issued = issue(
            session=session,
            principal=visit.principal,
            wave_key=task.wave_key,
            point_id=task.point_id,
            now=now(),
        )
    return HandedOut(issued.invitation_id, task.point_id, issued.token, issued.expires_at)


def _show_link(visit: Visit, link: HandedOut) -> None:
    t = visit.t
    address = f"{_origin(visit)}/q/{link.token}"
    # The page's sanitiser drops inline SVG, not pictures.
    code = segno.make(address, error="m").png_data_uri(scale=8, border=2)
    until = f"{link.expires_at.astimezone(CHINA):%m-%d %H:%M}"
    picture, words = st.columns([1, 1.4], vertical_alignment="center")
    with picture:
        label = escape(t("QR code of the one-time link"), quote=True)
        st.html(f'<div class="hcs-qr"><img alt="{label}" src="{escape(code, quote=True)}"></div>')
    with words:
        st.markdown(
            t("Let the respondent scan this code. It works once, until {time}.", time=until)
        )
        st.code(address, language=None, wrap_lines=True)
        _watch(visit, link)


@st.fragment(run_every=_WATCH_EVERY)
def _watch(visit: Visit, link: HandedOut) -> None:
    """How far the respondent is; asks the store every few seconds."""
    t = visit.t
    try:
        with read_scope(visit.settings.store_url) as session:
            state = status_of(
                session=session,
                principal=visit.principal,
                invitation_id=link.invitation_id,
                now=now(),
            )
    except SurveyError as error:
        st.caption(t(error.message))
        return
    st.html(f'<p role="status"><b>{escape(t(_STATES[state]))}</b></p>')


def _origin(visit: Visit) -> str:
    """Where respondents reach this server: as configured, else as this browser does."""
    if visit.settings.public_url:
        return visit.settings.public_url.rstrip("/")
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else ""


def show_progress(visit: Visit, task: Task) -> None:
    """Own count, the point's count against its target, and the city's quota."""
    t = visit.t
    st.subheader(t("Your count"), anchor=False)
    today, mine, point = st.columns(3)
    today.metric(t("Today"), task.mine_today)
    mine.metric(t("At this point"), task.mine)
    point.metric(t("This point, everybody"), f"{task.collected} / {task.target}")
    share = min(task.collected / task.target, 1.0) if task.target else 0.0
    said = t("{done} of {target} interviews at this point", done=task.collected, target=task.target)
    st.html(
        f'<div class="hcs-meter" role="img" aria-label="{escape(said, quote=True)}">'
        f'<div style="width:{share * 100:.0f}%"></div></div>'
    )
    if task.quota:
        st.subheader(t("Quota of the city"), anchor=False)
        st.caption(t("All surveyors of the city fill these cells together."))
        st.table(_quota_table(visit, task), hide_index=True, border="horizontal")


def _quota_table(visit: Visit, task: Task) -> pd.DataFrame:
    t = visit.t
    names = Names(visit.language, None)
    return pd.DataFrame(
        {
            t("Age"): [names.group(f"age_band={cell.age_band}") for cell in task.quota],
            t("Gender"): [names.group(f"gender={cell.gender}") for cell in task.quota],
            t("Collected"): [f"{cell.collected} / {cell.target}" for cell in task.quota],
            t("Still needed"): [
                str(max(cell.target - cell.collected, 0))
                if cell.collected < cell.target
                else t("full")
                for cell in task.quota
            ],
        }
    )
