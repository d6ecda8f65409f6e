"""Choice of a questionnaire, its facts, and its tabs; only the open tab computes."""

import re
from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.figures.figure_table import format_for_screen
from survey.kit.download_button import XLSX, File, draw_download_button, name_file
from survey.kit.feedback import show_feedback
from survey.kit.filters import filter_row
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import draw_tabs, pick
from survey.locale import label_text
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.screens.questionnaires.differences import (
    draw_differences,
    draw_paper,
    draw_translations,
)
from survey.screens.questionnaires.indicators import draw_indicators, draw_items
from survey.screens.questionnaires.upload import draw_checks, draw_upload
from survey.store.china_time import format_china_minute
from survey.waves.questionnaires import (
    Questionnaire,
    QuestionnaireSummary,
    get_questionnaire,
    list_questionnaires,
)
from survey.waves.waves import STATE_NAMES

FORM = "form"
"""Parameter of the address that names a version."""
ALL, NEW = "all", "new"


def draw_questionnaires(page: PageContext) -> None:
    """Draw the list, one version with its tabs, or the upload; says what to do without any."""
    t = page.t
    show_feedback(page)
    with page.read() as work:
        summaries = list_questionnaires(work)
    by_key = {summary.key: summary for summary in summaries}
    options = [ALL, *by_key, *([NEW] if page.principal.may(Action.PLAN) else [])]

    def show(key: str) -> str:
        if key in by_key:
            return _format_title(page, by_key[key])
        return t("Upload a questionnaire …") if key == NEW else t("All questionnaires")

    with filter_row():
        chosen = pick(t("Questionnaire"), FORM, options, show=show, language=page.language)
    if chosen == NEW:
        draw_upload(page, summaries)
    elif chosen == ALL:
        _draw_list(page, summaries)
    else:
        _draw_version(page, by_key[chosen], summaries)


def _format_title(page: PageContext, summary: QuestionnaireSummary) -> str:
    title = label_text(summary.title, page.language, summary.name)
    return f"{title} · {summary.name} {summary.version}"


def _draw_list(page: PageContext, summaries: tuple[QuestionnaireSummary, ...]) -> None:
    t = page.t
    if not summaries:
        draw_notice(
            t("There is no questionnaire yet"),
            t(
                "An administrator uploads one here as an XLSForm workbook; `survey init` brings in "
                "those that come with the platform."
            ),
        )
        return
    st.caption(t("Versions: {count}. A stored version never changes.", count=len(summaries)))
    table = st.dataframe(
        format_for_screen(
            {
                t("Title"): [label_text(each.title, page.language) for each in summaries],
                t("Short name"): [each.name for each in summaries],
                t("Version"): [each.version for each in summaries],
                t("Questions"): [each.items for each in summaries],
                t("Scored"): [each.scored for each in summaries],
                t("Stored on"): [format_china_minute(t, each.added_at) for each in summaries],
                t("By"): [_describe_author(page, each) for each in summaries],
                t("Used in"): [_format_uses(page, each) for each in summaries],
            }
        ),
        hide_index=True, alt=t("All questionnaires"), on_select="rerun",
        selection_mode="single-row", key=f"questionnaires/list/{page.language}",
    )  # fmt: skip
    rows = table["selection"]["rows"]
    if rows and rows[0] < len(summaries):
        st.query_params[FORM] = summaries[rows[0]].key
        st.rerun()


def _describe_author(page: PageContext, summary: QuestionnaireSummary) -> str:
    if summary.added_by == "operator":
        return page.t("operator of the server")
    return summary.added_by or "–"


def _format_uses(page: PageContext, summary: QuestionnaireSummary) -> str:
    shown = [
        f"{label_text(use.title, page.language, use.key)} ({page.t(STATE_NAMES[use.state])})"
        for use in summary.uses
    ]
    return page.t(", ").join(shown) or "–"


def _draw_version(
    page: PageContext, summary: QuestionnaireSummary, summaries: tuple[QuestionnaireSummary, ...]
) -> None:
    t = page.t
    with page.read() as work:
        questionnaire = get_questionnaire(work, instrument_id=summary.id)
    title = label_text(summary.title, page.language, summary.name)
    st.header(escape_markdown(title), anchor=False)
    st.caption(
        t(
            "{name}, version {version} · {items} questions, {scored} of them scored · stored on "
            "{time} · used in: {waves}",
            name=escape_markdown(summary.name),
            version=escape_markdown(summary.version),
            items=summary.items,
            scored=summary.scored,
            time=format_china_minute(t, summary.added_at),
            waves=escape_markdown(_format_uses(page, summary)),
        )
    )
    draw_download_button(
        page,
        t("XLSForm workbook"),
        File(
            name_file(page, file_stem(summary), "xlsx"),
            XLSX,
            partial(xlsform_bytes, questionnaire.instrument),
        ),
        key=f"questionnaires/xlsform/{summary.key}",
        icon=":material/table:",
    )
    _draw_parts(page, summary, summaries, questionnaire)


def _draw_parts(
    page: PageContext,
    summary: QuestionnaireSummary,
    summaries: tuple[QuestionnaireSummary, ...],
    questionnaire: Questionnaire,
) -> None:
    t, instrument = page.t, questionnaire.instrument
    tabs = {
        "items": (t("Questions"), partial(draw_items, page, instrument, questionnaire.tree)),
        "indicators": (t("Indicators"), partial(draw_indicators, page, questionnaire)),
        "differences": (
            t("Difference between versions"), partial(draw_differences, page, summary, summaries)
        ),
        "translations": (t("Translation"), partial(draw_translations, page, instrument)),
        "paper": (
            t("Paper questionnaire"), partial(draw_paper, page, instrument, file_stem(summary))
        ),
        "checks": (t("Check"), partial(draw_checks, page, summary)),
    }  # fmt: skip
    draw_tabs(tabs, language=page.language)


def file_stem(summary: QuestionnaireSummary) -> str:
    """Return name and version as the beginning of a file name."""
    return re.sub(r"[^\w.-]+", "-", f"{summary.name}-{summary.version}")
