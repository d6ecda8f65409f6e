"""Delete what has been kept long enough, as the running platform does once a day."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.cli.output import Format, FormatOption, print_table, reporting_errors, say
from survey.fieldwork.privacy.retention import clean_up, due_now, rules
from survey.locale import translator
from survey.settings import current_settings
from survey.store.engine import read_scope, session_scope

app = typer.Typer(help="Retention: what is deleted by schedule (docs/privacy.md).")


@app.callback()
def _group() -> None:
    """A group of commands, although there is one."""


@app.command()
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, delete nothing.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Delete by schedule and print how much; the periods are SURVEY_KEEP_… settings."""
    settings, at = current_settings(), datetime.now(UTC)
    t = translator(settings.language)
    with reporting_errors():
        if dry_run:
            with read_scope(settings.store_url) as session:
                met = due_now(session=session, settings=settings, at=at)
        else:
            with session_scope(settings.store_url) as session:
                met = clean_up(session=session, settings=settings, at=at)
        every = rules(settings, at)
        rows = [(key, t(rule.name), rule.days, met[key]) for key, rule in every.items()]
        print_table(("rule", t("what"), t("days"), t("rows")), rows, form)
        if dry_run:
            say("Nothing was deleted.")
