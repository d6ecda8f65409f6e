"""The list of people to ask again, and one short interview after the other."""

from typing import Any
from uuid import UUID

import streamlit as st

from survey.fieldwork.back_check import (
    ANSWERED,
    CHANNEL_NAMES,
    OUTCOME_NAMES,
    WAS_INTERVIEWED,
    Attempt,
    BackCheckUnknown,
    Call,
    asked_instrument,
    read_call,
    record_attempt,
    to_call,
)
from survey.fieldwork.back_check.calling import LONGEST_NOTE
from survey.instrument.model import Instrument, Item, Kind
from survey.locale import Translator
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.store.tables import Channel, ChosenBy, Outcome, now
from survey.store.unavailable import change_scope
from survey.ui.back_check.choice import Choice
from survey.ui.back_check.outcome import do, label
from survey.ui.back_check.phone import offer_number
from survey.ui.furniture import notice
from survey.ui.page import Visit
from survey.ui.reviewed import answer_words, moment
from survey.ui.session import signed_in

OPEN = "call"
"""The address names the back-check on the screen: `?call=<id>`."""
_LISTED = 30
_ASKED = frozenset({Kind.RATING, Kind.SELECT_ONE, Kind.INTEGER})
_AT_ONCE = (Outcome.NOT_REACHED, Outcome.REFUSED, Outcome.NEVER_INTERVIEWED)
"""Outcomes that one click says."""


def calling(visit: Visit, choice: Choice) -> None:
    """One person to ask, the questions, and the list of all."""
    t = visit.t
    st.caption(
        t(
            "The platform knows no names. A telephone number that the respondent left is shown to "
            "the supervisor of the city, and every look at one is recorded. Otherwise ask the "
            "surveyor for the contact sheet, by the receipt number of the interview, or go to the "
            "sampling point. What was answered then is not shown here, so that the answers stay "
            "independent."
        )
    )
    with read_scope(visit.settings.store_url) as session:
        calls = to_call(
            session=session, principal=visit.principal, wave_id=choice.wave.id,
            city_code=choice.city_code,
        )  # fmt: skip
        wanted = _asked_for() or (calls[0].id if calls else None)
        if wanted is None:
            notice(
                t("Nobody is left to ask again"),
                t("Draw interviews in the view “Draw”; what was said stands under “Results”."),
            )
            return
        try:
            call = read_call(session=session, principal=visit.principal, check_id=wanted)
        except BackCheckUnknown:
            st.query_params.pop(OPEN, None)
            st.info(t("The back-check of this link is not in your area."))
            return
        instrument = asked_instrument(session=session, call=call)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        _one(visit, call, instrument)
    with right:
        _list(visit, calls, choice)


def _asked_for() -> UUID | None:
    try:
        return UUID(st.query_params[OPEN])
    except (KeyError, ValueError):
        return None


def _open(check_id: UUID) -> None:
    st.query_params[OPEN] = str(check_id)


def _list(visit: Visit, calls: list[Call], choice: Choice) -> None:
    t, names = visit.t, Names(visit.language, None)
    st.caption(t("To ask again: {count}", count=f"{len(calls):,}"))
    for call in calls[:_LISTED]:
        place = names.area(call.city_code) if choice.city_code is None else call.point_name
        tried = t("tried {count} times", count=call.attempts) if call.attempts else ""
        words = " · ".join(part for part in (call.code, place, call.surveyor, tried) if part)
        st.button(
            words, key=f"call-open-{call.id}", type="tertiary", on_click=_open, args=(call.id,)
        )
    if len(calls) > _LISTED:
        st.caption(t("and {count} more", count=len(calls) - _LISTED))


