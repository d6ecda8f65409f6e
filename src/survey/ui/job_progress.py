"""Progress of a job beside the page, with a way out, and its result once it has ended."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from survey.locale import Translator
from survey.ui.background_job import BackgroundJob
from survey.ui.feedback import set_problem
from survey.ui.page_runner import PageContext, page_fragment

REFRESH_SECONDS = 1.0
_Result = TypeVar("_Result")


@page_fragment(run_every=REFRESH_SECONDS)
def draw_job_progress(
    page: PageContext,
    job: BackgroundJob[Any],
    describe: Callable[[BackgroundJob[Any]], str],
    *,
    key: str,
) -> None:
    """Draw how far a job is and a button that cancels it; the page runs anew when it has ended."""
    t = page.t
    if not job.running:
        st.rerun()
    st.progress(min(job.share, 1.0), text=progress_text(t, job, describe))
    if st.button(t("Cancel"), key=key, disabled=job.cancelled):
        job.cancel()
        st.rerun(scope="fragment")


def progress_text(
    t: Translator, job: BackgroundJob[Any], describe: Callable[[BackgroundJob[Any]], str]
) -> str:
    """Return how far a job is; a cancelled one may take a while to notice, and the text says so."""
    if job.cancelled:
        return t("Cancelling …")
    return describe(job) if job.total else t(job.name)


def take_result(
    page: PageContext, job: BackgroundJob[_Result], *, slot: str, cancelled: str
) -> _Result | None:
    """Return the result of a job that has ended; without one keep the message why."""
    t = page.t
    if job.result is not None:
        return job.result
    if job.cancelled:
        set_problem(page, cancelled, slot=slot)
    else:
        set_problem(page, t(job.problem) if job.problem else t("No file was made."), slot=slot)
    return None
