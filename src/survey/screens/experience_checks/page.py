"""The page of experience checks: which check, its answer first, a tab for each of its parts."""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.experience_checks.reading import (
    ExperienceCheckDetail,
    ExperienceCheckSummary,
    get_experience_check,
    list_experience_checks,
)
from survey.figures.figure_table import csv_bytes
from survey.figures.views.experience_check import (
    ExperienceCheckView,
    Table,
    build_check_figures,
    build_experience_check_view,
)
from survey.kit.download_button import CSV, File, draw_download_button, name_file
from survey.kit.feedback import feedback_above
from survey.kit.filters import pick_linked
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown, render_text_table
from survey.kit.url_state import draw_tabs
from survey.screens.experience_checks.hearing import draw_hearing
from survey.screens.experience_checks.planning import draw_new_check, draw_plan
from survey.screens.experience_checks.venues import draw_venues_tab
from survey.store.china_time import format_day
from survey.store.tables import WaveState
from survey.waves.waves import STATE_NAMES


def draw_scores(page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView) -> None:
    """Draw the scores by area and type of venue."""
    if not view.scores[1]:
        st.caption(page.t("No visit has been approved yet."))
        return
    _draw_table(page, check, view, view.scores, page.t("Scores"))


def draw_agreement(
    page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView
) -> None:
    """Draw how far two observers of one venue agree, item by item."""
    for sentence in view.agreement_sentences:
        st.write(sentence)
    _draw_table(page, check, view, view.agreement, page.t("Agreement of observers"))
    with st.popover(page.t("How it is computed"), key="experience-check/computation"):
        st.write(
            page.t(
                "Observers are blind to each other. κ (Cohen 1960; error of Fleiss, Cohen and "
                "Everitt 1969) and α (Krippendorff 2011) take off what chance alone would give. "
                "The error of α is that between whole venues (jackknife), because the items of one "
                "venue hang together. Intervals reach below 1 even where all agreed: what was seen "
                "is a share of so many effective answers (Zapf and others 2016). From 0.80 on α is "
                "called reliable, from 0.667 on good enough for tentative conclusions."
            )
        )


def _draw_table(
    page: PageContext,
    check: ExperienceCheckDetail,
    view: ExperienceCheckView,
    table: Table,
    what: str,
) -> None:
    t, summary = page.t, check.summary
    heads, rows = table
    days = t(
        "Visits from {first} to {last}",
        first=format_day(t, summary.opens_on) if summary.opens_on else "–",
        last=format_day(t, summary.closes_on) if summary.closes_on else "–",
    )
    demo = (t("Demo data"),) if summary.is_demo else ()
    st.caption(" · ".join((escape_markdown(view.title), days, *demo)))
    st.html(render_text_table(heads, rows))
    for note in view.notes:
        st.caption(note)
    draw_download_button(
        page,
        t("Table (CSV)"),
        File(
            name_file(page, what, "csv", summary),
            CSV,
            partial(
                csv_bytes,
                pd.DataFrame(list(rows), columns=list(heads)),
                (view.title, days, *demo, *view.notes),
            ),
        ),
        key=f"experience-check/download/{what}",
    )


_NEW = "new"


def draw_experience_checks(page: PageContext) -> None:
    """Draw the choice of a check, and the one chosen; those who run checks can plan another."""
    with feedback_above(page):
        _draw_checks(page)


def _draw_checks(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        checks = list_experience_checks(work)
    st.caption(
        t(
            "Volunteers visit venues as any consumer would and note what they see. Checks stand "
            "beside the satisfaction score and never enter it."
        )
    )
    may_plan = page.principal.may(Action.MANAGE_VENUE_CHECKS)
    if not checks and not may_plan:
        draw_notice(
            t("No experience check has been released yet"),
            t("A check appears here as soon as its visits are reviewed and it is released."),
        )
        return
    by_key = {check.key: check for check in checks}
    key = _pick_check(page, by_key, may_plan=may_plan)
    if key == _NEW:
        draw_new_check(page)
    elif key is not None:
        with page.read() as work:
            check = get_experience_check(work, wave_id=by_key[key].id)
        _draw_check(page, check)


def _pick_check(
    page: PageContext, by_key: Mapping[str, ExperienceCheckSummary], *, may_plan: bool
) -> str | None:
    t = page.t

    def show(key: str) -> str:
        if key == _NEW:
            return t("Plan a new check")
        return f"{by_key[key].title[page.language]} · {name_state(page, by_key[key])}"

    options = [*by_key, *([_NEW] if may_plan else [])]
    return pick_linked(page, t("Experience check"), "check", options, show)


def name_state(page: PageContext, check: ExperienceCheckSummary) -> str:
    """Return the state of a check in words; a released one is closed as well."""
    state = WaveState.RELEASED if check.released_at is not None else check.state
    return page.t(STATE_NAMES[state])


def _draw_check(page: PageContext, check: ExperienceCheckDetail) -> None:
    t = page.t
    figures = build_check_figures(check)
    view: ExperienceCheckView = build_experience_check_view(check, figures, page.language)
    st.subheader(escape_markdown(view.title), anchor=False)
    st.markdown(f"**{view.sentences[0]}**")
    for sentence in view.sentences[1:]:
        st.write(sentence)
    tabs: dict[str, tuple[str, Callable[[], None]]] = {
        "scores": (t("Scores"), partial(draw_scores, page, check, view)),
        "agreement": (t("Agreement of observers"), partial(draw_agreement, page, check, view)),
        "plan": (t("Plan"), partial(draw_plan, page, check)),
        "venues": (t("Venues"), partial(draw_venues_tab, page, check)),
        "replies": (t("Venues' replies"), partial(draw_hearing, page, check)),
    }
    draw_tabs(tabs, language=page.language)
