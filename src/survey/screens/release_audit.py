"""Parts of the release register: history of a figure, errata, early readers, files, audit."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from functools import partial
from html import escape

import streamlit as st

from survey.figures.figure_table import VALUES
from survey.kit.background_job import BackgroundJob
from survey.kit.feedback import change_on_click, run_change, run_change_below_button, show_feedback
from survey.kit.navigation import PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import escape_markdown, render_plain_table
from survey.kit.url_state import write_parameter
from survey.locale import LANGUAGES, RefusedError, msg
from survey.release.early_readers import (
    EarlyReader,
    add_early_reader,
    list_early_readers,
    remove_early_reader,
)
from survey.release.figure_history import FigureVersion, list_errata, list_figure_history
from survey.release.figures import describe_errata
from survey.release.file_builders import FILE_BUILDERS
from survey.release.mended_reports import list_mended_reports
from survey.release.publication_source import REPORTS, FileBuilderName, FileChoice
from survey.release.register import MAX_TEXT_CHARS, STATE_NAMES, PublicationSummary
from survey.reports.report_service import ReportFormat
from survey.results.audit_runs import audit_beside
from survey.results.whole_audits import AuditStanding, find_audit_standing, list_released_problems
from survey.store.china_time import CHINA, format_china_minute
from survey.store.tables import PublicationState, now

PARAMETER = "figure"
_FIELD = "releases/figure"
MAX_FIGURE_CHARS = 200
MAX_ERRATA = 50
"""Figures of a correction on the page; the file errata.csv of the release has all."""


def draw_figure_history(page: PageContext) -> None:
    """Draw a field for a figure's id, filled from the address, and its value in each release."""
    t = page.t
    arrived = str(st.query_params.get(PARAMETER, ""))[:MAX_FIGURE_CHARS]
    with st.expander(t("History of a figure"), expanded=bool(arrived)):
        _draw_figure_versions(page, arrived)


def _draw_figure_versions(page: PageContext, arrived: str) -> None:
    t = page.t
    if _FIELD not in st.session_state:
        st.session_state[_FIELD] = arrived
    figure = st.text_input(
        t("Id of a figure"),
        key=_FIELD,
        max_chars=MAX_FIGURE_CHARS,
        help=t("As in figures.csv of a release, for example main-2026-110000-1.2-all-score."),
    ).strip()
    write_parameter(PARAMETER, figure, "")
    if not figure:
        return
    with page.read() as work:
        history = list_figure_history(work, figure=figure)
    if not history.versions:
        draw_notice(
            t("No release of a wave has this figure"),
            t("A figure that was never shown has no history."),
        )
        return
    heads = (
        t("Release"),
        t("Published"),
        t("State"),
        t("Published figure"),
        t("Reason of the change"),
    )
    rows = [
        (
            escape(version.release),
            escape(format_china_minute(t, version.published_at)),
            escape(_describe_state(page, version)),
            escape(_describe_values(page, version.values) if version.values else "–"),
            escape(version.reason or "–"),
        )
        for version in history.versions
    ]
    # On a phone each version is a card: five columns would be of single characters.
    st.html(f'<div class="hcs-errata">{render_plain_table(t, heads, rows)}</div>')
    st.caption(
        t("The release {release} stands.", release=history.standing_release)
        if history.standing_release
        else t("No release of this wave stands now: none of these values is current.")
    )


def _describe_state(page: PageContext, version: FigureVersion) -> str:
    """Return text on one release's value of a figure: current, replaced, hidden or retracted."""
    t = page.t
    if version.state is PublicationState.RETRACTED:
        return t(STATE_NAMES[version.state])
    if version.is_hidden:
        return t("not shown any more")
    return t("current") if version.is_current else t("not current any more")


