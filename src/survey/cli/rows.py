"""Whose export a found copy of rows comes from."""

import re
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import Format, FormatOption, print_table, reporting_errors
from survey.publish.rows import trace
from survey.settings import current_settings
from survey.store.engine import read_scope

_NAME = re.compile(r"\b[0-9a-f]{12}\b")
_COLUMNS = ("export", "account", "made_at", "purpose", "matched")


def trace_rows(
    copy: Annotated[Path, typer.Argument(help="A text file with some of the rows, as found.")],
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Find the exports whose rows or sampling points are named in a copy, most matches first."""
    with reporting_errors():
        names = set(_NAME.findall(copy.read_text(encoding="utf-8", errors="replace").lower()))
        with read_scope(current_settings().store_url) as session:
            found = trace(session=session, principal=OPERATOR, wave_key=wave, names=names)
        rows = [
            (str(one.export_id), one.account, f"{one.made_at:%Y-%m-%d %H:%M}", one.purpose,
             one.matched)
            for one in found
        ]  # fmt: skip
        print_table(_COLUMNS, rows, form)
