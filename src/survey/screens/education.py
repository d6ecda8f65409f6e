"""Page of consumer education: reach and recognition in an area, and the registers in tabs.

The registers have a year of their own: activities are entered long before a wave has results.
"""

from functools import partial

import streamlit as st

from survey.education.registers import ACTIVITIES, list_entries
from survey.figures.views.education import EducationView, Table, build_education_view
from survey.figures.views.view_context import ViewContext
from survey.kit import filters, text_blocks
from survey.kit.chart_panel import draw_demo_mark
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown, render_table
from survey.kit.url_state import draw_tabs
from survey.screens.education_entries import get_own_area
from survey.screens.education_registers import (
    ACTIVITY_TAB,
    BASE_TAB,
    RULE_TAB,
    STATION_TAB,
    draw_register,
    draw_tab,
    pick_year,
)

_LEVELS = ("nation", "city")


def draw_education(page: PageContext) -> None:
    """Draw consumer education in tabs: activities and whom they reach, and the other registers."""
    t = page.t
    draw_tabs(
        page,
        {
            "activities": (t("Activities and reach"), partial(draw_activities, page)),
            "bases": (t("Education bases"), partial(draw_tab, page, BASE_TAB)),
            "stations": (t("Rights stations"), partial(draw_tab, page, STATION_TAB)),
            "rules": (t("Laws and standards"), partial(draw_tab, page, RULE_TAB)),
        },
    )


def draw_activities(page: PageContext) -> None:
    """Draw survey results on consumer education in an area, and the register of its activities."""
    chosen = filters.pick_wave_and_area(page, "education", _LEVELS)
    if chosen is None:
        _draw_register(page, get_own_area(page), None)
        return
    (results, area), t = chosen, page.t
    reading = page.read_late(
        partial(list_entries, register=ACTIVITIES, area=area, year=results.wave.year)
    )
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


def _draw_register(page: PageContext, area: str, wave_year: int | None) -> None:
    with filters.filter_row("register"):
        year = pick_year(page, ACTIVITY_TAB, area, wave_year)
    draw_register(page, ACTIVITY_TAB, area, year)


def _draw_table(title: str, table: Table | None) -> None:
    if table is None:
        return
    st.subheader(title, anchor=False)
    st.html(render_table(*table, long_names=True))
