"""The reviewer's screen: a filtered queue, one interview, the decisions, and many at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.access.principal import Action
from survey.fieldwork.lifecycle import STATUS_NAMES, ResponseUnknown
from survey.fieldwork.quality.kinds import KIND_NAMES, FlagKind, reason_of
from survey.fieldwork.reasons import MAX_NOTE, NAMES, REASONS, Reason, ReasonCode
from survey.fieldwork.review import (
    ANY_FLAG,
    REVIEWABLE,
    Filter,
    Flag,
    Interview,
    Preview,
    Queued,
    ReviewWave,
    count,
    decide,
    decide_all,
    next_steps,
    preview,
    previous,
    queue,
    read_interview,
    review_waves,
    surveyors,
    tally,
)
from survey.locale import Message, SurveyError, Translator, msg
from survey.publish.views.names import Names
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Status, now
from survey.ui import reviewed
from survey.ui.filters import filter_row
from survey.ui.furniture import notice
from survey.ui.keys import press_by_key
from survey.ui.page import Visit
from survey.ui.session import signed_in
from survey.ui.url import pick

ALL = "all"
_UPCOMING = 8
_SUMMARY, _ASKING, _PROBLEM = "review/done", "review/asking", "review/problem"
_AGAIN = "review/again"
"""Set when a decision on many was made: the whole page is out of date, not only their part."""
_OPEN = "interview"
"""The address names the interview on the screen: `?interview=<id>`."""

ACTIONS: Mapping[Status, tuple[Message, str, str]] = MappingProxyType(
    {
        Status.CITY_APPROVED: (msg("Approve"), "a", "check"),
        Status.APPROVED: (msg("Approve for good"), "a", "check"),
        Status.RETURNED: (msg("Send back"), "r", "undo"),
        Status.VOID: (msg("Take out"), "v", "block"),
        Status.SUBMITTED: (msg("Restore"), "u", "restore"),
    }
)
"""By the state that it leads to: what the button says, its key, its picture."""


@dataclass(frozen=True)
class Choice:
    """What the reviewer wants to look through."""

    wave: ReviewWave
    filter: Filter


def choose(visit: Visit) -> Choice | None:
    """The filters; says what to do when there is nothing to review yet."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        waves = {
            wave.key: wave for wave in review_waves(session=session, principal=visit.principal)
        }
        if not waves:
            notice(
                t("There is nothing to review yet"),
                t("Interviews appear here as soon as a wave is open and the first ones arrive."),
            )
            return None
        with filter_row():
            wave = waves[
                pick(
                    t("Wave"), "wave", list(waves), language=visit.language,
                    show=lambda key: waves[key].title.get(visit.language, key),
                )
            ]  # fmt: skip
            counts = tally(session=session, principal=visit.principal, wave_id=wave.id)
            city = _pick_city(visit, counts)
            status = _pick_status(visit, counts, city)
            people = (
                surveyors(
                    session=session, principal=visit.principal, wave_id=wave.id, city_code=city
                )
                if city is not None and city in counts
                else []
            )
            surveyor = _pick_surveyor(visit, people)
            flag = _pick_flag(visit)
    return Choice(wave, Filter(wave.id, status, city, surveyor, flag))


def _pick_city(visit: Visit, counts: Mapping[str, Mapping[Status, int]]) -> str | None:
    t, names = visit.t, Names(visit.language, None)
    options = list(counts) if len(counts) == 1 else [ALL, *counts]
    chosen = pick(
        t("City"), "city", options or [ALL], language=visit.language,
        show=lambda code: t("All cities") if code == ALL else names.area(code),
    )  # fmt: skip
    return None if chosen == ALL else chosen


