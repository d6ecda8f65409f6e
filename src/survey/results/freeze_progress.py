"""Progress of a freeze, part by part, and its cancellation."""

from collections.abc import Callable, Iterable, Iterator, Sized
from enum import StrEnum
from typing import Any

from survey.locale import Message, SurveyError, msg
from survey.results.wave_parts import MapParts


class FreezeStage(StrEnum):
    """Stage of a freeze."""

    READING = "reading"
    """The responses are read from the store and written to files."""
    COMPUTING = "computing"
    """All parts are looked at, some times over."""


STAGE_NAMES: dict[FreezeStage, Message] = {
    FreezeStage.READING: msg("reading the interviews, part {done} of {total}"),
    FreezeStage.COMPUTING: msg("computing the figures, part {done} of {total}"),
}

FreezeTick = Callable[[FreezeStage, int, int], None]
"""Told the stage, the parts that are done and all of them; stops the freeze by an error."""


class FreezeCancelledError(SurveyError):
    """Raised when a freeze was cancelled while it ran; nothing was written."""

    code = "freeze_cancelled"

    def __init__(self) -> None:
        super().__init__(msg("The freeze was cancelled. Nothing was written."))


def ignore_progress(_stage: FreezeStage, _done: int, _total: int) -> None:
    """Ignore the progress."""


def report_parts(run: MapParts, tick: FreezeTick, parts: int) -> MapParts:
    """Return a mapping that reports each item that is done.

    Args:
        parts: number of the items where they have no length.
    """

    def mapped(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        total = len(items) if isinstance(items, Sized) else parts
        tick(FreezeStage.COMPUTING, 0, total)
        for done, result in enumerate(run(function, items), start=1):
            yield result
            tick(FreezeStage.COMPUTING, done, total)

    return mapped
