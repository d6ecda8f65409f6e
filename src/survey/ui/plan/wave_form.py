"""Facts of a wave, and the form that makes or changes one."""

from collections.abc import Callable
from datetime import date
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.planning.wave_editing import (
    IMMUTABLE_ONCE_OPEN,
    STATE_PERMISSION_TEXTS,
    WaveDraft,
    add_wave,
    change_wave,
)
from survey.fieldwork.planning.wave_overview import WaveOptions, WaveOverview
from survey.fieldwork.waves import COMPUTED_STATES
from survey.locale import Translator, label_text, labels_of
from survey.sample.special_groups import VILLAGE_SERIES
from survey.store.china_time import format_day
from survey.store.tables import WaveState, now
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext
from survey.ui.plan.tree_upload import draw_tree_upload

IsFixed = Callable[[str], bool]
"""Whether a field of the wave cannot be changed any more."""
_SERIES = ("main", "elderly", "minors", VILLAGE_SERIES)


def draw_wave_facts(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    """Draw what the state of a wave allows, its facts, and the form to change it."""
    st.html(f"<p>{escape(page.t(STATE_PERMISSION_TEXTS[sheet.state]))}</p>")
    _draw_facts(page, sheet, offered)
    if page.principal.may(Action.PLAN) and sheet.state not in COMPUTED_STATES:
        _draw_form(page, offered, sheet)


def _format_days(t: Translator, sheet: WaveOverview) -> str:
    first, last = (format_day(t, day) if day else "–" for day in (sheet.opens_on, sheet.closes_on))
    return t("from {first} to {last}", first=first, last=last)


def _draw_facts(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    t = page.t
    rows = (
        (t("Short name"), sheet.key),
        (t("Indicator tree"), offered.trees.get(sheet.tree_id, t("none"))),
        (t("Dates"), _format_days(t, sheet)),
        (t("Cities with a sample"), f"{sheet.cities:,}"),
        (t("Planned interviews"), f"{sheet.interviews:,}"),
        (t("Collected interviews"), f"{sheet.collected:,}"),
        (t("Quota cells"), f"{sheet.cells:,}"),
        (t("Sampling points, of them with people"), f"{sheet.points:,} · {sheet.staffed_points:,}"),
        (t("People"), f"{sheet.people:,}"),
    )
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    st.html(f'<div class="hcs-findings"><table>{lines}</table></div>')


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
        return (
            sheet is not None
            and sheet.state is not WaveState.PLANNED
            and (name in IMMUTABLE_ONCE_OPEN)
        )

    with st.form(prefix, border=True, enter_to_submit=False):
        with _draw_row():
            if sheet is None:
                st.text_input(
                    t("Short name"),
                    key=f"{prefix}/key",
                    placeholder="main-2027",
                    max_chars=40,
                    help=t("For links and the command line; it can never be changed."),
                )
            st.selectbox(
                t("Series"),
                _list_series(sheet),
                key=f"{prefix}/series",
                disabled=fixed("series"),
                index=_list_series(sheet).index(sheet.series) if sheet else 0,
                accept_new_options=True,
                placeholder=t("Choose or type"),
                help=t("Waves of one series are compared with each other."),
            )
            st.number_input(
                t("Year"),
                2000,
                2100,
                sheet.year if sheet else now().year + 1,
                key=f"{prefix}/year",
                disabled=fixed("year"),
            )
        for code, label in (("zh", t("Title (Chinese)")), ("en", t("Title (English)"))):
            st.text_input(
                label,
                sheet.title[code] if sheet else "",
                key=f"{prefix}/title_{code}",
                max_chars=120,
            )
        with _draw_row():
            _draw_instrument(page, offered, sheet, prefix, fixed)
            _draw_dates(page, sheet, prefix, fixed)
        st.form_submit_button(
            t("Save the changes") if sheet else t("Make the wave"),
            type="secondary" if sheet else "primary",
            key="plan-save-wave",
            on_click=partial(_save_wave, page, sheet, prefix),
        )


def _draw_row() -> st.delta_generator.DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom")


def _draw_instrument(
    page: PageContext, offered: WaveOptions, sheet: WaveOverview | None, prefix: str, fixed: IsFixed
) -> None:
    t, instruments = page.t, list(offered.instruments)
    st.selectbox(
        t("Questionnaire"),
        instruments,
        format_func=offered.instruments.__getitem__,
        index=instruments.index(sheet.instrument_id) if sheet else None,
        placeholder=t("Please choose"),
        key=f"{prefix}/instrument_id",
        disabled=fixed("instrument_id"),
        help=t("It brings its indicator tree along."),
    )


def _draw_dates(page: PageContext, sheet: WaveOverview | None, prefix: str, fixed: IsFixed) -> None:
    t = page.t
    for name, label, day in (
        ("opens_on", t("First day"), sheet.opens_on if sheet else None),
        ("closes_on", t("Last day"), sheet.closes_on if sheet else None),
    ):
        st.date_input(
            label,
            day,
            key=f"{prefix}/{name}",
            disabled=fixed(name),
            format="YYYY-MM-DD",
            min_value=date(2000, 1, 1),
            max_value=date(2100, 12, 31),
        )


def _list_series(sheet: WaveOverview | None) -> list[str]:
    return list(dict.fromkeys([*_SERIES, *([sheet.series] if sheet else [])]))


def _save_wave(page: PageContext, sheet: WaveOverview | None, prefix: str) -> None:
    def typed(name: str) -> Any:
        return st.session_state.get(f"{prefix}/{name}")

    key = sheet.key if sheet else str(typed("key") or "").strip()
    draft = WaveDraft(
        key,
        str(typed("series") or ""),
        int(typed("year") or 0),
        str(typed("title_zh") or "").strip(),
        str(typed("title_en") or "").strip(),
        typed("instrument_id"),
        typed("opens_on"),
        typed("closes_on"),
    )
    save = change_wave if sheet else add_wave

    def change(work: Work) -> None:
        save(work, draft=draft)

    done = page.t("The wave {wave} is saved.", wave=_format_wave_name(page, draft))
    if perform(page, change, done=done) and sheet is None:
        st.query_params["wave"] = key


def _format_wave_name(page: PageContext, draft: WaveDraft) -> str:
    """Return title and key of a wave that may not be stored yet."""
    return f"{label_text(labels_of(draft, 'title'), page.language)} ({draft.key})"
