"""Background jobs: threads whose progress a page shows and may cancel."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from survey.fieldwork.importing.import_plan import ProgressCallback
from survey.fieldwork.importing.rejections import ImportCancelledError
from survey.locale import Message, SurveyError, msg
from survey.observe.logs import current_request_id, new_request_id, request_id_scope
from survey.observe.metrics import FAILURES

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass
class BackgroundJob(Generic[_Result]):
    """Job in a thread, which writes `done`, `result` and `problem`; the page reads them."""

    name: Message
    done: int = 0
    total: int = 0
    result: _Result | None = None
    problem: Message | None = None
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
        """Share of the work that is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def cancel(self) -> None:
        """Request the job to stop at the next row; its transaction is rolled back."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the job ends and return whether it did within this time."""
        return self._ended.wait(seconds)

    def start(self, act: Callable[[ProgressCallback], _Result]) -> None:
        threading.Thread(target=self._run, args=(act,), daemon=True).start()

    def _run(self, act: Callable[[ProgressCallback], _Result]) -> None:
        with request_id_scope(new_request_id()):
            self._act(act)

    def _act(self, act: Callable[[ProgressCallback], _Result]) -> None:
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
