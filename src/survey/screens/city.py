"""City profile: the score and what is said about it, then tabs for all the rest."""

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st

from survey.access.roles import Action
from survey.counts.complaint_tables import ComplaintYear
from survey.evidence_city.city_action import OutsidePart
from survey.evidence_city.outside_city import (
    OutsideEvidence,
    build_beside_score,
    build_outside_parts,
    read_outside_evidence,
)
from survey.figures.views.city import (
    CityView,
    build_city_groups,
    build_city_indicators,
    build_city_measures,
    build_city_profile,
    city_choices,
)
from survey.figures.views.city_peers import describe_peers, peer_candidates, reference_choices
from survey.figures.views.drivers import DriverFilters, Priority, build_driver_view, driver_choices
from survey.figures.views.error_budget import describe_selection
from survey.figures.views.estimate_text import EstimateDifference, format_interval
from survey.figures.views.fairness import build_city_fairness
from survey.figures.views.view_context import ViewContext
from survey.kit import chart_panel, filters, text_blocks
from survey.kit.chart_panel import (
    CountSource,
    draw_count_notes,
    draw_count_panel,
    draw_count_table,
    draw_demo_mark,
    draw_none_delivered,
)
from survey.kit.feedback import change_on_click, show_feedback
from survey.kit.page_runner import PageContext, read_cached
from survey.kit.report_downloads import draw_report_buttons
from survey.kit.results_cache import get_results, get_view, is_earlier_damaged, list_other_waves
from survey.kit.text_blocks import render_table, render_text_table
from survey.kit.url_state import Tab, draw_tabs
from survey.locale import Translator
from survey.locale.figures import format_score, format_signed
from survey.reports.contents import ReportKind
from survey.results import WaveResults
from survey.results.peer_differences import MAX_PEERS, choose_peers, list_chosen_peers, reset_peers
from survey.screens.problems.overview import draw_city_problems, may_read_problems
from survey.screens.special_groups import draw_questions


def draw_beside_score(page: PageContext, results: WaveResults, city: str) -> None:
    """Draw survey answers of a city beside recorded complaints, then other outside statistics."""
    t = page.t
    year = results.wave.year
    read = partial(read_outside_evidence, city=city, wave_year=year)
    evidence = read_cached(page, read, "evidence", city, year)
    if evidence.year is None:
        draw_none_delivered(page, t("No complaint statistics have been delivered yet"))
    context = ViewContext(results, page.principal, page.language)
    parts = list(build_outside_parts(evidence, context))
    if evidence.year is not None:
        complaints = parts.pop(0)
        _draw_asked_and_recorded(page, results, evidence, evidence.year, complaints)
    is_own = may_read_problems(page, city)
    if is_own and not evidence.action.is_empty:
        st.caption(t("What was found here can start a problem on the city's list, in its own tab."))
    for part in parts:
        st.subheader(text_blocks.escape_markdown(part.title), anchor=False)
        draw_demo_mark(page, part.is_demo)
        text_blocks.draw_sentences(part.sentences)
        with st.expander(t("Figures as tables")):
            for _, table in part.tables:
                st.html(render_table(*table))
        draw_count_notes(part.notes)


def _draw_asked_and_recorded(
    page: PageContext,
    results: WaveResults,
    evidence: OutsideEvidence,
    year: ComplaintYear,
    complaints: OutsidePart,
) -> None:
    """Draw residents' answers beside `complaints` of `year`; the city is that of `evidence`."""
    t = page.t
    context = ViewContext(results, page.principal, page.language)
    view = build_beside_score(context, city=evidence.city, year=year, before=evidence.before)
    draw_demo_mark(page, year.is_demo)
    asked, recorded = st.columns(2)
    with asked:
        st.subheader(t("What people say when asked"), anchor=False)
        heads = (t("Question"), t("Published figure"), t("95%\u00a0interval"), "n")
        st.html(render_text_table(heads, view.asked))
    with recorded:
        st.subheader(
            t("What the system recorded, {first} to {last}", first=year.months[0],
              last=year.months[-1]),
            anchor=False,
        )  # fmt: skip
        text_blocks.draw_sentences(view.recorded)
    # Side by side where both fit.
    with st.container(horizontal=True):
        for title, table in complaints.tables[1:]:  # the totals of the first are said above
            with st.container(width="content"):
                draw_count_table(title, table)
    if view.scatter is not None:
        source = CountSource(f"complaints-{year.year}-{evidence.city}", year.is_demo, view.notes)
        draw_count_panel(page, view.scatter, source)
    text_blocks.draw_sentences(view.agreement)
    draw_count_notes(view.notes)


_MESSAGES, _CHOOSING = "city-peers", "city-peers/choosing"


