"""Back-check page: its tabs, the list of people to ask again, and the form for one of them."""

from collections.abc import Callable, Mapping
from uuid import UUID

import streamlit as st

from survey.access.roles import Action
from survey.figures.views.display_names import DisplayNames
from survey.kit.feedback import run_change, set_feedback, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.locale import Translator, label_text
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of
from survey.review.back_check.call_list import (
    ANSWERED,
    CHANNEL_NAMES,
    MAX_NOTE_CHARS,
    OUTCOME_NAMES,
    BackCheckNotFoundError,
    CallAttempt,
    CallEntry,
    get_call,
    list_calls,
    record_attempt,
)
from survey.review.back_check.comparison_items import WAS_INTERVIEWED
from survey.review.back_check.phone_numbers import reveal_phone_number
from survey.screens.back_check.draws import BackCheckSelection, BackCheckTab, draw_draws
from survey.screens.back_check.results import draw_results
from survey.screens.corrections import BACK_CHECK_FIELDS, AnswerFieldData
from survey.screens.review.filters import requested_id
from survey.store.china_time import format_china_minute
from survey.store.cipher import configured_cipher
from survey.store.tables import Channel, ChosenBy, Outcome
from survey.waves.instruments import load_instrument

CALL_PARAMETER = "call"
"""The address names the back-check on the screen: `?call=<id>`."""
_MAX_SHOWN_ROWS = 30
_ONE_CLICK_OUTCOMES = (Outcome.NOT_REACHED, Outcome.REFUSED, Outcome.NEVER_INTERVIEWED)
"""Outcomes without answers, recorded by one click."""
_FORM_MESSAGES = "call-form"
"""Part of the page beside the button of the form: on a phone the page begins far above it."""
_CALL_MESSAGES = "phone"