def draw_errata(page: PageContext, release: PublicationSummary) -> None:
    """Draw which figures a release changed against the release before, with both values."""
    t = page.t
    with page.read() as work:
        changed = list_errata(work, key=release.key, most=MAX_ERRATA)
    head = (
        t("What the correction changed")
        if release.corrects
        else t("What changed since {release}", release=release.follows)
    )
    st.subheader(head, anchor=False)
    if not changed.errata:
        st.caption(t("No figure changed."))
        return
    if changed.summary is not None:
        # As HTML: an id has signs that would be formatting elsewhere.
        st.html(f"<p>{escape(describe_errata(changed.summary, t))}</p>")
    heads = (t("Id of the figure"), t("Before the correction"), t("After the correction"))
    rows = [
        (
            _render_figure_link(page, erratum.figure),
            # Of a figure that is hidden since, the value is not repeated.
            escape(
                t("not repeated") if erratum.is_hidden else _describe_values(page, erratum.before)
            ),
            escape(_describe_values(page, erratum.after)),
        )
        for erratum in changed.errata
    ]
    st.html(f'<div class="hcs-errata">{render_plain_table(t, heads, rows)}</div>')
    if changed.count > len(rows):
        st.caption(
            t(
                "{shown} of {count} changed figures, first those of your area and the scores. The "
                "file errata.csv of the release has all.",
                shown=len(rows),
                count=f"{changed.count:,}",
            )
        )


def _render_figure_link(page: PageContext, figure: str) -> str:
    address = escape(page.address(PageKey.RELEASES, **{PARAMETER: figure}), quote=True)
    return f'<a href="{address}" target="_self">{escape(figure)}</a>'


