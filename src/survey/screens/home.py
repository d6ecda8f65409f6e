"""Start page by role, with news and the state of the installation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from html import escape
from urllib.parse import urlencode

import streamlit as st

from survey.access.audit_queries import find_last_time, trail_state
from survey.access.principal import Principal
from survey.access.roles import DEMO_CITY, NATION, ROLES, Action, Role, demo_purposes
from survey.figures.views.changes import TrendFilters
from survey.figures.views.city import build_city_profile, city_choices
from survey.figures.views.national_estimate import find_wave_before
from survey.figures.views.overview import OverviewFilters, build_city_table, build_overview
from survey.figures.views.trends import build_city_changes
from survey.kit import page_frame
from survey.kit.filters import display_names, draw_damaged_waves
from survey.kit.interval_table import draw_interval_table
from survey.kit.navigation import PageKey, landing_page
from survey.kit.page_runner import PageContext, ViewerContext
from survey.kit.report_downloads import draw_report_buttons
from survey.kit.results_cache import (
    all_waves,
    get_results,
    get_view,
    is_earlier_damaged,
    list_frozen_waves,
    list_other_waves,
)
from survey.kit.text_blocks import draw_links, escape_markdown
from survey.kit.viewer import find_visit_before
from survey.locale import Message, label_text
from survey.operations import CheckResult
from survey.operations.installation import check_installation
from survey.operations.waiting import WaitingItem, list_waiting
from survey.release.news import NewsItem, NewsKind, list_news
from survey.reports.contents import ReportKind
from survey.results import WaveInfo, WaveResults
from survey.review.progress.wave_progress import WaveProgress, list_progress_waves
from survey.screens.city import draw_city_answer, draw_city_findings
from survey.screens.overview import draw_answer, draw_city_lists
from survey.screens.plan.page import draw_checklist
from survey.screens.progress import get_wave_progress
from survey.screens.progress.quotas import draw_city_bars
from survey.screens.progress.summary import draw_alerts, draw_progress_summary
from survey.screens.special_groups import draw_questions
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_china_minute, format_day
from survey.store.tables import WaveState, now
from survey.waves.assignments import list_tasks
from survey.waves.planning.wave_overview import list_planning_waves
from survey.waves.waves import STATE_NAMES
from survey.web.start_page import LANGUAGE, LARGE

_KEPT_SECONDS = 600.0
"""The checks read every file of the snapshots, and a start page is opened often."""


def draw_installation_health(page: PageContext) -> None:
    """Draw failed checks of the installation (disk, backups, keys …), and how many passed."""
    t, settings = page.t, page.settings
    at, results = _run_cached_checks(
        settings.store_url, str(settings.data_dir), page.principal.is_demo, settings, page.principal
    )
    wrong = [result for result in results if not result.passed]
    st.subheader(t("State of the installation"), anchor=False)
    if wrong:
        st.html(_render_faults(page, wrong))
    fine = t(
        "Checks in order: {count} of {all}.", count=len(results) - len(wrong), all=len(results)
    )
    looked = t("Looked at {when}.", when=format_china_minute(t, at))
    st.caption(f"{fine} {looked}")


def _render_faults(page: PageContext, wrong: Sequence[CheckResult]) -> str:
    t = page.t
    state = escape(t("ATTENTION"))
    lines = "".join(
        f"<li><b>{state} · {escape(t(result.name))}</b> {escape(t(result.detail))}</li>"
        for result in wrong
    )
    return f'<ul class="hcs-todo">{lines}</ul>'


@st.cache_data(ttl=_KEPT_SECONDS, max_entries=4, show_spinner=False)
def _run_cached_checks(
    store_url: str, data_dir: str, is_demo: bool, _settings: Settings, _person: Principal
) -> tuple[datetime, tuple[CheckResult, ...]]:
    del store_url, data_dir, is_demo  # they are the key of the cache
    return now(), check_installation(_settings, _person)


def draw_waiting(page: PageContext) -> None:
    """Draw what waits for the reader, each with its number, its time, and a link right to it."""
    with page.read() as work:
        items = list_waiting(work, waves=all_waves(page))
    st.subheader(page.t("Waiting for you"), anchor=False)
    if not items:
        st.caption(page.t("Nothing waits for you."))
    draw_links(
        (page.address(PageKey(each.page), **each.query), _describe_waiting(page, each))
        for each in items
    )


def _describe_waiting(page: PageContext, item: WaitingItem) -> str:
    """Return a line: how many of what, of which wave or release, since and until when."""
    t = page.t
    parts = [t("{what}: {count}", what=t(item.what), count=f"{item.count:,}")]
    if item.about:
        parts.append(label_text(item.about, page.language))
    if item.since is not None:
        parts.append(t("since {when}", when=format_china_minute(t, item.since)))
    if item.due is not None:
        parts.append(t("until {when}", when=format_day(t, item.due)))
    return " · ".join(parts)


FIRST_VISIT_DAYS = 30
"""Days that are looked back on where no earlier visit is known."""
_MAX_ITEMS = 6
_SUPPLEMENTS = ("elderly", "minors")


def draw_news(page: PageContext) -> None:
    """Draw the news since the reader's last visit, each line with its time and a link."""
    t, moment = page.t, now()
    visited = find_visit_before(page.settings)
    since = visited or moment - timedelta(days=FIRST_VISIT_DAYS)
    with page.read() as work:
        news = list_news(
            replace(work, now=moment), waves=all_waves(page), since=since, language=page.language
        )
    title = t("New since your last visit") if visited else t("New in the last 30 days")
    st.subheader(title, anchor=False)
    if visited:
        st.caption(t("You were last here {when}.", when=format_china_minute(t, visited)))
    if not news:
        st.caption(t("Nothing new has come."))
    draw_links([_format_item(page, item) for item in news[:_MAX_ITEMS]])
    if len(news) > _MAX_ITEMS:
        st.caption(t("The first {shown} of {count}.", shown=_MAX_ITEMS, count=len(news)))


