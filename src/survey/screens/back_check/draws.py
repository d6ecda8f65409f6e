"""Draws of interviews to check again: shares and seed, preview, draws made so far."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape

import streamlit as st

from survey.access.roles import NATION
from survey.figures.views.display_names import DisplayNames
from survey.kit.feedback import run_change, show_problems
from survey.kit.filters import filter_row, pick_city_or_all, pick_started_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import explain, render_table
from survey.kit.url_state import pick_by_button
from survey.locale import Message, msg
from survey.review.back_check.draws import (
    MAX_SEED_CHARS,
    RANDOM_SHARE,
    RISK_SHARE,
    DrawPlan,
    DrawPreview,
    DrawRecord,
    create_draw,
    list_draws,
    preview_draw,
)
from survey.review.review_queue import count_by_status, list_review_waves
from survey.store.china_time import format_china_minute
from survey.store.tables import now
from survey.waves.waves import WaveSummary


class BackCheckTab(StrEnum):
    CALL = "call"
    RESULTS = "results"
    DRAW = "draw"


TAB_NAMES: Mapping[BackCheckTab, Message] = {
    BackCheckTab.CALL: msg("To ask again"),
    BackCheckTab.RESULTS: msg("Results"),
    BackCheckTab.DRAW: msg("Draw"),
}


@dataclass(frozen=True)
class BackCheckSelection:
    """What the back-check page shows: wave, city (None: the principal's whole area) and tab."""

    wave: WaveSummary
    city_code: str | None
    tab: BackCheckTab


def draw_filters(page: PageContext) -> BackCheckSelection | None:
    """Draw the filters and return the selection; None, with a notice, if no wave can be checked."""
    t = page.t
    with page.read() as work:
        waves = list_review_waves(work)
        if not waves:
            draw_notice(
                t("There is nothing to check yet"),
                t("Interviews can be drawn as soon as a wave is open and the first ones arrive."),
            )
            return None
        with filter_row():
            wave = pick_started_wave(page, waves)
            if wave is None:
                return None
            cities = list(count_by_status(work, wave_id=wave.id))
            city = pick_city_or_all(page, cities)
            tabs = {tab.value: t(name) for tab, name in TAB_NAMES.items()}
            explanation = explain("back-check", page.language)
            tab = pick_by_button(page, t("View"), "view", tabs, explanation=explanation)
    return BackCheckSelection(wave, city, BackCheckTab(tab))


_LISTED = 40
_SEED, _PLAN = "draw/seed", "draw/plan"
_RANDOM, _RISK = "draw/random", "draw/risk"


def draw_draws(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw the form that samples interviews of `choice` for back-checks, and earlier samples.

    The draw depends on nothing but this form, so that it can be repeated.
    """
    t = page.t
    st.caption(
        t(
            "Of every surveyor's interviews a share is drawn by lot, at least one, and a share by "
            "risk, the highest first. Only the part by lot gives an error rate. The same seed "
            "draws the same interviews; drawing again adds what newer interviews ask for."
        )
    )
    if _SEED not in st.session_state:
        st.session_state[_SEED] = str(secrets.randbelow(10**6))
    with st.form("draw"):
        first, second, third = st.columns(3)
        first.number_input(
            t("By lot, per cent"), 0.0, 100.0, RANDOM_SHARE * 100, step=1.0, key=_RANDOM
        )
        second.number_input(
            t("By risk, per cent"), 0.0, 100.0, RISK_SHARE * 100, step=1.0, key=_RISK
        )
        third.text_input(t("Seed"), key=_SEED, max_chars=MAX_SEED_CHARS)
        st.form_submit_button(
            t("Show what would be drawn"), key="draw-show", on_click=_draw_plan, args=(choice,)
        )
    plan = st.session_state.get(_PLAN)
    if plan is not None and (plan.wave_id, plan.city_code) == (choice.wave.id, choice.city_code):
        with show_problems(page.t, page.t("Nothing was drawn.")):
            with page.read() as work:
                seen = preview_draw(work, plan=plan)
            _draw_preview_table(page, seen)
    _draw_past_draws(page, choice)


def _draw_plan(choice: BackCheckSelection) -> None:
    st.session_state[_PLAN] = DrawPlan(
        choice.wave.id,
        choice.city_code,
        st.session_state[_RANDOM] / 100,
        st.session_state[_RISK] / 100,
        st.session_state[_SEED].strip(),
        now(),
    )


def _draw_preview_table(page: PageContext, seen: DrawPreview) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    if not seen.added:
        draw_notice(
            t("There is nothing new to draw"),
            t("The list holds these shares of every surveyor's interviews already."),
        )
        return
    shares = [share for share in seen.surveyors if share.by_lot or share.by_risk]
    rows = [
        (
            share.name,
            names.area(share.city_code),
            f"{share.interviews:,}",
            f"{share.listed:,}",
            f"{share.by_lot:,}",
            f"{share.by_risk:,}",
        )
        for share in shares[:_LISTED]
    ]
    heads = (
        t("Surveyor"), t("City"), t("Interviews"), t("Listed"), t("By lot"), t("By risk")
    )  # fmt: skip
    st.html(render_table(heads, rows))
    if len(shares) > _LISTED:
        st.caption(t("and {count} more", count=len(shares) - _LISTED))
    st.button(
        t("Draw {count} interviews", count=f"{seen.added:,}"),
        type="primary",
        key="draw-make",
        on_click=_create_draw,
        args=(page, seen),
    )


def _create_draw(page: PageContext, seen: DrawPreview) -> None:
    drawn = run_change(
        page,
        lambda work: create_draw(work, seen=seen),
        done=page.t("{count} interviews were drawn.", count=f"{seen.added:,}"),
        hints=[page.t("Nothing was changed. What you entered is still here.")],
    )
    if drawn:
        st.session_state.pop(_PLAN, None)
        st.session_state.pop(_SEED, None)


def _draw_past_draws(page: PageContext, choice: BackCheckSelection) -> None:
    t = page.t
    with page.read() as work:
        draws = list_draws(work, wave_id=choice.wave.id)
    if not draws:
        return
    st.subheader(t("Draws so far"), anchor=False)
    lines = "".join(f"<li>{escape(_format_draw_record(page, draw))}</li>" for draw in draws)
    st.html(f'<ul class="hcs-history">{lines}</ul>')


def _format_draw_record(page: PageContext, draw: DrawRecord) -> str:
    t = page.t
    area = (
        t("all cities")
        if draw.area == NATION
        else DisplayNames(page.language, None).area(draw.area)
    )
    words = t(
        "{count} interviews; by lot {lot} per cent, by risk {risk} per cent, seed {seed}",
        count=f"{draw.drawn:,}",
        lot=f"{draw.random_share * 100:g}",
        risk=f"{draw.risk_share * 100:g}",
        seed=draw.seed,
    )
    return " · ".join(
        part for part in (format_china_minute(t, draw.drawn_at), draw.drawn_by, area, words) if part
    )
