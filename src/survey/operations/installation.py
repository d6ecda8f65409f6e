"""All checks of an installation in their order; those of software and engine are here."""

import os
import platform
import sys
from dataclasses import replace

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.compute import LocalEngine, SparkEngine, open_engine, try_shared_folder
from survey.locale import DOMAINS, Message, catalog_file, msg
from survey.operations import Check, CheckResult, Findings, data_folder, database, exposure, named
from survey.settings import Settings

_TRIAL_SECONDS = 60.0
"""How long each of the two steps of a trial may take: reaching the master, and a worker."""
_TRIAL_PARTS = 16


@named(msg("Engine"))
def check_engine(settings: Settings) -> Findings:
    """Yield as a result whether the compute engine can run: locally, or on the cluster's master."""
    engine = open_engine(settings.engine)
    if isinstance(engine, LocalEngine):
        yield _check_local(engine)
        return
    assert isinstance(engine, SparkEngine)
    engine.require_master()
    yield True, msg("{engine} can be used; survey doctor tries its workers", engine=settings.engine)


def _check_local(engine: LocalEngine) -> tuple[bool, Message]:
    cores = os.cpu_count() or 1
    if engine.workers > cores:
        return False, msg(
            "{workers} worker processes on {cores} cores take more memory and no less time; set "
            "SURVEY_ENGINE to local:{cores}.",
            workers=engine.workers,
            cores=cores,
        )
    if engine.workers == 1:
        return True, msg("local: waves are summed by the process itself")
    return True, msg("local: waves are summed by {workers} processes", workers=engine.workers)


@named(msg("Files for the engine"))
def try_files(settings: Settings) -> Findings:
    """Yield the result of writing and reading the engine's shared folder; nothing without one."""
    if settings.engine_files:
        try_shared_folder(settings.engine_files)
        yield True, msg("SURVEY_ENGINE_FILES can be written and read")


@named(msg("Workers of the engine"))
def try_engine(settings: Settings) -> Findings:
    """Yield the result if the cluster's workers run and have versions as here; nothing if local.

    It starts Java and may wait for workers, so it is not for a page.
    """
    start_seconds = min(settings.engine_start_seconds, _TRIAL_SECONDS)
    engine = open_engine(
        settings.engine, python=settings.engine_python, start_seconds=start_seconds
    )
    if isinstance(engine, LocalEngine):
        return
    with engine:
        hosts = sorted(set(engine.map(_get_host_name, range(_TRIAL_PARTS))))
    detail = msg(
        "Python, packages and this software are the same as here on {hosts}", hosts=", ".join(hosts)
    )
    yield True, detail


def _get_host_name(_: int) -> str:
    return platform.node()


@named(msg("Python"))
def check_python(_settings: Settings) -> Findings:
    """Yield as a result whether the version of Python is a supported one."""
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield well, msg("{found} (3.11, 3.12 and 3.13 are supported)", found=version)


@named(msg("Screen texts"))
def check_catalogs(_settings: Settings) -> Findings:
    """Yield as a result whether the Chinese screen texts are compiled."""
    missing = [domain for domain in DOMAINS if not catalog_file(domain, "zh").exists()]
    detail = (
        msg("not compiled: {domains}; run: make setup", domains=", ".join(missing))
        if missing
        else msg("Chinese and English")
    )
    yield not missing, detail


CHECKS: tuple[Check, ...] = (
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

TRIALS: tuple[Check, ...] = (try_files, try_engine)
"""What takes too long for a page: it is tried by the command alone."""


_NOT_FOR_VISITORS = msg("What was found is shown to the people who run this server.")


def check_installation(
    settings: Settings, principal: Principal, *, with_trials: bool = False
) -> tuple[CheckResult, ...]:
    """Run all checks (`with_trials`: also of shared folder and cluster); return their results.

    Details name folders and addresses of the server: visitors of a demonstration, where anybody
    may be an administrator, read the states alone.
    """
    principal.require(Action.ADMINISTER)
    checks = (*CHECKS, *TRIALS) if with_trials else CHECKS
    results = (result for check in checks for result in check(settings))
    if principal.is_demo:
        return tuple(replace(result, detail=_NOT_FOR_VISITORS) for result in results)
    return tuple(results)
