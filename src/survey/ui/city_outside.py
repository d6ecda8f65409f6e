"""Tab of a city with what stands beside its score: complaints, experience checks, opinion."""

from collections.abc import Iterable

import streamlit as st

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.work import Work
from survey.publish.complaint_tables import ComplaintYear
from survey.publish.outside_evidence import OutsideEvidence, read_outside_evidence
from survey.publish.views.beside_score import build_beside_score
from survey.publish.views.outside_city import OutsidePart, build_outside_parts
from survey.results import WaveResults
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui import text_blocks
from survey.ui.count_panel import CountSource, draw_count_panel
from survey.ui.html_table import render_table, render_text_table
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

_NEW_EVIDENCE_AFTER = 15.0
"""Seconds until a page notices a delivery or the release of a check."""


def draw_beside_score(page: PageContext, results: WaveResults, city: str) -> None:
    """Draw what people say when asked beside what was recorded, and every source by itself."""
    t = page.t
    evidence = _get_evidence(page, city, results.wave.year)
    if evidence.year is None:
        draw_notice(
            t("No complaint statistics have been delivered yet"),
            t("An administrator or the national office delivers them on the page of outside data."),
        )
    parts = list(build_outside_parts(evidence, page.language))
    if evidence.year is not None:
        complaints = parts.pop(0)
        _draw_asked_and_recorded(page, results, evidence, evidence.year, complaints)
    for part in parts:
        _draw_part(page, part)


def _draw_asked_and_recorded(
    page: PageContext,
    results: WaveResults,
    evidence: OutsideEvidence,
    year: ComplaintYear,
    complaints: OutsidePart,
) -> None:
    """Draw the answers of residents and the counts of the system, side by side."""
    t = page.t
    view = build_beside_score(
        results=results, principal=page.principal, language=page.language, city=evidence.city,
        year=year, before=evidence.before,
    )  # fmt: skip
    _draw_demo_mark(page, year.is_demo)
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
    for title, table in complaints.tables[1:]:  # the totals of the first are said above
        st.subheader(title, anchor=False)
        st.html(render_table(*table))
    if view.scatter is not None:
        source = CountSource(f"complaints-{year.year}-{evidence.city}", year.is_demo, view.notes)
        draw_count_panel(page, view.scatter, source)
    text_blocks.draw_sentences(view.agreement)
    _draw_notes(view.notes)


def _draw_part(page: PageContext, part: OutsidePart) -> None:
    st.subheader(text_blocks.escape_markdown(part.title), anchor=False)
    _draw_demo_mark(page, part.is_demo)
    text_blocks.draw_sentences(part.sentences)
    for _, table in part.tables:
        st.html(render_table(*table))
    _draw_notes(part.notes)


def _draw_notes(notes: Iterable[str]) -> None:
    for note in notes:
        st.caption(text_blocks.escape_markdown(note))


def _draw_demo_mark(page: PageContext, is_demo: bool) -> None:
    if is_demo:
        st.caption(page.t("DEMO DATA: generated, no result of any survey"))


def _get_evidence(page: PageContext, city: str, wave_year: int) -> OutsideEvidence:
    principal = page.principal
    return _read_cached_evidence(
        page.settings.store_url, principal.role, principal.area, principal.is_demo, city,
        wave_year, principal, page.settings,
    )  # fmt: skip


@st.cache_resource(ttl=_NEW_EVIDENCE_AFTER, max_entries=64, show_spinner=False)
def _read_cached_evidence(
    store_url: str,
    role: Role,
    area: str,
    is_demo: bool,
    city: str,
    wave_year: int,
    _principal: Principal,
    _settings: Settings,
) -> OutsideEvidence:
    del role, area, is_demo  # they are the key of the cache
    with read_scope(store_url) as session:
        return read_outside_evidence(
            Work(session, _principal, now(), _settings), city=city, wave_year=wave_year
        )
