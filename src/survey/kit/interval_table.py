"""Sortable table of figures with intervals, and the same as plain HTML for print and phones."""

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler
from streamlit.elements.lib.column_types import ColumnConfig

from survey.figures.figure_table import csv_bytes, format_for_screen, to_frame, to_list
from survey.figures.views.chart_rows import signed_texts
from survey.figures.views.estimate_text import QUOTA_SAMPLE, QUOTA_SAMPLE_SHORT
from survey.figures.views.interval_table import IntervalTable, left_out_note
from survey.kit.chart_panel import demo_watermark, open_city
from survey.kit.download_button import draw_csv_button
from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_hidden_card, escape_markdown, explain, render_plain_table
from survey.locale import Translator
from survey.locale.figures import format_signed
from survey.results import WaveInfo

_ROW_PX, _HEAD_PX, _MAX_HEIGHT_PX = 35, 38, 520
_ABSENT = "–"
_ROUNDS_TO_ZERO = 0.05
"""What is smaller has no sign: numbers are shown with one decimal."""


def draw_interval_table(
    page: PageContext,
    table: IntervalTable,
    wave: WaveInfo,
    *,
    links_cities: bool = False,
    has_details: bool = True,
) -> str | None:
    """Draw a table of estimates (cities if `links_cities`); return the chosen row's code, or None.

    Args:
        links_cities: The rows are cities: a click on a name opens the page of the city.
        has_details: The page draws something about the chosen row below the table.
    """
    if not table.codes:
        draw_hidden_card(page.t, table.title)
        return None
    st.subheader(escape_markdown(table.title), anchor=False)
    subtitle = _build_subtitle(page.t, table.subtitle, links_cities, has_details)
    st.caption(escape_markdown(subtitle), help=explain("95% interval", page.language))
    picked = None
    if links_cities or has_details:
        picked = _draw_row_choice(page, table, wave, links_cities)
    chosen = _draw_sortable(page, table, wave, links_cities) or picked
    st.html(_render_plain(page, table, wave, links_cities))
    _draw_notes(page, table)
    lines = demo_watermark(page, demo=wave.is_demo), table.title, table.subtitle, table.note
    remarks = tuple(line for line in (*lines, page.t(QUOTA_SAMPLE)) if line)
    make = partial(csv_bytes, table.table, remarks)
    label, key = page.t("Table (CSV)"), f"{table.key}/csv"
    draw_csv_button(page, label, table.key, make, key=key, subject=wave)
    return chosen


def _build_subtitle(t: Translator, subtitle: str, links_cities: bool, has_details: bool) -> str:
    if links_cities and has_details:
        return t(
            "{subtitle}. A click on a city opens its page, one elsewhere in its row shows more "
            "about it below.",
            subtitle=subtitle,
        )
    if links_cities:
        return t("{subtitle}. A click on a city opens it.", subtitle=subtitle)
    if has_details:
        return t("{subtitle}. A click in a row shows more about it below.", subtitle=subtitle)
    return subtitle


def _draw_notes(page: PageContext, table: IntervalTable) -> None:
    t = page.t
    left_out = left_out_note(table, t)
    if left_out:
        st.caption(left_out)
    with st.container(horizontal=True, vertical_alignment="center", key=f"compact-{table.key}"):
        st.caption(t(QUOTA_SAMPLE_SHORT), width="content")
        with st.popover(t("How this is counted"), type="tertiary", key=f"{table.key}/counted"):
            for note in (table.note, t(QUOTA_SAMPLE)):
                if note:
                    st.caption(note)