def _format_item(page: PageContext, item: NewsItem) -> tuple[str, str]:
    """Return (address, text with time) of one piece of news."""
    return _build_news_address(page, item), f"{format_china_minute(page.t, item.at)} · {item.text}"


def _build_news_address(page: PageContext, item: NewsItem) -> str:
    if item.kind is NewsKind.RESULTS:
        if item.series in _SUPPLEMENTS:
            return page.address(PageKey.SPECIAL_GROUPS, study=item.series)
        key = PageKey.OVERVIEW if page.principal.area == NATION else PageKey.CITY
        return page.address(key, wave=item.subject)
    if item.kind is NewsKind.PROBLEMS:
        return page.address(PageKey.RECTIFICATION, show=item.subject)
    if item.kind is NewsKind.COMPARATIVE_TEST:
        return page.address(PageKey.COMPARATIVE_TESTS, test=item.subject)
    return page.address(PageKey.RELEASES if item.kind is NewsKind.RELEASE else PageKey.COMPLAINTS)


_CITY_CODE_LENGTH = len(DEMO_CITY)
_MAX_LISTED_ALERTS = 5
_WAVE, _INSTALLATION = 7, 5
"""Shares of the width of the two columns."""


def draw_home(viewer: ViewerContext, principal: Principal | None) -> None:
    """Draw the start page for the role of the signed-in principal."""
    t = viewer.t
    if principal is None:
        # The session has ended since the page was opened.
        page_frame.draw_notice(
            t("Sign-in"),
            t("Accounts are given out by the administrator of this system."),
            link=("/auth/login", t("Sign in")),
        )
        return
    st.title(t("Hundred Cities Survey"), anchor=False)
    action = Action.READ_RESULTS if principal.may(Action.READ_RESULTS) else None
    page = PageContext(viewer, principal, action, PageKey.HOME)
    if principal.may(Action.PLAN):
        _draw_administrator_home(page)
    else:
        for needed, draw_block in _BLOCKS:
            if principal.may(needed):
                draw_block(page)
    if viewer.settings.demo:
        _draw_roles(viewer)


def _draw_administrator_home(page: PageContext) -> None:
    """Draw an administrator's start page: the running wave, and the state of the installation."""
    seen = _find_progress(page)
    wave, installation = st.columns([_WAVE, _INSTALLATION], gap="large")
    with wave:
        draw_waiting(page)
        draw_checklist(page)
        _draw_waves(page)
        if seen is not None:
            draw_alerts(page, seen, _MAX_LISTED_ALERTS)
    with installation:
        draw_installation_health(page)
        _draw_safeguards(page)
        _draw_progress(page, seen)


def _find_newest_results(page: PageContext) -> tuple[WaveInfo, WaveResults] | None:
    """Return the newest frozen main wave with its results; None, with a notice, without one."""
    t = page.t
    waves = list_frozen_waves(page, "main")
    is_any_damaged = draw_damaged_waves(page, "main")
    if not waves:
        if not is_any_damaged:
            page_frame.draw_notice(
                t("There are no results yet"),
                t("Results appear here as soon as a wave has been frozen."),
            )
        return None
    return waves[0], get_results(page, waves[0])