def _pick_status(
    visit: Visit, counts: Mapping[str, Mapping[Status, int]], city: str | None
) -> Status | None:
    t = visit.t
    cities = counts.values() if city is None else [counts.get(city, {})]

    def show(code: str) -> str:
        states = REVIEWABLE if code == ALL else (Status(code),)
        total = sum(of.get(status, 0) for of in cities for status in states)
        name = t("All states") if code == ALL else t(STATUS_NAMES[Status(code)])
        return f"{name} ({total:,})"

    # The association begins where the cities have finished.
    first = Status.CITY_APPROVED if visit.principal.may(Action.ADMINISTER) else Status.SUBMITTED
    chosen = pick(
        t("State"), "status", [*(status.value for status in REVIEWABLE), ALL],
        show=show, language=visit.language, default=first.value,
    )  # fmt: skip
    return None if chosen == ALL else Status(chosen)


def _pick_surveyor(visit: Visit, people: list[tuple[UUID, str, int]]) -> UUID | None:
    t = visit.t
    known = {str(person): f"{name} ({total:,})" for person, name, total in people}
    chosen = pick(
        t("Surveyor"), "surveyor", [ALL, *known], language=visit.language,
        show=lambda code: known.get(code, t("All surveyors")),
    )  # fmt: skip
    return None if chosen == ALL else UUID(chosen)


def _pick_flag(visit: Visit) -> str | None:
    t = visit.t
    shown = {ALL: t("With and without"), ANY_FLAG: t("With a flag")} | {
        kind.value: t(name) for kind, name in KIND_NAMES.items()
    }
    chosen = pick(t("Flags"), "flag", list(shown), show=shown.__getitem__, language=visit.language)
    return None if chosen == ALL else chosen


# --- the screen ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Desk:
    """What lies on the reviewer's desk in this run."""

    one: Interview
    before: Queued | None
    upcoming: list[Queued]
    total: int


def review(visit: Visit, choice: Choice) -> None:
    """The interview on the screen, its place in the queue, and what can be done."""
    t = visit.t
    _say_what_happened(t)
    desk = _desk(visit, choice)
    if desk is None:
        notice(
            t("Nothing is left in this selection"),
            t("Choose another state or city above; new interviews appear by themselves."),
        )
        return
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        _show(visit, desk.one)
        _buttons(visit, desk)
        if desk.one.flags:
            _flags(t, desk.one)
        st.html(reviewed.answers(t, desk.one))
        st.caption(t("History"))
        st.html(reviewed.history(t, desk.one.history))
    with right:
        _upcoming(visit, choice, desk)
    _many(visit, choice)
    press_by_key(
        {"j": "review-next", "k": "review-previous"}
        | {key: f"review-{to.value}" for to, (_, key, _) in ACTIONS.items()
           if to in next_steps(visit.principal, desk.one.status)}
    )  # fmt: skip


def _desk(visit: Visit, choice: Choice) -> _Desk | None:
    person, chosen = visit.principal, choice.filter
    with read_scope(visit.settings.store_url) as session:
        wanted = _asked_for()
        if wanted is None:
            first = queue(session=session, principal=person, chosen=chosen, size=1)
            wanted = first[0].id if first else None
        if wanted is None:
            return None
        try:
            one = read_interview(session=session, principal=person, response_id=wanted)
        except ResponseUnknown:
            st.query_params.pop(_OPEN, None)
            st.info(visit.t("The interview of this link is not in your area."))
            return None
        return _Desk(
            one,
            previous(session=session, principal=person, chosen=chosen, before=one.spot),
            queue(session=session, principal=person, chosen=chosen, after=one.spot, size=_UPCOMING),
            count(session=session, principal=person, chosen=chosen),
        )


def _asked_for() -> UUID | None:
    try:
        return UUID(st.query_params[_OPEN])
    except (KeyError, ValueError):
        return None


def _show(visit: Visit, one: Interview) -> None:
    st.html(reviewed.head(visit.t, Names(visit.language, None), one))


