"""The page of experience checks: which check, its answer first, and a tab for each of its parts."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.context.experience_checks.reading import (
    ExperienceCheckDetail,
    ExperienceCheckSummary,
    get_experience_check,
    list_experience_checks,
)
from survey.fieldwork.waves import STATE_NAMES
from survey.publish.experience_check_tables import build_check_figures
from survey.publish.views.experience_check import ExperienceCheckView, build_experience_check_view
from survey.store.tables import WaveState
from survey.ui.experience_checks.hearing import draw_hearing
from survey.ui.experience_checks.planning import draw_new_check, draw_plan
from survey.ui.experience_checks.results import draw_agreement, draw_scores
from survey.ui.experience_checks.venues import draw_venues_tab
from survey.ui.feedback import feedback_above
from survey.ui.filters import pick_linked
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown
from survey.ui.url_state import draw_tabs

_NEW = "new"


def draw_experience_checks(page: PageContext) -> None:
    """Draw the choice of a check, and the one chosen; those who run checks can plan another."""
    with feedback_above(page):
        _draw_checks(page)


def _draw_checks(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        checks = list_experience_checks(work)
    st.caption(
        t(
            "Volunteers visit venues as any consumer would and note what they see. Checks stand "
            "beside the satisfaction score and never enter it."
        )
    )
    may_plan = page.principal.may(Action.MANAGE_VENUE_CHECKS)
    if not checks and not may_plan:
        draw_notice(
            t("No experience check has been released yet"),
            t("A check appears here as soon as its visits are reviewed and it is released."),
        )
        return
    by_key = {check.key: check for check in checks}
    key = _pick_check(page, by_key, may_plan=may_plan)
    if key == _NEW:
        draw_new_check(page)
    elif key is not None:
        with page.read() as work:
            check = get_experience_check(work, wave_id=by_key[key].id)
        _draw_check(page, check)


def _pick_check(
    page: PageContext, by_key: Mapping[str, ExperienceCheckSummary], *, may_plan: bool
) -> str | None:
    t = page.t

    def show(key: str) -> str:
        if key == _NEW:
            return t("Plan a new check")
        return f"{by_key[key].title[page.language]} · {name_state(page, by_key[key])}"

    options = [*by_key, *([_NEW] if may_plan else [])]
    return pick_linked(page, t("Experience check"), "check", options, show)


def name_state(page: PageContext, check: ExperienceCheckSummary) -> str:
    """Return the state of a check in words; a released one is closed as well."""
    state = WaveState.RELEASED if check.released_at is not None else check.state
    return page.t(STATE_NAMES[state])


def _draw_check(page: PageContext, check: ExperienceCheckDetail) -> None:
    t = page.t
    figures = build_check_figures(check)
    view: ExperienceCheckView = build_experience_check_view(check, figures, page.language)
    st.subheader(escape_markdown(view.title), anchor=False)
    st.markdown(f"**{view.sentences[0]}**")
    for sentence in view.sentences[1:]:
        st.write(sentence)
    tabs: dict[str, tuple[str, Callable[[], None]]] = {
        "scores": (t("Scores"), partial(draw_scores, page, check, view)),
        "agreement": (t("Agreement of observers"), partial(draw_agreement, page, check, view)),
        "plan": (t("Plan"), partial(draw_plan, page, check)),
        "venues": (t("Venues"), partial(draw_venues_tab, page, check)),
        "replies": (t("Venues' replies"), partial(draw_hearing, page, check)),
    }
    draw_tabs(tabs, language=page.language)
