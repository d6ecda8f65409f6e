"""Freezing a wave for good, beside the page: every figure is computed, which takes a while."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from survey.fieldwork.waves import STATE_NAMES
from survey.locale import msg
from survey.publish.results.freeze import FrozenWave, freeze_wave
from survey.snapshot.manifest import WithoutPoint
from survey.store.tables import WaveState
from survey.ui.page import Visit, fragment
from survey.ui.plan.outcome import tell
from survey.ui.session import signed_in
from survey.ui.work import Job

EVERY_SECONDS = 1.0
_FREEZING = "plan/freezing"


def start_freezing(
    visit: Visit, wave_key: str, without_point: WithoutPoint, groups: Sequence[str] = ()
) -> None:
    """Begin as whoever is signed in now; a second click while it runs does nothing."""
    if _FREEZING in st.session_state:
        return
    settings, person = visit.settings, signed_in(visit.settings)

    def freeze(_tick: Any) -> FrozenWave:
        return freeze_wave(
            settings, wave_key=wave_key, actor=person, final=True, without_point=without_point,
            groups=groups,
        )  # fmt: skip

    job = Job[FrozenWave](msg("Freezing"))
    job.start(freeze)
    st.session_state[_FREEZING] = job


def take_over_frozen(visit: Visit) -> None:
    """What the ended work has brought, for the top of the page."""
    job: Job[FrozenWave] | None = st.session_state.get(_FREEZING)
    if job is None or job.running:
        return
    del st.session_state[_FREEZING]
    if job.problem is not None:
        tell(problem=visit.t(job.problem))
        return
    state = visit.t(STATE_NAMES[WaveState.FROZEN])
    done = visit.t("The wave is now {state}.", state=state)
    if job.made is not None and job.made.without_point:
        done += " " + visit.t(
            "{count} interviews without a sampling point are a stratum of their own.",
            count=f"{job.made.without_point:,}",
        )
    tell(done=done)


def freezing(visit: Visit) -> bool:
    """Say that it goes on; whether it does."""
    job: Job[FrozenWave] | None = st.session_state.get(_FREEZING)
    if job is None:
        return False
    _watch(visit, job)
    return True


@fragment(run_every=EVERY_SECONDS)
def _watch(visit: Visit, job: Job[FrozenWave]) -> None:
    if not job.running:
        st.rerun()
    st.info(
        visit.t(
            "The wave is being frozen: every figure is computed, and it is checked that nothing "
            "hidden can be worked out from what is published. This can take some minutes. You may "
            "leave this page; it goes on."
        ),
        icon=":material/hourglass_top:",
    )
