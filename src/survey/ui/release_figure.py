"""History of a published figure, and the errata of a correction: before and after."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from survey.publish.figure_table import VALUES
from survey.publish.publications.errata_summary import describe_errata
from survey.publish.publications.figure_history import (
    FigureVersion,
    list_errata,
    list_figure_history,
)
from survey.publish.publications.figures import Erratum
from survey.publish.publications.register import STATE_NAMES, PublicationSummary
from survey.store.china_time import format_china_minute
from survey.store.tables import PublicationState
from survey.ui.html_table import render_plain_table
from survey.ui.navigation import PageKey
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import write_parameter

PARAMETER = "figure"
_FIELD = "releases/figure"
MAX_FIGURE_CHARS = 200
MAX_ERRATA = 50
"""Figures of a correction on the page; the file errata.csv of the release has all."""


def draw_figure_history(page: PageContext) -> None:
    """Draw the field for the id of a figure, and its history; `?figure=` names one."""
    t = page.t
    arrived = str(st.query_params.get(PARAMETER, ""))[:MAX_FIGURE_CHARS]
    st.subheader(t("History of a figure"), anchor=False)
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
    st.html(f'<div class="hcs-errata">{render_plain_table(heads, rows)}</div>')
    st.caption(
        t("The release {release} stands.", release=history.standing_release)
        if history.standing_release
        else t("No release of this wave stands now: none of these values is current.")
    )


def _describe_state(page: PageContext, version: FigureVersion) -> str:
    """Return whether a version is what the standing release says, and if not, why."""
    t = page.t
    if version.state is PublicationState.RETRACTED:
        return t(STATE_NAMES[version.state])
    if version.is_hidden:
        return t("not shown any more")
    return t("current") if version.is_current else t("not current any more")


def draw_errata(page: PageContext, release: PublicationSummary) -> None:
    """Draw what a release changed of the one before, each figure with its history."""
    t = page.t
    with page.read() as work:
        told = list_errata(work, key=release.key, most=MAX_ERRATA)
    head = (
        t("What the correction changed")
        if release.corrects
        else t("What changed since {release}", release=release.follows)
    )
    st.subheader(head, anchor=False)
    if not told.errata:
        st.caption(t("No figure changed."))
        return
    if told.summary is not None:
        # As HTML: an id has signs that would be formatting elsewhere.
        st.html(f"<p>{escape(describe_errata(told.summary, t))}</p>")
    heads = (t("Id of the figure"), t("Before the correction"), t("After the correction"))
    rows = [
        (
            _render_figure_link(page, erratum.figure),
            escape(_describe_before(page, erratum)),
            escape(_describe_values(page, erratum.after)),
        )
        for erratum in told.errata
    ]
    st.html(f'<div class="hcs-errata">{render_plain_table(heads, rows)}</div>')
    if told.count > len(rows):
        st.caption(
            t(
                "{shown} of {count} changed figures, first those of your area and the scores. The "
                "file errata.csv of the release has all.",
                shown=len(rows),
                count=f"{told.count:,}",
            )
        )


def _render_figure_link(page: PageContext, figure: str) -> str:
    address = escape(page.address(PageKey.RELEASES, **{PARAMETER: figure}), quote=True)
    return f'<a href="{address}" target="_self">{escape(figure)}</a>'


def _describe_before(page: PageContext, erratum: Erratum) -> str:
    """Return what was printed before; of what is hidden since it is not repeated."""
    return page.t("not repeated") if erratum.is_hidden else _describe_values(page, erratum.before)


def format_values(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the numbers of a figure as pages show them; the files of a release are for machines.

    A number that is not there is empty.
    """
    *numbers, n = (values.get(name, "").replace("-", "−") for name in VALUES)
    return (*numbers, f"{int(n):,}" if n.isdecimal() else n)


def _describe_values(page: PageContext, values: Mapping[str, str]) -> str:
    """Return a figure as a release printed it, in one line."""
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
