"""Which entries of the audit trail to show; every choice is in the address."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from survey.access.audit_trail import PUBLIC, TrailChoice, trail_people
from survey.access.principal import OPERATOR
from survey.fieldwork.clock import CHINA, china_date
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.audit.names import FAMILIES
from survey.ui.filters import EVERY, filter_row
from survey.ui.page import Visit
from survey.ui.url import pick, to_url

BELOW = "below"
"""The address names the entry behind which a page begins: `?below=<number>`."""
_LONGEST_SUBJECT = 80


def choose(visit: Visit) -> TrailChoice:
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        people = trail_people(session=session, principal=visit.principal)
    people = {
        OPERATOR.name: t("operator of the server"), PUBLIC: t("a respondent"), **people
    }  # fmt: skip
    with filter_row():
        since, until = _day(t("From day"), "from"), _day(t("To day"), "to")
        actor = pick(
            t("Person"), "who", [EVERY, *people], language=visit.language,
            show=lambda code: people.get(code, t("Everybody")),
        )  # fmt: skip
        family = pick(
            t("Action"), "action", [EVERY, *FAMILIES], language=visit.language,
            show=lambda code: t(FAMILIES[code]) if code in FAMILIES else t("All actions"),
        )  # fmt: skip
        subject = _subject(visit)
    choice = TrailChoice(
        since=_midnight(since) if since else None,
        before=_midnight(until + timedelta(days=1)) if until else None,
        actor=None if actor == EVERY else actor,
        family=None if family == EVERY else family,
        subject=subject,
    )
    _begin_anew_when_changed(choice)
    return choice


def _day(label: str, name: str) -> date | None:
    """A day in China, or none; what is in the address and no day is left out."""
    key, memory = f"{name}/day", f"{name}/day/url"
    arrived = st.query_params.get(name, "")
    if st.session_state.get(memory) != arrived or key not in st.session_state:
        st.session_state[key] = _read_day(arrived)
    chosen: date | None = st.date_input(
        label, key=key, format="YYYY-MM-DD", min_value=date(2020, 1, 1), max_value=china_date(now())
    )
    written = chosen.isoformat() if chosen else ""
    to_url(name, written, "")
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


def _subject(visit: Visit) -> str:
    t, key, memory = visit.t, "subject/text", "subject/text/url"
    arrived = st.query_params.get("subject", "")[:_LONGEST_SUBJECT]
    if st.session_state.get(memory) != arrived or key not in st.session_state:
        st.session_state[key] = arrived
    chosen = st.text_input(
        t("Id of what it is about"), key=key, max_chars=_LONGEST_SUBJECT,
        help=t("The whole id, for example of an interview; it stands in the export."),
    ).strip()  # fmt: skip
    to_url("subject", chosen, "")
    st.session_state[memory] = chosen
    return chosen


def _begin_anew_when_changed(choice: TrailChoice) -> None:
    """Another choice begins with its newest entries."""
    before = st.session_state.get("audit/choice")
    if before is not None and before != choice:
        st.query_params.pop(BELOW, None)
    st.session_state["audit/choice"] = choice
