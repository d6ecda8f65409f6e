"""Choice of the engine by its name."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, Self

from survey.compute.local import LocalEngine
from survey.compute.spark import SparkEngine
from survey.locale import NotFoundError, msg
from survey.settings import ENGINE_NAME

_LOCAL = re.compile(r"local(?::([0-9]+))?")
_SPARK_HERE = "spark+"
"""Prefix of Spark's own `local[N]`, which would be taken for our `local`."""


class Engine(Protocol):
    """Protocol of an engine, which applies a function to every part of a wave, here or remotely."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def map(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Yield what `function` returns for each part, in the order of the parts."""
        ...


def open_engine(name: str = "local", *, python: str = "", start_seconds: float = 120) -> Engine:
    """Return the engine `name` (local, Spark), not started; `python` is that of Spark's workers.

    Args:
        name: `local` (this process), `local:N` (N worker processes), or a Spark master:
            `spark://host:port`, `yarn`, `k8s://https://host:port`, or `spark+local[N]`, which is
            Spark on this machine.
        python: interpreter of Spark's workers; empty: `PYSPARK_PYTHON`, else the path of this one.
        start_seconds: how long Spark may take until the first worker answers.

    Raises:
        NotFoundError: another name.
    """
    name = name.strip()
    if re.fullmatch(ENGINE_NAME, name) is None:
        raise NotFoundError(
            "engine_unknown",
            msg(
                "There is no engine {name}. Choose local, local:N for N worker processes, or a "
                "Spark master: spark://host:port, yarn, k8s://https://host:port, spark+local[N].",
                name=name,
            ),
        )
    found = _LOCAL.fullmatch(name)
    if found is not None:
        return LocalEngine(int(found.group(1) or 1))
    return SparkEngine(name.removeprefix(_SPARK_HERE), python, start_seconds)
