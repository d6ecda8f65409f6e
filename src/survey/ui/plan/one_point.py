"""Changing one point after the draw."""

from collections.abc import Sequence
from functools import partial

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.planning.one_point import change_point
from survey.fieldwork.planning.points import LARGEST_TARGET
from survey.fieldwork.planning.reading import PointLine, WaveSheet
from survey.publish.views.names import Names
from survey.store.tables import WaveState, now
from survey.ui.page import Visit
from survey.ui.plan.outcome import act, may_plan


def one_point(visit: Visit, sheet: WaveSheet, lines: Sequence[PointLine]) -> None:
    """A point, its target and its days; nothing where the state of the wave forbids it."""
    if not may_plan(visit) or sheet.state not in {WaveState.PLANNED, WaveState.OPEN}:
        return
    t, names = visit.t, Names(visit.language, None)
    by_code = {line.code: line for line in lines}
    st.subheader(t("Change one point"), anchor=False)
    code = st.selectbox(
        t("Sampling point"), list(by_code), index=None, placeholder=t("Choose or type"),
        format_func=lambda option: f"{names.area(by_code[option].city_code)} · {by_code[option].name} · "
                                f"{option}",
        key=f"point-choice/{sheet.key}",
    )  # fmt: skip
    if code is None:
        return
    point, place = by_code[code], f"point/{sheet.key}/{code}"
    with st.form(place, border=True, enter_to_submit=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(t("Target"), 1, LARGEST_TARGET, point.target, key=f"{place}/target")
            for name, label, day in (
                ("opens_on", t("First day"), point.opens_on),
                ("closes_on", t("Last day"), point.closes_on),
            ):
                st.date_input(
                    label, day, key=f"{place}/{name}", format="YYYY-MM-DD",
                    min_value=sheet.opens_on, max_value=sheet.closes_on,
                )  # fmt: skip
        st.caption(t("Without days of its own, the point is worked at on the days of the wave."))
        st.form_submit_button(
            t("Save the point"), type="primary", key="point-save",
            on_click=partial(_save, visit, sheet, code, place),
        )  # fmt: skip


def _save(visit: Visit, sheet: WaveSheet, code: str, place: str) -> None:
    typed = st.session_state

    def change(session: Session, person: Principal) -> None:
        change_point(
            session=session, principal=person, key=sheet.key, code=code,
            target=int(typed[f"{place}/target"]), opens_on=typed[f"{place}/opens_on"],
            closes_on=typed[f"{place}/closes_on"], now=now(),
        )  # fmt: skip

    act(visit, change, visit.t("The point {code} is saved.", code=code))
