"""Checks of the engine that sums the parts of a wave."""

import os
import platform
from collections.abc import Iterator

from survey.compute import (
    EngineError,
    FilesUnavailableError,
    LocalEngine,
    SparkEngine,
    open_engine,
    try_shared_folder,
)
from survey.health.check_result import CheckResult
from survey.locale import msg
from survey.settings import Settings

_NAME = msg("Engine")
_TRIAL_SECONDS = 60.0
"""How long each of the two steps of a trial may take: reaching the master, and a worker."""
_TRIAL_PARTS = 16


def check_engine(settings: Settings) -> Iterator[CheckResult]:
    """Check what the engine needs on this machine, and that the port of its master answers."""
    engine = open_engine(settings.engine)
    if isinstance(engine, LocalEngine):
        yield _check_local(engine)
        return
    assert isinstance(engine, SparkEngine)
    try:
        engine.require_master()
    except EngineError as error:
        yield CheckResult(_NAME, False, error.message)
        return
    detail = msg("{engine} can be used; survey doctor tries its workers", engine=settings.engine)
    yield CheckResult(_NAME, True, detail)


def _check_local(engine: LocalEngine) -> CheckResult:
    cores = os.cpu_count() or 1
    if engine.workers > cores:
        detail = msg(
            "{workers} worker processes on {cores} cores take more memory and no less time; set "
            "SURVEY_ENGINE to local:{cores}.",
            workers=engine.workers,
            cores=cores,
        )
        return CheckResult(_NAME, False, detail)
    if engine.workers == 1:
        return CheckResult(_NAME, True, msg("local: waves are summed by the process itself"))
    detail = msg("local: waves are summed by {workers} processes", workers=engine.workers)
    return CheckResult(_NAME, True, detail)


def try_engine(settings: Settings) -> Iterator[CheckResult]:
    """Let the workers of a cluster compare their versions with those here; silent for local.

    Also write to the folder for their files, where one is named. It starts Java and may wait for
    workers, so it is not for a page.
    """
    start_seconds = min(settings.engine_start_seconds, _TRIAL_SECONDS)
    engine = open_engine(
        settings.engine, python=settings.engine_python, start_seconds=start_seconds
    )
    if settings.engine_files:
        yield _try_files(settings.engine_files)
    if isinstance(engine, LocalEngine):
        return
    name = msg("Workers of the engine")
    try:
        with engine:
            hosts = sorted(set(engine.map(_get_host_name, range(_TRIAL_PARTS))))
    except EngineError as error:
        yield CheckResult(name, False, error.message)
    else:
        detail = msg(
            "Python, packages and this software are the same as here on {hosts}",
            hosts=", ".join(hosts),
        )
        yield CheckResult(name, True, detail)


def _try_files(location: str) -> CheckResult:
    name = msg("Files for the engine")
    try:
        try_shared_folder(location)
    except FilesUnavailableError as error:
        return CheckResult(name, False, error.message)
    return CheckResult(name, True, msg("SURVEY_ENGINE_FILES can be written and read"))


def _get_host_name(_: int) -> str:
    return platform.node()
