"""All problem lists of an area: counts by state, filters, the table, and one problem to decide."""

from collections.abc import Sequence

import streamlit as st

from survey.access.roles import NATION, Action
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.view_context import ViewContext
from survey.kit import filters
from survey.kit.feedback import feedback_above
from survey.kit.navigation import PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import all_waves, get_results
from survey.kit.text_blocks import render_table, render_text_table
from survey.kit.url_state import pick
from survey.rectification.problem_records import ProblemRecord, list_problems
from survey.rectification.problem_table import (
    PROBLEM_FILTERS,
    WHOLE_COLUMNS,
    count_problems,
    format_problem,
    list_reminders,
    problem_heads,
)
from survey.rectification.proposals import ProblemFigure, describe_figure
from survey.results import WaveResults
from survey.screens.problems.city_list import find_remeasurements
from survey.screens.problems.entry import PROBLEM_MESSAGES, draw_entry, pick_problem
from survey.store.china_time import china_date
from survey.store.tables import WaveState, now

MAX_ROWS = 200


def draw_rectification(page: PageContext) -> None:
    """Draw every problem list that the reader may see."""
    with feedback_above(page, PROBLEM_MESSAGES):
        _draw_lists(page)


def _draw_lists(page: PageContext) -> None:
    t = page.t
    st.caption(
        t(
            "After a release each city lists problems with a responsible unit and a deadline; its "
            "province accepts what was put right, and the next wave measures again."
        )
    )
    waves = {wave.key: wave for wave in all_waves(page)}
    listed = [problem for problem in read_problems(page) if problem.wave_key in waves]
    if not listed:
        draw_notice(
            t("There is no problem list yet"),
            t("A city makes its list on its profile, under Rectification."),
        )
        _draw_profile_link(page, page.principal.area)
        return
    keys = list(dict.fromkeys(problem.wave_key for problem in listed))
    with filters.filter_row("problems"):
        key = pick(
            t("Wave"),
            "wave",
            keys,
            show=lambda each: waves[each].label(page.language),
            language=page.language,
        )
        of_wave = [problem for problem in listed if problem.wave_key == key]
        city = filters.pick_city_or_all(page, sorted({each.city_code for each in of_wave}))
        wanted = pick(
            t("Problems"),
            "show",
            list(PROBLEM_FILTERS),
            show=lambda code: t(PROBLEM_FILTERS[code].name),
            language=page.language,
        )
    today = china_date(now())
    of_wave = [problem for problem in of_wave if city is None or problem.city_code == city]
    _draw_counts(page, of_wave)
    shown = [each for each in of_wave if PROBLEM_FILTERS[wanted].accepts(each, today)]
    series = waves[key].series
    # Nothing is shown here of a wave that is neither listed nor released.
    results = {
        each.key: get_results(page, each)
        for each in waves.values()
        if each.key == key or (each.series == series and each.state is WaveState.RELEASED)
    }
    _draw_table(page, shown, results)
    names = DisplayNames(page.language, None)
    problem = pick_problem(
        page, shown, lambda each: f"{names.area(each.city_code)} · {each.wording}"
    )
    if problem is not None:
        draw_entry(page, problem, _name_figure(page, problem, results))
        st.link_button(
            t("Open the profile of {city}", city=names.area(problem.city_code)),
            page.address(PageKey.CITY, city=problem.city_code, wave=problem.wave_key),
        )


def _draw_profile_link(page: PageContext, area: str) -> None:
    """Draw the way to where a city makes its list, for those who may make it."""
    if not page.principal.may(Action.KEEP_PROBLEMS) or area == NATION:
        return
    city = DisplayNames(page.language, None).area(area)
    st.link_button(
        page.t("Open the profile of {city}", city=city),
        page.address(PageKey.CITY, city=area, part="rectification"),
        type="primary",
    )


def read_problems(page: PageContext) -> Sequence[ProblemRecord]:
    """Return the problems of the reader's area, from a scope of their own."""
    with page.read() as work:
        return list_problems(work)


def list_reminder_links(page: PageContext) -> list[tuple[str, str]]:
    """Return address and label of each reminder: overdue, due soon, waiting for acceptance."""
    t, waves = page.t, {wave.key: wave for wave in all_waves(page)}
    by_wave: dict[str, list[ProblemRecord]] = {}
    for problem in read_problems(page):
        if problem.wave_key in waves:
            by_wave.setdefault(problem.wave_key, []).append(problem)
    # The page lists the problems of one wave: a number over several would open fewer of them.
    links = []
    for key, problems in by_wave.items():
        for code, count in list_reminders(problems, china_date(now())).items():
            label = t("Problems {state}: {count}", state=t(PROBLEM_FILTERS[code].name), count=count)
            if len(by_wave) > 1:
                label = f"{label} · {waves[key].label(page.language)}"
            links.append((page.address(PageKey.RECTIFICATION, show=code, wave=key), label))
    return links


def _draw_counts(page: PageContext, problems: Sequence[ProblemRecord]) -> None:
    t, counts = page.t, count_problems(problems, china_date(now()))
    shown = [code for code, count in counts.items() if count or code in {"all", "overdue"}]
    heads = [t(PROBLEM_FILTERS[code].name) for code in shown]
    st.html(render_table(heads, [[f"{counts[code]:,}" for code in shown]]))


def _name_figure(page: PageContext, problem: ProblemRecord, results: dict[str, WaveResults]) -> str:
    reading = ViewContext(results[problem.wave_key], page.principal, page.language)
    return describe_figure(reading, ProblemFigure(problem.indicator, problem.group))


def _draw_table(
    page: PageContext, problems: Sequence[ProblemRecord], results: dict[str, WaveResults]
) -> None:
    t, today = page.t, china_date(now())
    if not problems:
        st.caption(t("No problem is in this state."))
        return
    names = DisplayNames(page.language, None)
    again = {
        city: find_remeasurements(
            page, results, [each for each in problems if each.city_code == city], city
        )
        for city in dict.fromkeys(each.city_code for each in problems[:MAX_ROWS])
    }
    measured = any(again.values())
    rows = []
    for problem in problems[:MAX_ROWS]:
        found = again[problem.city_code].get(ProblemFigure(problem.indicator, problem.group))
        rows.append(
            format_problem(
                t,
                problem,
                first=names.area(problem.city_code),
                figure=_name_figure(page, problem, results),
                trend=(found.sentence(t) if found else "") if measured else None,
                today=today,
            )
        )
    heads = problem_heads(t, with_city=True, with_trend=measured)
    st.html(render_text_table(heads, rows, whole=WHOLE_COLUMNS))
    if len(problems) > MAX_ROWS:
        st.caption(t("The first {shown} of {all}.", shown=MAX_ROWS, all=len(problems)))
