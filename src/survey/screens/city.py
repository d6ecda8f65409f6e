"""City profile: the answer on the first screen, tabs for the rest, peers of its own choice."""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.views.city import (
    CityView,
    GroupGap,
    build_city_groups,
    build_city_indicators,
    build_city_measures,
    build_city_profile,
    city_choices,
)
from survey.figures.views.city_peers import describe_peers, peer_candidates, reference_choices
from survey.figures.views.drivers import DriverFilters, Priority, build_driver_view, driver_choices
from survey.figures.views.estimate_text import EstimateDifference, format_interval
from survey.kit import chart_panel, filters, text_blocks
from survey.kit.feedback import perform_in_popover, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.report_downloads import draw_report_buttons
from survey.kit.results_cache import get_results, get_view, is_earlier_damaged, list_other_waves
from survey.kit.url_state import Tab, draw_tabs
from survey.locale import Translator
from survey.locale.figures import format_score, format_signed
from survey.reports.contents import ReportKind
from survey.results import WaveResults
from survey.results.peer_differences import MAX_PEERS, choose_peers, list_chosen_peers, reset_peers
from survey.screens.city_outside import draw_beside_score
from survey.screens.problems.city_list import draw_city_problems, may_read_problems
from survey.screens.special_groups import draw_questions

_MESSAGES, _CHOOSING = "city-peers", "city-peers/choosing"


def get_chosen_peers(page: PageContext, city: str) -> tuple[str, ...]:
    """Return the peers that a city has chosen; none to readers of another area."""
    if not page.principal.covers(city):
        return ()
    with page.read() as work:
        return list_chosen_peers(work, city_code=city)


def draw_peer_choice(
    page: PageContext, results: WaveResults, city: str, peers: tuple[str, ...]
) -> None:
    """Draw which cities a city is compared with and, to its officials, what changes them."""
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
        horizontal=True, wrap=False, vertical_alignment="center", key="compact-city-peers-choice"
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
    with st.container(horizontal=True):
        st.button(
            t("Compare with these cities"),
            type="primary",
            disabled=not chosen,
            key=f"{key}/save",
            on_click=_change_peers,
            args=(page, partial(choose_peers, city_code=city, peers=chosen)),
        )
        st.button(
            t("Compare with cities of its size again"),
            disabled=not peers,
            key=f"{key}/reset",
            on_click=_change_peers,
            args=(page, partial(reset_peers, city_code=city)),
        )


def _change_peers(page: PageContext, service: Callable[..., None]) -> None:
    def run(work: Work) -> None:
        service(work)

    done = page.t("The cities to compare with are kept.")
    perform_in_popover(page, run, done=done, slot=_CHOOSING, top=_MESSAGES)


def draw_city(page: PageContext) -> None:
    """Draw the page."""
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
    draw_tabs(tabs, language=page.language)


def _list_score_tabs(
    page: PageContext, results: WaveResults, city: str, against: str, peers: tuple[str, ...]
) -> dict[str, Tab]:
    """Return the tabs on the answers of the city, which a city without a score has not."""
    t = page.t
    return {
        "indicators": (
            t("Indicators"),
            partial(_draw_indicators, page, results, city, against, peers),
        ),
        "groups": (t("Groups"), partial(_draw_groups, page, results, city)),
        "improve": (t("First to improve"), partial(_draw_drivers, page, results, city)),
        "measures": (t("Rights and education"), partial(_draw_measures, page, results, city)),
    }


def draw_city_answer(page: PageContext, results: WaveResults, city: str, view: CityView) -> None:
    """Draw the name and kind of a city, its score, and what is said about it.

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
        text_blocks.draw_method_note(page, view.headline, figure_id=view.figure_id)


def draw_city_findings(t: Translator, view: CityView) -> None:
    """Draw three strengths, three priorities, and the special groups, each in words."""
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
        _render_groups(view.groups),
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


def _render_groups(groups: Sequence[GroupGap]) -> list[str]:
    return [_render_pair(f"{group.sign} {group.name}".strip(), group.text) for group in groups]


def _draw_indicators(
    page: PageContext, results: WaveResults, city: str, against: str, peers: tuple[str, ...]
) -> None:
    with filters.filter_row("tree"):
        detail = filters.pick_detail(page)
    picture = get_view(
        page, build_city_indicators, results, city=city, against=against, peers=peers, detail=detail
    )
    chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_groups(page: PageContext, results: WaveResults, city: str) -> None:
    picture = get_view(page, build_city_groups, results, city=city)
    chart_panel.draw_chart_panel(page, picture, results.wave)


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
