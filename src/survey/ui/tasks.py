"""Tasks of a surveyor: choice of the sampling point, and counts so far."""

from html import escape

import pandas as pd
import streamlit as st

from survey.fieldwork.assignments import SurveyorTask, list_tasks
from survey.fieldwork.planning.sampling_points import KIND_NAMES
from survey.locale import label_text
from survey.publish.views.display_names import DisplayNames
from survey.store.tables import StudyUnit
from survey.ui.glossary import explain
from survey.ui.navigation import PAGES_BY_KEY, PageKey
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick
from survey.ui.venue_task import name_venue_type


def pick_task(page: PageContext) -> SurveyorTask | None:
    """Draw the choice of a sampling point; None, with a notice, if none is assigned."""
    t = page.t
    with page.read() as work:
        tasks = list_tasks(work)
    if not tasks:
        draw_notice(
            t("Nothing is assigned to you at the moment"),
            t("Sampling points appear here as soon as a wave is open and points are assigned."),
            t("If you expected some, please ask your supervisor."),
        )
        return None
    by_code = {f"{task.wave_key}/{task.point_code}": task for task in tasks}
    linked = st.query_params.get("point")
    if linked is not None and linked not in by_code:
        draw_notice(
            t("The place of this link is not among your tasks"),
            t("Nothing else was opened in its stead, so that no visit is entered elsewhere."),
            t("Choose a place under “My tasks”, or ask who sent you the link."),
        )
        st.page_link(PAGES_BY_KEY[PageKey.TASKS].path, label=t("My tasks"))
        return None
    chosen = pick(
        t("Sampling point"),
        "point",
        list(by_code),
        show=lambda code: _format_task_title(page, by_code[code]),
        language=page.language,
        explanation=explain("sampling point", page.language),
    )
    return by_code[chosen]


def _format_task_title(page: PageContext, task: SurveyorTask) -> str:
    if task.unit is StudyUnit.VENUE:
        kind = name_venue_type(page, task)
    else:
        kind = page.t(KIND_NAMES[task.point_kind])
    city = label_text(task.city_name, page.language, task.city_code)
    return f"{city} · {task.point_name} · {kind} · {label_text(task.wave_title, page.language)}"


def show_progress(page: PageContext, task: SurveyorTask) -> None:
    """Draw the surveyor's own count, the point's count and target, and the city's quota."""
    t = page.t
    st.subheader(t("Your count"), anchor=False)
    today, mine, point = st.columns(3)
    today.metric(t("Today"), task.mine_today)
    mine.metric(t("At this point"), task.mine)
    point.metric(t("This point, everybody"), f"{task.collected} / {task.target}")
    share = min(task.collected / task.target, 1.0) if task.target else 0.0
    label = t(
        "{done} of {target} interviews at this point", done=task.collected, target=task.target
    )
    st.html(
        f'<div class="hcs-meter" role="img" aria-label="{escape(label, quote=True)}">'
        f'<div style="width:{share * 100:.0f}%"></div></div>'
    )
    if task.quota:
        st.subheader(t("Quota of the city"), anchor=False)
        st.caption(t("All surveyors of the city fill these quotas together."))
        st.table(_build_quota_table(page, task), hide_index=True, border="horizontal")


def _build_quota_table(page: PageContext, task: SurveyorTask) -> pd.DataFrame:
    t = page.t
    names = DisplayNames(page.language, None)
    return pd.DataFrame(
        {
            t("Group"): [" · ".join(map(names.group, quota.groups)) for quota in task.quota],
            t("Collected"): [f"{quota.collected} / {quota.target}" for quota in task.quota],
            t("Still needed"): [
                str(quota.missing) if quota.missing else t("full") for quota in task.quota
            ],
        }
    )
