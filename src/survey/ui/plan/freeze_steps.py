"""Steps of a freeze: provisional results at any time, and freezing for good."""

from functools import partial

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.planning.review_counts import list_review_counts
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.fieldwork.waves import COMPUTED_STATES, require_wave_name
from survey.store.engine import read_scope
from survey.store.tables import WaveState
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext
from survey.ui.plan.freeze_job import is_job_running, start_freezing
from survey.ui.plan.freeze_options import WITHOUT_POINT_NAMES, get_freeze_options
from survey.ui.plan.freeze_preview import draw_freeze_preview
from survey.ui.plan.wave_steps import (
    IN_DIALOG,
    draw_consequences,
    draw_dialog_button,
    finish_dialog,
)


def draw_freeze_steps(page: PageContext, wave: WaveOverview) -> None:
    """Draw the buttons that freeze the wave, for whoever may."""
    if not page.principal.may(Action.ADMINISTER) or is_job_running():
        return
    if wave.state is WaveState.CLOSED:
        draw_dialog_button(
            page, wave, page.t("Freeze for good"), key="plan-step-frozen", is_next=True,
            body=partial(_draw_final_dialog, page, wave),
        )  # fmt: skip
    if wave.state not in (WaveState.PLANNED, *COMPUTED_STATES):
        draw_dialog_button(
            page, wave, page.t("Provisional results"), key="plan-step-provisional", is_next=False,
            body=partial(_draw_provisional_dialog, page, wave),
        )  # fmt: skip


def draw_freeze_part(page: PageContext, wave: WaveOverview) -> None:
    """Draw the preview of a freeze, for whoever may freeze the wave."""
    if page.principal.may(Action.ADMINISTER) and wave.state not in COMPUTED_STATES:
        draw_freeze_preview(page, wave)


def _draw_provisional_dialog(page: PageContext, wave: WaveOverview) -> None:
    t = page.t
    consequences = [
        t("The figures are computed from the {count} interviews approved so far.",
          count=f"{_count(page, wave)[0]:,}"),
        t("Every page that shows them calls them provisional."),
        t("Nothing of the wave changes, and they can be made again as often as you like."),
    ]  # fmt: skip
    draw_consequences(consequences)
    st.button(
        t("Make provisional results"), key="plan-move-provisional", type="primary",
        on_click=_make_provisional, args=(page, wave),
    )  # fmt: skip


def _make_provisional(page: PageContext, wave: WaveOverview) -> None:
    start_freezing(page, wave, get_freeze_options(wave), final=False)
    finish_dialog()


def _draw_final_dialog(page: PageContext, wave: WaveOverview) -> None:
    t, options = page.t, get_freeze_options(wave)
    approved, waiting = _count(page, wave)
    consequences = [
        t("{count} approved interviews become final: nothing of them can be changed any more.",
          count=f"{approved:,}"),
        t("{count} interviews that wait for review stay outside for good.", count=f"{waiting:,}"),
        t("Interviews without a sampling point: {choice}.",
          choice=t(WITHOUT_POINT_NAMES[options.without_point])),
        t("This cannot be undone."),
    ]  # fmt: skip
    draw_consequences(consequences)
    with st.form(f"plan-freeze-{wave.key}", border=False, enter_to_submit=False):
        draw_name_field(page, wave, "plan-freeze-name")
        st.form_submit_button(
            t("Freeze for good"), key="plan-move-frozen", type="primary",
            on_click=_freeze, args=(page, wave),
        )  # fmt: skip


def draw_name_field(page: PageContext, wave: WaveOverview, key: str) -> None:
    """Draw the field in which the name of the wave confirms what cannot be undone."""
    st.text_input(
        page.t("Type {key}, or the title of the wave, to confirm", key=wave.key), key=key,
        autocomplete="off",
    )  # fmt: skip


def check_typed_name(page: PageContext, wave: WaveOverview, key: str) -> bool:
    """Return whether the name was typed; else the dialog says that it was not."""

    def check(_session: Session, _person: Principal) -> None:
        require_wave_name(wave, str(st.session_state.get(key) or ""))

    return perform(page, check, place=IN_DIALOG) is not None


def _freeze(page: PageContext, wave: WaveOverview) -> None:
    if check_typed_name(page, wave, "plan-freeze-name"):
        start_freezing(page, wave, get_freeze_options(wave), final=True)
        finish_dialog()


def _count(page: PageContext, wave: WaveOverview) -> tuple[int, int]:
    """Return how many interviews are approved, and how many wait for review."""
    with read_scope(page.settings.store_url) as session:
        counts = list_review_counts(session=session, principal=page.principal, key=wave.key)
    return sum(city.approved for city in counts), sum(city.waiting for city in counts)
