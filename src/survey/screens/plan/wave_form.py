"""Facts of a wave, the form that makes or changes one, and the upload of an indicator tree."""

import codecs
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from html import escape
from pathlib import PurePath
from typing import Any

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.frame.quotas import VILLAGE_SERIES
from survey.kit.download_button import CSV, File, draw_download_button
from survey.kit.feedback import run_change
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import render_facts
from survey.locale import Translator, label_text, labels_of
from survey.questionnaire.indicator_tree import IndicatorTree, TreeError, read_tree_content
from survey.settings import PROJECT_ROOT
from survey.store.china_time import china_date, format_day
from survey.store.tables import WaveState, now
from survey.waves.instruments import add_tree
from survey.waves.planning.wave_editing import (
    IMMUTABLE_ONCE_OPEN,
    STATE_PERMISSION_TEXTS,
    add_wave,
    change_wave,
)
from survey.waves.planning.wave_overview import WaveOptions, WaveOverview
from survey.waves.waves import COMPUTED_STATES, WaveDraft

_SHOWN = 100
_TEMPLATE = PROJECT_ROOT / "seed" / "tree_template.csv"


def draw_tree_upload(page: PageContext) -> None:
    """Draw template and upload of an indicator tree; callers check the right to plan."""
    t = page.t
    st.subheader(t("An indicator tree of your own"), anchor=False)
    st.caption(
        t(
            "A questionnaire names its tree in its settings. Weights under one parent add up to 1. "
            "A tree that is stored never changes: give a changed one a new name."
        )
    )
    draw_download_button(
        page,
        t("Template (CSV)"),
        File("indicator-tree.csv", CSV, _read_template),
        key="plan-tree-template",
        icon=":material/table:",
    )
    given = st.file_uploader(t("Indicator tree (CSV)"), type=["csv"], key="plan-tree-file")
    if given is None:
        return
    name = st.text_input(
        t("Name of the tree"),
        PurePath(given.name).stem,
        max_chars=80,
        key=f"plan-tree-name/{given.file_id}",
        help=t("What the settings of a questionnaire call it."),
    ).strip()
    if not name:
        draw_notice(t("The name is missing."), t("Nothing was stored."))
        return
    try:
        tree = read_tree_content(given.getvalue(), file_name=given.name, name=name)
    except TreeError as error:
        draw_tree_faults(page, error, t("Nothing was stored. Mend the file and upload it again."))
        return
    st.write(t("{count} indicators are right.", count=f"{len(tree.indicators):,}"))
    st.button(
        t("Store this tree"),
        type="primary",
        key="plan-tree-store",
        on_click=partial(store_tree, page, tree),
    )


def _read_template() -> bytes:
    """Return the template of a tree as CSV; its byte-order mark lets Excel read UTF-8."""
    return codecs.BOM_UTF8 + _TEMPLATE.read_bytes()


def draw_tree_faults(page: PageContext, error: TreeError, advice: str) -> None:
    """Draw the errors of an indicator tree by row, below `advice`."""
    t = page.t
    draw_notice(t("This tree cannot be used."), advice)
    faults = pd.DataFrame(
        [(str(fault.row or "–"), fault.column or "–", t(fault.text)) for fault in error.all],
        columns=[t("Row"), t("Column"), t("Reason")],
    )
    st.table(faults.head(_SHOWN), hide_index=True, border="horizontal", alt=t("Wrong rows"))
    if len(faults) > _SHOWN:
        st.caption(t("The first {shown} of {count}.", shown=_SHOWN, count=f"{len(faults):,}"))


def store_tree(page: PageContext, tree: IndicatorTree) -> None:
    """Store an indicator tree under its name, and keep a message about it."""
    done = page.t(
        "The indicator tree {name} is stored: {count} indicators, version {version}.",
        name=tree.name,
        count=f"{len(tree.indicators):,}",
        version=tree.sha256[:12],
    )
    run_change(page, partial(add_tree, tree=tree), done=done)


IsFixed = Callable[[str], bool]
"""Whether a field of the wave cannot be changed any more."""
_SERIES = ("main", "elderly", "minors", VILLAGE_SERIES)


def draw_wave_facts(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    """Draw the state and facts of wave `sheet`, and for planners a form of `offered` options."""
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
    st.html(f'<div class="hcs-findings">{render_facts(rows)}</div>')


def draw_new_wave(page: PageContext, offered: WaveOptions) -> None:
    """Draw the form that makes a wave from `offered` options, and an indicator tree's upload."""
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
                sheet.year if sheet else china_date(now()).year,
                key=f"{prefix}/year",
                disabled=fixed("year"),
            )
        _draw_title(sheet, prefix, "zh", t("Title (Chinese)"))
        with _draw_row():
            _draw_instrument(page, offered, sheet, prefix, fixed)
            _draw_dates(page, sheet, prefix, fixed)
        with st.expander(t("English title and short name (may stay empty)")):
            _draw_title(sheet, prefix, "en", t("Title (English)"))
            if sheet is None:
                st.text_input(
                    t("Short name"),
                    key=f"{prefix}/key",
                    placeholder=t("Series and year, such as main-2027"),
                    max_chars=40,
                    help=t("For links and the command line; it can never be changed."),
                )
        st.form_submit_button(
            t("Save the changes") if sheet else t("Make the wave"),
            type="secondary" if sheet else "primary",
            key="plan-save-wave",
            on_click=partial(_save_wave, page, sheet, prefix),
        )


def _draw_title(sheet: WaveOverview | None, prefix: str, language: str, label: str) -> None:
    known = sheet.title[language] if sheet else ""
    st.text_input(label, known, key=f"{prefix}/title_{language}", max_chars=120)


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
    if sheet is not None:
        run_change(page, partial(change_wave, draft=draft), done=_describe_saved(page, draft))
        return
    made = run_change(
        page,
        # Its row is not readable any more once the transaction has ended.
        lambda work: add_wave(work, draft=draft).key,
        done=lambda new: _describe_saved(page, replace(draft, key=new)),
    )
    if made:
        # What comes next for it.
        st.query_params.update(wave=made.value, part="sample")


def _describe_saved(page: PageContext, draft: WaveDraft) -> str:
    title = label_text(labels_of(draft, "title"), page.language) or draft.title_zh
    return page.t("The wave {wave} is saved.", wave=f"{title} ({draft.key})")
