"""Tab of consumer education: reach and recognition in an area, and the register of activities.

The register has a year of its own: activities are entered long before a wave has results.
"""

from functools import partial

import streamlit as st

from survey.access.roles import NATION, Action
from survey.compute.photo_cleaning import CleanPhoto, PhotoRefusedError, clean_photo
from survey.education.activities import (
    RegisteredActivity,
    add_activity,
    list_activities,
    list_activity_years,
    take_out_activity,
)
from survey.education.activity_list import (
    ACTIVITY_SHEET,
    ActivityList,
    add_activities,
    read_activity_file,
)
from survey.figures.views.education import (
    EducationView,
    Table,
    build_activity_table,
    build_education_view,
)
from survey.figures.views.view_context import ViewContext
from survey.kit import filters, text_blocks
from survey.kit.chart_panel import draw_demo_mark
from survey.kit.feedback import change_on_click, run_change, run_change_below_button, show_feedback
from survey.kit.list_entry import ListFile, draw_list_upload
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields
from survey.kit.response_html import render_photo
from survey.kit.text_blocks import (
    MAX_LISTED_ROWS,
    draw_freshness,
    draw_long_table,
    escape_markdown,
    render_table,
)
from survey.kit.url_state import pick
from survey.store.china_time import china_date, format_day
from survey.store.tables import now
from survey.store.tables.evidence import ActivityData

_LEVELS = ("nation", "city")
_ENTERED, _LISTED = "education/entered", "education/listed"
_ENTERING, _TAKING_OUT = "education/enter", "education/take-out"


def draw_education(page: PageContext) -> None:
    """Draw survey results on consumer education in an area, and the register of its activities."""
    chosen = filters.pick_wave_and_area(page, "education", _LEVELS)
    if chosen is None:
        _draw_register(page, _get_own_area(page), china_date(now()).year)
        return
    (results, area), t = chosen, page.t
    reading = page.read_late(partial(list_activities, year=results.wave.year, area=area))
    view: EducationView = build_education_view(
        ViewContext(results, page.principal, page.language), area=area, activities=reading.value
    )
    draw_demo_mark(page, results.wave.is_demo)
    st.subheader(escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences)
    _draw_table(t("Reach and recognition"), view.groups)
    _draw_table(t("Ways of consumer education"), view.channels)
    for note in view.notes:
        st.caption(note)
    _draw_register(page, area, results.wave.year)


def _draw_register(page: PageContext, area: str, otherwise: int) -> None:
    """Draw activities of the chosen year (first: the newest with any, else `otherwise`), and forms.

    The first year is the newest that has any, else `otherwise`.
    """
    t = page.t
    years = page.read_late(partial(list_activity_years, area=area)).value
    with filters.filter_row("register"):
        choices = {str(each): str(each) for each in sorted({*years, otherwise}, reverse=True)}
        usual = str(years[0] if years else otherwise)
        year = pick(page, t("Year of the activities"), "activities", choices, default=usual)
    reading = page.read_late(partial(list_activities, year=int(year), area=area))
    activities = reading.value
    st.subheader(t("Activities of {year}", year=year), anchor=False)
    draw_demo_mark(page, any(each.is_demo for each in activities))
    if activities:
        _draw_activities(page, build_activity_table(activities, t))
    else:
        st.caption(t("No activity of this year is in the register."))
    draw_freshness(t, reading.freshness)
    if page.principal.may(Action.KEEP_EDUCATION):
        _draw_entry(page, activities)


def _draw_activities(page: PageContext, table: Table) -> None:
    """Draw a table of the newest activities, with a switch that shows all of them."""
    t, (heads, rows) = page.t, table
    draw_long_table(
        heads,
        rows,
        key="education/all",
        show_all=t("Show all {count} activities", count=len(rows)),
        listed=t("The newest {count}.", count=MAX_LISTED_ROWS),
        whole=(0,),
    )


def _draw_table(title: str, table: Table) -> None:
    st.subheader(title, anchor=False)
    st.html(render_table(*table, long_names=True))


def _draw_entry(page: PageContext, activities: list[RegisteredActivity]) -> None:
    t = page.t
    show_feedback(page)
    own = [each for each in activities if each.may_change]
    with st.expander(t("Enter an activity")):
        _draw_form(page)
    with st.expander(t("Enter a list of activities")):
        _draw_list(page)
    if own:
        with st.expander(t("Take an activity out")):
            _draw_taking_out(page, own)
        _draw_photo(page, own)


