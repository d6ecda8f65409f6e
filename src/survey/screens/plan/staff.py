"""Assignment of people to sampling points, one by one or by list."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.figures.views.display_names import DisplayNames
from survey.kit.feedback import change_wave_on_click, perform_on_wave
from survey.kit.list_entry import ListFile, draw_list_upload
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_columns, escape_markdown
from survey.store.tables import WaveState
from survey.waves.planning.point_staff import (
    PointSurveyor,
    assign_person,
    get_point_staff,
    remove_person,
)
from survey.waves.planning.staff import (
    AssignmentList,
    assign_evenly,
    assign_people,
    read_staff_list,
    staff_template,
)
from survey.waves.planning.wave_overview import WaveOverview, list_points, list_postings


def draw_point_staff(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the choice of a point of wave `sheet`, its surveyors, and who can be added."""
    t, names = page.t, DisplayNames(page.language, None)
    with page.read() as work:
        points = {point.code: point for point in list_points(work, key=sheet.key)}
    if not points:
        return
    st.subheader(t("Assign one person"), anchor=False)
    code = (
        st.selectbox(
            t("Sampling point"),
            list(points),
            index=None,
            placeholder=t("Choose or type"),
            format_func=lambda option: (
                f"{names.area(points[option].city_code)} · {points[option].name} · "
                + (", ".join(points[option].surveyors) or t("nobody yet"))
            ),
            key=f"staff/{sheet.key}/{page.language}/point/{sheet.staffed_points}",
        )
        if len(points) > 1
        else next(iter(points))
    )
    if code is None:
        return
    if len(points) == 1:
        st.caption(f"{names.area(points[code].city_code)} · {escape_markdown(points[code].name)}")
    with page.read() as work:
        staff = get_point_staff(work, key=sheet.key, code=code)
    for person in staff.working:
        _draw_working(page, sheet, code, person)
    _draw_assignment(page, sheet, code, staff.available)


def _draw_working(page: PageContext, sheet: WaveOverview, code: str, person: PointSurveyor) -> None:
    t = page.t
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{person.name} · {person.login}", width="content")
        done = t("{name} does not work at point {code} any more.", name=person.name, code=code)
        st.button(
            t("Take off this point"),
            key=f"staff/remove/{code}/{person.login}",
            on_click=change_wave_on_click,
            args=(
                page,
                sheet,
                partial(remove_person, key=sheet.key, code=code, login=person.login),
                done,
            ),
        )


def _draw_assignment(
    page: PageContext, sheet: WaveOverview, code: str, available: tuple[PointSurveyor, ...]
) -> None:
    t = page.t
    if not available:
        st.caption(t("Nobody else can work here. Accounts are made on “Users and rights”."))
        return
    people = {person.login: person for person in available}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        login = st.selectbox(
            t("Surveyor"),
            list(people),
            index=None,
            placeholder=t("Choose or type"),
            format_func=lambda option: f"{people[option].name} · {option}",
            key=f"staff/{sheet.key}/{code}/login/{len(people)}",
        )
        st.button(
            t("Assign"),
            key="staff-assign",
            disabled=login is None,
            on_click=partial(_assign_surveyor, page, sheet, code, people.get(login or "")),
        )


def _assign_surveyor(
    page: PageContext, sheet: WaveOverview, code: str, person: PointSurveyor | None
) -> None:
    if person is None:
        return
    change = partial(assign_person, key=sheet.key, code=code, login=person.login)
    done = page.t("{name} works at point {code}.", name=person.name, code=code)
    perform_on_wave(page, sheet, change, done=done)


_SHOWN = 500


def draw_staff(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the assignment of surveyors to points of wave `sheet`, while allowed, and its people."""
    if page.principal.may(Action.PLAN) and sheet.state in {WaveState.PLANNED, WaveState.OPEN}:
        _draw_even_assignment(page, sheet)
        draw_point_staff(page, sheet)
        _draw_assignment_upload(page, sheet)
    _draw_postings(page, sheet)


def _draw_even_assignment(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the button that gives each point without anybody a surveyor of its city."""
    t, lacking = page.t, sheet.points - sheet.staffed_points
    if not lacking:
        return
    st.caption(
        t(
            "{count} points have nobody. The surveyors of their cities can share them evenly; a "
            "list below may say more.",
            count=f"{lacking:,}",
        )
    )
    st.button(
        t("Assign by city"),
        key="staff-assign-evenly",
        on_click=change_wave_on_click,
        args=(page, sheet, partial(assign_evenly, key=sheet.key), t("The people are assigned.")),
    )


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
        ListFile("people", t("List of people (XLSX)"), f"people-file-{sheet.key}"),
        template=partial(staff_template, key=sheet.key),
        read=partial(read_staff_list, key=sheet.key),
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
    change = partial(assign_people, key=sheet.key, listed=listed)
    st.button(
        t("Assign these people"),
        key="people-assign",
        disabled=not listed.jobs,
        on_click=change_wave_on_click,
        args=(page, sheet, change, t("The people are assigned.")),
    )


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
    draw_columns(
        t("People of this wave"),
        {
            t("City"): [names.area(line.city_code) for line in shown],
            t("Login"): [line.login for line in shown],
            t("Name"): [line.name for line in shown],
            t("Supervisor"): [line.supervisor for line in shown],
            t("Agency"): [line.agency for line in shown],
            t("Points"): [line.points for line in shown],
        },
    )
    if len(lines) > _SHOWN:
        st.caption(t("The first {shown} by city and login.", shown=_SHOWN))
