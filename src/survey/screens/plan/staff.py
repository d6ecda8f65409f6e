"""Assignment of people to sampling points, one by one or by a list; upload of any list."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import pandas as pd
import streamlit as st
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.figure_table import csv_bytes, format_for_screen
from survey.figures.views.display_names import DisplayNames
from survey.frame.workbook_io import CellError, WorkbookSheet, write_workbook
from survey.kit.download_button import CSV, XLSX, File, draw_download_button, name_file
from survey.kit.feedback import perform_on_wave, show_problems
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import pick
from survey.store.engine import read_scope
from survey.store.tables import WaveState
from survey.waves.planning.point_staff import (
    PointSurveyor,
    assign_person,
    get_point_staff,
    remove_person,
)
from survey.waves.planning.staff import (
    AssignmentList,
    assign_people,
    read_staff_list,
    staff_template,
)
from survey.waves.planning.wave_overview import WaveOverview, list_points, list_postings


class UploadedList(Protocol):
    """Content of an uploaded file with the errors of its cells."""

    @property
    def errors(self) -> tuple[CellError, ...]: ...


_L = TypeVar("_L", bound=UploadedList)
_MAX_SHOWN_ROWS = 100
_PASTE, _WORKBOOK = "paste", "workbook"


def pick_pasting(page: PageContext, label: str) -> bool:
    """Draw the choice between pasting a list, which comes first, and uploading a workbook."""
    names = {_PASTE: page.t("Paste"), _WORKBOOK: page.t("Workbook")}
    chosen = pick(
        label, "list", list(names), language=page.language, as_buttons=True, show=names.__getitem__
    )
    return chosen == _PASTE


def draw_list_paste(
    page: PageContext,
    *,
    name: str,
    label: str,
    text_key: str,
    example: str,
    read: Callable[[Session, str], _L],
    confirm: Callable[[_L], None],
) -> None:
    """Draw the field for a list that is pasted or typed, a line a row.

    Args:
        text_key: Key of the field, whose text the caller may remove from the session.
        example: One line, as it could be typed.
        read: Parses the text.
        confirm: Draws what a list without errors would change.
    """
    t = page.t
    text = st.text_area(label, key=text_key, height=220, placeholder=example)
    st.button(t("Check the list"), key=f"{name}/check")
    if text.strip():
        _draw_read_list(page, name, lambda session: read(session, text), confirm)


def draw_list_upload(
    page: PageContext,
    *,
    name: str,
    label: str,
    file_key: str,
    template: Callable[[Session], WorkbookSheet | Sequence[WorkbookSheet]],
    read: Callable[[Session, str, bytes], _L],
    confirm: Callable[[_L], None],
    types: Sequence[str] = ("xlsx",),
) -> None:
    """Draw the template and the upload of a list.

    Args:
        template: Builds the worksheets to fill in.
        read: Parses the file, given its name and content.
        confirm: Draws what a list without errors would change.
    """
    t = page.t

    def make() -> bytes:
        with read_scope(page.settings.store_url) as session:
            built = template(session)
        sheets = [built] if isinstance(built, WorkbookSheet) else built
        return write_workbook(sheets, page.language)

    draw_download_button(
        page,
        t("Template (XLSX)"),
        File(f"{name}.xlsx", XLSX, make),
        key=f"{name}-template",
        icon=":material/table:",
    )
    given = st.file_uploader(label, type=list(types), key=file_key)
    if given is None:
        return
    _draw_read_list(
        page, name, lambda session: read(session, given.name, given.getvalue()), confirm
    )


def _draw_read_list(
    page: PageContext, name: str, read: Callable[[Session], _L], confirm: Callable[[_L], None]
) -> None:
    """Draw the wrong cells of a list; what it would change if there are none."""
    with show_problems(page.t, page.t("Nothing was changed.")):
        with read_scope(page.settings.store_url) as session:
            listed = read(session)
        if listed.errors:
            draw_cell_errors(page, listed.errors, name)
        else:
            confirm(listed)


def draw_cell_errors(page: PageContext, errors: tuple[CellError, ...], key: str) -> None:
    """Draw a table of wrong cells with their reasons, and offer all of them as a file."""
    t = page.t
    table = pd.DataFrame(
        [
            (error.sheet, error.row, t(error.column), error.value, t(error.message))
            for error in errors
        ],
        columns=[t("Sheet"), t("Row"), t("Column"), t("Found"), t("Reason")],
    )
    draw_notice(
        t("{count} cells need another look", count=f"{len(errors):,}"),
        t("Nothing was stored. Mend these cells in your list and check it again."),
    )
    st.table(table.head(_MAX_SHOWN_ROWS).astype(str), border="horizontal", alt=t("Wrong cells"))
    if len(errors) > _MAX_SHOWN_ROWS:
        st.caption(t("The first {shown}; all of them are in the file.", shown=_MAX_SHOWN_ROWS))
    draw_download_button(
        page,
        t("All reasons (CSV)"),
        File(name_file(page, "reasons", "csv"), CSV, partial(csv_bytes, table)),
        key=f"{key}/reasons",
        type="tertiary",
        icon=":material/table:",
    )


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
