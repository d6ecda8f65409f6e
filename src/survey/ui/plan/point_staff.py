"""One person more or fewer at one sampling point; a thousand come with a workbook."""

from functools import partial

import streamlit as st

from survey.access.work import Work
from survey.fieldwork.planning.point_staff import (
    PointSurveyor,
    assign_person,
    get_point_staff,
    remove_person,
)
from survey.fieldwork.planning.wave_overview import WaveOverview, list_points
from survey.publish.views.display_names import DisplayNames
from survey.ui.feedback import perform_on_wave
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown


def draw_point_staff(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the choice of a point, its people, and who could be added."""
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
        st.button(
            t("Take off this point"),
            key=f"staff/remove/{code}/{person.login}",
            on_click=partial(_remove_surveyor, page, sheet, code, person),
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

    def change(work: Work) -> None:
        assign_person(work, key=sheet.key, code=code, login=person.login)

    done = page.t("{name} works at point {code}.", name=person.name, code=code)
    perform_on_wave(page, sheet, change, done=done)


def _remove_surveyor(
    page: PageContext, sheet: WaveOverview, code: str, person: PointSurveyor
) -> None:
    def change(work: Work) -> None:
        remove_person(work, key=sheet.key, code=code, login=person.login)

    done = page.t("{name} does not work at point {code} any more.", name=person.name, code=code)
    perform_on_wave(page, sheet, change, done=done)