def _draw_results(page: PageContext) -> None:
    """Draw the newest wave's results: of the nation for national readers, else of the own area."""
    newest = _find_newest_results(page)
    if newest is None:
        return
    if page.principal.area == NATION:
        _draw_nation(page, *newest)
    else:
        _draw_own_area(page, *newest)


def _draw_nation(page: PageContext, wave: WaveInfo, results: WaveResults) -> None:
    whole = display_names(page, results).area(NATION)
    st.subheader(f"{whole} · {escape_markdown(wave.label(page.language))}", anchor=False)
    if results.tree is None:
        draw_questions(page, results)
        return
    filters, others = OverviewFilters(), list_other_waves(page, wave)
    unread = is_earlier_damaged(page, wave)
    view = get_view(
        page, build_overview, results, others=others, filters=filters, is_earlier_unread=unread
    )
    answer, cities = st.columns([7, 5], gap="large")
    with answer:
        draw_answer(page, view)
    with cities:
        draw_city_lists(page, view, wave)
    before = find_wave_before(wave, others)
    if before is not None:
        _draw_changed_cities(page, wave, results, before)


def _draw_changed_cities(
    page: PageContext, wave: WaveInfo, results: WaveResults, before: WaveResults
) -> None:
    """Draw cities with a significant change since wave `before`, adjusted for multiple testing."""
    t = page.t
    filters = TrendFilters(before=before.wave.key, clear_only=True)
    table = get_view(page, build_city_changes, results, others=[before], filters=filters)
    st.subheader(t("Cities that changed since {year}", year=before.wave.year), anchor=False)
    if isinstance(table, str):
        st.markdown(table)
    else:
        draw_interval_table(page, table, wave, links_cities=True, has_details=False)


def _draw_own_area(page: PageContext, wave: WaveInfo, results: WaveResults) -> None:
    """Draw the results of an official's own city, or of the cities of the own province."""
    city, t = page.principal.area, page.t
    if len(city) != _CITY_CODE_LENGTH:
        _draw_own_cities(page, wave, results)
        return
    if city not in get_view(page, city_choices, results):
        page_frame.draw_notice(t("Your city is not part of this wave"), wave.label(page.language))
        return
    others = list_other_waves(page, wave)
    unread = is_earlier_damaged(page, wave)
    view = get_view(
        page, build_city_profile, results, others=others, city=city, is_earlier_unread=unread
    )
    st.subheader(escape_markdown(wave.label(page.language)), anchor=False)
    draw_city_answer(page, results, city, view)
    draw_city_findings(display_names(page, results).t, view)
    if view.headline.available:
        draw_report_buttons(page, wave, ReportKind.CITY, city)
    link = page.address(PageKey.CITY, city=city, wave=wave.key)
    draw_links([(link, t("Open the profile of {city}", city=view.name))])


def _draw_own_cities(page: PageContext, wave: WaveInfo, results: WaveResults) -> None:
    t = page.t
    st.subheader(
        t("Your cities") + f" · {escape_markdown(wave.label(page.language))}", anchor=False
    )
    if results.tree is None:
        draw_questions(page, results)
        return
    table = get_view(
        page, build_city_table, results, indicator=OverviewFilters().indicator, own_area=True
    )
    draw_interval_table(page, table, wave, links_cities=True, has_details=False)
    draw_report_buttons(page, wave, ReportKind.PROVINCE, page.principal.area)


def _draw_waves(page: PageContext) -> None:
    """Draw the waves that are not released yet, each with its state and a link."""
    t = page.t
    with page.read() as work:
        waves = list_planning_waves(work)
    st.subheader(t("Waves in work"), anchor=False)
    open_waves = [wave for wave in waves if wave.state is not WaveState.RELEASED]
    if not waves:
        st.caption(t("There is no wave yet"))
    elif not open_waves:
        st.caption(t("Every wave is released."))
    draw_links(
        [
            (
                page.address(PageKey.PLAN, wave=wave.key),
                f"{wave.label(page.language)} · {t(STATE_NAMES[wave.state])}",
            )
            for wave in open_waves
        ]
    )


