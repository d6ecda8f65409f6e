"""What runs on a worker of Spark, and how its answer is read here."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any

from survey.compute.part_files import EngineError
from survey.compute.worker import Environment, describe_environment
from survey.locale import msg

Task = Callable[[Iterator[bytes]], Iterator[bytes]]


def build_task() -> Task:
    """Return the function that Spark's workers run, which applies pickled functions to parts.

    It is a closure on purpose: Spark then ships its code, so that a worker without this package
    can still say that it lacks it.
    """
    expected = describe_environment()

    def run(payloads: Iterator[bytes]) -> Iterator[bytes]:
        import pickle
        import platform
        import sys

        worker = f"{platform.node()} ({sys.executable})"
        try:
            from survey.compute.worker import describe_environment

            found = describe_environment()
            if found != expected:
                yield pickle.dumps(("differs", (worker, found)))
                return
            for payload in payloads:
                function, part = pickle.loads(payload)
                yield pickle.dumps(("result", function(part)), protocol=5)
        except ModuleNotFoundError as error:
            yield pickle.dumps(("missing", (worker, error.name)))
        except (OSError, MemoryError):
            # Another try, perhaps on another machine, may find the file or the memory.
            raise
        except Exception as error:
            answer = pickle.dumps(("error", error))
            pickle.loads(answer)
            yield answer

    return run


def read_answer(answer: bytes) -> Any:
    """Return the result in a Spark worker's pickled answer, or raise the error in it.

    Raises:
        EngineError: the worker lacks a package, or has another version of one.
    """
    kind, content = pickle.loads(answer)
    if kind == "result":
        return content
    if kind == "missing":
        worker, module = content
        raise EngineError(
            msg(
                "The worker {worker} has no package {module}. Workers need the environment of this "
                "machine; install it there, or name another interpreter with SURVEY_ENGINE_PYTHON.",
                worker=worker,
                module=module,
            )
        )
    if kind == "differs":
        raise _build_difference_error(*content)
    raise content


def _build_difference_error(worker: str, found: Environment) -> EngineError:
    """Return the error that names the first of a worker's versions `found` to differ from here."""
    own, theirs = dict(describe_environment()), dict(found)
    name = next(name for name in (*own, *theirs) if own.get(name) != theirs.get(name))
    return EngineError(
        msg(
            "The worker {worker} has {name} {theirs}, this machine {own}: the figures could "
            "differ. Install the same environment on both.",
            worker=worker,
            name=name,
            theirs=theirs.get(name, "-"),
            own=own.get(name, "-"),
        )
    )
