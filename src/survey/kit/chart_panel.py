"""Panel of a chart or of counts: title, chart, remarks, data table and downloads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from survey.figures.chart_files import ChartFormat, ChartImprint, chart_file
from survey.figures.charts import chart_spec
from survey.figures.charts.interval_charts import PICK
from survey.figures.figure_table import csv_bytes
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.estimate_text import QUOTA_SAMPLE, QUOTA_SAMPLE_SHORT
from survey.kit.download_button import (
    CSV,
    PDF,
    PNG,
    SVG,
    File,
    FileSubject,
    draw_download_button,
    draw_download_menu,
    name_file,
)
from survey.kit.navigation import PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_hidden_card, escape_markdown, explain, render_table
from survey.locale import Translator
from survey.results import WaveInfo
from survey.waves.waves import WaveSummary

_MAX_NAMED_HIDDEN = 6
_TABLE_HEIGHT, _ROW_HEIGHT = 600, 35
_FOLLOW_LINK = "export default ({ data }) => { if (data) window.location.assign(data); };"


def draw_chart_panel(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    """Draw the panel with its title, its notes and what opens its table and downloads."""
    if _draw_title(page, picture):
        draw_chart(page, picture)
        _draw_notes(page, picture)
        _draw_data_table(page, picture, wave)


def draw_city_chart(page: PageContext, picture: ChartPanel, wave: WaveInfo) -> None:
    """Draw the panel of a chart of cities; a click on one opens its page."""
    if _draw_title(page, picture):
        with st.container(height=600, border=False):
            clicked = _draw_clickable(page, picture)
        _draw_notes(page, picture)
        _draw_data_table(page, picture, wave)
        open_city(page, clicked, wave)


def draw_compact_panel(
    page: PageContext, picture: ChartPanel, wave: WaveInfo, *, opens_city: bool = False
) -> None:
    """Draw the chart with one line below it; notes, table and downloads open from there."""
    if picture.is_hidden:
        draw_hidden_card(page.t, picture.title)
        return
    if picture.is_empty:
        return
    clicked = None
    if opens_city:
        clicked = _draw_clickable(page, picture)
    else:
        draw_chart(page, picture)
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key=f"compact-{picture.key}"
    ):
        st.caption(f"{escape_markdown(picture.title)} · {escape_markdown(picture.subtitle)}")
        with st.container(width="content"):
            _draw_popover(page, picture, wave)
    open_city(page, clicked, wave)


def open_city(page: PageContext, code: str | None, wave: WaveInfo) -> None:
    """Lead the reader to the page of a city that was clicked, if one was."""
    if code:
        # `st.switch_page` writes the new filters into the address of the page being left as well,
        # which the browser keeps as one page more to go back through.
        follow = st.components.v2.component("survey_link", js=_FOLLOW_LINK)
        follow(key="follow-link", data=page.address(PageKey.CITY, city=code, wave=wave.key))


def _draw_title(page: PageContext, picture: ChartPanel) -> bool:
    """Draw title and subtitle; return whether there is something to draw below them."""
    t = page.t
    if picture.is_hidden:
        draw_hidden_card(t, picture.title)
        return False
    st.subheader(escape_markdown(picture.title), anchor=False)
    if picture.is_empty:
        st.caption(t("There is nothing to draw for this choice. Please choose another one."))
        return False
    st.caption(escape_markdown(picture.subtitle), help=explain("95% interval", page.language))
    return True


def _draw_notes(page: PageContext, picture: ChartPanel) -> None:
    st.caption(" ".join(_build_chart_notes(page, picture)))


def _build_chart_notes(page: PageContext, picture: ChartPanel) -> list[str]:
    t, hidden = page.t, picture.hidden_labels
    notes = [picture.note, t(QUOTA_SAMPLE_SHORT)]
    if hidden:
        listed = t(", ").join(hidden[:_MAX_NAMED_HIDDEN])
        more = len(hidden) - _MAX_NAMED_HIDDEN
        if more > 0:
            listed = t("{names} and {count} more", names=listed, count=more)
        notes.insert(0, t("Not drawn, because no figure can be shown: {names}.", names=listed))
    notes.insert(0, _describe_missing_intervals(t, picture))
    return [note for note in notes if note]


@st.fragment
def _draw_data_table(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    """Draw table and downloads once they are opened, without running the rest of the page.

    They are two thirds of a page's elements, and few readers want those of every picture.
    """
    expander = st.expander(
        page.t("Data as a table, downloads"), key=f"{picture.key}/data", on_change="rerun"
    )
    if expander.open:
        with expander:
            _draw_data(page, picture, wave)


@st.fragment
def _draw_popover(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    """Draw notes, table and downloads of a compact panel once they are opened."""
    popover = st.popover(
        page.t("Notes and data"), type="tertiary", key=f"{picture.key}/data", on_change="rerun"
    )
    if popover.open:
        with popover:
            st.caption(" ".join(_build_chart_notes(page, picture)))
            _draw_data(page, picture, wave)


def _draw_data(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    st.table(picture.screen_table, hide_index=True, border="horizontal", alt=picture.title)
    _draw_downloads(page, picture, wave)


def draw_chart(page: PageContext, picture: ChartPanel) -> None:
    """Draw the chart alone."""
    spec = chart_spec(picture.kind, picture.text, page.style)
    st.vega_lite_chart(picture.chart_data, spec, width="stretch", alt=picture.alt)


def _draw_clickable(page: PageContext, picture: ChartPanel) -> str | None:
    """Draw the chart and return the code of the row that was clicked."""
    state = st.vega_lite_chart(
        picture.chart_data,
        chart_spec(picture.kind, picture.text, page.style),
        width="stretch",
        alt=picture.alt,
        key=picture.key,
        on_select="rerun",
        selection_mode=PICK,
    )
    points = state.selection.get(PICK, []) if state else []
    return str(points[0]["code"]) if points and points[0].get("code") else None


def _draw_downloads(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    t = page.t
    watermark = demo_watermark(page, demo=wave.is_demo)
    remarks = tuple(
        line for line in (watermark, picture.title, picture.subtitle, t(QUOTA_SAMPLE)) if line
    )
    with st.container(horizontal=True, gap="small"):
        draw_download_button(
            page,
            t("Table (CSV)"),
            File(
                name_file(page, picture.key, "csv", wave),
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
            _list_pictures(page, picture, wave),
            key=f"{picture.key}/picture",
            icon=":material/image:",
        )


def _list_pictures(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> Mapping[str, File]:
    t = page.t
    notes = (
        _describe_hidden_rows(t, picture),
        _describe_missing_intervals(t, picture),
        picture.note,
        t(QUOTA_SAMPLE),
        t(
            "Source: {source}, {wave}",
            source=page.settings.report_organisation or t("Hundred Cities Survey"),
            wave=wave.label(page.language),
        ),
    )
    return list_pictures(page, picture, wave, notes)


def list_pictures(
    page: PageContext, picture: ChartPanel, subject: FileSubject, notes: Sequence[str]
) -> Mapping[str, File]:
    """Return the files of the printed chart by their names on screen.

    Args:
        notes: Lines below the chart; empty ones are left out.
    """
    t = page.t
    imprint = ChartImprint(
        mark=demo_watermark(page, demo=subject.is_demo),
        notes=tuple(note for note in notes if note),
        language=page.language,
    )
    names = {
        ChartFormat.PNG: (t("PNG for text and slides"), PNG),
        ChartFormat.PDF: (t("PDF for print"), PDF),
        ChartFormat.SVG: (t("SVG for layout programs"), SVG),
    }
    return {
        name: File(
            name_file(page, picture.key, form.value, subject),
            media_type,
            partial(chart_file, picture, form, imprint),
        )
        for form, (name, media_type) in names.items()
    }


def _describe_hidden_rows(t: Translator, picture: ChartPanel) -> str:
    """Return how many rows the picture leaves out; empty where it has them all."""
    count = len(picture.hidden_labels)
    if not count:
        return ""
    return t("Not drawn, because no figure can be shown: {count} rows.", count=count)


def _describe_missing_intervals(t: Translator, picture: ChartPanel) -> str:
    """Return what a point without a line means; empty where every point has one."""
    if not picture.has_points_without_interval:
        return ""
    return t(
        "Points without a line: the sample is too small to say how far they may be off. Please do "
        "not compare them."
    )


def demo_watermark(page: PageContext, *, demo: bool) -> str:
    """Return the line that marks a file with generated figures; empty for real ones."""
    return page.t("DEMO DATA: generated, no result of any survey") if demo else ""


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
    _draw_count_data(page, picture, source)


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
def _draw_count_data(page: PageContext, picture: ChartPanel, source: CountSource) -> None:
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