def _draw_form(page: PageContext) -> None:
    """Draw the form of a new activity; it is emptied when the activity is stored."""
    t, entered = page.t, int(st.session_state.get(_ENTERED, 0))
    with st.form(f"education/new/{entered}", border=False, enter_to_submit=False):
        entry = draw_fields(t, ActivityData)
        sent = st.file_uploader(
            t("Photo (may stay empty)"),
            type=["jpg", "jpeg", "png", "webp"],
            help=t(
                "Place and device are removed on arrival. Please take none with faces of children, "
                "and others only with their consent."
            ),
        )
        show_feedback(page, _ENTERING)
        if not st.form_submit_button(t("Enter the activity"), type="primary"):
            return
    content = sent.getvalue() if sent is not None else b""
    photo = _clean_photo(page, content)
    if content and photo is None:
        return
    data = ActivityData(area=_get_own_area(page), **entry)
    added = run_change_below_button(
        page,
        lambda work: add_activity(work, data=data, photo=photo, photo_dir=page.settings.photo_dir),
        done=t("The activity is in the register."),
        slot=_ENTERING,
    )
    if added is not None:
        st.session_state[_ENTERED] = entered + 1
    st.rerun()


def _draw_list(page: PageContext) -> None:
    """Draw the upload of a list, its problems or what it would enter."""
    entered = int(st.session_state.get(_LISTED, 0))
    draw_list_upload(
        page,
        ListFile(
            "activities",
            page.t("List of activities (XLSX or CSV)"),
            f"education/list/{entered}",
            ("xlsx", "csv"),
        ),
        template=lambda _: ACTIVITY_SHEET,
        read=read_activity_file,
        confirm=partial(_confirm_list, page),
    )


def _confirm_list(page: PageContext, listed: ActivityList) -> None:
    """Draw what a list would enter, the question about what seems to be there, and the button."""
    t, count = page.t, len(listed.activities)
    st.write(t("{count} activities are right.", count=count))
    with_repeated = False
    if listed.repeated:
        names = t("; ").join(each.title for each in listed.repeated[:MAX_LISTED_ROWS])
        st.warning(
            t(
                "{count} of them seem to be in the register already (same day, title and place): "
                "{names}. They are left out.",
                count=len(listed.repeated),
                names=escape_markdown(names),
            )
        )
        with_repeated = st.checkbox(
            t("Enter them again; they are other activities."), key="education/list/again"
        )
    count -= 0 if with_repeated else len(listed.repeated)
    if not count or not st.button(
        t("Enter {count} activities", count=count), key="education/list/enter", type="primary"
    ):
        return
    added = run_change(
        page,
        partial(add_activities, listed=listed, with_repeated=with_repeated),
        done=lambda number: t("{count} activities are in the register.", count=number),
    )
    if added is not None:
        st.session_state[_LISTED] = int(st.session_state.get(_LISTED, 0)) + 1
    st.rerun()


def _get_own_area(page: PageContext) -> str:
    return page.principal.area or NATION


def _clean_photo(page: PageContext, content: bytes) -> CleanPhoto | None:
    """Return the photo without its metadata; None, with the reason on the page, if refused."""
    if not content:
        return None
    try:
        return clean_photo(content)
    except PhotoRefusedError as refusal:
        st.error(page.t(refusal.message))
        return None


def _draw_taking_out(page: PageContext, own: list[RegisteredActivity]) -> None:
    t = page.t
    names = {
        str(each.id): f"{format_day(t, each.data.held_on)} · {each.data.title}" for each in own
    }
    chosen = st.selectbox(
        t("Activity"), list(names), index=None, format_func=names.__getitem__, key="education/out"
    )
    reason = st.text_input(t("Reason"), max_chars=300, key="education/reason")
    if chosen is None:
        return
    st.caption(t("It leaves the register for good; it stays stored with the reason."))
    activity = next(each for each in own if str(each.id) == chosen)
    show_feedback(page, _TAKING_OUT)
    change = partial(take_out_activity, activity_id=activity.id, reason=reason)
    st.button(
        t("Take “{title}” out", title=escape_markdown(activity.data.title)),
        key=_TAKING_OUT,
        on_click=change_on_click,
        args=(page, change, t("The activity is taken out."), _TAKING_OUT),
    )


def _draw_photo(page: PageContext, own: list[RegisteredActivity]) -> None:
    t = page.t
    names = {str(each.photo_id): each.data.title for each in own if each.photo_id}
    if not names:
        return
    chosen = st.selectbox(
        t("Photo of an activity"),
        list(names),
        index=None,
        format_func=names.__getitem__,
        key="education/photo",
    )
    if chosen is not None:
        st.html(render_photo(chosen, t("photo")))
