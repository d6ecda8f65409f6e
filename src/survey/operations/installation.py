"""All checks of an installation in their order; those of software and engine are here."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.compute import (
    EngineError,
    FilesUnavailableError,
    LocalEngine,
    SparkEngine,
    open_engine,
    try_shared_folder,
)
from survey.locale import DOMAINS, msg
from survey.locale import catalog_file as catalog
from survey.operations import CheckResult, data_folder, database, exposure
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


def check_python(_settings: Settings) -> Iterator[CheckResult]:
    """Check the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield CheckResult(
        msg("Python"), well, msg("{found} (3.11, 3.12 and 3.13 are supported)", found=version)
    )


def check_catalogs(_settings: Settings) -> Iterator[CheckResult]:
    """Check that the Chinese texts are compiled."""
    missing = [domain for domain in DOMAINS if not catalog(domain, "zh").exists()]
    detail = (
        msg("not compiled: {domains}; run: make setup", domains=", ".join(missing))
        if missing
        else msg("Chinese and English")
    )
    yield CheckResult(msg("Screen texts"), not missing, detail)


CHECKS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (
    check_python,
    database.check_schema,
    database.check_connections,
    database.check_read_replica,
    database.check_clock,
    data_folder.check_data_folder,
    data_folder.check_rights,
    data_folder.check_disk_space,
    data_folder.check_snapshots,
    data_folder.check_unfinished_work,
    data_folder.check_whole_audits,
    data_folder.check_mended_reports,
    check_engine,
    database.check_second_factors,
    database.check_backups,
    exposure.check_public_address,
    exposure.check_keys,
    exposure.check_signing_key,
    exposure.check_demo,
    exposure.check_row_files,
    check_catalogs,
)
"""Checks in the order in which they are listed."""

TRIALS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (try_engine,)
"""What takes too long for a page: it is tried by the command alone."""


_NOT_FOR_VISITORS = msg("What was found is shown to the people who run this server.")


def check_installation(
    settings: Settings, principal: Principal, *, with_trials: bool = False
) -> tuple[CheckResult, ...]:
    """Return the result of every check, and of every trial where they are wanted.

    Details name folders and addresses of the server: visitors of a demonstration, where anybody
    may be an administrator, read the states alone.
    """
    principal.require(Action.ADMINISTER)
    checks = (*CHECKS, *TRIALS) if with_trials else CHECKS
    results = (result for check in checks for result in check(settings))
    if principal.is_demo:
        return tuple(replace(result, detail=_NOT_FOR_VISITORS) for result in results)
    return tuple(results)
