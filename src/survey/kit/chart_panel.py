"""Panel of a chart or of counts: title, chart, remarks, data table and downloads."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from survey.access.roles import NATION
from survey.figures.chart_files import ChartFormat, ChartImprint, chart_file
from survey.figures.charts import chart_spec
from survey.figures.charts.interval_charts import PICK
from survey.figures.figure_table import csv_bytes
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.estimate_text import QUOTA_SAMPLE, QUOTA_SAMPLE_SHORT
from survey.figures.views.spread import build_spread_panel
from survey.kit.download_button import (
    PDF,
    PNG,
    SVG,
    File,
    draw_csv_button,
    draw_download_menu,
    name_file,
)
from survey.kit.navigation import PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import get_view
from survey.kit.text_blocks import draw_hidden_card, escape_markdown, explain, render_table
from survey.locale import Translator
from survey.results import WaveInfo, WaveResults
from survey.waves.waves import WaveSummary

_MAX_NAMED_HIDDEN = 6
_MAX_ROWS_AT_ONCE, _FRAME_PX = 30, 600
"""More cities than these are drawn in a frame of this height that scrolls."""
_TABLE_HEIGHT, _ROW_HEIGHT = 600, 35
_FOLLOW_LINK = "export default ({ data }) => { if (data) window.location.assign(data); };"


@dataclass(frozen=True)
class CountSource:
    """Source of a chart of counts: key in file names, demo or real, and lines shown below it."""

    key: str
    is_demo: bool
    notes: Sequence[str]


def draw_chart_panel(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    """Draw chart `picture` with title and notes, and an expander with data table and downloads."""
    if _draw_title(page, picture):
        draw_chart(page, picture)
        _draw_notes(page, picture)
        _draw_data_table(page, picture, wave)


def draw_view_panel(
    page: PageContext,
    build: Callable[..., ChartPanel],
    results: WaveResults,
    *,
    others: Sequence[WaveResults] | None = None,
    **asked: Hashable,
) -> None:
    """Draw the chart that `build` makes of `results`, and of those of `others`, with its panel."""
    picture = get_view(page, build, results, others=others, **asked)
    draw_chart_panel(page, picture, results.wave)


def draw_spread(page: PageContext, results: WaveResults, area: str = NATION) -> None:
    """Draw median and middle half of the answers in an area, once it is asked for."""
    # A panel has an expander of its own, which may not stand in another.
    title = page.t("Spread of the answers: median and middle half")
    if st.toggle(title, key=f"spread/{area}"):
        picture = get_view(page, build_spread_panel, results, area=area)
        if isinstance(picture, str):
            st.markdown(escape_markdown(picture))
        else:
            draw_chart_panel(page, picture, results.wave)


def draw_city_chart(page: PageContext, picture: ChartPanel, wave: WaveInfo) -> None:
    """Draw the panel of a chart whose rows are cities; a click on a row opens the city's page."""
    if _draw_title(page, picture):
        is_long = len(picture.drawn) > _MAX_ROWS_AT_ONCE
        with st.container(height=_FRAME_PX if is_long else "content", border=False):
            clicked = _draw_clickable(page, picture)
        _draw_notes(page, picture)
        _draw_data_table(page, picture, wave)
        open_city(page, clicked, wave)


def draw_compact_panel(
    page: PageContext, picture: ChartPanel, wave: WaveInfo, *, opens_city: bool = False
) -> None:
    """Draw a chart, caption, popover (notes, data, files); clicks open cities if `opens_city`."""
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
    """Open the page of the clicked city in the browser; do nothing if `code` is None."""
    if code:
        # `st.switch_page` writes the new filters into the address of the page being left as well,
        # which the browser keeps as one page more to go back through.
        follow = st.components.v2.component("survey_link", js=_FOLLOW_LINK)
        follow(key="follow-link", data=page.address(PageKey.CITY, city=code, wave=wave.key))


def _draw_title(page: PageContext, picture: ChartPanel) -> bool:
    """Draw title and subtitle, or why there is no chart; return whether a chart follows."""
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
def _draw_data_table(
    page: PageContext, picture: ChartPanel, source: WaveSummary | CountSource
) -> None:
    """Draw an expander; data table and downloads of chart `picture` are made once it is open.

    They are two thirds of a page's elements, and few readers want those of every picture.
    """
    expander = st.expander(
        page.t("Data as a table, downloads"), key=f"{picture.key}/data", on_change="rerun"
    )
    if expander.open:
        with expander:
            _draw_data(page, picture, source)


@st.fragment
def _draw_popover(page: PageContext, picture: ChartPanel, wave: WaveSummary) -> None:
    """Draw a popover with notes, data table and downloads, which are made once it is open."""
    popover = st.popover(
        page.t("Notes and data"), type="tertiary", key=f"{picture.key}/data", on_change="rerun"
    )
    if popover.open:
        with popover:
            st.caption(" ".join(_build_chart_notes(page, picture)))
            _draw_data(page, picture, wave)