def get_chosen_peers(page: PageContext, city: str) -> tuple[str, ...]:
    """Return the codes of peer cities that a city has chosen; `()` for readers of other areas."""
    if not page.principal.covers(city):
        return ()
    with page.read() as work:
        return list_chosen_peers(work, city_code=city)


def draw_peer_choice(
    page: PageContext, results: WaveResults, city: str, peers: tuple[str, ...]
) -> None:
    """Draw the peer cities a city is compared with, for its own area; officials choose others."""
    t, principal = page.t, page.principal
    if not principal.covers(city):
        return
    show_feedback(page, _MESSAGES)
    described = get_view(page, describe_peers, results, peers=peers)
    if not principal.may(Action.CHOOSE_PEERS):
        if peers:
            st.caption(described)
        return
    with st.container(
        horizontal=True, vertical_alignment="center", key="compact-city-peers-choice"
    ):
        st.caption(described)
        with (
            st.container(width="content"),
            st.popover(t("Choose cities to compare with"), type="tertiary", key="peers/choosing"),
        ):
            show_feedback(page, _CHOOSING)
            _draw_form(page, city, peers)


def _draw_form(page: PageContext, city: str, peers: tuple[str, ...]) -> None:
    t, candidates = page.t, peer_candidates(page.language, city)
    # A choice kept meanwhile by somebody else makes a new field, which begins with that choice.
    key = f"peers/{city}/{page.language}/{'-'.join(peers)}"
    chosen = st.multiselect(
        t("Cities to compare with, at most {most}", most=MAX_PEERS),
        list(candidates),
        default=[code for code in peers if code in candidates],
        format_func=candidates.__getitem__,
        max_selections=MAX_PEERS,
        placeholder=t("Please choose"),
        filter_mode="fuzzy",
        key=key,
    )
    st.caption(
        t(
            "Kept for this city until it is changed, for all its officials; every change is "
            "recorded. Figures of a city appear as soon as you may see them."
        )
    )
    said = t("The cities to compare with are kept."), _CHOOSING, _MESSAGES
    with st.container(horizontal=True):
        st.button(
            t("Compare with these cities"),
            type="primary",
            disabled=not chosen,
            key=f"{key}/save",
            on_click=change_on_click,
            args=(page, partial(choose_peers, city_code=city, peers=chosen), *said),
        )
        st.button(
            t("Compare with cities of its size again"),
            disabled=not peers,
            key=f"{key}/reset",
            on_click=change_on_click,
            args=(page, partial(reset_peers, city_code=city), *said),
        )


def draw_city(page: PageContext) -> None:
    """Draw the profile of the chosen city in the chosen wave."""
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        city = filters.pick_city(page, get_view(page, city_choices, results))
        peers = get_chosen_peers(page, city)
        against = filters.pick_reference(page, reference_choices(peers))
    others = list_other_waves(page, wave)
    view: CityView = get_view(
        page,
        build_city_profile,
        results,
        others=others,
        city=city,
        against=against,
        peers=peers,
        is_earlier_unread=is_earlier_damaged(page, wave),
    )
    with st.container(gap="xsmall"):
        draw_city_answer(page, results, city, view)
        if view.peers is not None:
            chart_panel.draw_compact_panel(page, view.peers, wave, opens_city=True)
        if results.tree is not None:
            draw_peer_choice(page, results, city, peers)
        draw_city_findings(filters.display_names(page, results).t, view)
    tabs: dict[str, Tab] = {}
    if view.headline.available:
        draw_report_buttons(page, wave, ReportKind.CITY, city)
        tabs = _list_score_tabs(page, results, city, against, peers)
    t = page.t
    # What others counted in the city is there to read whether or not its score is shown.
    tabs["beside"] = (t("Beside the score"), partial(draw_beside_score, page, results, city))
    if may_read_problems(page, city):
        tabs["rectification"] = (
            t("Rectification"),
            partial(draw_city_problems, page, results, others, city),
        )
    draw_tabs(page, tabs)


def _list_score_tabs(
    page: PageContext, results: WaveResults, city: str, against: str, peers: tuple[str, ...]
) -> dict[str, Tab]:
    """Return `code -> (label, drawing function)` of a city's tabs; `against`: a reference's key."""
    t, draw_panel = page.t, partial(chart_panel.draw_view_panel, page)
    return {
        "indicators": (
            t("Indicators"),
            partial(_draw_indicators, page, results, city, against, peers),
        ),
        "groups": (t("Groups"), partial(draw_panel, build_city_groups, results, city=city)),
        "fairness": (t("Fair comparison"), partial(_draw_fairness, page, results, city)),
        "improve": (t("First to improve"), partial(_draw_drivers, page, results, city)),
        "measures": (t("Rights and education"), partial(_draw_measures, page, results, city)),
    }


