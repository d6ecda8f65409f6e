"""Engine of a cluster: workers of Apache Spark run our own functions on the parts."""

import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

from survey.compute.part_files import EngineError
from survey.compute.spark_connection import (
    SparkConnection,
    find_innermost_reason,
    require_master,
    require_spark,
)
from survey.compute.spark_task import build_task, read_answer
from survey.compute.worker import Environment, describe_environment
from survey.locale import msg

AHEAD = 1
"""Parts for each core beyond the one it works on, so that none is idle."""
_MAX_JOBS = 512
_LOOK_SECONDS = 2.0
_RAISED = re.compile(r"^(\w+(?:Error|Exception)): (.*)$", re.MULTILINE)
"""The last line of a traceback of Python within what Java wrote."""
_LOST = re.compile(r"ExecutorLostFailure .*?Reason:(.*?)(?:Driver stacktrace|\Z)", re.DOTALL)
"""Why the worker was lost that was the last to work on a part."""


class SparkEngine:
    """Engine that maps each part as one job of Apache Spark.

    Spark repeats what a lost worker was doing. Results come in the order of the parts, a few of
    them at a time, so that the driver holds no more than those on their way.
    """

    def __init__(self, master: str, python: str = "", start_seconds: float = 120) -> None:
        self.master, self.start_seconds = master, start_seconds
        self.python = python or os.environ.get("PYSPARK_PYTHON", sys.executable)
        self._connection: SparkConnection | None = None
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def map(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Yield what `function` returns for each part, in the order of the parts.

        Raises:
            EngineError: Spark cannot be started, a worker lacks something, or all are gone.
        """
        if self._connection is None:
            self.wait_for_worker()
        group = str(uuid4())
        waiting: deque[Future[Any]] = deque()
        try:
            for part in parts:
                waiting.append(self._submit(group, function, part))
                if len(waiting) >= self._ask_java(_count_cores) * (1 + AHEAD):
                    yield self._wait_for_result(waiting.popleft())
            while waiting:
                yield self._wait_for_result(waiting.popleft())
        finally:
            if waiting:
                for future in waiting:
                    future.cancel()
                with suppress(EngineError):
                    self._ask_java(lambda context: context.cancelJobGroup(group))

    def require_master(self) -> None:
        """Raise an error unless Spark and Java are installed and the master's port answers.

        Raises:
            EngineError: one of them does not.
        """
        require_spark()
        require_master(self.master)

    def wait_for_worker(self) -> Environment:
        """Start Spark if needed, and return the package versions of the first worker to answer.

        Raises:
            EngineError: Spark cannot be started, the worker lacks something, or none answers.
        """
        if self._connection is None:
            self._connection = SparkConnection(self.master, self.start_seconds)
            self._threads = ThreadPoolExecutor(_MAX_JOBS, "spark-job")
        first = self._submit(str(uuid4()), _describe_worker, None)
        if not wait([first], self.start_seconds).done:
            raise self._build_no_worker_error()
        found: Environment = first.result()
        return found

    def _submit(self, group: str, function: Callable[[Any], Any], part: Any) -> Future[Any]:
        from pyspark import cloudpickle

        assert self._connection is not None
        assert self._threads is not None
        # Pickled here and now: the caller may change or drop the part once it was handed over.
        payload = cloudpickle.dumps((function, part))
        return self._threads.submit(self._run_job, self._connection.context, group, payload)

    def _run_job(self, context: Any, group: str, payload: bytes) -> Any:
        """Run the pickled `payload` as a Spark job of group `group`; return its result."""
        from py4j.protocol import Py4JError, Py4JJavaError

        context.pythonExec = self.python
        context.setJobGroup(group, "part of a wave", interruptOnCancel=True)
        try:
            (answer,) = context.runJob(context.parallelize([payload], 1), build_task())
        except (Py4JError, OSError, EOFError) as error:
            if not isinstance(error, Py4JJavaError) and self._connection is not None:
                self._connection.require_java()
            raise self._explain_failure(str(error)) from error
        return read_answer(answer)

    def _wait_for_result(self, future: Future[Any]) -> Any:
        """Wait for a job and return its result; raise if all workers stay away too long."""
        alone_since = None
        while not wait([future], _LOOK_SECONDS).done:
            if not self._has_no_workers():
                alone_since = None
            elif alone_since is None:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > self.start_seconds:
                raise EngineError(
                    msg(
                        "All workers of Spark's master {master} are gone, and none came back "
                        "within {seconds} seconds.",
                        master=self.master,
                        seconds=round(self.start_seconds),
                    )
                )
        return future.result()

    def _ask_java(self, question: Callable[[Any], Any]) -> Any:
        """Return `question(context)` of the Spark context; raise an error if Java has ended."""
        from py4j.protocol import Py4JError

        assert self._connection is not None
        try:
            return question(self._connection.context)
        except (Py4JError, OSError):
            self._connection.require_java()
            raise

    def _has_no_workers(self) -> bool:
        if self.master.startswith("local"):
            return False
        # The driver counts as one of them.
        return bool(self._ask_java(_count_executors) < 2)

    def _build_no_worker_error(self) -> EngineError:
        seconds = round(self.start_seconds)
        if self.master.startswith("k8s:"):
            return EngineError(
                msg(
                    "Kubernetes ({master}) started no worker of Spark within {seconds} seconds. Is "
                    "the image there, and do nodes have cores and memory free? This shows more: "
                    "kubectl describe pods -l spark-role=executor",
                    master=self.master,
                    seconds=seconds,
                )
            )
        return EngineError(
            msg(
                "Spark's master {master} answers, but no worker did within {seconds} "
                "seconds. Are there workers, with cores and memory free?",
                master=self.master,
                seconds=seconds,
            )
        )

    def _explain_failure(self, reason: str) -> EngineError:
        """Return, not raise, the error for a failed job by Spark's text `reason`."""
        if "Cannot run program" in reason:
            return EngineError(
                msg(
                    "A worker of Spark has no interpreter {python}. Name the one that it has with "
                    "SURVEY_ENGINE_PYTHON.",
                    python=self.python,
                )
            )
        if "PYTHON_VERSION_MISMATCH" in reason:
            return EngineError(
                msg(
                    "The interpreter {python} of a worker is of another version than the one here "
                    "({own}). Name one of the same version with SURVEY_ENGINE_PYTHON.",
                    python=self.python,
                    own=dict(describe_environment())["Python"],
                )
            )
        lost = _LOST.search(reason)
        if lost is not None:
            return EngineError(
                msg(
                    "Workers of Spark ended again and again while they summed one part, most often "
                    "for lack of memory: {detail}",
                    detail=" ".join(lost[1].split()),
                )
            )
        found = _RAISED.search(reason)
        if found is not None and found[1] == "FileNotFoundError":
            return EngineError(
                msg(
                    "A worker of Spark does not find a part ({detail}). Parts have to lie where "
                    "every machine sees them: in a folder mounted at the same path, or in an "
                    "object store.",
                    detail=found[2],
                )
            )
        detail = found[0] if found is not None else find_innermost_reason(reason)
        detail = detail or (reason.strip() or "-").splitlines()[0]
        return EngineError(msg("A part could not be summed by Spark: {detail}", detail=detail))


def _count_cores(context: Any) -> int:
    return int(context.defaultParallelism)


def _count_executors(context: Any) -> int:
    return int(context._jsc.sc().getExecutorMemoryStatus().size())


def _describe_worker(_: None) -> Environment:
    return describe_environment()
