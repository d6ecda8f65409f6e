"""All commands under one roof; each module holds the commands of one task."""

import typer

from survey.cli import doctor, form, quality, results, run, waves
from survey.cli.options import choose_store

app = typer.Typer(
    name="survey",
    help="The Hundred Cities Survey: questionnaires, fieldwork, estimates, dashboards. "
    "Exit codes: 0 done, 1 refused or not possible (the message says why), 2 wrong usage.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(choose_store)
app.command()(run.init)
app.command()(run.demo)
app.command()(run.serve)
app.command()(doctor.doctor)
app.add_typer(form.app, name="form")
app.command(name="import")(waves.import_answers)
app.command()(waves.freeze)
app.command()(waves.recompute)
app.command()(waves.one_person_review)
app.command()(results.estimate)
app.command()(quality.quality)
app.command()(quality.quality_new)


def main() -> None:
    """Entry point of the console script."""
    app()
