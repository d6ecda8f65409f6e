"""Sampling points: template, list, draw, what was drawn."""

import secrets
from functools import partial

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.clock import CHINA
from survey.fieldwork.planning.points import (
    LARGEST_SEED,
    MOST_POINTS,
    PointList,
    discard_points,
    draw_points,
    point_sheet,
    read_point_list,
    try_draw,
)
from survey.fieldwork.planning.reading import PointLine, WaveSheet, points_of
from survey.fieldwork.planning.saving import plan_cities
from survey.fieldwork.planning.words import KIND_NAMES, STRATUM_NAMES
from survey.publish.tables import for_screen
from survey.publish.views.names import Names
from survey.sample.draw import Drawn
from survey.store.engine import read_scope
from survey.store.tables import WaveState, now
from survey.ui.page import Visit
from survey.ui.plan.listing import uploaded_list
from survey.ui.plan.one_point import one_point
from survey.ui.plan.outcome import act, may_plan

_USUAL_POINTS = 30
_SHOWN = 500


def points(visit: Visit, sheet: WaveSheet) -> None:
    """Draw new points while the state allows it; below, the points there are."""
    if may_plan(visit) and sheet.state in {WaveState.PLANNED, WaveState.OPEN}:
        _draw(visit, sheet)
    _drawn_before(visit, sheet)
    _listed(visit, sheet)


def _draw(visit: Visit, sheet: WaveSheet) -> None:
    t = visit.t
    st.subheader(t("Draw sampling points from a list"), anchor=False)
    st.caption(
        t(
            "Fill in the template with every place where interviews could be collected. The draw "
            "picks among them by lot; the list and the seed are kept, so that anybody can repeat "
            "it. Targets follow from the saved sample."
        )
    )
    uploaded_list(
        visit, name="points", label=t("List of points (XLSX)"),
        file_key=f"points-file-{sheet.key}-{sheet.points}",
        template=lambda session: point_sheet(
            plan_cities(session=session, principal=visit.principal), visit.language
        ),
        read=lambda session, name, content: read_point_list(
            session=session, principal=visit.principal, key=sheet.key, name=name, content=content
        ),
        confirm=partial(_confirm, visit, sheet),
    )  # fmt: skip


def _confirm(visit: Visit, sheet: WaveSheet, listed: PointList) -> None:
    """First what the draw would give, then the draw."""
    t, place = visit.t, f"draw/{listed.sha256[:12]}"
    st.session_state.setdefault(f"{place}/seed", secrets.randbelow(10**9))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        per_city = st.number_input(
            t("Points a city"), 1, MOST_POINTS, _USUAL_POINTS, key=f"{place}/points"
        )
        seed = st.number_input(
            t("Seed of the draw"), 0, LARGEST_SEED, key=f"{place}/seed",
            help=t("Any whole number, for example from a public lottery. The same list and seed "
                   "always give the same points."),
        )  # fmt: skip
    with read_scope(visit.settings.store_url) as session:
        tried = try_draw(
            session=session, principal=visit.principal, key=sheet.key, listed=listed,
            per_city=int(per_city), seed=int(seed),
        )  # fmt: skip
    cities = len({point.city_code for point in tried.points})
    st.write(
        t(
            "{listed} points are listed and right. The draw gives {drawn} points in {cities} "
            "cities with {interviews} interviews.",
            listed=f"{len(listed.points):,}", drawn=f"{len(tried.points):,}", cities=cities,
            interviews=f"{sum(point.target or 0 for point in tried.points):,}",
        )
    )  # fmt: skip
    _shortages(visit, tried)
    st.caption(t("SHA-256 of the list: {hash}", hash=listed.sha256))
    st.button(
        t("Draw and store the points"), type="primary", key="points-draw",
        on_click=partial(_store, visit, sheet, listed, int(per_city), int(seed)),
    )  # fmt: skip


