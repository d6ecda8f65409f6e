"""Command that checks everything the platform needs."""

from collections.abc import Callable, Iterator

import typer

from survey.cli import checks
from survey.cli.checks import CheckResult, data_folder, database, exposure
from survey.cli.output import FormatOption, OutputFormat, print_table
from survey.locale import translator
from survey.settings import Settings, current_settings

CHECKS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (
    checks.check_python,
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
    checks.check_catalogs,
    checks.check_fonts,
)
"""Checks in the order in which they are printed."""


def doctor(form: FormatOption = OutputFormat.TABLE) -> None:
    """Check store, clock, disk, snapshots, backups, keys and addresses; say what to do.

    Exit code 0 when all is well, 1 when something needs attention.
    """
    settings = current_settings()
    t = translator(settings.language)
    findings = [finding for examine in CHECKS for finding in examine(settings)]
    rows = [
        (t("OK") if finding.passed else t("ATTENTION"), t(finding.name), t(finding.detail))
        for finding in findings
    ]
    print_table((t("state"), t("checked"), t("finding")), rows, form)
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)
