"""Long work beside the page: in a thread of its own, watched and cancelled from the screen."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from survey.fieldwork.importing.findings import ImportCancelled
from survey.fieldwork.importing.plan import Tick
from survey.locale import Message, SurveyError, msg
from survey.observe.metrics import FAILURES
from survey.observe.request import current_number, new_number, numbered

_LOG = logging.getLogger(__name__)
_Made = TypeVar("_Made")


@dataclass
class Job(Generic[_Made]):
    """One piece of work; the thread writes `done`, `made` and `problem`, the page reads them."""

    name: Message
    done: int = 0
    total: int = 0
    made: _Made | None = None
    problem: Message | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked it to stop; what was past stopping may be done all the same."""
        return self._cancelled.is_set()

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def cancel(self) -> None:
        """Stop at the next row; whatever was begun is rolled back."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within this time."""
        return self._ended.wait(seconds)

    def start(self, act: Callable[[Tick], _Made]) -> None:
        threading.Thread(target=self._run, args=(act,), daemon=True).start()

    def _run(self, act: Callable[[Tick], _Made]) -> None:
        with numbered(new_number()):
            self._act(act)

    def _act(self, act: Callable[[Tick], _Made]) -> None:
        try:
            self.made = act(self._tick)
        except SurveyError as error:
            self.problem = error.message
        except Exception:
            FAILURES.labels("work").inc()
            _LOG.exception("work beside a page failed")
            self.problem = msg(
                "Something went wrong on our side, and nothing was written. Tell the "
                "administrator this number: {number}",
                number=current_number(),
            )
        finally:
            self._ended.set()

    def _tick(self, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise ImportCancelled
        self.done, self.total = done, total
