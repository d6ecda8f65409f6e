"""Overlap of a wave on its plan: which earlier questionnaire, at how many points, by which draw."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.kit.page_runner import PageContext
from survey.locale import label_text
from survey.locale.figures import format_count, format_score, format_share
from survey.screens.plan.point_share import draw_change_button, draw_share_and_seed
from survey.store.tables import WaveState
from survey.waves.planning.overlap import (
    MAX_SHARE,
    PLANNED_HALF_WIDTH,
    OverlapSummary,
    declare_overlap,
    find_overlap_summary,
    list_earlier_questionnaires,
    withdraw_overlap,
)
from survey.waves.planning.point_shares import plan_part_interviews
from survey.waves.planning.wave_overview import WaveOverview

_USUAL_PERCENT = 20


def draw_overlap_part(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the overlap of wave `sheet` with an earlier questionnaire, and its declaration."""
    t = page.t
    may_change = page.principal.may(Action.PLAN) and sheet.state is WaveState.PLANNED
    with page.read() as work:
        summary = find_overlap_summary(work, key=sheet.key)
    if summary is None and not may_change:
        return
    st.subheader(t("Overlap with the earlier questionnaire"), anchor=False)
    if summary is None:
        _draw_declaration(page, sheet)
        return
    st.write(_describe(page, summary))
    if may_change:
        draw_change_button(
            page,
            sheet,
            t("Withdraw the overlap"),
            partial(withdraw_overlap, key=sheet.key),
            done=t("The overlap is withdrawn."),
            key="plan-overlap-withdraw",
        )


def _describe(page: PageContext, summary: OverlapSummary) -> str:
    return page.t(
        "{points} of {of} sampling points with {interviews} interviews ask {instrument} "
        "({share} of the points of each city, seed {seed}). They fill the same quotas, and no "
        "score of the wave counts them.",
        points=format_count(summary.points),
        of=format_count(summary.of_points),
        interviews=format_count(summary.interviews),
        instrument=summary.instrument,
        share=format_share(summary.share, 0),
        seed=summary.seed,
    )


def _draw_declaration(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the fields of a new overlap of wave `sheet`, and the button that declares it."""
    t, prefix = page.t, f"overlap/{sheet.key}/{page.language}"
    with page.read() as work:
        known = list_earlier_questionnaires(work, key=sheet.key)
    st.caption(
        t(
            "When the questionnaire has changed, a part of the points, drawn by lot, can go on "
            "asking the earlier one. What the new one gives more is then known, with its margin."
        )
    )
    if not known:
        st.caption(t("No stored questionnaire could be the earlier one."))
        return
    width = st.number_input(
        t("Margin of the step (± points)"), 0.3, 1.0, PLANNED_HALF_WIDTH, 0.1, key=f"{prefix}/width"
    )
    with page.read() as work:
        needed = plan_part_interviews(work, key=sheet.key, half_width=width)
    if needed is None:
        st.caption(t("No sample is planned yet, or even half of it would be too few for this."))
    else:
        st.write(
            t(
                "A step of ±{width} points for the nation needs {count} interviews of the overlap.",
                width=format_score(width),
                count=format_count(needed),
            )
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            t("Earlier questionnaire"),
            list(known),
            format_func=lambda id_: (
                f"{label_text(known[id_].title, page.language)} "
                f"({known[id_].name} {known[id_].version})"
            ),
            key=f"{prefix}/instrument",
        )
        share, seed = draw_share_and_seed(
            page,
            prefix,
            t("Part of the points (per cent)"),
            bounds=(0.01, MAX_SHARE),
            usual=_USUAL_PERCENT,
        )
    draw_change_button(
        page,
        sheet,
        t("Declare the overlap"),
        partial(declare_overlap, key=sheet.key, instrument_id=chosen, share=share, seed=seed),
        done=t("The overlap is declared, and its points are drawn."),
        key="plan-overlap-declare",
    )