def draw_city_answer(page: PageContext, results: WaveResults, city: str, view: CityView) -> None:
    """Draw a city's name, location, and score with sentences; without a score, its questions.

    Without a composite its questions stand there as a table.
    """
    st.html(
        f'<div class="hcs-city"><h2>{escape(view.name)}</h2>'
        f"<span>{escape(view.location)}</span></div>"
    )
    if results.tree is None:
        draw_questions(page, results, city)
        return
    text_blocks.draw_headline(page, view.headline, *view.sentences, unit=page.t("points"))
    if view.headline.available:
        selection = get_view(page, describe_selection, results, area=city)
        text_blocks.draw_method_note(page, view.headline, selection, figure_id=view.figure_id)


def draw_city_findings(t: Translator, view: CityView) -> None:
    """Draw a city's three strengths and priorities, and how its special groups compare."""
    if not view.headline.available:
        return
    strengths = _render_list(
        t("Three strengths (against the nation)"),
        [_render_strength(t, strength) for strength in view.strengths],
        t("No indicator is clearly above the nation."),
    )
    priorities = _render_list(
        t("Three first to improve"),
        [_render_priority(t, priority, view.both) for priority in view.priorities],
        view.no_priorities,
    )
    groups = _render_list(
        t("Older people, guardians, countryside (against the rest)"),
        [_render_pair(f"{group.sign} {group.name}".strip(), group.text) for group in view.groups],
        "",
    )
    st.html(f'<div class="hcs-findings">{strengths}{priorities}{groups}</div>')
    if view.both:
        st.caption(
            t(
                "※ A strength against the nation, and still one of those in this city that weigh "
                "much and are rated lower than the others."
            )
        )


def _render_list(title: str, rows: Sequence[str], otherwise: str) -> str:
    if not rows and not otherwise:
        return ""
    lines = "".join(f"<li>{row}</li>" for row in rows)
    lines = lines or f"<li><span>{escape(otherwise)}</span></li>"
    return f"<section><h3>{escape(title)}</h3><ul>{lines}</ul></section>"


def _render_pair(name: str, text: str) -> str:
    return f"<span>{escape(name)}</span><span>{escape(text)}</span>"


def _render_strength(t: Translator, strength: EstimateDifference) -> str:
    figure = strength.figure
    words = t(
        "{difference} ({interval})",
        difference=format_signed(figure.estimate or 0.0),
        interval=format_interval(figure.low, figure.high, t),
    )
    return _render_pair(f"▲ {strength.name}", words)


def _render_priority(t: Translator, priority: Priority, both: Sequence[str]) -> str:
    importance, performance = priority.importance, priority.performance
    words = t(
        "weight {weight}% ({weight_interval}), score {score} ({interval})",
        weight=format_score(importance.estimate or 0.0),
        weight_interval=format_interval(importance.low, importance.high, t),
        score=format_score(performance.estimate or 0.0),
        interval=format_interval(performance.low, performance.high, t),
    )
    return _render_pair(f"{priority.name} ※" if priority.name in both else priority.name, words)


def _draw_indicators(
    page: PageContext, results: WaveResults, city: str, against: str, peers: tuple[str, ...]
) -> None:
    with filters.filter_row("tree"):
        detail = filters.pick_detail(page)
    chart_panel.draw_view_panel(
        page, build_city_indicators, results, city=city, against=against, peers=peers, detail=detail
    )
    chart_panel.draw_spread(page, results, city)


def _draw_fairness(page: PageContext, results: WaveResults, city: str) -> None:
    view = get_view(page, build_city_fairness, results, city=city)
    text_blocks.draw_sentences(view.sentences)
    for panel in view.panels:
        chart_panel.draw_chart_panel(page, panel, results.wave)
    for note in view.notes:
        st.caption(note)


def _draw_drivers(page: PageContext, results: WaveResults, city: str) -> None:
    with filters.filter_row("drivers"):
        whom = filters.pick_driver_group(page, get_view(page, driver_choices, results))
    view = get_view(page, build_driver_view, results, filters=DriverFilters(city, whom))
    text_blocks.draw_sentence(view.sentence)
    text_blocks.draw_sentence(view.certainty)
    if view.matrix is not None:
        chart_panel.draw_chart_panel(page, view.matrix, results.wave)


def _draw_measures(page: PageContext, results: WaveResults, city: str) -> None:
    with filters.filter_row("reports"):
        topic = filters.pick_topic(page, results)
    for picture in get_view(page, build_city_measures, results, city=city, topic=topic):
        chart_panel.draw_chart_panel(page, picture, results.wave)