def draw_chart(page: PageContext, picture: ChartPanel) -> None:
    """Draw the chart itself, without title, notes or table."""
    spec = chart_spec(picture.kind, picture.text, page.style)
    st.vega_lite_chart(picture.chart_data, spec, width="stretch", alt=picture.alt)


def _draw_clickable(page: PageContext, picture: ChartPanel) -> str | None:
    """Draw the chart and return the code of the row that was clicked; None without a click."""
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


def _draw_data(page: PageContext, picture: ChartPanel, source: WaveSummary | CountSource) -> None:
    t, mark = page.t, demo_watermark(page, demo=source.is_demo)
    st.table(picture.screen_table, hide_index=True, border="horizontal", alt=picture.title)
    about: Sequence[str]
    notes: Sequence[str]
    if isinstance(source, CountSource):
        about, notes = source.notes, [picture.note, *source.notes]
    else:
        about, notes = [t(QUOTA_SAMPLE)], _list_notes_in_print(page, picture, source)
    remarks = [line for line in (mark, picture.title, picture.subtitle, *about) if line]
    imprint = ChartImprint(mark, tuple(note for note in notes if note), page.language)
    names = {
        ChartFormat.PNG: (t("PNG for text and slides"), PNG),
        ChartFormat.PDF: (t("PDF for print"), PDF),
        ChartFormat.SVG: (t("SVG for layout programs"), SVG),
    }
    pictures = {
        name: File(
            name_file(page, picture.key, form.value, source),
            media_type,
            partial(chart_file, picture, form, imprint),
        )
        for form, (name, media_type) in names.items()
    }
    with st.container(horizontal=True, gap="small"):
        make, key = partial(csv_bytes, picture.table, remarks), f"{picture.key}/csv"
        draw_csv_button(page, t("Table (CSV)"), picture.key, make, key=key, subject=source)
        key = f"{picture.key}/picture"
        draw_download_menu(page, t("Picture"), pictures, key=key, icon=":material/image:")


def _list_notes_in_print(
    page: PageContext, picture: ChartPanel, wave: WaveSummary
) -> Sequence[str]:
    """Return the lines below a downloaded chart: rows not drawn, notes, sample and source."""
    t, hidden = page.t, len(picture.hidden_labels)
    left_out = t("Not drawn, because no figure can be shown: {count} rows.", count=hidden)
    return (
        left_out if hidden else "",
        _describe_missing_intervals(t, picture),
        picture.note,
        t(QUOTA_SAMPLE),
        t(
            "Source: {source}, {wave}",
            source=page.settings.report_organisation or t("Hundred Cities Survey"),
            wave=wave.label(page.language),
        ),
    )


def _describe_missing_intervals(t: Translator, picture: ChartPanel) -> str:
    """Return the note on points without an interval; an empty text where every point has one."""
    if not picture.has_points_without_interval:
        return ""
    return t(
        "Points without a line: the sample is too small to say how far they may be off. Please do "
        "not compare them."
    )


def demo_watermark(page: PageContext, *, demo: bool) -> str:
    """Return the line that marks a downloaded file as demo data; "" if `demo` is false."""
    return page.t("DEMO DATA: generated, no result of any survey") if demo else ""


def draw_count_panel(page: PageContext, picture: ChartPanel, source: CountSource) -> None:
    """Draw a chart of counts with title, note and downloads; nothing if it has no count to show."""
    if picture.is_empty:
        return
    st.subheader(escape_markdown(picture.title), anchor=False)
    st.caption(escape_markdown(picture.subtitle))
    draw_chart(page, picture)
    if picture.note:
        st.caption(escape_markdown(picture.note))
    _draw_data_table(page, picture, source)


def draw_count_table(title: str, table: tuple[Sequence[str], Iterable[Sequence[str]]]) -> None:
    """Draw a table of counts, given as heads and rows, below its title."""
    st.subheader(title, anchor=False)
    st.html(render_table(*table))


def draw_count_notes(notes: Iterable[str]) -> None:
    """Draw the lines on source and freshness of counts below each other as one caption."""
    st.caption("  \n".join(map(escape_markdown, notes)))


def draw_demo_mark(page: PageContext, is_demo: bool) -> None:
    """Draw the mark of demo data if `is_demo`."""
    if is_demo:
        st.caption(page.t("DEMO DATA: generated, no result of any survey"))


def draw_none_delivered(page: PageContext, title: str) -> None:
    """Draw a notice headed `title` that says who delivers counts, where none were delivered."""
    draw_notice(
        title,
        page.t(
            "An administrator or the national office delivers them on the page of outside data."
        ),
    )
