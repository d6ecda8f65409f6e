"""Audit page: filters in the address, state of the hash chain, entries, and their export."""

import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from html import escape
from itertools import groupby

import streamlit as st

from survey.access.audit_queries import (
    PAGE_SIZE,
    PUBLIC,
    TrailEntry,
    TrailFilter,
    TrailState,
    read_trail,
    stream_trail,
    trail_people,
    trail_state,
)
from survey.access.audit_verify import CHAIN
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.kit.audit_labels import (
    EVENT_FAMILY_NAMES,
    format_action,
    format_actor,
    format_detail,
    format_subject,
)
from survey.kit.download_button import XLSX, File, draw_csv_button, draw_download_button, name_file
from survey.kit.feedback import record_view_once
from survey.kit.filters import ALL_OPTION, filter_row
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_freshness
from survey.kit.url_state import pick, write_parameter
from survey.locale import Translator
from survey.release.audit_export import build_audit_workbook, write_csv
from survey.store.audit_events import AuditEvent
from survey.store.china_time import CHINA, china_date, format_day
from survey.store.tables import now

MAX_EXPORTED_ENTRIES = 50_000
BELOW_PARAMETER = "below"
"""The address names the entry behind which a page begins: `?below=<number>`."""
_MAX_SUBJECT_CHARS = 80


def draw_trail(page: PageContext, choice: TrailFilter) -> None:
    record_view_once(page, AuditEvent.VIEW_AUDIT, CHAIN)
    t = page.t
    given = st.query_params.get(BELOW_PARAMETER, "")
    below = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    reading = page.read_late(
        lambda work: (trail_state(work), read_trail(work, choice=choice, below=below))
    )
    state, entries = reading.value
    _draw_chain_state(t, state)
    draw_freshness(t, reading.freshness)
    if not entries:
        draw_notice(
            t("No entry fits this choice"), t("Choose more days or another person or action above.")
        )
        return
    st.html(_render_days(t, entries))
    _draw_pagination(t, entries, below)
    _draw_downloads(page, choice)


def _draw_chain_state(t: Translator, state: TrailState) -> None:
    total = f"{state.last:,}"
    if state.checked_at is None:
        st.warning(
            t(
                "{count} entries. The trail has not been checked yet: press Check the trail.",
                count=total,
            ),
            icon=":material/help:",
        )
    elif state.wrong:
        st.error(
            t(
                "The check of {when} found {wrong} places that are not as they were written. Press "
                "Check the trail to see which, and tell whoever is responsible for data "
                "protection.",
                when=_format_second(t, state.checked_at),
                wrong=state.wrong,
            ),
            icon=":material/error:",
        )
    else:
        st.success(
            t(
                "Every entry up to number {number} was found as it was written, checked {when}. "
                "{count} entries now.",
                number=f"{state.checked_up_to:,}",
                when=_format_second(t, state.checked_at),
                count=total,
            ),
            icon=":material/verified_user:",
        )


def _render_days(t: Translator, entries: Iterable[TrailEntry]) -> str:
    """Return the entries as HTML: under each day a sentence per entry, its fields folded behind."""
    days = groupby(entries, key=lambda entry: china_date(entry.at))
    return "".join(
        f'<section class="hcs-trail"><h2>{escape(format_day(t, day))}</h2>'
        f"{''.join(_render_entry(t, entry) for entry in of_day)}</section>"
        for day, of_day in days
    )


def _render_entry(t: Translator, entry: TrailEntry) -> str:
    number = t("Entry {number}", number=f"{entry.number:,}")
    detail = "".join(
        f"<li>{escape(line)}</li>" for line in (*format_detail(t, entry.detail), number)
    )
    subject = format_subject(t, entry)
    about = t(": {subject}", subject=subject) if subject else ""
    return (
        f"<details><summary><time>{entry.at.astimezone(CHINA):%H:%M:%S}</time> "
        f"{escape(format_actor(t, entry.actor))} <b>{escape(format_action(t, entry.action))}</b>"
        f"<span>{escape(about)}</span></summary><ul>{detail}</ul></details>"
    )


