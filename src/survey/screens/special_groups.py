"""Pages on groups: special groups, town and countryside, modules, crosstabs."""

from collections.abc import Callable
from functools import partial
from html import escape

import streamlit as st

from survey.access.roles import NATION
from survey.counts.complaint_lists import (
    AGE_NOTE,
    GOODS_CLASS,
    SERVICE_CLASSES,
    build_age_table,
    build_class_table,
)
from survey.counts.complaint_tables import read_years_for_wave
from survey.counts.complaint_view import describe_coverage, describe_sources
from survey.counts.count_kinds import AGE_LENSES
from survey.figures.views.crosstab import (
    CROSSTAB_AREA_LEVELS,
    CrosstabFilters,
    build_crosstab,
    find_telling_pair,
    question_choices,
    variable_choices,
)
from survey.figures.views.estimate_text import format_interval
from survey.figures.views.measures import TOPICS
from survey.figures.views.modules import (
    MODULE_AREA_LEVELS,
    NO_COMPOSITE,
    ModuleView,
    build_module_cities,
    build_module_view,
    build_question_table,
    list_module_measures,
    list_questions,
)
from survey.figures.views.overview import AREA_CHOICES
from survey.figures.views.small_areas import (
    WAVES,
    SmallAreaFilters,
    band_choices,
    build_small_area_view,
)
from survey.figures.views.special_groups import (
    DETRIMENT,
    SERVICE,
    GroupFilters,
    GroupsView,
    build_group_indicators,
    build_group_reports,
    build_special_groups_view,
)
from survey.figures.views.supplements import build_supplement_view
from survey.figures.views.urban_rural import (
    FIELDS,
    RESIDENCE,
    RESIDENCE_AREA_LEVELS,
    AreaFilters,
    build_field_comparison,
    build_residence_areas,
    build_residence_groups,
    build_residence_indicators,
    build_urban_rural_view,
    sides_of,
)
from survey.figures.views.view_context import list_area_choices
from survey.kit import chart_panel, filters, text_blocks
from survey.kit.interval_table import draw_interval_table
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, read_cached_late
from survey.kit.results_cache import get_results, get_view, list_frozen_waves, list_other_waves
from survey.kit.url_state import draw_tabs, pick, pick_by_search
from survey.locale.figures import format_score
from survey.results import WaveResults
from survey.screens.open_answers import draw_open_shares
from survey.screens.problems.overview import draw_village_links


def draw_crosstab(page: PageContext) -> None:
    """Draw the answers to a chosen question by groups of respondents, in one chosen area."""
    t = page.t
    with filters.filter_row():
        wave = filters.pick_wave(page)
        if wave is None:
            return
        results = get_results(page, wave)
        questions = get_view(page, question_choices, results)
        variables = get_view(page, variable_choices, results)
        if not questions or not variables:
            text_blocks.draw_sentence(t("This wave holds no question by groups."))
            return
        telling = get_view(page, find_telling_pair, results) or (None, None)
        question = pick_by_search(page, t("1. Question"), "question", questions, default=telling[0])
        variable = pick(page, t("2. Groups"), "split", variables, default=telling[1])
        areas = get_view(page, list_area_choices, results, levels=CROSSTAB_AREA_LEVELS)
        area = filters.pick_area_scope(page, areas, t("3. Area"))
    if area is None:
        return
    chosen = CrosstabFilters(question, variable, area)
    view = get_view(page, build_crosstab, results, filters=chosen)
    text_blocks.draw_sentence(view.sentence)
    if view.test:
        st.markdown(text_blocks.escape_markdown(view.test))
    draw_interval_table(page, view.table, wave, has_details=False)
    st.caption(
        t(
            "The question as it was asked: {question} Shares are of those who were asked it and "
            "gave an answer.",
            question=text_blocks.escape_markdown(view.question),
        )
    )
    draw_open_shares(page, wave)


def draw_questions(page: PageContext, results: WaveResults, city: str = "") -> None:
    """Draw all questions of a city; without `city`, those of the wave, and a chosen one by city."""
    t, wave = page.t, results.wave
    text_blocks.draw_sentence(t(NO_COMPOSITE))
    chart_panel.draw_demo_mark(page, wave.is_demo)
    table = get_view(page, build_question_table, results, area=city or NATION)
    draw_interval_table(page, table, wave, has_details=False)
    if city:
        return
    questions = get_view(page, list_questions, results)
    if not questions:
        return
    with filters.filter_row("question"):
        measure = pick(page, t("Question by city"), "measure", questions)
    by_city = get_view(page, build_module_cities, results, measure=measure)
    draw_interval_table(page, by_city, wave, links_cities=True, has_details=False)


