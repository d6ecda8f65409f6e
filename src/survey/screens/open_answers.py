"""Open answers beside the other questions of a wave: shares of codes, and their file."""

from functools import partial

import pandas as pd
import streamlit as st

from survey.figures.figure_table import csv_bytes
from survey.figures.views.open_answers import build_open_answers_view
from survey.kit.chart_panel import draw_demo_mark
from survey.kit.download_button import draw_csv_button
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_first_rows, draw_sentence
from survey.open_answers.shares import list_open_answers
from survey.results import WaveInfo


def draw_open_shares(page: PageContext, wave: WaveInfo) -> None:
    """Draw the shares of the codes of each open question of a wave, if any are computed."""
    t = page.t
    with page.read() as work:
        found = list_open_answers(work, wave_key=wave.key)
    for place, each in enumerate(found):
        view = build_open_answers_view(each, page.language)
        st.subheader(t("In their own words: {question}", question=view.question), anchor=False)
        draw_sentence(view.sentence)
        draw_demo_mark(page, view.is_demo)
        draw_first_rows(t, view.heads, view.rows, key=f"open-shares/{place}")
        for note in view.notes:
            st.caption(note)
        demo = (t("Demo data"),) if view.is_demo else ()
        table = pd.DataFrame(list(view.rows), columns=list(view.heads))
        make = partial(csv_bytes, table, (view.question, *demo, *view.notes))
        draw_csv_button(
            page, t("Table (CSV)"), "open-answers", make, key=f"open-shares-{place}", subject=wave
        )
