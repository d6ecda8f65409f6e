"""All checks of an installation in their order, for the command line and for administrators."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.health import data_folder, database, engine, exposure, software
from survey.health.check_result import CheckResult
from survey.locale import msg
from survey.settings import Settings

CHECKS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (
    software.check_python,
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
    engine.check_engine,
    database.check_second_factors,
    database.check_backups,
    exposure.check_public_address,
    exposure.check_keys,
    exposure.check_signing_key,
    exposure.check_demo,
    exposure.check_row_files,
    software.check_catalogs,
)
"""Checks in the order in which they are listed."""

TRIALS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (engine.try_engine,)
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