def draw_losses(page: PageContext) -> None:
    """Draw one module beside the score (losses first, then services, green …) in one place.

    A module that the wave did not ask can be chosen, and says so: it is not hidden.
    """
    chosen = filters.pick_wave_and_area(page, "losses", MODULE_AREA_LEVELS, series=None)
    if chosen is not None:
        names = {topic: page.t(TOPICS[topic]) for topic in (DETRIMENT, *FIELDS)}
        with filters.filter_row("topic"):
            topic = pick(page, page.t("Topic"), "topic", names)
        draw_module(page, *chosen, topic)


_LOSS, _AGE = "detriment_money", "age_band"


def draw_module(page: PageContext, results: WaveResults, area: str, topic: str) -> None:
    """Draw results of a topic's questions in an area, and those of a chosen question by city."""
    t = page.t
    view: ModuleView = get_view(page, build_module_view, results, area=area, topic=topic)
    if not view.is_asked:
        draw_notice(
            t("This wave did not ask about it: {topic}", topic=t(TOPICS[topic])),
            t("Please choose another wave above."),
        )
        return
    chart_panel.draw_demo_mark(page, results.wave.is_demo)
    st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences)
    for panel in view.panels:
        chart_panel.draw_chart_panel(page, panel, results.wave)
    for note in view.notes:
        st.caption(text_blocks.escape_markdown(note))
    if topic == SERVICE:
        _draw_service_complaints(page, results, area)
    if topic == DETRIMENT:
        _draw_losses_by_age(page, results, area)
    measures = get_view(page, list_module_measures, results, topic=topic)
    with filters.filter_row("module-measure"):
        measure = pick(page, t("Question by city"), "measure", measures)
    table = get_view(page, build_module_cities, results, measure=measure)
    draw_interval_table(page, table, results.wave, links_cities=True, has_details=False)


def _draw_losses_by_age(page: PageContext, results: WaveResults, area: str) -> None:
    """Draw money lost in disputes by age, where the wave asked for it and has groups of age."""
    if _LOSS not in get_view(page, question_choices, results) or _AGE not in get_view(
        page, variable_choices, results
    ):
        return
    view = get_view(page, build_crosstab, results, filters=CrosstabFilters(_LOSS, _AGE, area))
    st.subheader(page.t("Money lost, by age"), anchor=False)
    text_blocks.draw_sentence(view.sentence)
    draw_interval_table(page, view.table, results.wave, has_details=False)


def _draw_service_complaints(page: PageContext, results: WaveResults, area: str) -> None:
    """Draw what was complained of in these services, or that nothing is shown of the area."""
    t, wave_year = page.t, results.wave.year
    read = partial(read_years_for_wave, wave_year=wave_year, lenses=(GOODS_CLASS,))
    year, before = read_cached_late(page, read, "complaints of a wave", wave_year).value
    if year is None:
        return
    table = build_class_table(
        year=year, before=before, area=area, classes=SERVICE_CLASSES, language=page.language
    )
    first, last = year.months[0], year.months[-1]
    chart_panel.draw_demo_mark(page, year.is_demo)
    title = t("Complaints about such services, {first} to {last}", first=first, last=last)
    if table is None:
        st.subheader(title, anchor=False)
        st.caption(t("The counts of this area are kept back or were not delivered."))
        return
    chart_panel.draw_count_table(title, table)
    chart_panel.draw_count_notes(
        (
            t("What the associations recorded, beside what those asked said; neither is a part of "
              "the other."),
            *describe_coverage(year, area, page.language),
            *describe_sources(year, t),
        )
    )  # fmt: skip


def draw_urban_rural(page: PageContext) -> None:
    """Draw the urban–rural difference in the chosen area, then tabs that break it down."""
    t = page.t
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        if not filters.has_scores(page, results):
            return
        known = get_view(page, list_area_choices, results, levels=RESIDENCE_AREA_LEVELS)
        place = filters.pick_area_scope(page, known)
        indicator = filters.pick_indicator(page, results)
    if place is None:
        return
    chosen = AreaFilters(place, indicator)
    view = get_view(page, build_urban_rural_view, results, filters=chosen)
    sides = sides_of(results)
    text_blocks.draw_difference(page, view.difference, view.sentence, against=t(sides.both[1]))
    if sides is not RESIDENCE:
        draw_village_links(page)
    draw_panel = partial(chart_panel.draw_view_panel, page)
    drawers = {
        "indicators": (
            t("Indicators"),
            partial(draw_panel, build_residence_indicators, results, filters=chosen),
        ),
        "areas": (t("Areas"), partial(_draw_areas, page, results, chosen)),
        "groups": (
            t("Residence and registration"),
            partial(draw_panel, build_residence_groups, results, filters=chosen),
        ),
        "fields": (t("Fields of consumption"), partial(_draw_fields, page, results, chosen)),
        "modules": (t("Fields by place"), partial(_draw_modules, page, results, chosen)),
    }
    if sides is not RESIDENCE:
        del drawers["groups"]
    draw_tabs(page, drawers)


