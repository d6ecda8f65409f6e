"""Who works where: template, list, what it would change, what there is."""

from functools import partial

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.planning.reading import WaveSheet, people_of
from survey.fieldwork.planning.staff import (
    JobList,
    assign_people,
    read_staff_list,
    staff_template,
)
from survey.publish.tables import for_screen
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.store.tables import WaveState, now
from survey.ui.page import Visit
from survey.ui.plan.listing import uploaded_list
from survey.ui.plan.outcome import act, may_plan

_SHOWN = 500


def people(visit: Visit, sheet: WaveSheet) -> None:
    """Upload who works where while the state allows it; below, who there is."""
    if may_plan(visit) and sheet.state in {WaveState.PLANNED, WaveState.OPEN}:
        _assign(visit, sheet)
    _posted(visit, sheet)


def _assign(visit: Visit, sheet: WaveSheet) -> None:
    t = visit.t
    st.subheader(t("Assign people to points"), anchor=False)
    if not sheet.points:
        st.caption(t("Draw sampling points first."))
        return
    st.caption(
        t(
            "One row a surveyor and point. Supervisor and agency hold for the surveyor's whole "
            "city; a later list replaces them. People without an account are refused by name."
        )
    )
    uploaded_list(
        visit, name="people", label=t("List of people (XLSX)"), file_key=f"people-file-{sheet.key}",
        template=lambda session: staff_template(
            session=session, principal=visit.principal, key=sheet.key
        ),
        read=lambda session, name, content: read_staff_list(
            session=session, principal=visit.principal, key=sheet.key, name=name, content=content
        ),
        confirm=partial(_confirm, visit, sheet),
    )  # fmt: skip


def _confirm(visit: Visit, sheet: WaveSheet, listed: JobList) -> None:
    t = visit.t
    st.write(
        t(
            "{rows} rows are right: {new} new jobs, {present} that are there already, {people} "
            "surveyors.",
            rows=f"{len(listed.jobs):,}", new=f"{len(listed.jobs) - listed.present:,}",
            present=f"{listed.present:,}", people=f"{len({job.login for job in listed.jobs}):,}",
        )
    )  # fmt: skip
    st.button(
        t("Assign these people"), type="primary", key="people-assign",
        disabled=not listed.jobs, on_click=partial(_store, visit, sheet, listed),
    )  # fmt: skip


def _store(visit: Visit, sheet: WaveSheet, listed: JobList) -> None:
    def change(session: Session, person: Principal) -> None:
        assign_people(session=session, principal=person, key=sheet.key, listed=listed, now=now())

    act(visit, change, visit.t("The people are assigned."))


def _posted(visit: Visit, sheet: WaveSheet) -> None:
    t, names = visit.t, Names(visit.language, None)
    st.subheader(t("People of this wave"), anchor=False)
    with read_scope(visit.settings.store_url) as session:
        lines = people_of(session=session, principal=visit.principal, key=sheet.key)
    if not lines:
        st.caption(t("There are none yet."))
        return
    shown = lines[:_SHOWN]
    st.caption(t("{count} surveyors", count=f"{len(lines):,}"))
    st.dataframe(
        for_screen(
            {
                t("City"): [names.area(line.city_code) for line in shown],
                t("Login"): [line.login for line in shown],
                t("Name"): [line.name for line in shown],
                t("Supervisor"): [line.supervisor for line in shown],
                t("Agency"): [line.agency for line in shown],
                t("Points"): [line.points for line in shown],
            }
        ),
        hide_index=True, alt=t("People of this wave"),
    )  # fmt: skip
    if len(lines) > _SHOWN:
        st.caption(t("The first {shown} by city and login.", shown=_SHOWN))