def _draw_pagination(t: Translator, entries: list[TrailEntry], below: int | None) -> None:
    with st.container(horizontal=True, key="audit-pages"):
        if below is not None:
            st.button(
                t("Newest entries"), key="audit/newest", on_click=_go_to_position, args=(None,)
            )
        if len(entries) == PAGE_SIZE:
            st.button(
                t("Older entries"),
                key="audit/older",
                on_click=_go_to_position,
                args=(entries[-1].number,),
            )


def _go_to_position(below: int | None) -> None:
    if below is None:
        st.query_params.pop(BELOW_PARAMETER, None)
    else:
        st.query_params[BELOW_PARAMETER] = str(below)


def _draw_downloads(page: PageContext, choice: TrailFilter) -> None:
    t = page.t

    def stream(work: Work) -> Iterable[TrailEntry]:
        return stream_trail(work, choice=choice, limit=MAX_EXPORTED_ENTRIES)

    def write_text(work: Work) -> str:
        text = io.StringIO(newline="")
        write_csv(text, stream(work), t)
        return text.getvalue()

    def as_csv() -> bytes:
        return page.read_late(write_text).value.encode()

    def as_workbook() -> bytes:
        return page.read_late(lambda work: build_audit_workbook(stream(work), page.language)).value

    with st.container(horizontal=True, gap="small", key="audit-files"):
        draw_csv_button(page, t("Table (CSV)"), "audit", as_csv, key="audit/csv")
        draw_download_button(
            page,
            t("Table (XLSX)"),
            File(name_file(page, "audit", "xlsx"), XLSX, as_workbook),
            key="audit/xlsx",
            type="tertiary",
            icon=":material/table:",
        )
    st.caption(
        t(
            "Files hold the entries of this choice from the oldest on, at most {most}; for all of "
            "them there is the command survey audit export.",
            most=f"{MAX_EXPORTED_ENTRIES:,}",
        )
    )


def draw_filters(page: PageContext) -> TrailFilter:
    t = page.t
    with page.read() as work:
        people = trail_people(work)
    people = {
        OPERATOR.name: t("operator of the server"), PUBLIC: t("a respondent"), **people
    }  # fmt: skip
    with filter_row():
        since, until = _draw_day(t("From day"), "from"), _draw_day(t("To day"), "to")
        actor = pick(page, t("Person"), "who", {ALL_OPTION: t("Everybody"), **people})
        families = {code: t(name) for code, name in EVENT_FAMILY_NAMES.items()}
        family = pick(page, t("Action"), "action", {ALL_OPTION: t("All actions"), **families})
        subject = _draw_subject_filter(page)
    choice = TrailFilter(
        since=_get_midnight(since) if since else None,
        before=_get_midnight(until + timedelta(days=1)) if until else None,
        actor=None if actor == ALL_OPTION else actor,
        family=None if family == ALL_OPTION else family,
        subject=subject,
    )
    before = st.session_state.get("audit/choice")
    if before is not None and before != choice:
        st.query_params.pop(BELOW_PARAMETER, None)
    st.session_state["audit/choice"] = choice
    return choice


def _draw_day(label: str, name: str) -> date | None:
    """Draw a date input bound to query parameter `name`; return the day in China, None if empty."""
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


def _get_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA).astimezone(UTC)


def _draw_subject_filter(page: PageContext) -> str:
    t, key, memory = page.t, "subject/text", "subject/text/url"
    arrived = st.query_params.get("subject", "")[:_MAX_SUBJECT_CHARS]
    if st.session_state.get(memory) != arrived or key not in st.session_state:
        st.session_state[key] = arrived
    chosen = st.text_input(
        t("Id of what it is about"),
        key=key,
        max_chars=_MAX_SUBJECT_CHARS,
        help=t("The whole id, for example of an interview; it stands in the export."),
    ).strip()
    write_parameter("subject", chosen, "")
    st.session_state[memory] = chosen
    return chosen


def _format_second(t: Translator, moment: datetime) -> str:
    at = moment.astimezone(CHINA)
    return t("{day} {at:%H:%M:%S}", day=format_day(t, at.date()), at=at)
