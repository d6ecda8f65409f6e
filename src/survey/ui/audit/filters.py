"""Filters of the audit trail; every choice is in the address."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from survey.access.audit_queries import PUBLIC, TrailFilter, trail_people
from survey.access.principal import OPERATOR
from survey.store.china_time import CHINA, china_date
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.audit.labels import EVENT_FAMILY_NAMES
from survey.ui.filters import ALL_OPTION, filter_row
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick, write_parameter

BELOW_PARAMETER = "below"
"""The address names the entry behind which a page begins: `?below=<number>`."""
_MAX_SUBJECT_CHARS = 80


def draw_filters(page: PageContext) -> TrailFilter:
    t = page.t
    with read_scope(page.settings.store_url) as session:
        people = trail_people(session=session, principal=page.principal)
    people = {
        OPERATOR.name: t("operator of the server"), PUBLIC: t("a respondent"), **people
    }  # fmt: skip
    with filter_row():
        since, until = _draw_day(t("From day"), "from"), _draw_day(t("To day"), "to")
        actor = pick(
            t("Person"), "who", [ALL_OPTION, *people], language=page.language,
            show=lambda code: people.get(code, t("Everybody")),
        )  # fmt: skip
        family = pick(
            t("Action"),
            "action",
            [ALL_OPTION, *EVENT_FAMILY_NAMES],
            language=page.language,
            show=lambda code: (
                t(EVENT_FAMILY_NAMES[code]) if code in EVENT_FAMILY_NAMES else t("All actions")
            ),
        )
        subject = _subject(page)
    choice = TrailFilter(
        since=_midnight(since) if since else None,
        before=_midnight(until + timedelta(days=1)) if until else None,
        actor=None if actor == ALL_OPTION else actor,
        family=None if family == ALL_OPTION else family,
        subject=subject,
    )
    _reset_page_when_changed(choice)
    return choice


def _draw_day(label: str, name: str) -> date | None:
    """Draw the choice of a day in China; returns None if the address holds no valid day."""
    key, memory = f"{name}/day", f"{name}/day/url"
    arrived = st.query_params.get(name, "")
    if st.session_state.get(memory) != arrived or key not in st.session_state:
        st.session_state[key] = _read_day(arrived)
    chosen: date | None = st.date_input(
        label, key=key, format="YYYY-MM-DD", min_value=date(2020, 1, 1), max_value=china_date(now())
    )
    written = chosen.isoformat() if chosen else ""
    write_parameter(name, written, "")
    st.session_state[memory] = written
    return chosen


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(2020, 1, 1) <= day <= china_date(now()) else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA).astimezone(UTC)


def _subject(page: PageContext) -> str:
    t, key, memory = page.t, "subject/text", "subject/text/url"
    arrived = st.query_params.get("subject", "")[:_MAX_SUBJECT_CHARS]
    if st.session_state.get(memory) != arrived or key not in st.session_state:
        st.session_state[key] = arrived
    chosen = st.text_input(
        t("Id of what it is about"), key=key, max_chars=_MAX_SUBJECT_CHARS,
        help=t("The whole id, for example of an interview; it stands in the export."),
    ).strip()  # fmt: skip
    write_parameter("subject", chosen, "")
    st.session_state[memory] = chosen
    return chosen


def _reset_page_when_changed(choice: TrailFilter) -> None:
    """Go back to the newest entries when a filter was changed."""
    before = st.session_state.get("audit/choice")
    if before is not None and before != choice:
        st.query_params.pop(BELOW_PARAMETER, None)
    st.session_state["audit/choice"] = choice
