"""Freezing a wave for good, beside the page: every figure is computed, which takes a while."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from survey.fieldwork.waves import STATE_NAMES
from survey.locale import msg
from survey.results.freeze import FrozenWave, freeze_wave
from survey.snapshot.snapshot_files import WithoutPoint
from survey.store.tables import WaveState
from survey.ui.background_job import BackgroundJob
from survey.ui.current_principal import require_principal
from survey.ui.page_runner import PageContext, page_fragment
from survey.ui.plan.outcome import set_feedback

EVERY_SECONDS = 1.0
_FREEZING = "plan/freezing"


def start_freezing(
    page: PageContext, wave_key: str, without_point: WithoutPoint, groups: Sequence[str] = ()
) -> None:
    """Begin as whoever is signed in now; a second click while it runs does nothing."""
    if _FREEZING in st.session_state:
        return
    settings, person = page.settings, require_principal(page.settings)

    def freeze(_tick: Any) -> FrozenWave:
        return freeze_wave(
            settings, wave_key=wave_key, actor=person, final=True, without_point=without_point,
            groups=groups,
        )  # fmt: skip

    job = BackgroundJob[FrozenWave](msg("Freezing"))
    job.start(freeze)
    st.session_state[_FREEZING] = job


def collect_freeze_result(page: PageContext) -> None:
    """What the ended work has brought, for the top of the page."""
    job: BackgroundJob[FrozenWave] | None = st.session_state.get(_FREEZING)
    if job is None or job.running:
        return
    del st.session_state[_FREEZING]
    if job.problem is not None:
        set_feedback(problem=page.t(job.problem))
        return
    state = page.t(STATE_NAMES[WaveState.FROZEN])
    done = page.t("The wave is now {state}.", state=state)
    if job.result is not None and job.result.without_point:
        done += " " + page.t(
            "{count} interviews without a sampling point are a stratum of their own.",
            count=f"{job.result.without_point:,}",
        )
    set_feedback(done=done)


def draw_freeze_job(page: PageContext) -> bool:
    """Say that it goes on; whether it does."""
    job: BackgroundJob[FrozenWave] | None = st.session_state.get(_FREEZING)
    if job is None:
        return False
    _draw_job_progress(page, job)
    return True


@page_fragment(run_every=EVERY_SECONDS)
def _draw_job_progress(page: PageContext, job: BackgroundJob[FrozenWave]) -> None:
    if not job.running:
        st.rerun()
    st.info(
        page.t(
            "The wave is being frozen: every figure is computed, and it is checked that nothing "
            "hidden can be worked out from what is published. This can take some minutes. You may "
            "leave this page; it goes on."
        ),
        icon=":material/hourglass_top:",
    )
