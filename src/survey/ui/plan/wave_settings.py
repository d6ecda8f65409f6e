"""Settings of a wave: facts, transitions of its state, and the form for changes."""

from collections.abc import Callable
from datetime import date
from functools import partial
from html import escape
from typing import Any

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.planning.wave_editing import (
    IMMUTABLE_ONCE_OPEN,
    STATE_PERMISSION_TEXTS,
    WaveDraft,
    add_wave,
    change_wave,
)
from survey.fieldwork.planning.wave_overview import WaveOptions, WaveOverview
from survey.fieldwork.waves import COMPUTED_STATES, STATE_NAMES, WAVE_TRANSITIONS, transition_wave
from survey.locale import Message, msg
from survey.snapshot.snapshot_files import WithoutPoint
from survey.store.tables import WaveState, now
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext
from survey.ui.plan.freeze_job import draw_freeze_job, start_freezing
from survey.ui.plan.group_questions import chosen_groups, draw_group_choice
from survey.ui.plan.tree_upload import draw_tree_upload

IsFixed = Callable[[str], bool]
"""Whether a field of the wave cannot be changed any more."""
_SERIES = ("main", "elderly", "minors")
_TRANSITION_NAMES: dict[tuple[WaveState, WaveState], Message] = {
    (WaveState.PLANNED, WaveState.OPEN): msg("Open the wave for interviews"),
    (WaveState.OPEN, WaveState.CLOSED): msg("Close the wave: no further interviews"),
    (WaveState.CLOSED, WaveState.OPEN): msg("Open the wave again"),
    (WaveState.CLOSED, WaveState.FROZEN): msg("Freeze the wave: its interviews become final"),
}
"""Releasing and taking a release back belong to the release (`survey.ui.plan.release`)."""
_CONFIRMATIONS: dict[tuple[WaveState, WaveState], Message] = {
    (WaveState.PLANNED, WaveState.OPEN): msg("I want to open the wave {wave}."),
    (WaveState.OPEN, WaveState.CLOSED): msg("I want to close the wave {wave}."),
    (WaveState.CLOSED, WaveState.OPEN): msg("I want to open the wave {wave} again."),
    (WaveState.CLOSED, WaveState.FROZEN): msg("I want to freeze the wave {wave} for good."),
}
_WITHOUT_POINT: dict[WithoutPoint, Message] = {
    WithoutPoint.REFUSE: msg("Stop and say how many there are"),
    WithoutPoint.STRATUM: msg("Count them as a stratum of their own in each city"),
}
_WARNINGS: dict[WaveState, Message] = {
    WaveState.FROZEN: msg(
        "Only approved interviews are frozen. What still waits for review stays outside for good."
    ),
}


