"""Command that checks everything the platform needs."""

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import FormatOption, OutputFormat, print_table
from survey.health.installation import check_installation
from survey.locale import translator
from survey.settings import current_settings


def doctor(form: FormatOption = OutputFormat.TABLE) -> None:
    """Check store, clock, disk, snapshots, engine, backups, keys and addresses; say what to do.

    Exit code 0 when all is well, 1 when something needs attention.
    """
    settings = current_settings()
    t = translator(settings.language)
    findings = check_installation(settings, OPERATOR, with_trials=True)
    rows = [
        (t("OK") if finding.passed else t("ATTENTION"), t(finding.name), t(finding.detail))
        for finding in findings
    ]
    print_table((t("state"), t("checked"), t("finding")), rows, form)
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)