def _flags(t: Translator, one: Interview) -> None:
    lines = "".join(f"<li>{escape(_flag_words(t, flag))}</li>" for flag in one.flags)
    title = escape(t("What looks odd: risk {score} of 100", score=one.risk or 0))
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
            label, key=f"review-open-{line.id}", type="tertiary", on_click=_open, args=(line.id,)
        )


def _step(label: str, key: str, to: UUID | None) -> None:
    st.button(label, key=key, disabled=to is None, on_click=_open, args=(to,))


def _open(response_id: UUID | None) -> None:
    if response_id is None:
        st.query_params.pop(_OPEN, None)
    else:
        st.query_params[_OPEN] = str(response_id)
    st.session_state.pop(_ASKING, None)


# --- one decision --------------------------------------------------------------------------------


def _buttons(visit: Visit, desk: _Desk) -> None:
    t, one = visit.t, desk.one
    steps = next_steps(visit.principal, one.status)
    if not steps:
        st.caption(t("Nothing is left for you to decide here."))
        return
    after = desk.upcoming[0].id if desk.upcoming else desk.before.id if desk.before else None
    with st.container(horizontal=True, key="review-actions"):
        for to in steps:
            name, key, icon = ACTIONS[to]
            approves = to not in REASONS
            st.button(
                f"{t(name)} ({key.upper()})",
                key=f"review-{to.value}",
                type="primary" if approves else "secondary",
                icon=f":material/{icon}:",
                on_click=_approve if approves else _ask_why,
                args=(visit, one, to, after) if approves else (one.id, to),
            )
    asking = st.session_state.get(_ASKING)
    if asking is not None and asking[0] == one.id and asking[1] in steps:
        _reason_form(visit, one, asking[1], after)


def _approve(visit: Visit, one: Interview, to: Status, after: UUID | None) -> None:
    _act(visit, lambda: _decide(visit, one, to, None), _said(visit, to), after=after, stay=one.id)


def _ask_why(response_id: UUID, to: Status) -> None:
    st.session_state[_ASKING] = (response_id, to)


def _reason_form(visit: Visit, one: Interview, to: Status, after: UUID | None) -> None:
    t = visit.t
    place = f"{one.id}/{to.value}"
    with st.form(f"review-reason/{place}"):
        _pick_reason(visit, to, place)
        with st.container(horizontal=True):
            st.form_submit_button(
                t(ACTIONS[to][0]), type="primary", key="review-confirm",
                on_click=_decide_with_reason, args=(visit, one, to, after, place),
            )  # fmt: skip
            st.form_submit_button(t("Cancel"), key="review-cancel", on_click=_forget)


def _pick_reason(visit: Visit, to: Status, place: str) -> None:
    t = visit.t
    st.selectbox(
        t("Reason"), REASONS[to], format_func=lambda code: t(NAMES[code]), key=f"reason/{place}"
    )
    label = t("Note to the surveyor") if to is Status.RETURNED else t("Note")
    st.text_area(label, key=f"note/{place}", height=80, max_chars=MAX_NOTE)


def _given(place: str) -> Reason:
    code: ReasonCode = st.session_state[f"reason/{place}"]
    return Reason.given(code, st.session_state.get(f"note/{place}") or "")


def _forget() -> None:
    st.session_state.pop(_ASKING, None)


def _decide_with_reason(
    visit: Visit, one: Interview, to: Status, after: UUID | None, place: str
) -> None:
    note = st.session_state.get(f"note/{place}") or ""
    _act(
        visit, lambda: _decide(visit, one, to, _given(place)), _said(visit, to), after=after,
        stay=one.id, note=note,
    )  # fmt: skip


def _decide(visit: Visit, one: Interview, to: Status, reason: Reason | None) -> None:
    with session_scope(visit.settings.store_url) as session:
        decide(
            session=session, principal=signed_in(visit.settings), response_id=one.id,
            expected_version=one.version, to=to, reason=reason, now=now(),
        )  # fmt: skip


def _said(visit: Visit, to: Status) -> str:
    return visit.t("Now {state}.", state=visit.t(STATUS_NAMES[to]))


