"""Page of rights and education: complaints by four lenses, opinion monitoring, education."""

from functools import partial

import streamlit as st

from survey.publish.complaint_tables import (
    ComplaintYear,
    list_complaint_years,
    read_complaint_year,
    read_year_before,
)
from survey.publish.views.complaint_charts import build_month_chart, build_share_chart
from survey.publish.views.complaints import area_choices, build_complaint_view, lens_choices
from survey.store.read_replica import LateReading, read_late
from survey.ui import filters, text_blocks
from survey.ui.count_panel import (
    CountSource,
    draw_count_notes,
    draw_count_panel,
    draw_count_table,
    draw_demo_mark,
    draw_none_delivered,
)
from survey.ui.data_freshness import draw_freshness
from survey.ui.education import draw_education
from survey.ui.html_table import render_table
from survey.ui.modules import draw_losses
from survey.ui.opinion import draw_opinion
from survey.ui.page_runner import PageContext
from survey.ui.reading_cache import read_cached
from survey.ui.url_state import draw_tabs, pick


def draw_rights_page(page: PageContext) -> None:
    """Draw the tabs of the page."""
    t = page.t
    draw_tabs(
        {
            "complaints": (t("Complaints"), partial(draw_complaints, page)),
            "detriment": (t("Losses"), partial(draw_losses, page)),
            "education": (t("Consumer education"), partial(draw_education, page)),
            "opinion": (t("Opinion monitoring"), partial(draw_opinion, page)),
        },
        language=page.language,
    )


def draw_complaints(page: PageContext) -> None:
    """Draw complaint statistics of the nation or an area by one lens."""
    years = _get_years(page)
    if not years:
        draw_none_delivered(page, page.t("No complaint statistics have been delivered yet"))
        return
    with filters.filter_row():
        reading = _pick_year(page, years)
        year = reading.value
        if year is None:
            return
        areas = area_choices(year, page.language)
        area = filters.pick_area_scope(page, areas, page.t("Nation, province or city"))
        lenses = lens_choices(year, page.language)
        lens = pick(
            page.t("Split by"),
            "lens",
            list(lenses),
            show=lenses.__getitem__,
            language=page.language,
        )
    if area is None:
        return
    before = read_late(
        page.settings,
        lambda session: read_year_before(page.work(session), year=year),
        reader=page.principal.account_id,
    ).value
    view = build_complaint_view(
        year=year, before=before, lens=lens, area=area, language=page.language
    )
    draw_demo_mark(page, year.is_demo)
    st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences)
    source = CountSource(f"complaints-{year.year}-{area}", year.is_demo, view.notes)
    shares = build_share_chart(
        shares=view.shares, title=view.lens_title, years=(year.year, year.year - 1), t=page.t
    )
    draw_count_panel(page, shares, source)
    st.html(render_table(*view.lens))
    months = build_month_chart(year=year, area=area, language=page.language)
    draw_count_panel(page, months, source)
    draw_count_table(view.month_title, view.months)
    draw_count_notes(view.notes)
    draw_freshness(page.t, reading.freshness)


def _pick_year(page: PageContext, years: dict[int, int]) -> LateReading[ComplaintYear | None]:
    labels = {
        str(year): page.t("{year} ({months} months)", year=year, months=months)
        for year, months in years.items()
    }
    chosen = pick(
        page.t("Year"), "year", list(labels), show=labels.__getitem__, language=page.language
    )
    return read_late(
        page.settings,
        lambda session: read_complaint_year(page.work(session), year=int(chosen)),
        reader=page.principal.account_id,
    )


def _get_years(page: PageContext) -> dict[int, int]:
    def read() -> dict[int, int]:
        with page.read() as work:
            return list_complaint_years(work)

    return read_cached(page, read, "years")
