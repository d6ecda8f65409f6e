"""Pre-release list of a release: who may open its files early, why, and from when."""

from collections.abc import Sequence
from datetime import date, datetime, time

import streamlit as st

from survey.locale import RefusedError, msg
from survey.publish.publications.early_readers import (
    EarlyReader,
    add_early_reader,
    list_early_readers,
    remove_early_reader,
)
from survey.publish.publications.register import MAX_TEXT_CHARS, PublicationSummary
from survey.store.china_time import CHINA, format_china_minute
from survey.store.tables import PublicationState
from survey.ui.feedback import perform_in_popover, show_feedback
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown

_OPEN_STATES = frozenset({PublicationState.PLANNED, PublicationState.SIGNED})
_MAX_LOGIN_CHARS = 100
_REASON_PX = 160
"""High enough that the calendar above it ends before the button."""
_ADDING, _REMOVING = "early-reader/", "early-reader-off/"


def draw_early_readers(page: PageContext, release: PublicationSummary) -> None:
    """Draw the list, and the form that adds somebody until the release is published.

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
    opens_at = _get_chosen_opening(prefix)
    added = perform_in_popover(
        page,
        lambda work: add_early_reader(
            work, key=release_key, login=login, reason=reason, opens_at=_require_opening(opens_at)
        ),
        done=page.t("{account} is on the list of {release}.", account=login, release=release_key),
        slot=_ADDING + release_key,
    )
    if added is not None:
        for name in ("login", "reason", "day"):
            st.session_state.pop(f"{prefix}/{name}", None)


def _get_chosen_opening(prefix: str) -> datetime | None:
    day = st.session_state.get(f"{prefix}/day")
    minute = st.session_state.get(f"{prefix}/minute")
    if not isinstance(day, date) or not isinstance(minute, time):
        return None
    return datetime.combine(day, minute, CHINA)


def _require_opening(opens_at: datetime | None) -> datetime:
    if opens_at is None:
        raise RefusedError(
            "opening_not_chosen", msg("Please choose the day from which this person may read.")
        )
    return opens_at


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
                on_click=_remove_reader,
                args=(page, release.key, reader.login),
            )


def _remove_reader(page: PageContext, release_key: str, login: str) -> None:
    perform_in_popover(
        page,
        lambda work: remove_early_reader(work, key=release_key, login=login),
        done=page.t("{account} is off the list of {release}.", account=login, release=release_key),
        slot=_REMOVING + release_key,
    )