def _draw_row_choice(
    page: PageContext, table: IntervalTable, wave: WaveInfo, links_cities: bool
) -> str | None:
    """Draw a select box of the rows, with a link if they are cities; return the code of the choice.

    The cells of the sortable table are drawn on a canvas: keys reach them but open nothing there,
    and phones are given cards instead.
    """
    names = dict(zip(table.codes, to_list(table.columns[table.name]), strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"filters-row-{table.key}"):
        code: str | None = st.selectbox(
            page.t("Choose a row: {name}", name=escape_markdown(table.name)),
            list(names),
            index=None,
            format_func=names.__getitem__,
            placeholder=page.t("Please choose"),
            filter_mode="fuzzy",
            key=f"{table.key}/{page.language}/row",
            width=320,
        )
        if code is not None and links_cities:
            link = escape(page.address(PageKey.CITY, city=code, wave=wave.key), quote=True)
            label = escape(page.t("Open the profile of {city}", city=names[code]))
            st.html(f'<a class="hcs-open" href="{link}" target="_self">{label}</a>')
    return code


def _draw_sortable(
    page: PageContext, table: IntervalTable, wave: WaveInfo, links_cities: bool
) -> str | None:
    frame = _build_screen_frame(table)
    with st.container(key=f"sortable-{table.key}"):
        state = st.dataframe(
            frame,
            hide_index=True,
            height=min(_MAX_HEIGHT_PX, _HEAD_PX + _ROW_PX * len(table.codes)),
            key=f"{table.key}/{page.language}",
            on_select="rerun",
            selection_mode="single-cell",
            alt=table.title,
            placeholder=_ABSENT,
            column_config=_build_column_config(table),
        )
    cells: Sequence[tuple[int, str]] = state.selection.cells if state else []
    if not cells:
        return None
    row, column = cells[0]
    code = table.codes[row]
    if links_cities and column == table.name:
        open_city(page, code, wave)
    return code


def _build_screen_frame(table: IntervalTable) -> pd.DataFrame | Styler:
    """Return the table as a data frame, with a column of interval bars after the first two.

    Differences are sorted as numbers and read in words: a number format would sign zero as well.
    """
    frame, formats = to_frame(table.columns), _choose_number_formats(table)
    for name in formats:
        values = pd.to_numeric(frame[name])
        frame[name] = values.mask(values.abs() < _ROUNDS_TO_ZERO, 0)
    frame.insert(min(2, frame.shape[1]), table.bar, list(table.bars))
    if not table.is_signed:
        return frame
    # All columns, or those left out would be written with six decimals.
    words: dict[Any, Any] = {
        name: f"{{:{number[1:]}}}".replace("d", ".0f") for name, number in formats.items()
    }
    words[table.figure] = format_signed
    return frame.style.format(words, na_rep=_ABSENT)


def _choose_number_formats(table: IntervalTable) -> dict[str, str]:
    """Return column name -> number format (`%d` or `%.1f`), for columns of numbers."""
    formats = {}
    for name, values in table.columns.items():
        if any(isinstance(value, str) for value in values):
            continue
        is_count = all(value is None or isinstance(value, int) for value in values)
        formats[name] = "%d" if is_count else "%.1f"
    return formats


def _build_column_config(table: IntervalTable) -> dict[str, ColumnConfig | str | None]:
    config: dict[str, ColumnConfig | str | None] = {
        name: st.column_config.NumberColumn(format=number)
        for name, number in _choose_number_formats(table).items()
        if not (table.is_signed and name == table.figure)
    }
    config[table.name] = st.column_config.TextColumn(pinned=True)
    config[table.bar] = st.column_config.ImageColumn(width=190)
    return config


def _render_plain(
    page: PageContext, table: IntervalTable, wave: WaveInfo, links_cities: bool
) -> str:
    """Return the table as HTML for print and phones, where the sortable one is cut off."""
    shown = dict(table.columns)
    if table.is_signed:
        shown[table.figure] = signed_texts(to_list(shown[table.figure]), _ABSENT)
    texts = format_for_screen(shown, _ABSENT)
    columns = [column.to_pylist() for column in texts.columns]
    rows = []
    for code, (name, *values) in zip(table.codes, zip(*columns, strict=True), strict=True):
        head = escape(name)
        if links_cities:
            link = page.address(PageKey.CITY, city=code, wave=wave.key)
            head = f'<a href="{escape(link, quote=True)}" target="_self">{head}</a>'
        rows.append([head, *map(escape, values)])
    return render_plain_table(page.t, texts.column_names, rows)