def format_values(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return estimate, interval ends and n as texts for the page; missing numbers are empty.

    A number that is not there is empty.
    """
    *numbers, n = (values.get(name, "").replace("-", "−") for name in VALUES)
    return (*numbers, f"{int(n):,}" if n.isdecimal() else n)


def _describe_values(page: PageContext, values: Mapping[str, str]) -> str:
    """Return estimate, interval and n of a published figure in one line; "not shown" for none."""
    t = page.t
    if not values:
        return t("not shown")
    estimate, low, high, n = format_values(values)
    words = [estimate or "–"]
    if low and high:
        words.append(t("{low} to {high}", low=low, high=high))
    if n:
        words.append(f"n {n}")
    return " · ".join(words)


_OPEN_STATES = frozenset({PublicationState.PLANNED, PublicationState.SIGNED})
_MAX_LOGIN_CHARS = 100
_REASON_PX = 160
"""High enough that the calendar above it ends before the button."""
_ADDING, _REMOVING = "early-reader/", "early-reader-off/"


def draw_early_readers(page: PageContext, release: PublicationSummary) -> None:
    """Draw who may read a release before publication, and until then forms to change the list.

    Where a popover is not drawn, what went wrong in it before is said in its place.
    """
    t = page.t
    with page.read() as work:
        readers = list_early_readers(work, key=release.key)
    is_open = release.state in _OPEN_STATES
    if not readers and not is_open:
        return
    st.subheader(t("Pre-release list"), anchor=False)
    st.caption(
        t(
            "Nobody but those who release opens the files before they are published. Whoever is on "
            "this list may, from the hour given; each opening is in the audit trail."
        )
    )
    if readers:
        rows = [
            {
                t("Full name"): f"{reader.name} ({reader.login})",
                t("Reason"): reader.reason,
                t("May read from"): format_china_minute(t, reader.opens_at),
            }
            for reader in readers
        ]
        st.table(rows, border="horizontal", alt=t("Pre-release list"))
    if is_open:
        _draw_addition(page, release)
    else:
        show_feedback(page, _ADDING + release.key)
    if is_open and readers:
        _draw_removal(page, release, readers)
    else:
        show_feedback(page, _REMOVING + release.key)


def _draw_addition(page: PageContext, release: PublicationSummary) -> None:
    t, prefix = page.t, f"releases/reader/{release.key}"
    with st.popover(t("Add somebody"), key=f"{prefix}/adding"):
        show_feedback(page, _ADDING + release.key)
        # The calendar opens downwards and must not lie over the button at the end.
        with st.container(horizontal=True):
            st.date_input(t("From the day"), value=None, format="YYYY-MM-DD", key=f"{prefix}/day")
            st.time_input(t("Time in China"), value=time(9), step=300, key=f"{prefix}/minute")
        st.text_input(
            t("Sign-in name"),
            key=f"{prefix}/login",
            max_chars=_MAX_LOGIN_CHARS,
            help=t("Of an account that reads results."),
        )
        st.text_area(
            t("Why this person may read early"),
            key=f"{prefix}/reason",
            max_chars=MAX_TEXT_CHARS,
            height=_REASON_PX,
        )
        st.button(
            t("Put on the list"),
            key=f"{prefix}/add",
            type="primary",
            on_click=_add_reader,
            args=(page, release.key, prefix),
        )


def _add_reader(page: PageContext, release_key: str, prefix: str) -> None:
    login, reason = (
        str(st.session_state.get(f"{prefix}/{name}") or "").strip() for name in ("login", "reason")
    )
    added = run_change_below_button(
        page,
        lambda work: add_early_reader(
            work, key=release_key, login=login, reason=reason, opens_at=_get_chosen_opening(prefix)
        ),
        done=page.t("{account} is on the list of {release}.", account=login, release=release_key),
        slot=_ADDING + release_key,
        drawn=[prefix],
    )
    if added is not None:
        for name in ("login", "reason", "day"):
            st.session_state.pop(f"{prefix}/{name}", None)


def _get_chosen_opening(prefix: str) -> datetime:
    day = st.session_state.get(f"{prefix}/day")
    minute = st.session_state.get(f"{prefix}/minute")
    if not isinstance(day, date) or not isinstance(minute, time):
        raise RefusedError(
            "opening_not_chosen", msg("Please choose the day from which this person may read.")
        )
    return datetime.combine(day, minute, CHINA)


def _draw_removal(
    page: PageContext, release: PublicationSummary, readers: Sequence[EarlyReader]
) -> None:
    t = page.t
    with st.popover(t("Take somebody off"), key=f"releases/reader/{release.key}/removing"):
        show_feedback(page, _REMOVING + release.key)
        st.caption(t("What this person has opened already stays known to them."))
        for reader in readers:
            st.button(
                t(
                    "Take {name} off the list",
                    name=escape_markdown(f"{reader.name} ({reader.login})"),
                ),
                key=f"releases/reader/{release.key}/remove/{reader.login}",
                on_click=change_on_click,
                args=(
                    page,
                    partial(remove_early_reader, key=release.key, login=reader.login),
                    t(
                        "{account} is off the list of {release}.",
                        account=reader.login,
                        release=release.key,
                    ),
                    _REMOVING + release.key,
                ),
            )


_LANGUAGE_NAMES = {"zh": msg("Chinese language"), "en": msg("English language")}
_FORMAT_NAMES = {
    ReportFormat.DOCX: "Word",
    ReportFormat.PDF: "PDF",
    ReportFormat.PPTX: "PowerPoint",
}


def describe_files(page: PageContext, approved: Sequence[str]) -> str:
    """Return the names of the files chosen for a release (`approved`: their codes), in one line."""
    names = [FileChoice.parse(text).name for text in approved]
    return page.t(", ").join(page.t(FILE_BUILDERS[name].name) for name in names)


def draw_file_choices(page: PageContext) -> tuple[str, ...]:
    """Draw the choice of a release's files, languages and formats; return a code for each file."""
    t = page.t
    offered = [name for name in FILE_BUILDERS if name is not FileBuilderName.FIGURES]
    names = st.multiselect(
        t("Files, besides every figure with its id"),
        offered,
        default=[FileBuilderName.TABLES],
        format_func=lambda name: t(FILE_BUILDERS[name].name),
        # The browser knows an option by its label, so each language needs a widget of its own.
        key=f"releases/builders/{page.language}",
        help=t("Rows of people are in no release. City reports take minutes to build."),
    )
    # Below each other on a phone: side by side their choices do not fit.
    of_language, of_format = st.columns(2)
    with of_language:
        languages = st.multiselect(
            t("Languages"),
            LANGUAGES,
            default=list(LANGUAGES),
            format_func=lambda code: t(_LANGUAGE_NAMES[code]),
            key=f"releases/languages/{page.language}",
        )
    with of_format:
        formats = st.multiselect(
            t("Formats of reports"),
            list(ReportFormat),
            default=[ReportFormat.DOCX, ReportFormat.PDF],
            format_func=_FORMAT_NAMES.__getitem__,
            key="releases/formats",
        )
    ordered = tuple(code for code in LANGUAGES if code in languages) or LANGUAGES
    forms = tuple(form for form in ReportFormat if form in formats) or tuple(ReportFormat)
    choices = [
        FileChoice(name, ordered, forms if name in REPORTS else ())
        for name in offered
        if name in names
    ]
    return (FileBuilderName.FIGURES.value, *map(str, choices))


_AUDIT = "audit"
_AUDIT_REFRESH_SECONDS = 5.0


def describe_audit(page: PageContext, standing: AuditStanding) -> str:
    """Return a line on `standing`, the state of a wave's disclosure audit that signing requires."""
    return page.t("Audit of hidden counts: {standing}", standing=page.t(standing.text))


def draw_audit_problems(page: PageContext) -> None:
    """Draw released waves whose disclosure audit has not passed or whose reports are outdated."""
    t = page.t
    with page.read() as work:
        problems, reports = list_released_problems(work), list_mended_reports(work)
    if problems:
        draw_notice(
            t("Released waves whose hidden counts did not pass the audit"),
            t(
                "Where the audit is still to pass, the server makes it by itself. If it fails, "
                "freeze the wave again and announce a correction below, or take the release back "
                "above: neither happens by itself."
            ),
            lines=[t(problem) for _, problem in problems],
        )
    if reports:
        draw_notice(
            t("Released waves whose reports say what was mended since"),
            t(
                "Nothing happens by itself. Freeze the wave again and announce a correction below, "
                "or take the release back above."
            ),
            lines=[t(told) for _, told in reports],
        )


def draw_audit_standing(page: PageContext, wave_key: str) -> None:
    """Draw the state of a wave's disclosure audit (of hidden counts), refreshed until it passes."""
    standing = _find_audit_standing(page, wave_key)
    if standing.has_passed:
        st.markdown(describe_audit(page, standing))
    else:
        _draw_lacking_audit(page, wave_key)


def _find_audit_standing(page: PageContext, wave_key: str) -> AuditStanding:
    with page.read() as work:
        return find_audit_standing(work, wave_key, now())


@page_fragment(run_every=_AUDIT_REFRESH_SECONDS)
def _draw_lacking_audit(page: PageContext, wave_key: str) -> None:
    t, standing = page.t, _find_audit_standing(page, wave_key)
    if standing.has_passed:
        st.rerun()
    show_feedback(page, _AUDIT)
    st.markdown(describe_audit(page, standing))
    st.caption(t("A release is signed once this audit has passed. The server makes it by itself."))
    if standing.may_start:
        st.button(
            t("Start the audit now"),
            key=f"releases/audit/{wave_key}",
            icon=":material/policy:",
            on_click=_start_audit,
            args=(page,),
        )


def _start_audit(page: PageContext) -> None:
    t = page.t
    said = t("The audit has been started. It goes on when this page is closed.")
    current = run_change(page, lambda work: work.principal, done=said, slot=_AUDIT)
    if current is not None:
        person = current.value
        BackgroundJob[list[str]](msg("Audit of hidden counts")).start(
            lambda _tick: audit_beside(page.settings, person)
        )
