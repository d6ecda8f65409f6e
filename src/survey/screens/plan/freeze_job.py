"""Options of a freeze, and jobs on a wave that run for minutes while the page stays usable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from survey.access.principal import Principal
from survey.collection.importing.import_plan import ProgressCallback
from survey.collection.importing.rejections import ImportCancelledError
from survey.files.microdata.row_preparation import prepare_rows
from survey.kit.background_job import BackgroundJob
from survey.kit.feedback import (
    about_wave,
    identify_reader,
    run_change,
    set_feedback,
    set_problem,
    show_feedback,
)
from survey.kit.page_runner import PageContext, page_fragment
from survey.locale import Message, label_text, msg
from survey.results.freeze import FrozenWave, freeze_wave
from survey.results.freeze_reading import FreezeCancelledError, FreezeStage
from survey.results.wave_rules import MAX_CHOICES, MAX_GROUPS, list_fit_questions
from survey.screens.plan.wave_steps import is_dialog_open
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.waves.instruments import load_instrument
from survey.waves.planning.wave_overview import WaveOverview

WITHOUT_POINT_NAMES: dict[WithoutPoint, Message] = {
    WithoutPoint.REFUSE: msg("Stop and say how many there are"),
    WithoutPoint.STRATUM: msg("Count them as a stratum of their own in each city"),
}


def get_freeze_options(wave: WaveOverview) -> FreezeOptions:
    """Return the options of a freeze chosen for the wave in this session, else the defaults."""
    options: FreezeOptions = st.session_state.get(_build_memory_key(wave), FreezeOptions())
    return options


def draw_freeze_options(page: PageContext, wave: WaveOverview) -> None:
    """Draw the options of a freeze and keep them in this session."""
    t, chosen = page.t, get_freeze_options(wave)
    ways = list(WITHOUT_POINT_NAMES)
    without_point = st.radio(
        t("Interviews without a sampling point, where others have one"),
        ways,
        index=ways.index(chosen.without_point),
        format_func=lambda way: t(WITHOUT_POINT_NAMES[way]),
        # The browser knows an option by its label, so each language needs a widget of its own.
        key=f"plan-without-point-{wave.key}/{page.language}",
    )
    st.session_state[_build_memory_key(wave)] = FreezeOptions(
        without_point=WithoutPoint(without_point),
        groups=_draw_group_choice(page, wave, chosen.groups),
    )


def _draw_group_choice(
    page: PageContext, wave: WaveOverview, chosen: tuple[str, ...]
) -> tuple[str, ...]:
    """Draw the choice of questions that define groups, initially `chosen`; return their names."""
    t = page.t
    with page.read() as work:
        instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
    offered = {
        item.name: f"{label_text(item.label, page.language, item.name)} ({item.name})"
        for item in list_fit_questions(instrument)
    }
    if not offered:
        return ()
    names = st.multiselect(
        t("Questions that make further groups"),
        list(offered),
        list(chosen),
        format_func=offered.__getitem__,
        key=f"plan-groups-{wave.key}/{page.language}",
        placeholder=t("None"),
        help=t(
            "Besides the usual groups (gender, age, …) everybody who gave an answer becomes a "
            "group on the results pages. Questions of at most {choices} choices, together at most "
            "{groups} groups. A question that makes groups shows no shares: they would tell the "
            "size of a hidden group.",
            choices=MAX_CHOICES,
            groups=MAX_GROUPS,
        ),
    )
    count = sum(len(instrument.by_name[name].choices) for name in names)
    if count > MAX_GROUPS:
        st.warning(
            t(
                "These questions make {count} groups; a wave can have at most {most}.",
                count=count,
                most=MAX_GROUPS,
            )
        )
    return tuple(names)


def _build_memory_key(wave: WaveOverview) -> str:
    return f"plan/freeze-options/{wave.key}"


REFRESH_SECONDS = 1.0
_JOB = "plan/job"
_JOB_MESSAGES = "job"
"""Messages of jobs stand below those of what was done meanwhile, and replace none of them."""


@dataclass(frozen=True)
class _WaveJob:
    """Background job on one wave, and the function that keeps its result."""

    wave: WaveOverview
    job: BackgroundJob[Any]
    collect: Callable[[PageContext, Any], str]
    """Keeps the result and returns the message about it."""


def start_freezing(page: PageContext, wave: WaveOverview, options: FreezeOptions) -> None:
    """Start the job that freezes a wave, as the person signed in now, unless a job runs already."""

    def freeze(principal: Principal, tick: ProgressCallback) -> FrozenWave:
        def tell(_stage: FreezeStage, done: int, total: int) -> None:
            try:
                tick(done, total)
            except ImportCancelledError as error:
                raise FreezeCancelledError from error

        frozen = freeze_wave(
            page.settings, wave_key=wave.key, actor=principal, options=options, tick=tell
        )
        prepare_rows(page.settings, wave_key=wave.key, actor=principal)
        return frozen

    def say(page: PageContext, frozen: FrozenWave) -> str:
        said = page.t("The provisional results are made.")
        if options.final:
            said = page.t("The wave is frozen for good.")
        if frozen.without_point:
            said += " " + page.t(
                "{count} interviews without a sampling point are a stratum of their own.",
                count=f"{frozen.without_point:,}",
            )
        return said

    start_job(page, wave, msg("Freezing"), freeze, say)


def start_job(
    page: PageContext,
    wave: WaveOverview,
    name: Message,
    work: Callable[[Principal, ProgressCallback], Any],
    collect: Callable[[PageContext, Any], str],
    *,
    changes: bool = True,
) -> None:
    """Start `work` on a wave in the background, unless a job runs; `collect` keeps its result.

    Args:
        work: Computes the result, as the person signed in now; it is told how to say what is done.
        collect: Keeps the result when the page sees it, and returns the message about it.
        changes: Whether the work changes anything. If not, an account that only looks may start it.
    """
    # One that ended below an open dialog is collected here, before the page could.
    collect_job_results(page)
    if _JOB in st.session_state:
        return
    # The thread of the job has no cookies to read.
    identify = _identify_changer if changes else identify_reader
    principal = identify(page, slot=_JOB_MESSAGES)
    if principal is None:
        return
    job = BackgroundJob[Any](name)
    job.start(lambda tick: work(principal, tick))
    st.session_state[_JOB] = _WaveJob(wave, job, collect)


def _identify_changer(page: PageContext, *, slot: str) -> Principal | None:
    current = run_change(page, lambda work: work.principal, slot=slot)
    return current.value if current else None


def is_job_running() -> bool:
    """Return whether this session has a job, of any wave, running or with a result still kept."""
    return _JOB in st.session_state


def collect_job_results(page: PageContext) -> None:
    """Take the result of an ended job out of the session, and keep a message for the page."""
    running: _WaveJob | None = st.session_state.get(_JOB)
    if running is None or running.job.running:
        return
    del st.session_state[_JOB]
    if running.job.problem is not None:
        set_problem(
            page, about_wave(page, running.wave, page.t(running.job.problem)), slot=_JOB_MESSAGES
        )
        return
    message = running.collect(page, running.job.result)
    set_feedback(page, about_wave(page, running.wave, message), slot=_JOB_MESSAGES)


def draw_job(page: PageContext) -> None:
    """Draw the message of the last job, or the progress of the one that runs.

    The note takes one place of the page, whether it is there or not: it goes by itself, perhaps
    while somebody fills in a form below.
    """
    show_feedback(page, _JOB_MESSAGES)
    running: _WaveJob | None = st.session_state.get(_JOB)
    with st.container():
        if running is not None:
            _draw_job_progress(page, running)


@page_fragment(run_every=REFRESH_SECONDS)
def _draw_job_progress(page: PageContext, running: _WaveJob) -> None:
    if not running.job.running:
        if not is_dialog_open():
            st.rerun()
        # The page anew would close the dialog and lose what is typed in it.
        ended = page.t("It has ended. What came of it is shown when the dialog is closed.")
        st.info(about_wave(page, running.wave, ended), icon=":material/hourglass_bottom:")
        return
    text = page.t(
        "{work}: every figure is computed, and it is checked that nothing hidden can be worked out "
        "from what is published. This can take some minutes. You may leave this page; it goes on.",
        work=page.t(running.job.name),
    )
    st.info(about_wave(page, running.wave, text), icon=":material/hourglass_top:")
    job = running.job
    if not job.total:
        return
    done = page.t("This step: part {done} of {total}", done=job.done, total=job.total)
    st.progress(min(job.share, 1.0), text=page.t("Cancelling …") if job.cancelled else done)
    if st.button(page.t("Cancel"), key="plan-job-cancel", disabled=job.cancelled):
        job.cancel()
        st.rerun(scope="fragment")
