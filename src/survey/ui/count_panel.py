"""Panel of a chart of outside counts: title, chart, data table and downloads, without interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from survey.publish.column_tables import csv_bytes
from survey.publish.views.chart_panels import ChartPanel
from survey.ui.chart_panel import demo_watermark, draw_chart, list_pictures
from survey.ui.download_button import CSV, File, draw_download_button, draw_download_menu, name_file
from survey.ui.html_table import render_table
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown


@dataclass(frozen=True)
class CountSource:
    """What files of a chart are called by, and the lines on source and freshness below it."""

    key: str
    is_demo: bool
    notes: Sequence[str]


def draw_count_panel(page: PageContext, picture: ChartPanel, source: CountSource) -> None:
    """Draw the panel; nothing where no count may be shown."""
    if picture.is_empty:
        return
    st.subheader(escape_markdown(picture.title), anchor=False)
    st.caption(escape_markdown(picture.subtitle))
    draw_chart(page, picture)
    if picture.note:
        st.caption(escape_markdown(picture.note))
    _draw_data(page, picture, source)


def draw_count_table(title: str, table: tuple[Sequence[str], Iterable[Sequence[str]]]) -> None:
    """Draw a table of counts below its title."""
    st.subheader(title, anchor=False)
    st.html(render_table(*table))


def draw_count_notes(notes: Iterable[str]) -> None:
    """Draw the lines on source and freshness."""
    for note in notes:
        st.caption(escape_markdown(note))


def draw_demo_mark(page: PageContext, is_demo: bool) -> None:
    """Draw that counts are generated, if they are."""
    if is_demo:
        st.caption(page.t("DEMO DATA: generated, no result of any survey"))


def draw_none_delivered(page: PageContext, title: str) -> None:
    """Draw that nothing was delivered, and by whom it is."""
    draw_notice(
        title,
        page.t(
            "An administrator or the national office delivers them on the page of outside data."
        ),
    )


@st.fragment
def _draw_data(page: PageContext, picture: ChartPanel, source: CountSource) -> None:
    """Draw table and downloads once they are opened, without running the rest of the page."""
    t = page.t
    expander = st.expander(
        t("Data as a table, downloads"), key=f"{picture.key}/data", on_change="rerun"
    )
    if not expander.open:
        return
    with expander:
        st.table(picture.screen_table, hide_index=True, border="horizontal", alt=picture.title)
        mark = demo_watermark(page, demo=source.is_demo)
        remarks = [line for line in (mark, picture.title, picture.subtitle, *source.notes) if line]
        with st.container(horizontal=True, gap="small"):
            draw_download_button(
                page,
                t("Table (CSV)"),
                File(
                    name_file(page, picture.key, "csv", source),
                    CSV,
                    partial(csv_bytes, picture.table, remarks),
                ),
                key=f"{picture.key}/csv",
                type="tertiary",
                icon=":material/table:",
            )
            draw_download_menu(
                page,
                t("Picture"),
                list_pictures(page, picture, source, [picture.note, *source.notes]),
                key=f"{picture.key}/picture",
                icon=":material/image:",
            )
