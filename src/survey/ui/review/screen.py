"""The reviewer's screen: one interview, its place in the queue, the decisions, many at once."""

from dataclasses import dataclass
from html import escape
from uuid import UUID

import streamlit as st

from survey.access.audit_views import View
from survey.access.principal import Principal
from survey.fieldwork.lifecycle import ResponseUnknown
from survey.fieldwork.quality import LastLook, last_look
from survey.fieldwork.quality.kinds import KIND_NAMES, FlagKind, reason_of
from survey.fieldwork.review import (
    Flag,
    Interview,
    Queued,
    count,
    previous,
    queue,
    read_interview,
)
from survey.locale import Translator
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.ui import reviewed
from survey.ui.accountable import looks_at
from survey.ui.furniture import notice
from survey.ui.keys import press_by_key
from survey.ui.page import Visit
from survey.ui.review.choice import Choice
from survey.ui.review.decision import ACTIONS, buttons, steps_for
from survey.ui.review.many import everything_at_once
from survey.ui.review.outcome import OPEN, asked_for, open_interview, say_what_happened

_UPCOMING = 8


@dataclass(frozen=True)
class _Desk:
    """What lies on the reviewer's desk in this run."""

    one: Interview
    before: Queued | None
    upcoming: list[Queued]
    total: int

    @property
    def after(self) -> UUID | None:
        """What to look at when this one is done: the next, or at the end the one before."""
        near = self.upcoming[0] if self.upcoming else self.before
        return near.id if near else None


def review(visit: Visit, choice: Choice) -> None:
    """The interview on the screen, its place in the queue, and what can be done."""
    t = visit.t
    say_what_happened(t)
    desk = _desk(visit, choice)
    if desk is None:
        notice(
            t("Nothing is left in this selection"),
            t("Choose another state or city above; new interviews appear by themselves."),
        )
        return
    looks_at(visit, View.INTERVIEW, desk.one.id)
    if not desk.one.computed:
        _freshness(visit, choice)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        _show(visit, desk.one)
        buttons(visit, desk.one, after=desk.after)
        if desk.one.flags:
            _flags(t, desk.one)
        st.html(reviewed.answers(t, desk.one))
        st.caption(t("History"))
        st.html(reviewed.history(t, desk.one.history))
    with right:
        _upcoming(visit, choice, desk)
    if not desk.one.computed:
        everything_at_once(visit, choice)
    press_by_key(
        {"j": "review-next", "k": "review-previous"}
        | {key: f"review-{to.value}" for to, (_, key, _) in ACTIONS.items()
           if to in steps_for(visit, desk.one)}
    )  # fmt: skip


def _desk(visit: Visit, choice: Choice) -> _Desk | None:
    person, chosen = visit.principal, choice.filter
    with read_scope(visit.settings.store_url) as session:
        wanted = asked_for()
        if wanted is None:
            first = queue(session=session, principal=person, chosen=chosen, size=1)
            wanted = first[0].id if first else None
        if wanted is None:
            return None
        try:
            interview = read_interview(session=session, principal=person, response_id=wanted)
        except ResponseUnknown:
            st.query_params.pop(OPEN, None)
            st.info(visit.t("The interview of this link is not in your area."))
            return None
        return _Desk(
            interview,
            previous(session=session, principal=person, chosen=chosen, before=interview.spot),
            queue(
                session=session,
                principal=person,
                chosen=chosen,
                after=interview.spot,
                size=_UPCOMING,
            ),
            count(session=session, principal=person, chosen=chosen),
        )


@st.cache_data(ttl=20.0, max_entries=64, show_spinner=False)
def _last_look(store_url: str, area: str, wave_id: UUID, _person: Principal) -> LastLook:
    del area  # part of the key of the cache
    with read_scope(store_url) as session:
        return last_look(session=session, principal=_person, wave_id=wave_id)


def _freshness(visit: Visit, choice: Choice) -> None:
    """How far the detectors have come; what waits has no flags yet, which says nothing."""
    t = visit.t
    look = _last_look(
        visit.settings.store_url, visit.principal.area, choice.wave.id, visit.principal
    )
    if look.finished_at is None:
        st.caption(t("Nobody has looked for odd interviews yet."))
        return
    st.caption(
        t(
            "Odd interviews were last looked for on {time}; {count} newer ones wait.",
            time=reviewed.moment(look.finished_at),
            count=f"{look.waiting:,}",
        )
    )


def _show(visit: Visit, interview: Interview) -> None:
    st.html(
        reviewed.head(visit.t, Names(visit.language, None), interview)
        + reviewed.consent(visit.t, interview)
    )


def _flags(t: Translator, interview: Interview) -> None:
    lines = "".join(f"<li>{escape(_flag_words(t, flag))}</li>" for flag in interview.flags)
    title = escape(t("What looks odd: risk {score} of 100", score=interview.risk or 0))
    st.html(f'<section class="hcs-flags"><b>{title}</b><ul>{lines}</ul></section>')


def _flag_words(t: Translator, flag: Flag) -> str:
    if flag.kind not in set(FlagKind):
        return flag.kind
    kind = FlagKind(flag.kind)
    return t("{name}: {note}", name=t(KIND_NAMES[kind]), note=t(reason_of(kind, flag.detail)))


def _upcoming(visit: Visit, choice: Choice, desk: _Desk) -> None:
    t, names = visit.t, Names(visit.language, None)
    st.caption(t("In this selection: {count}", count=f"{desk.total:,}"))
    with st.container(horizontal=True):
        before = desk.before.id if desk.before else None
        after = desk.upcoming[0].id if desk.upcoming else None
        _step(t("Previous (K)"), "review-previous", before)
        _step(t("Next (J)"), "review-next", after)
    for line in desk.upcoming:
        place = names.area(line.city_code) if choice.filter.city_code is None else line.surveyor
        risk = t("risk {score}", score=line.risk) if line.risk else ""
        label = " · ".join(
            part for part in (place, reviewed.lasted(t, line.duration_seconds), risk) if part
        )
        st.button(
            label,
            key=f"review-open-{line.id}",
            type="tertiary",
            on_click=open_interview,
            args=(line.id,),
        )


def _step(label: str, key: str, to: UUID | None) -> None:
    st.button(label, key=key, disabled=to is None, on_click=open_interview, args=(to,))