def draw_wave_settings(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    """Draw the state of a wave, its facts, its transitions, and the form to change it."""
    t = page.t
    state = escape(t(STATE_NAMES[sheet.state]).capitalize())
    allowed = escape(t(STATE_PERMISSION_TEXTS[sheet.state]))
    st.html(f'<div class="hcs-answer"><span class="number">{state}</span><p>{allowed}</p></div>')
    _draw_facts(page, sheet, offered)
    if page.principal.may(Action.PLAN):
        if not draw_freeze_job(page):
            _draw_transitions(page, sheet)
        if sheet.state not in COMPUTED_STATES:
            _draw_form(page, offered, sheet)


def _draw_facts(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    t = page.t
    rows = (
        (t("Short name"), sheet.key),
        (t("Indicator tree"), offered.trees.get(sheet.tree_id, t("none"))),
        (t("Days"), f"{sheet.opens_on or '–'} … {sheet.closes_on or '–'}"),
        (t("Cities with a sample"), f"{sheet.cities:,}"),
        (t("Planned interviews"), f"{sheet.interviews:,}"),
        (t("Collected interviews"), f"{sheet.collected:,}"),
        (t("Quota cells"), f"{sheet.cells:,}"),
        (
            t("Sampling points, of them with people"),
            f"{sheet.points:,} · {sheet.staffed_points:,}",
        ),
        (t("People"), f"{sheet.people:,}"),
    )
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    st.html(f'<div class="hcs-findings"><table>{lines}</table></div>')


def _draw_transitions(page: PageContext, sheet: WaveOverview) -> None:
    t = page.t
    steps = [
        to
        for to in WaveState
        if to in WAVE_TRANSITIONS[sheet.state] and (sheet.state, to) in _TRANSITION_NAMES
    ]
    for to in steps:
        if to is WaveState.OPEN and sheet.warnings:
            lacking = "; ".join(t(missing) for missing in sheet.warnings)
            st.warning(t("The wave can be opened, but: {lacking}.", lacking=lacking))
        if to in _WARNINGS:
            st.caption(t(_WARNINGS[to]))
        if to is WaveState.FROZEN:
            _draw_without_point_choice(page, sheet)
            draw_group_choice(page, sheet)
        sure = st.checkbox(
            t(_CONFIRMATIONS[sheet.state, to].msgid, wave=sheet.key),
            key=f"plan-sure-{sheet.key}-{to.value}",
        )
        st.button(
            t(_TRANSITION_NAMES[sheet.state, to]), key=f"plan-move-{to.value}", type="primary",
            disabled=not sure, on_click=_transition_wave, args=(page, sheet, to),
        )  # fmt: skip


def _draw_without_point_choice(page: PageContext, sheet: WaveOverview) -> None:
    t = page.t
    st.radio(
        t("Interviews without a sampling point, where others have one"), list(_WITHOUT_POINT),
        format_func=lambda way: t(_WITHOUT_POINT[way]), key=f"plan-without-point-{sheet.key}",
    )  # fmt: skip


def _chosen_without_point(sheet: WaveOverview) -> WithoutPoint:
    chosen = st.session_state.get(f"plan-without-point-{sheet.key}")
    return WithoutPoint(chosen or WithoutPoint.REFUSE)


def _transition_wave(page: PageContext, sheet: WaveOverview, to: WaveState) -> None:
    st.session_state.pop(f"plan-sure-{sheet.key}-{to.value}", None)
    if to is WaveState.FROZEN:
        # The state follows from the snapshot and never comes without one.
        start_freezing(page, sheet.key, _chosen_without_point(sheet), chosen_groups(sheet))
        return

    def change(session: Session, person: Principal) -> None:
        transition_wave(session=session, principal=person, key=sheet.key, to=to, now=now())

    perform(page, change, done=page.t("The wave is now {state}.", state=page.t(STATE_NAMES[to])))


def draw_new_wave(page: PageContext, offered: WaveOptions) -> None:
    """Draw the form for a new wave and the upload of an indicator tree."""
    if not offered.instruments:
        st.warning(page.t("There is no questionnaire in the store yet. Load one first."))
        draw_tree_upload(page)
        return
    _draw_form(page, offered, None)
    draw_tree_upload(page)


def _draw_form(page: PageContext, offered: WaveOptions, sheet: WaveOverview | None) -> None:
    t = page.t
    prefix = f"plan/{sheet.key if sheet else 'new'}/{page.language}"
    st.subheader(t("Change the wave") if sheet else t("A new wave"), anchor=False)

    def fixed(name: str) -> bool:
        return sheet is not None and sheet.state is not WaveState.PLANNED and (
            name in IMMUTABLE_ONCE_OPEN
        )  # fmt: skip

    with st.form(prefix, border=True, enter_to_submit=False):
        with _draw_row():
            if sheet is None:
                st.text_input(
                    t("Short name"), key=f"{prefix}/key", placeholder="main-2027", max_chars=40,
                    help=t("For links and the command line; it can never be changed."),
                )  # fmt: skip
            st.selectbox(
                t("Series"), _series(sheet), key=f"{prefix}/series", disabled=fixed("series"),
                index=_series(sheet).index(sheet.series) if sheet else 0,
                accept_new_options=True, placeholder=t("Choose or type"),
                help=t("Waves of one series are compared with each other."),
            )  # fmt: skip
            st.number_input(
                t("Year"), 2000, 2100, sheet.year if sheet else now().year + 1,
                key=f"{prefix}/year", disabled=fixed("year"),
            )  # fmt: skip
        for code, label in (("zh", t("Title (Chinese)")), ("en", t("Title (English)"))):
            st.text_input(
                label, sheet.title[code] if sheet else "", key=f"{prefix}/title_{code}",
                max_chars=120,
            )  # fmt: skip
        with _draw_row():
            _draw_instrument(page, offered, sheet, prefix, fixed)
            _draw_dates(page, sheet, prefix, fixed)
        st.form_submit_button(
            t("Save the changes") if sheet else t("Make the wave"), type="primary",
            key="plan-save-wave", on_click=partial(_save_wave, page, sheet, prefix),
        )  # fmt: skip


def _draw_row() -> st.delta_generator.DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom")


def _draw_instrument(
    page: PageContext, offered: WaveOptions, sheet: WaveOverview | None, prefix: str, fixed: IsFixed
) -> None:
    t, instruments = page.t, list(offered.instruments)
    st.selectbox(
        t("Questionnaire"), instruments, format_func=offered.instruments.__getitem__,
        index=instruments.index(sheet.instrument_id) if sheet else None,
        placeholder=t("Please choose"),
        key=f"{prefix}/instrument_id", disabled=fixed("instrument_id"),
        help=t("It brings its indicator tree along."),
    )  # fmt: skip


def _draw_dates(page: PageContext, sheet: WaveOverview | None, prefix: str, fixed: IsFixed) -> None:
    t = page.t
    for name, label, day in (
        ("opens_on", t("First day"), sheet.opens_on if sheet else None),
        ("closes_on", t("Last day"), sheet.closes_on if sheet else None),
    ):
        st.date_input(
            label, day, key=f"{prefix}/{name}", disabled=fixed(name), format="YYYY-MM-DD",
            min_value=date(2000, 1, 1), max_value=date(2100, 12, 31),
        )  # fmt: skip


def _series(sheet: WaveOverview | None) -> list[str]:
    return list(dict.fromkeys([*_SERIES, *([sheet.series] if sheet else [])]))


def _save_wave(page: PageContext, sheet: WaveOverview | None, prefix: str) -> None:
    def typed(name: str) -> Any:
        return st.session_state.get(f"{prefix}/{name}")

    key = sheet.key if sheet else str(typed("key") or "").strip()
    draft = WaveDraft(
        key, str(typed("series") or ""), int(typed("year") or 0),
        str(typed("title_zh") or "").strip(), str(typed("title_en") or "").strip(),
        typed("instrument_id"), typed("opens_on"), typed("closes_on"),
    )  # fmt: skip
    save = change_wave if sheet else add_wave

    def change(session: Session, person: Principal) -> None:
        save(session=session, principal=person, draft=draft, now=now())

    done = page.t("The wave {key} is saved.", key=key)
    if perform(page, change, done=done) and sheet is None:
        st.query_params["wave"] = key
