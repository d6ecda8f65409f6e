"""Special groups: the answer about one group, its cities in a table, and the supplements."""

from collections.abc import Callable
from functools import partial
from html import escape

import streamlit as st

from survey.locale.figures import format_score
from survey.publish.views.estimate_text import format_interval
from survey.publish.views.small_areas import (
    WAVES,
    SmallAreaFilters,
    band_choices,
    build_small_area_view,
)
from survey.publish.views.special_groups import (
    GroupFilters,
    GroupsView,
    build_group_indicators,
    build_group_reports,
    build_special_groups_view,
)
from survey.publish.views.supplements import build_supplement_view
from survey.results import WaveInfo, WaveResults
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.interval_table import draw_interval_table
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import get_results, get_view, list_frozen_waves, list_other_waves
from survey.ui.url_state import draw_tabs

_ANSWER, _GROUPS = 7, 5
"""Shares of the width of the two columns."""


def draw_special_groups(page: PageContext) -> None:
    """Draw the page."""
    t = page.t
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is not None and not filters.has_scores(page, get_results(page, wave)):
            wave = None
        if wave is not None:
            results = get_results(page, wave)
            group = filters.pick_group(page, results)
            chosen = GroupFilters(group, filters.pick_indicator(page, results))
    if wave is not None:
        _draw_answer(page, wave, get_view(page, build_special_groups_view, results, filters=chosen))
    tabs: dict[str, tuple[str, Callable[[], None]]] = {}
    if wave is not None:
        tabs = {
            "cities": (t("Cities"), partial(_draw_cities, page, results, chosen)),
            "reports": (
                t("What they met with"), partial(_draw_reports, page, results, chosen.group)
            ),
            "indicators": (
                t("Indicators"), partial(_draw_indicators, page, results, chosen.group)
            ),
        }  # fmt: skip
    supplements = {
        "elderly": t("Supplement: older people"), "minors": t("Supplement: children"),
    }  # fmt: skip
    for study, name in supplements.items():
        # Without a main wave the page has said that there are no results: once is enough.
        if wave is not None or list_frozen_waves(page, study):
            tabs[study] = name, partial(_draw_supplement, page, study)
    if tabs:
        draw_tabs(tabs, language=page.language, name="study")


def _draw_answer(page: PageContext, wave: WaveInfo, view: GroupsView) -> None:
    answer, groups = st.columns([_ANSWER, _GROUPS], gap="large")
    with answer, st.container(gap="xsmall"):
        text_blocks.draw_difference(page, view.difference, view.sentence)
        _draw_reports_list(page, view)
    with groups:
        chart_panel.draw_compact_panel(page, view.groups, wave)


def _draw_reports_list(page: PageContext, view: GroupsView) -> None:
    """Draw the problems that members of the group report most often."""
    if not view.reports:
        return
    t = page.t
    rows = "".join(
        f"<li><span>{escape(name)}</span><span>"
        + escape(
            t(
                "{share}% ({interval})",
                share=format_score(figure.estimate or 0.0),
                interval=format_interval(figure.low, figure.high, t),
            )
        )
        + "</span></li>"
        for name, figure in view.reports
    )
    title = t("What they met with most often")
    listed = f"<section><h3>{escape(title)}</h3><ul>{rows}</ul></section>"
    st.html(f'<div class="hcs-findings">{listed}</div>')


def _draw_reports(page: PageContext, results: WaveResults, group: str) -> None:
    picture = get_view(page, build_group_reports, results, group=group)
    if picture is None:
        st.caption(page.t("Nothing was asked of this group alone."))
        return
    chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_indicators(page: PageContext, results: WaveResults, group: str) -> None:
    picture = get_view(page, build_group_indicators, results, group=group)
    chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_supplement(page: PageContext, study: str) -> None:
    with filters.filter_row(study):
        wave = filters.pick_wave(page, study, name=f"{study}-wave")
    if wave is None:
        return
    results = get_results(page, wave)
    view = get_view(page, build_supplement_view, results)
    text_blocks.draw_headline(page, view.headline, view.sentence, unit="%")
    text_blocks.draw_method_note(page, view.headline)
    t = page.t
    panels = {
        "problems": (t("What they met with"), view.problems),
        "ratings": (t("Their ratings"), view.ratings),
        "answered": (t("Who answered"), view.answered),
        "by-answerer": (t("Ratings by who answered"), view.by_answerer),
    }
    tabs: dict[str, tuple[str, Callable[[], None]]] = {
        code: (title, partial(chart_panel.draw_chart_panel, page, panel, wave))
        for code, (title, panel) in panels.items()
        if panel is not None
    }
    if band_choices(results):
        tabs["cities"] = t("Cities"), partial(_draw_bands, page, results, study)
    draw_tabs(tabs, language=page.language)


def _draw_bands(page: PageContext, results: WaveResults, study: str) -> None:
    with filters.filter_row("bands"):
        band = filters.pick_group(page, results, band_choices(results), name=f"{study}-group")
    _draw_cities(page, results, GroupFilters(band))


def _draw_cities(page: PageContext, results: WaveResults, chosen: GroupFilters) -> None:
    """Draw the table of the cities and what opens from it."""
    if chosen.group not in band_choices(results):
        st.caption(page.t("This group is not followed city by city."))
        return
    with filters.filter_row("cities"):
        beside = filters.pick_comparison(page)
    others = list_other_waves(page, results.wave) if beside == WAVES else ()
    asked = SmallAreaFilters(chosen.group, chosen.indicator, beside)
    view = get_view(page, build_small_area_view, results, others=others, filters=asked)
    city = draw_interval_table(page, view.cities, results.wave, links_cities=True)
    st.caption(view.sentence)
    if city:
        picture = get_view(page, build_group_indicators, results, group=chosen.group, area=city)
        chart_panel.draw_chart_panel(page, picture, results.wave)
