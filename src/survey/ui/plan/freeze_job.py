"""Background job that freezes a wave and computes its results."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from survey.fieldwork.waves import STATE_NAMES
from survey.locale import msg
from survey.results.freeze import FrozenWave, freeze_wave
from survey.snapshot.snapshot_files import WithoutPoint
from survey.store.tables import WaveState
from survey.ui.background_job import BackgroundJob
from survey.ui.feedback import perform, set_feedback, set_problem
from survey.ui.page_runner import PageContext, page_fragment

EVERY_SECONDS = 1.0
_FREEZING = "plan/freezing"


def start_freezing(
    page: PageContext, wave_key: str, without_point: WithoutPoint, groups: Sequence[str] = ()
) -> None:
    """Start freezing as the person signed in now, unless it runs already."""
    if _FREEZING in st.session_state:
        return
    # The thread of the job has no cookies to read.
    current = perform(page, lambda _session, principal: principal)
    if current is None:
        return
    settings, principal = page.settings, current.value

    def freeze(_tick: Any) -> FrozenWave:
        return freeze_wave(
            settings,
            wave_key=wave_key,
            actor=principal,
            final=True,
            without_point=without_point,
            groups=groups,
        )

    job = BackgroundJob[FrozenWave](msg("Freezing"))
    job.start(freeze)
    st.session_state[_FREEZING] = job


def collect_freeze_result(page: PageContext) -> None:
    """Keep the message of a job that has ended, for the top of the page."""
    job: BackgroundJob[FrozenWave] | None = st.session_state.get(_FREEZING)
    if job is None or job.running:
        return
    del st.session_state[_FREEZING]
    if job.problem is not None:
        set_problem(page, page.t(job.problem))
        return
    state = page.t(STATE_NAMES[WaveState.FROZEN])
    done = page.t("The wave is now {state}.", state=state)
    if job.result is not None and job.result.without_point:
        done += " " + page.t(
            "{count} interviews without a sampling point are a stratum of their own.",
            count=f"{job.result.without_point:,}",
        )
    set_feedback(page, done)


def draw_freeze_job(page: PageContext) -> bool:
    """Draw a note while the wave is being frozen; returns whether it is."""
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