def _draw_areas(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    with filters.filter_row("areas"):
        by = filters.pick_level(page, results, (*AREA_CHOICES, "city"))
    table = get_view(page, build_residence_areas, results, indicator=chosen.indicator, by=by)
    draw_interval_table(page, table, results.wave, links_cities=by == "city", has_details=False)


def _draw_fields(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    with filters.filter_row("fields"):
        field = filters.pick_field(page, results)
    for picture in get_view(page, build_field_comparison, results, place=chosen.place, field=field):
        chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_modules(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    with filters.filter_row("modules"):
        field = filters.pick_field(page, results)
    draw_module(page, results, chosen.place, field)


_ANSWER, _GROUPS = 7, 5
"""Shares of the width of the two columns."""


def draw_special_groups(page: PageContext) -> None:
    """Draw results of a special group of the main study, and tabs for the two supplements."""
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
        view = get_view(page, build_special_groups_view, results, filters=chosen)
        answer, groups = st.columns([_ANSWER, _GROUPS], gap="large")
        with answer, st.container(gap="xsmall"):
            text_blocks.draw_difference(page, view.difference, view.sentence)
            _draw_reports_list(page, view)
        with groups:
            chart_panel.draw_compact_panel(page, view.groups, wave)
    tabs: dict[str, tuple[str, Callable[[], None]]] = {}
    if wave is not None:
        draw_indicators = partial(
            chart_panel.draw_view_panel, page, build_group_indicators, results, group=chosen.group
        )
        tabs = {
            "cities": (t("Cities"), partial(_draw_cities, page, results, chosen)),
            "reports": (
                t("What they met with"), partial(_draw_reports, page, results, chosen.group)
            ),
            "indicators": (t("Indicators"), draw_indicators),
            "complaints": (t("Complaints"), partial(_draw_age_complaints, page, wave.year)),
        }  # fmt: skip
    supplements = {
        "elderly": t("Supplement: older people"), "minors": t("Supplement: children"),
    }  # fmt: skip
    for study, name in supplements.items():
        # Without a main wave the page has said that there are no results: once is enough.
        if wave is not None or list_frozen_waves(page, study):
            tabs[study] = name, partial(_draw_supplement, page, study)
    if tabs:
        draw_tabs(page, tabs, name="study")


def _draw_reports_list(page: PageContext, view: GroupsView) -> None:
    """Draw the consumer problems most often reported by the group of `view`, with intervals."""
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


def _draw_age_complaints(page: PageContext, wave_year: int) -> None:
    """Draw the nation's complaints of older people and of minors, by nature and by class."""
    t, lenses = page.t, ("nature", GOODS_CLASS)
    read = partial(read_years_for_wave, wave_year=wave_year, lenses=(*lenses, *AGE_LENSES))
    year, _ = read_cached_late(page, read, "complaints by age of a wave", wave_year).value
    tables = [] if year is None else [
        build_age_table(year=year, area=NATION, lens=lens, language=page.language)
        for lens in lenses
    ]  # fmt: skip
    if year is None or not any(tables):
        st.caption(t("No complaints with the age of the complainant are delivered or shown."))
        return
    chart_panel.draw_demo_mark(page, year.is_demo)
    first, last = year.months[0], year.months[-1]
    for table in filter(None, tables):
        title = t("Complaints of older people and minors, {first} to {last}",
                  first=first, last=last)  # fmt: skip
        chart_panel.draw_count_table(title, table)
    chart_panel.draw_count_notes(
        (t(AGE_NOTE), *describe_coverage(year, NATION, page.language), *describe_sources(year, t))
    )


def _draw_reports(page: PageContext, results: WaveResults, group: str) -> None:
    picture = get_view(page, build_group_reports, results, group=group)
    if picture is None:
        st.caption(page.t("Nothing was asked of this group alone."))
        return
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
    draw_tabs(page, tabs)


def _draw_bands(page: PageContext, results: WaveResults, study: str) -> None:
    with filters.filter_row("bands"):
        band = filters.pick_group(page, results, band_choices(results), name=f"{study}-group")
    _draw_cities(page, results, GroupFilters(band))


def _draw_cities(page: PageContext, results: WaveResults, chosen: GroupFilters) -> None:
    """Draw estimates of a group by city, and the group's indicators in the city chosen there."""
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
        chart_panel.draw_view_panel(
            page, build_group_indicators, results, group=chosen.group, area=city
        )
