"""Mode experiment of a wave on its plan: declared, its draw compared, withdrawn."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.kit.page_runner import PageContext
from survey.locale.figures import format_count, format_quantity, format_share
from survey.screens.plan.point_share import draw_change_button, draw_share_and_seed
from survey.store.tables import WaveState
from survey.waves.planning.mode_experiment import (
    LEAST_SHARE,
    MOST_SHARE,
    PLANNED_HALF_WIDTH,
    PLANNED_INTERVIEWS,
    ModeExperimentSummary,
    declare_mode_experiment,
    find_mode_experiment,
    withdraw_mode_experiment,
)
from survey.waves.planning.point_shares import plan_part_interviews
from survey.waves.planning.sampling_points import KIND_NAMES, STRATUM_NAMES
from survey.waves.planning.wave_overview import WaveOverview

_USUAL_PERCENT = 50


def draw_mode_experiment_part(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the mode experiment of wave `sheet`, and its declaration."""
    t = page.t
    may_change = page.principal.may(Action.PLAN) and sheet.state is WaveState.PLANNED
    with page.read() as work:
        summary = find_mode_experiment(work, key=sheet.key)
    if summary is None and not may_change:
        return
    st.subheader(t("Mode experiment"), anchor=False)
    if summary is None:
        _draw_declaration(page, sheet)
        return
    st.write(_describe(page, summary))
    if summary.of_points:
        st.write(_describe_balance(page, summary))
    if may_change:
        draw_change_button(
            page,
            sheet,
            t("Withdraw the mode experiment"),
            partial(withdraw_mode_experiment, key=sheet.key),
            done=t("The mode experiment is withdrawn."),
            key="plan-experiment-withdraw",
        )


def _describe(page: PageContext, summary: ModeExperimentSummary) -> str:
    return page.t(
        "{points} of {of} sampling points with {interviews} interviews offer the own phone "
        "({share} of the points of each city, seed {seed}); at the others the questions are read "
        "aloud. Whoever cannot or does not want to answers in the other way.",
        points=format_count(summary.points),
        of=format_count(summary.of_points),
        interviews=format_count(summary.interviews),
        share=format_share(summary.share, 0),
        seed=summary.seed,
    )


def _describe_balance(page: PageContext, summary: ModeExperimentSummary) -> str:
    """Return how alike the two sides are in what is known of the points before."""
    t = page.t
    known = {name: value for name, value in summary.balance.items() if value == value}
    if not known:
        return t("All points are on one side so far, so nothing can be compared.")
    name = max(known, key=lambda each: abs(known[each]))
    words = {
        "size": format_quantity(abs(known[name]), 2),
        "what": _name_characteristic(page, name),
        "usual": format_quantity(summary.usual, 2),
    }
    if abs(known[name]) <= summary.usual:
        return t(
            "The two sides are alike: they differ most in {what}, by {size} standard deviations; "
            "chance alone makes up to {usual}.",
            **words,
        )
    return t(
        "The two sides differ in {what} by {size} standard deviations, more than chance usually "
        "makes ({usual}). With another seed they may be more alike, but only before the first "
        "interview.",
        **words,
    )


def _name_characteristic(page: PageContext, name: str) -> str:
    if name == PLANNED_INTERVIEWS:
        return page.t("planned interviews")
    _, _, level = name.partition("=")
    known = {**KIND_NAMES, **STRATUM_NAMES}.get(level)
    return page.t(known) if known else level


def _draw_declaration(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the fields of a new mode experiment of wave `sheet`, and the button."""
    t, prefix = page.t, f"experiment/{sheet.key}/{page.language}"
    with page.read() as work:
        needed = plan_part_interviews(work, key=sheet.key, half_width=PLANNED_HALF_WIDTH)
    st.caption(
        t(
            "Do people answer otherwise when the questions are read aloud? Chance decides at which "
            "points the own phone is offered first, and the effect is known with its margin."
        )
    )
    if needed is not None:
        st.write(
            t(
                "An effect of ±{width} point for the nation needs {count} interviews on the "
                "smaller side.",
                width=f"{PLANNED_HALF_WIDTH:g}",
                count=format_count(needed),
            )
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        share, seed = draw_share_and_seed(
            page,
            prefix,
            t("Points that offer the own phone (per cent)"),
            bounds=(LEAST_SHARE, MOST_SHARE),
            usual=_USUAL_PERCENT,
        )
    draw_change_button(
        page,
        sheet,
        t("Declare the mode experiment"),
        partial(declare_mode_experiment, key=sheet.key, share=share, seed=seed),
        done=t("The mode experiment is declared, and its points are drawn."),
        key="plan-experiment-declare",
    )