def _draw_safeguards(page: PageContext) -> None:
    """Draw when the audit trail was last checked, with what result, and the last backup."""
    t = page.t
    with page.read() as work:
        trail = trail_state(work)
        backed_up_at = find_last_time(work, event=AuditEvent.STORE_BACKED_UP)
    if trail.checked_at is None:
        verified = t("The audit trail has not been checked yet.")
    elif trail.wrong:
        verified = t(
            "The check of the audit trail of {when} found {wrong} entries changed.",
            when=format_china_minute(t, trail.checked_at),
            wrong=f"{trail.wrong:,}",
        )
    else:
        verified = t(
            "The audit trail was checked {when}: every entry up to number {number} is as it was "
            "written.",
            when=format_china_minute(t, trail.checked_at),
            number=f"{trail.checked_up_to:,}",
        )
    backup = (
        t("There has been no backup yet.")
        if backed_up_at is None
        else t("The last backup was made {when}.", when=format_china_minute(t, backed_up_at))
    )
    st.subheader(t("Safeguards"), anchor=False)
    draw_links([(page.address(PageKey.AUDIT), verified), (page.address(PageKey.AUDIT), backup)])


def _draw_field(page: PageContext) -> None:
    """Draw what waits for a reviewer, and progress and alerts of the wave that is in the field."""
    draw_waiting(page)
    seen = _find_progress(page)
    _draw_progress(page, seen)
    if seen is not None:
        draw_city_bars(page, seen)
        draw_alerts(page, seen, _MAX_LISTED_ALERTS)


def _find_progress(page: PageContext) -> WaveProgress | None:
    """Return the progress of the wave that is in the field; None if there is none."""
    with page.read() as work:
        waves = list_progress_waves(work)
    return get_wave_progress(page, waves[0]) if waves and waves[0].is_open else None


def _draw_progress(page: PageContext, seen: WaveProgress | None) -> None:
    if seen is None:
        t = page.t
        st.caption(t("No wave is in the field. Progress appears here as soon as one is opened."))
        return
    st.subheader(escape_markdown(seen.wave.label(page.language)), anchor=False)
    draw_progress_summary(page, seen)


def _draw_points(page: PageContext) -> None:
    """Draw a surveyor's sampling points, each a link with its count of interviews."""
    t = page.t
    with page.read() as work:
        tasks = list_tasks(work)
    st.subheader(t("Your sampling points"), anchor=False)
    if not tasks:
        st.caption(t("Nothing is assigned to you at the moment"))
    draw_links(
        [
            (
                page.address(PageKey.TASKS, point=f"{task.wave_key}/{task.point_code}"),
                t(
                    "{city} · {point}: {done} of {target} interviews, {today} of yours today",
                    city=label_text(task.city_name, page.language, task.city_code),
                    point=task.point_name,
                    done=task.collected,
                    target=task.target,
                    today=task.mine_today,
                ),
            )
            for task in tasks
        ]
    )


def _draw_paper(page: PageContext) -> None:
    draw_links([(page.address(PageKey.PAPER), page.t("Key the next sheet"))])


def _draw_files(page: PageContext) -> None:
    draw_waiting(page)
    t = page.t
    draw_links(
        [
            (page.address(PageKey.EXPORT), t("Data files to take away")),
            (page.address(PageKey.METHOD), t("How the figures were made")),
        ]
    )


_BLOCKS: tuple[tuple[Action, Callable[[PageContext], None]], ...] = (
    (Action.INTERVIEW, _draw_points),
    (Action.KEY_PAPER, _draw_paper),
    (Action.EXPORT_ROWS, _draw_files),
    (Action.READ_RESULTS, _draw_results),
    (Action.READ_PROBLEMS, draw_waiting),
    (Action.READ_RESULTS, draw_news),
    (Action.READ_PLAN, _draw_waves),
    (Action.REVIEW, _draw_field),
)
"""What is drawn for each right, in this order; an official sees the score before what waits.

An administrator, who has nearly every right, has a start page of their own instead.
"""


def _draw_roles(viewer: ViewerContext) -> None:
    t = viewer.t
    st.subheader(t("Try another role"), anchor=False)
    st.caption(t("This is a demonstration. Everything here is generated demo data."))
    cards = "".join(
        _render_role_card(viewer, role, purpose) for role, purpose in demo_purposes().items()
    )
    st.html(f'<div class="hcs-roles">{cards}</div>')


def _render_role_card(viewer: ViewerContext, role: Role, purpose: Message) -> str:
    """Return HTML of a form whose button signs in as a demo role."""
    t = viewer.t
    target = f"/{landing_page(role).url}"
    wishes = {name: st.query_params[name] for name in (LANGUAGE, LARGE) if name in st.query_params}
    if wishes:
        target = f"{target}?{urlencode(wishes)}"
    return (
        f'<form method="post" action="/auth/demo?role={role.value}">'
        f'<input type="hidden" name="next" value="{escape(target)}">'
        f'<button type="submit"><b>{escape(t(ROLES[role].name))}</b>'
        f"{escape(t(purpose))}</button></form>"
    )