def _act(
    visit: Visit,
    act: Callable[[], object],
    done: str,
    *,
    after: UUID | None,
    stay: UUID | None = None,
    note: str = "",
) -> None:
    """Do it and go on to `after`; what cannot be done is said, with what was typed, at `stay`."""
    try:
        act()
    except SurveyError as error:
        st.session_state[_PROBLEM] = (visit.t(error.message), note)
        if stay is not None:
            st.query_params[_OPEN] = str(stay)
        return
    st.session_state[_SUMMARY] = done
    _open(after)


def _say_what_happened(t: Translator) -> None:
    done = st.session_state.pop(_SUMMARY, None)
    if done is not None:
        st.toast(done)
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        words, note = problem
        kept = t("Your note was: {note}", note=note) if note else ""
        notice(
            words, t("Nothing was changed. Below is the interview as it stands now, with its "
                     "history at the end."), kept,
        )  # fmt: skip


# --- many at once --------------------------------------------------------------------------------


@st.fragment
def _many(visit: Visit, choice: Choice) -> None:
    """Everything in the selection at once: first what it would change, then the change."""
    if st.session_state.pop(_AGAIN, False):
        st.rerun()
    t = visit.t
    place = st.expander(
        t("Decide on everything in this selection"), key="review/many", on_change="rerun"
    )
    if not place.open:
        return
    with place:
        steps = _bulk_steps(visit)
        to = st.selectbox(
            t("What should happen"), steps, format_func=lambda step: t(ACTIONS[step][0]),
            key=f"many/to/{visit.language}",
        )  # fmt: skip
        try:
            with read_scope(visit.settings.store_url) as session:
                seen = preview(
                    session=session, principal=visit.principal, chosen=choice.filter, to=to
                )
        except SurveyError as error:
            st.caption(t(error.message))
            return
        st.html(_preview_words(t, seen))
        if seen.total:
            _confirm_many(visit, choice, seen)


def _bulk_steps(visit: Visit) -> list[Status]:
    possible = {to for status in REVIEWABLE for to in next_steps(visit.principal, status)}
    return [to for to in ACTIONS if to in possible]


def _preview_words(t: Translator, seen: Preview) -> str:
    lines = [
        t("{count} {state}: will be changed", count=f"{total:,}", state=t(STATUS_NAMES[status]))
        for status, total in seen.will.items()
    ] + [
        t("{count} {state}: stay as they are", count=f"{total:,}", state=t(STATUS_NAMES[status]))
        for status, total in seen.cannot.items()
    ]
    if not lines:
        lines = [t("There is nothing in this selection.")]
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _confirm_many(visit: Visit, choice: Choice, seen: Preview) -> None:
    t, place = visit.t, f"many/{seen.to.value}"
    with st.form(f"review-{place}"):
        if seen.to in REASONS:
            _pick_reason(visit, seen.to, place)
        st.form_submit_button(
            t("{action}: {count} interviews", action=t(ACTIONS[seen.to][0]),
              count=f"{seen.total:,}"),
            type="primary", key="review-many-confirm",
            on_click=_decide_many, args=(visit, choice, seen, place),
        )  # fmt: skip


def _decide_many(visit: Visit, choice: Choice, seen: Preview, place: str) -> None:
    def act() -> None:
        reason = _given(place) if seen.to in REASONS else None
        with session_scope(visit.settings.store_url) as session:
            decide_all(
                session=session, principal=signed_in(visit.settings), chosen=choice.filter,
                seen=seen, reason=reason, now=now(),
            )  # fmt: skip

    note = st.session_state.get(f"note/{place}") or ""
    done = visit.t("{count} interviews: now {state}.", count=f"{seen.total:,}",
                   state=visit.t(STATUS_NAMES[seen.to]))  # fmt: skip
    _act(visit, act, done, after=None, note=note)
    st.session_state[_AGAIN] = True