def _one(visit: Visit, call: Call, instrument: Instrument) -> None:
    t = visit.t
    st.subheader(t("Interview {code}", code=call.code), anchor=False)
    st.caption(_facts(visit, call))
    if call.outcome is not None:
        st.caption(_so_far(t, call))
    offer_number(visit, call)
    st.segmented_control(
        t("Asked by"), list(Channel), default=Channel.PHONE, required=True, key=_channel_key(visit),
        format_func=lambda channel: t(CHANNEL_NAMES[channel]),
    )  # fmt: skip
    at_once = () if call.outcome in ANSWERED else _AT_ONCE
    with st.container(horizontal=True):
        for outcome in at_once:
            st.button(
                t(OUTCOME_NAMES[outcome]), key=f"call-{outcome.value}",
                on_click=_enter, args=(visit, call, instrument, outcome),
            )  # fmt: skip
    with st.form(f"call/{call.id}", enter_to_submit=False):
        for item in _questions(instrument):
            _field(t, call, item, visit.language)
        st.text_input(t("Note"), key=_key(call, "note"), max_chars=LONGEST_NOTE)
        st.form_submit_button(
            t("Save: reached"), type="primary", key="call-reached",
            on_click=_enter, args=(visit, call, instrument, Outcome.REACHED),
        )  # fmt: skip


def _facts(visit: Visit, call: Call) -> str:
    t = visit.t
    why = t("drawn by lot") if call.chosen_by is ChosenBy.RANDOM else t("drawn for its risk")
    facts = (
        Names(visit.language, None).area(call.city_code), call.point_name, call.surveyor,
        moment(call.interviewed_at), why,
    )  # fmt: skip
    return " · ".join(fact for fact in facts if fact)


def _so_far(t: Translator, call: Call) -> str:
    at = moment(call.checked_at) if call.checked_at else ""
    outcome = t(OUTCOME_NAMES[call.outcome]) if call.outcome else ""
    return " · ".join(part for part in (at, call.checker, outcome, call.note) if part)


def _questions(instrument: Instrument) -> list[Item]:
    """What is asked of somebody who was interviewed, in order."""
    return [
        item for item in instrument.items() if item.kind in _ASKED and item.name != WAS_INTERVIEWED
    ]


def _field(t: Translator, call: Call, item: Item, language: str) -> None:
    key, title = _key(call, item.name), label(item, language)
    if item.kind is Kind.INTEGER:
        st.text_input(title, key=key, max_chars=12)
        return
    codes: list[Any] = [choice.name for choice in item.choices]
    if item.kind is Kind.RATING:
        codes = list(range(int(item.minimum or 1), int(item.maximum or 10) + 1))
    codes += [special.value for special in item.specials]
    st.radio(
        title, codes, index=None, key=key, horizontal=True,
        format_func=lambda code: _short(t, item, code, language),
    )  # fmt: skip


def _short(t: Translator, item: Item, code: Any, language: str) -> str:
    return str(code) if isinstance(code, int) else answer_words(t, item, code, language)


def _key(call: Call, name: str) -> str:
    return f"call/{call.id}/{name}"


def _channel_key(visit: Visit) -> str:
    return f"call/channel/{visit.language}"


def _enter(visit: Visit, call: Call, instrument: Instrument, outcome: Outcome) -> None:
    items = {item.name: item for item in _questions(instrument)}
    answers = {
        name: _typed(item, entered)
        for name, item in items.items()
        if (entered := st.session_state.get(_key(call, name))) not in (None, "")
    }
    attempt = Attempt(
        outcome, st.session_state.get(_channel_key(visit)) or Channel.PHONE, answers,
        st.session_state.get(_key(call, "note")) or "",
    )  # fmt: skip

    def act() -> None:
        with change_scope(visit.settings.store_url) as session:
            record_attempt(
                session=session, principal=signed_in(visit.settings), check_id=call.id,
                expected_version=call.version, attempt=attempt, now=now(),
            )  # fmt: skip

    t = visit.t
    message = t("{code}: {outcome}", code=call.code, outcome=t(OUTCOME_NAMES[outcome]))
    if do(visit, act, message, items):
        st.query_params.pop(OPEN, None)


def _typed(item: Item, entered: Any) -> Any:
    """A number as one; what is none stays a text, which the questionnaire refuses in its words."""
    if item.kind is not Kind.INTEGER:
        return entered
    words = str(entered).strip()
    try:
        return int(words)
    except ValueError:
        return words
