"""Entry point of the command `survey`, which imports each command only when it is called."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from survey.cli.commands import COMMANDS
from survey.cli.options import choose_store


class LazyCommandGroup(TyperGroup):
    """Command group that imports a command when it is called, so that `serve` starts fast."""

    _writes_help = False

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._writes_help = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._writes_help = False

    def get_command(self, _ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        if self._writes_help:
            return TyperCommand(name, help=COMMANDS[name].summary)
        module, _, attribute = COMMANDS[name].target.partition(":")
        with _without_collections():
            target = getattr(import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            app = typer.Typer(add_completion=False, context_settings=_SETTINGS)
            app.command()(target)
            target = app
        command = typer.main.get_command(target)
        command.name = name
        return command


@contextmanager
def _without_collections() -> Iterator[None]:
    """Switch garbage collection off in the block; afterwards exempt all objects made so far.

    Modules stay until the end; to look through their objects again and again was a seventh of the
    start of a command.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


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
    """Run the command that the process's arguments name."""
    app()