def draw_call_list(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw the form for one back-check (a repeat call), and those still open in `choice`."""
    t = page.t
    st.caption(
        t(
            "The platform knows no names. A telephone number that the respondent left is shown to "
            "the supervisor of the city, and every look at one is recorded. Otherwise ask the "
            "surveyor for the contact sheet, by the receipt number of the interview, or go to the "
            "sampling point. What was answered then is not shown here, so that the answers stay "
            "independent."
        )
    )
    with page.read() as work:
        calls = list_calls(work, wave_id=choice.wave.id, city_code=choice.city_code)
        wanted = requested_id(CALL_PARAMETER) or (calls[0].id if calls else None)
        if wanted is None:
            draw_notice(
                t("Nobody is left to ask again"),
                t("Draw interviews in the view “Draw”; what was said stands under “Results”."),
            )
            return
        try:
            call = get_call(work, check_id=wanted)
        except BackCheckNotFoundError:
            st.query_params.pop(CALL_PARAMETER, None)
            st.info(t("The back-check of this link is not in your area."))
            return
        instrument = load_instrument(session=work.session, instrument_id=call.instrument_id)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        _draw_call(page, call, instrument)
    with right:
        _draw_list(page, calls, choice)


def _open_call(check_id: UUID) -> None:
    st.query_params[CALL_PARAMETER] = str(check_id)


def _draw_list(page: PageContext, calls: list[CallEntry], choice: BackCheckSelection) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    st.caption(t("To ask again: {count}", count=f"{len(calls):,}"))
    for call in calls[:_MAX_SHOWN_ROWS]:
        site = names.area(call.city_code) if choice.city_code is None else call.point_name
        tried = t("tried {count} times", count=call.attempts) if call.attempts else ""
        words = " · ".join(part for part in (call.code, site, call.surveyor, tried) if part)
        st.button(
            escape_markdown(words),
            key=f"call-open-{call.id}",
            type="tertiary",
            on_click=_open_call,
            args=(call.id,),
        )
    if len(calls) > _MAX_SHOWN_ROWS:
        st.caption(t("and {count} more", count=len(calls) - _MAX_SHOWN_ROWS))


def _draw_call(page: PageContext, call: CallEntry, instrument: Instrument) -> None:
    t = page.t
    st.subheader(t("Interview {code}", code=call.code), anchor=False)
    st.caption(_describe_call(page, call))
    if call.outcome is not None:
        st.caption(_format_attempt(t, call))
    draw_phone_number(page, call)
    st.segmented_control(
        t("Asked by"),
        list(Channel),
        default=Channel.PHONE,
        required=True,
        key=_build_channel_key(page),
        format_func=lambda channel: t(CHANNEL_NAMES[channel]),
    )
    outcomes = () if call.outcome in ANSWERED else _ONE_CLICK_OUTCOMES
    with st.container(horizontal=True):
        for outcome in outcomes:
            st.button(
                t(OUTCOME_NAMES[outcome]),
                key=f"call-{outcome.value}",
                on_click=_record_outcome,
                args=(page, call, instrument, outcome),
            )
    with st.form(f"call/{call.id}", enter_to_submit=False):
        for item in _list_recheck_items(instrument):
            _draw_answer_field(t, call, item, page.language)
        st.text_input(t("Note"), key=_build_widget_key(call, "note"), max_chars=MAX_NOTE_CHARS)
        show_feedback(page, _FORM_MESSAGES)
        st.form_submit_button(
            t("Save: reached"),
            type="primary",
            key="call-reached",
            on_click=_record_outcome,
            args=(page, call, instrument, Outcome.REACHED),
        )


def _describe_call(page: PageContext, call: CallEntry) -> str:
    t = page.t
    why = t("drawn by lot") if call.chosen_by is ChosenBy.RANDOM else t("drawn for its risk")
    facts = (
        DisplayNames(page.language, None).area(call.city_code), call.point_name, call.surveyor,
        format_china_minute(t, call.interviewed_at), why,
    )  # fmt: skip
    return " · ".join(fact for fact in facts if fact)


def _format_attempt(t: Translator, call: CallEntry) -> str:
    at = format_china_minute(t, call.checked_at) if call.checked_at else ""
    outcome = t(OUTCOME_NAMES[call.outcome]) if call.outcome else ""
    return " · ".join(part for part in (at, call.checker, outcome, call.note) if part)


def _list_recheck_items(instrument: Instrument) -> list[Item]:
    """Return, in order, the questions repeated to respondents who confirm they were interviewed."""
    return [
        item
        for item in instrument.items()
        if item.kind in BACK_CHECK_FIELDS and item.name != WAS_INTERVIEWED
    ]


def _draw_answer_field(t: Translator, call: CallEntry, item: Item, language: str) -> None:
    key, title = _build_widget_key(call, item.name), label_text(item.label, language, item.name)
    BACK_CHECK_FIELDS[item.kind](AnswerFieldData(t, item, title, key, language))


def _build_widget_key(call: CallEntry, name: str) -> str:
    return f"call/{call.id}/{name}"


def _build_channel_key(page: PageContext) -> str:
    return f"call/channel/{page.language}"


def _record_outcome(
    page: PageContext, call: CallEntry, instrument: Instrument, outcome: Outcome
) -> None:
    answers = {
        item.name: type_of(item).parse_entered(entered)
        for item in _list_recheck_items(instrument)
        if (entered := st.session_state.get(_build_widget_key(call, item.name))) not in (None, "")
    }
    attempt = CallAttempt(
        outcome,
        st.session_state.get(_build_channel_key(page)) or Channel.PHONE,
        answers,
        st.session_state.get(_build_widget_key(call, "note")) or "",
    )

    t = page.t
    recorded = run_change(
        page,
        lambda work: record_attempt(
            work, check_id=call.id, expected_version=call.version, attempt=attempt
        ),
        slot=_FORM_MESSAGES if outcome is Outcome.REACHED else "",
        hints=[t("Nothing was changed. What you entered is still here.")],
        asked=(instrument, page.language),
    )
    if recorded:
        # The next person's form follows, so the success is said by the page.
        set_feedback(
            page, t("{code}: {outcome}", code=call.code, outcome=t(OUTCOME_NAMES[outcome]))
        )
        st.query_params.pop(CALL_PARAMETER, None)


def draw_phone_number(page: PageContext, call: CallEntry) -> None:
    """Draw a button that shows a respondent's phone number to those who may see and need it.

    The number is shown by the run that follows the click and is gone with the next one.
    """
    may = page.principal.may(Action.SEE_PHONE) and page.principal.covers(call.city_code)
    if not (may and call.has_phone) or call.outcome in ANSWERED:
        return
    t = page.t
    if not st.button(
        t("Show the telephone number"),
        key=f"call-phone-{call.id}",
        icon=":material/call:",
        help=t("Your name and the time are recorded."),
    ):
        return
    revealed = run_change(
        page,
        lambda work: reveal_phone_number(
            work, cipher=configured_cipher(page.settings), check_id=call.id
        ),
        slot=_CALL_MESSAGES,
    )
    show_feedback(page, _CALL_MESSAGES)
    if revealed:
        st.code(revealed.value, language=None)


_DRAW_TAB: Mapping[BackCheckTab, Callable[[PageContext, BackCheckSelection], None]] = {
    BackCheckTab.CALL: draw_call_list,
    BackCheckTab.RESULTS: draw_results,
    BackCheckTab.DRAW: draw_draws,
}


def draw_back_check(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw the tab that `choice` names on the back-check page, below the last change's message."""
    show_feedback(page, toast=True)
    _DRAW_TAB[choice.tab](page, choice)
