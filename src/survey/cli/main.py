"""The command `survey`: one module per group of commands."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup

from survey.cli.options import choose_store

COMMANDS = MappingProxyType(
    {
        "init": "survey.cli.store_setup:init",
        "demo": "survey.cli.serve:demo",
        "serve": "survey.cli.serve:serve",
        "doctor": "survey.cli.doctor:doctor",
        "form": "survey.cli.form:app",
        "import": "survey.cli.import_answers:import_answers",
        "freeze": "survey.cli.wave:freeze",
        "recompute": "survey.cli.wave:recompute",
        "wave": "survey.cli.wave_answers:app",
        "disclosure": "survey.cli.disclosure:app",
        "quota": "survey.cli.wave:quota",
        "estimate": "survey.cli.estimate:estimate",
        "quality": "survey.cli.quality:quality",
        "quality-new": "survey.cli.quality:quality_new",
        "one-person-review": "survey.cli.wave:one_person_review",
        "audit": "survey.cli.audit:app",
        "release": "survey.cli.release:app",
        "verify": "survey.cli.verify:verify",
        "reproduce": "survey.cli.verify:reproduce",
        "user": "survey.cli.user:app",
        "export": "survey.cli.export:app",
        "report": "survey.cli.report:app",
        "api-key": "survey.cli.api_key:app",
        "rows": "survey.cli.trace_rows:app",
        "trace-rows": "survey.cli.trace_rows:trace_rows",
        "backup": "survey.cli.backup:backup",
        "restore": "survey.cli.backup:restore",
        "keys": "survey.cli.personal_data:keys",
        "retention": "survey.cli.personal_data:retention",
    }
)
"""Module of each command or group of commands, in the order of the help."""


class LazyCommandGroup(TyperGroup):
    """Command group that imports a command when it is called, so that `serve` starts fast."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        with _without_collections():
            target = getattr(import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            target = _single_command_app(target)
        command = typer.main.get_command(target)
        command.name = name
        return command


@contextmanager
def _without_collections() -> Iterator[None]:
    """Import without looking for garbage, and leave what was imported alone ever after.

    Modules stay until the end; to look through their objects again and again was a seventh of the
    start of a command.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _single_command_app(function: object) -> typer.Typer:
    app = typer.Typer(add_completion=False, context_settings=_SETTINGS)
    app.command()(function)  # type: ignore[type-var]
    return app


_SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="survey",
    cls=LazyCommandGroup,
    help="The Hundred Cities Survey: questionnaires, fieldwork, estimates, dashboards. "
    "Exit codes: 0 done, 1 refused or not possible (the message says why), 2 wrong usage.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings=_SETTINGS,
)
app.callback()(choose_store)


def main() -> None:
    """Entry point of the console script."""
    app()
