"""Tables of texts that may have hundreds of rows: the first of them, and all on request.

A phone shows four rows of such a table at a time, and what stands below it would be out of reach.
"""

from collections.abc import Collection, Sequence

import streamlit as st

from survey.ui.html_table import render_text_table

MAX_LISTED_ROWS = 20
"""Rows that are listed before a reader asks for all."""


def draw_long_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    key: str,
    show_all: str,
    listed: str,
    whole: Collection[int] = (),
) -> None:
    """Draw the first rows of a table, with a switch that shows the others as well.

    Args:
        key: Key of the switch, of one list each.
        show_all: Label of the switch, with the number of rows.
        listed: What is listed while the switch is off, such as the newest 20.
        whole: Columns, from 0, whose cells stay on one line, such as days.
    """
    shown = rows
    if len(rows) > MAX_LISTED_ROWS and not st.toggle(show_all, key=key):
        shown = rows[:MAX_LISTED_ROWS]
        st.caption(listed)
    st.html(render_text_table(heads, shown, whole=whole))
