"""Tab of a city with what stands beside its score: complaints, experience checks, opinion."""

import streamlit as st

from survey.counts.complaint_tables import ComplaintYear
from survey.evidence_city.outside_city import (
    OutsideEvidence,
    OutsidePart,
    build_beside_score,
    build_outside_parts,
    read_outside_evidence,
)
from survey.kit import text_blocks
from survey.kit.chart_panel import (
    CountSource,
    draw_count_notes,
    draw_count_panel,
    draw_count_table,
    draw_demo_mark,
    draw_none_delivered,
)
from survey.kit.page_runner import PageContext, read_cached
from survey.kit.text_blocks import render_table, render_text_table
from survey.results import WaveResults


def draw_beside_score(page: PageContext, results: WaveResults, city: str) -> None:
    """Draw what people say when asked beside what was recorded, and every source by itself."""
    t = page.t
    evidence = _get_evidence(page, city, results.wave.year)
    if evidence.year is None:
        draw_none_delivered(page, t("No complaint statistics have been delivered yet"))
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
    for title, table in complaints.tables[1:]:  # the totals of the first are said above
        draw_count_table(title, table)
    if view.scatter is not None:
        source = CountSource(f"complaints-{year.year}-{evidence.city}", year.is_demo, view.notes)
        draw_count_panel(page, view.scatter, source)
    text_blocks.draw_sentences(view.agreement)
    draw_count_notes(view.notes)


def _draw_part(page: PageContext, part: OutsidePart) -> None:
    st.subheader(text_blocks.escape_markdown(part.title), anchor=False)
    draw_demo_mark(page, part.is_demo)
    text_blocks.draw_sentences(part.sentences)
    for _, table in part.tables:
        st.html(render_table(*table))
    draw_count_notes(part.notes)


def _get_evidence(page: PageContext, city: str, wave_year: int) -> OutsideEvidence:
    def read() -> OutsideEvidence:
        with page.read() as work:
            return read_outside_evidence(work, city=city, wave_year=wave_year)

    return read_cached(page, read, "evidence", city, wave_year)
