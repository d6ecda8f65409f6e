"""History of one published figure: what each release said of it, and why it was corrected."""

import streamlit as st

from survey.publish.publications.early_readers import list_figure_history
from survey.publish.publications.figures import VALUE_COLUMNS
from survey.store.china_time import format_china_minute
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import write_parameter

PARAMETER = "figure"
_FIELD = "releases/figure"
MAX_FIGURE_CHARS = 200


def draw_figure_history(page: PageContext) -> None:
    """Draw the field for the id of a figure, and its history; `?figure=` names one."""
    t = page.t
    arrived = str(st.query_params.get(PARAMETER, ""))[:MAX_FIGURE_CHARS]
    st.subheader(t("History of a figure"), anchor=False)
    if _FIELD not in st.session_state:
        st.session_state[_FIELD] = arrived
    figure = st.text_input(
        t("Id of a figure"),
        key=_FIELD,
        max_chars=MAX_FIGURE_CHARS,
        help=t("As in figures.csv of a release, for example main-2026-110000-1.2-all-score."),
    ).strip()
    write_parameter(PARAMETER, figure, "")
    if not figure:
        return
    with read_scope(page.settings.store_url) as session:
        versions = list_figure_history(
            settings=page.settings,
            session=session,
            principal=page.principal,
            figure=figure,
            now=now(),
        )
    if not versions:
        draw_notice(
            t("No release that you may read has this figure"),
            t("A figure that is not shown, or a release that was taken back, has no history."),
        )
        return
    heads = (t("Estimate"), t("Lower bound"), t("Upper bound"), "n")
    rows = [
        {
            t("Release"): version.release,
            t("Published"): format_china_minute(t, version.published_at),
            **{
                head: version.values.get(name, "") or "–"
                for head, name in zip(heads, VALUE_COLUMNS, strict=True)
            },
            t("Reason of the correction"): version.reason
            if version.values
            else t("{reason} (not shown any more)", reason=version.reason),
        }
        for version in versions
    ]
    st.table(rows, border="horizontal", alt=t("History of {figure}", figure=figure))