def _shortages(visit: Visit, tried: Drawn) -> None:
    t, names = visit.t, Names(visit.language, None)
    if not tried.shortages:
        return
    lines = [
        t(
            "{city}, {stratum}: {listed} of {wanted} wanted points are listed",
            city=names.area(shortage.city_code), stratum=t(STRATUM_NAMES[shortage.stratum]),
            listed=shortage.listed, wanted=shortage.wanted,
        )
        for shortage in tried.shortages[:10]
    ]  # fmt: skip
    more = len(tried.shortages) - len(lines)
    if more > 0:
        lines.append(t("{count} more", count=more))
    st.warning(
        t("Shorter lists than wanted. Where a stratum has no point at all, its interviews go to "
          "the other one.") + "\n\n" + "\n".join(f"- {line}" for line in lines)
    )  # fmt: skip


def _store(visit: Visit, sheet: WaveSheet, listed: PointList, per_city: int, seed: int) -> None:
    def change(session: Session, person: Principal) -> None:
        draw_points(
            session=session, principal=person, key=sheet.key, listed=listed, per_city=per_city,
            seed=seed, now=now(),
        )  # fmt: skip

    act(visit, change, visit.t("The points are drawn and stored."))


def _drawn_before(visit: Visit, sheet: WaveSheet) -> None:
    t = visit.t
    if not sheet.draws:
        return
    st.subheader(t("Draws on record"), anchor=False)
    st.table(
        for_screen(
            {
                t("When"): [
                    f"{draw.drawn_at.astimezone(CHINA):%Y-%m-%d %H:%M}" for draw in sheet.draws
                ],
                t("Seed"): [str(draw.seed) for draw in sheet.draws],
                t("Listed"): [draw.listed for draw in sheet.draws],
                t("Drawn"): [draw.drawn for draw in sheet.draws],
                t("SHA-256 of the list"): [draw.list_sha256 for draw in sheet.draws],
            }
        ),
        hide_index=True, border="horizontal", alt=t("Draws on record"),
    )  # fmt: skip
    if may_plan(visit) and sheet.state is WaveState.PLANNED and sheet.points:
        sure = st.checkbox(
            t("I want to take all points back; the draws stay on record."), key="points-sure"
        )
        st.button(
            t("Take all points back"), key="points-discard", disabled=not sure,
            on_click=partial(_discard, visit, sheet),
        )  # fmt: skip


def _discard(visit: Visit, sheet: WaveSheet) -> None:
    def change(session: Session, person: Principal) -> None:
        discard_points(session=session, principal=person, key=sheet.key, now=now())

    act(visit, change, visit.t("The points are taken back."))


def _listed(visit: Visit, sheet: WaveSheet) -> None:
    t, names = visit.t, Names(visit.language, None)
    st.subheader(t("Sampling points of this wave"), anchor=False)
    with read_scope(visit.settings.store_url) as session:
        lines = points_of(session=session, principal=visit.principal, key=sheet.key)
    if not lines:
        st.caption(t("There are none yet."))
        return
    st.caption(t("{count} points", count=f"{len(lines):,}"))
    shown = lines[:_SHOWN]
    st.dataframe(
        for_screen(
            {
                t("City"): [names.area(line.city_code) for line in shown],
                t("Code"): [line.code for line in shown],
                t("Name"): [line.name for line in shown],
                t("Kind"): [t(KIND_NAMES[line.kind]) for line in shown],
                t("Urban or rural"): [t(STRATUM_NAMES[line.stratum]) for line in shown],
                t("Target"): [line.target for line in shown],
                t("Days"): [_days(line) for line in shown],
                t("Surveyors"): [", ".join(line.surveyors) for line in shown],
            }
        ),
        hide_index=True, alt=t("Sampling points of this wave"),
    )  # fmt: skip
    if len(lines) > _SHOWN:
        st.caption(t("The first {shown} by city and code.", shown=_SHOWN))
    one_point(visit, sheet, lines)


def _days(point: PointLine) -> str:
    """The point's own days; empty where those of the wave hold."""
    if not point.opens_on and not point.closes_on:
        return ""
    return f"{point.opens_on or '…'} – {point.closes_on or '…'}"
