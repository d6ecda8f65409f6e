"""What `survey doctor` looks at, one module a part of the world."""

from collections.abc import Callable, Iterator

from survey.cli.checks import data_folder, database, environment, exposure
from survey.cli.checks.check_result import CheckResult
from survey.settings import Settings

CHECKS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (
    environment.check_python,
    database.check_schema,
    database.check_connections,
    database.check_clock,
    data_folder.check_data_folder,
    data_folder.check_rights,
    data_folder.check_disk_space,
    data_folder.check_snapshots,
    database.check_second_factors,
    database.check_backups,
    exposure.check_public_address,
    exposure.check_keys,
    exposure.check_demo,
    environment.check_catalogs,
    environment.check_fonts,
)
"""In the order in which they are told."""

__all__ = ["CHECKS", "CheckResult"]
