"""Choice of the engine by its name."""

import re
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from survey.compute.local import LocalEngine
from survey.locale import SurveyError, msg

_LOCAL = re.compile(r"local(?::([1-9][0-9]?))?")


class Engine(Protocol):
    """Applies a function to every part of a wave, somewhere, and gives back small arrays."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def map(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Yield what `function` returns for each part, in the order of the parts."""
        ...


class EngineUnknownError(SurveyError):
    """Raised for the name of an engine that there is not."""

    code = "engine_unknown"


def open_engine(name: str = "local") -> Engine:
    """Return the engine `local` (this process) or `local:N` (N worker processes).

    Raises:
        EngineUnknownError: another name.
    """
    found = _LOCAL.fullmatch(name.strip())
    if found is None:
        raise EngineUnknownError(
            msg(
                "There is no engine {name}. Choose local, or local:N for N worker processes.",
                name=name,
            )
        )
    return LocalEngine(int(found.group(1) or 1))
