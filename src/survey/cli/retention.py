"""Command that deletes data by schedule, as the running platform does once a day."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.fieldwork.retention import build_retention_rules, count_due_rows, delete_expired
from survey.locale import translator
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction

app = typer.Typer(help="Retention: what is deleted by schedule (docs/privacy.md).")


@app.callback()
def _group() -> None:
    """A group of commands, although there is one."""


@app.command()
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, delete nothing.")] = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Delete by schedule and print how much; the periods are SURVEY_KEEP_… settings."""
    settings, at = current_settings(), datetime.now(UTC)
    t = translator(settings.language)
    with error_reporting():
        if dry_run:
            with read_scope(settings.store_url) as session:
                met = count_due_rows(session=session, settings=settings, at=at)
        else:
            met = run_in_transaction(
                settings.store_url,
                lambda session: delete_expired(session=session, settings=settings, at=at),
            )
        every = build_retention_rules(settings, at)
        rows = [(key, t(rule.name), rule.days, met[key]) for key, rule in every.items()]
        print_table(("rule", t("what"), t("days"), t("rows")), rows, form)
        if dry_run:
            print_note("Nothing was deleted.")
