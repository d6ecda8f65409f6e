"""Background jobs: threads whose progress a page shows and may cancel."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import streamlit as st

from survey.collection.importing.import_plan import ProgressCallback
from survey.collection.importing.rejections import ImportCancelledError
from survey.kit.feedback import set_problem
from survey.kit.page_runner import PageContext, page_fragment
from survey.locale import Message, SurveyError, Translator, msg
from survey.observe.logs import current_request_id, new_request_id, request_id_scope
from survey.observe.metrics import FAILURES

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass
class BackgroundJob(Generic[_Result]):
    """Work in a thread; the page reads its progress `done`, its `result` and its `problem`."""

    name: Message
    done: int = 0
    total: int = 0
    result: _Result | None = None
    problem: Message | None = None
    about: Any = None
    """What the page that keeps the job has to know of its result."""
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether a cancellation was requested; the job may have completed all the same."""
        return self._cancelled.is_set()

    @property
    def share(self) -> float:
        """Share of the work that is done so far, from 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def cancel(self) -> None:
        """Request the job to stop at the next row; its transaction is rolled back."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for the job to end; return whether it has ended."""
        return self._ended.wait(seconds)

    def start(self, act: Callable[[ProgressCallback], _Result]) -> None:
        threading.Thread(target=self._run, args=(act,), daemon=True).start()

    def _run(self, act: Callable[[ProgressCallback], _Result]) -> None:
        with request_id_scope(new_request_id()):
            try:
                self.result = act(self._tick)
            except SurveyError as error:
                self.problem = error.message
            except Exception:
                FAILURES.labels("work").inc()
                _LOG.exception("work beside a page failed")
                self.problem = msg(
                    "Something went wrong on our side, and nothing was written. Tell the "
                    "administrator this number: {number}",
                    number=current_request_id(),
                )
            finally:
                self._ended.set()

    def _tick(self, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise ImportCancelledError
        self.done, self.total = done, total


REFRESH_SECONDS = 1.0


@page_fragment(run_every=REFRESH_SECONDS)
def draw_job_progress(
    page: PageContext,
    job: BackgroundJob[Any],
    describe: Callable[[BackgroundJob[Any]], str],
    *,
    key: str,
) -> None:
    """Draw a job's progress, worded by `describe`, and a button to cancel it; rerun at its end."""
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
    """Return the text of a progress bar: `describe(job)`, or that the job is being cancelled."""
    if job.cancelled:
        return t("Cancelling …")
    return describe(job) if job.total else t(job.name)


def take_finished_job(
    page: PageContext, key: str, *, slot: str, cancelled: str
) -> tuple[Any, Any] | None:
    """Take an ended job from the session; return (`about`, result), or None and say why in `slot`.

    Without a result the message why is kept.
    """
    t = page.t
    job: BackgroundJob[Any] | None = st.session_state.get(key)
    if job is None or job.running:
        return None
    del st.session_state[key]
    if job.result is not None:
        return job.about, job.result
    if job.cancelled:
        set_problem(page, cancelled, slot=slot)
    else:
        set_problem(page, t(job.problem) if job.problem else t("No file was made."), slot=slot)
    return None
