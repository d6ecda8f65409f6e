"""Panel of a chart: title, chart, remarks, data table and downloads."""

from functools import partial

import streamlit as st

from survey.publish.charts import chart_spec
from survey.publish.charts.interval_charts import PICK
from survey.publish.column_tables import csv_bytes
from survey.publish.png import png
from survey.publish.views.chart_panels import ChartPanel
from survey.publish.views.estimate_text import QUOTA_SAMPLE, QUOTA_SAMPLE_SHORT
from survey.ui.download_button import CSV, PNG, File, draw_download_button
from survey.ui.glossary import explain
from survey.ui.page_runner import PageContext


def draw_chart_panel(page: PageContext, picture: ChartPanel, *, demo: bool) -> None:
    """Show `picture` with its table and downloads."""
    _draw_panel(page, picture, demo=demo, clickable=False)


def draw_clickable(page: PageContext, picture: ChartPanel, *, demo: bool) -> str | None:
    """Draw the panel and return the code of the clicked row, if any."""
    return _draw_panel(page, picture, demo=demo, clickable=True)


def _draw_panel(
    page: PageContext, picture: ChartPanel, *, demo: bool, clickable: bool
) -> str | None:
    t = page.t
    st.subheader(picture.title, anchor=False)
    if picture.is_empty:
        st.caption(t("There is nothing to draw for this choice. Please choose another one."))
        return None
    st.caption(picture.subtitle, help=explain("95% interval", page.language))
    clicked = _draw_chart(page, picture, clickable)
    st.caption(" ".join(part for part in (picture.note, t(QUOTA_SAMPLE_SHORT)) if part))
    _draw_data_table(page, picture, demo=demo)
    return clicked


@st.fragment
def _draw_data_table(page: PageContext, picture: ChartPanel, *, demo: bool) -> None:
    """Draw table and downloads once they are opened, without running the rest of the page.

    They are two thirds of a page's elements, and few readers want those of every picture.
    """
    expander = st.expander(
        page.t("Data as a table, downloads"), key=f"{picture.key}/data", on_change="rerun"
    )
    if expander.open:
        with expander:
            st.table(picture.screen_table, hide_index=True, border="horizontal", alt=picture.title)
            _draw_downloads(page, picture, demo=demo)


def _draw_chart(page: PageContext, picture: ChartPanel, clickable: bool) -> str | None:
    spec = chart_spec(picture.kind, picture.text, page.style)
    if not clickable:
        st.vega_lite_chart(picture.chart_data, spec, width="stretch", alt=picture.alt)
        return None
    state = st.vega_lite_chart(
        picture.chart_data,
        spec,
        width="stretch",
        alt=picture.alt,
        key=picture.key,
        on_select="rerun",
        selection_mode=PICK,
    )
    points = state.selection.get(PICK, []) if state else []
    return str(points[0]["code"]) if points and points[0].get("code") else None


def _draw_downloads(page: PageContext, picture: ChartPanel, *, demo: bool) -> None:
    t = page.t
    watermark = t("DEMO DATA: generated, no result of any survey") if demo else ""
    remarks = tuple(
        line for line in (watermark, picture.title, picture.subtitle, t(QUOTA_SAMPLE)) if line
    )
    footnotes = tuple(line for line in (watermark, picture.note, t(QUOTA_SAMPLE)) if line)
    with st.container(horizontal=True, gap="small"):
        draw_download_button(
            page, t("Table (CSV)"),
            File(f"{picture.key}.csv", CSV, partial(csv_bytes, picture.table, remarks)),
            key=f"{picture.key}/csv", type="tertiary", icon=":material/table:",
        )  # fmt: skip
        draw_download_button(
            page, t("Picture (PNG)"),
            File(f"{picture.key}.png", PNG, partial(png, picture, footnotes)),
            key=f"{picture.key}/png", type="tertiary", icon=":material/image:",
        )  # fmt: skip
