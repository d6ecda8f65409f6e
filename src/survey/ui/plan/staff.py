"""Assignment of people to sampling points: list upload and present assignments."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.planning.staff import (
    AssignmentList,
    assign_people,
    read_staff_list,
    staff_template,
)
from survey.fieldwork.planning.wave_overview import WaveOverview, list_postings
from survey.publish.column_tables import format_for_screen
from survey.publish.views.display_names import DisplayNames
from survey.store.tables import WaveState
from survey.ui.feedback import perform_on_wave
from survey.ui.page_runner import PageContext
from survey.ui.plan.list_upload import draw_list_upload
from survey.ui.plan.point_staff import draw_point_staff

_SHOWN = 500


def draw_staff(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the upload of assignments while the state allows it, and the present people."""
    if page.principal.may(Action.PLAN) and sheet.state in {WaveState.PLANNED, WaveState.OPEN}:
        draw_point_staff(page, sheet)
        _draw_assignment_upload(page, sheet)
    _draw_postings(page, sheet)


def _draw_assignment_upload(page: PageContext, sheet: WaveOverview) -> None:
    t = page.t
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
    draw_list_upload(
        page,
        name="people",
        label=t("List of people (XLSX)"),
        file_key=f"people-file-{sheet.key}",
        template=lambda session: staff_template(page.work(session), key=sheet.key),
        read=lambda session, name, content: read_staff_list(
            page.work(session), key=sheet.key, name=name, content=content
        ),
        confirm=partial(_draw_assignment_confirmation, page, sheet),
    )


def _draw_assignment_confirmation(
    page: PageContext, sheet: WaveOverview, listed: AssignmentList
) -> None:
    t = page.t
    st.write(
        t(
            "{rows} rows are right: {new} new jobs, {present} that are there already, {people} "
            "surveyors.",
            rows=f"{len(listed.jobs):,}",
            new=f"{len(listed.jobs) - listed.present:,}",
            present=f"{listed.present:,}",
            people=f"{len({job.login for job in listed.jobs}):,}",
        )
    )
    st.button(
        t("Assign these people"),
        key="people-assign",
        disabled=not listed.jobs,
        on_click=partial(_store_assignments, page, sheet, listed),
    )


def _store_assignments(page: PageContext, sheet: WaveOverview, listed: AssignmentList) -> None:
    def change(work: Work) -> None:
        assign_people(work, key=sheet.key, listed=listed)

    perform_on_wave(page, sheet, change, done=page.t("The people are assigned."))


def _draw_postings(page: PageContext, sheet: WaveOverview) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("People of this wave"), anchor=False)
    with page.read() as work:
        lines = list_postings(work, key=sheet.key)
    if not lines:
        st.caption(t("There are none yet."))
        return
    shown = lines[:_SHOWN]
    st.caption(t("{count} surveyors", count=f"{len(lines):,}"))
    st.dataframe(
        format_for_screen(
            {
                t("City"): [names.area(line.city_code) for line in shown],
                t("Login"): [line.login for line in shown],
                t("Name"): [line.name for line in shown],
                t("Supervisor"): [line.supervisor for line in shown],
                t("Agency"): [line.agency for line in shown],
                t("Points"): [line.points for line in shown],
            }
        ),
        hide_index=True,
        alt=t("People of this wave"),
    )
    if len(lines) > _SHOWN:
        st.caption(t("The first {shown} by city and login.", shown=_SHOWN))
