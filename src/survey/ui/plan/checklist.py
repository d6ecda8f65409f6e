"""Checklist of a wave on screen: each task with its state and a link to where it is done."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.planning.checklist import (
    Checklist,
    ChecklistItem,
    ChecklistTask,
    TaskState,
    get_checklist,
)
from survey.locale import Message, msg
from survey.publish.publications.signing_keys import find_signing_problem
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown

TASK_NAMES: Mapping[ChecklistTask, Message] = MappingProxyType(
    {
        ChecklistTask.ACCOUNTS: msg("Accounts of surveyors and supervisors"),
        ChecklistTask.QUESTIONNAIRE: msg("Questionnaire"),
        ChecklistTask.WAVE: msg("Wave with its days"),
        ChecklistTask.SAMPLE: msg("Sample and quotas"),
        ChecklistTask.POINTS: msg("Sampling points"),
        ChecklistTask.PEOPLE: msg("People at the points"),
        ChecklistTask.OPENING: msg("Open the wave"),
    }
)
_STATE_NAMES: Mapping[TaskState, Message] = MappingProxyType(
    {TaskState.DONE: msg("done"), TaskState.NEXT: msg("next"), TaskState.WAITING: msg("waiting")}
)
_TASK_PAGES: Mapping[ChecklistTask, tuple[PageKey, Mapping[str, str]]] = MappingProxyType(
    {
        ChecklistTask.ACCOUNTS: (PageKey.USERS, {"view": "batch"}),
        ChecklistTask.QUESTIONNAIRE: (PageKey.QUESTIONNAIRES, {}),
        ChecklistTask.WAVE: (PageKey.PLAN, {}),
        ChecklistTask.SAMPLE: (PageKey.PLAN, {"part": "sample"}),
        ChecklistTask.POINTS: (PageKey.PLAN, {"part": "points"}),
        ChecklistTask.PEOPLE: (PageKey.PLAN, {"part": "people"}),
        ChecklistTask.OPENING: (PageKey.PLAN, {}),
    }
)
"""Page and filters where each task is done; pages of the wave also get its key."""
NEW_WAVE = "new"


def draw_checklist(page: PageContext, key: str | None = None) -> None:
    """Draw the checklist of a wave, or of the one that is prepared or in the field."""
    with page.read() as work:
        checklist = get_checklist(work, key=key)
    t, wave = page.t, checklist.wave
    title = t("The next wave") if wave is None else escape_markdown(wave.label(page.language))
    st.subheader(t("Steps to an open wave: {wave}", wave=title), anchor=False)
    items = "".join(_render_item(page, checklist, item) for item in checklist.items)
    st.html(f'<ol class="hcs-checklist">{items}</ol>')
    if wave is not None and not wave.is_demo and page.principal.may(Action.RELEASE):
        draw_signing_problem(page)


def draw_signing_problem(page: PageContext) -> None:
    """Say if a release could not be signed here: the key is made before the day it is needed."""
    with page.read() as work:
        problem = find_signing_problem(work)
    if problem is not None:
        st.caption(page.t("Releases cannot be signed yet. {reason}", reason=page.t(problem)))


def _render_item(page: PageContext, checklist: Checklist, item: ChecklistItem) -> str:
    t = page.t
    name = escape(t(TASK_NAMES[item.task]))
    key, filters = _TASK_PAGES[item.task]
    wave = checklist.wave.key if checklist.wave else NEW_WAVE
    carried = {"wave": wave} if key is PageKey.PLAN else {}
    address = escape(page.address(key, **carried, **filters), quote=True)
    current = ' aria-current="step"' if item.state is TaskState.NEXT else ""
    return (
        f'<li class="{item.state}"{current}><a href="{address}" target="_self">{name}</a>'
        f"<span>{escape(t(item.progress))}</span><b>{escape(t(_STATE_NAMES[item.state]))}</b></li>"
    )
