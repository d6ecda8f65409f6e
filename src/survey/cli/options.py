"""Options that several commands share, and helpers that read their values."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from survey.settings import Settings, current_settings

WaveOption = Annotated[str, typer.Option(help="Key of a frozen wave, for example main-2024.")]


def choose_store(
    database_url: Annotated[
        str | None,
        typer.Option(
            help="Store to use, for example sqlite:///survey.db or postgresql://user@host/name. "
            "Default: SURVEY_DATABASE_URL, else SQLite in the data folder."
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for snapshots and the embedded database. Default: var/"),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of messages: zh (default) or en.")
    ] = None,
) -> None:
    """Apply the options before the subcommand, which hold for every subcommand."""
    chosen = {
        "SURVEY_DATABASE_URL": database_url,
        "SURVEY_DATA_DIR": str(data_dir.resolve()) if data_dir else None,
        "SURVEY_LANGUAGE": language,
    }
    set_environment({name: value for name, value in chosen.items() if value is not None})


def set_environment(environment: dict[str, str]) -> Settings:
    """Set environment variables for this process, and return the settings read from them anew."""
    os.environ.update(environment)
    current_settings.cache_clear()
    return current_settings()


def read_bytes(path: Path, most: int = -1) -> bytes:
    """Return a file's content or its first `most` bytes; raise `BadParameter` if unreadable."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error


def read_suffix(path: Path, known: Iterable[str], option: str) -> str:
    """Return a file name's suffix without dot; raise `BadParameter` on `option` unless `known`."""
    ending = path.suffix.removeprefix(".").lower()
    if ending not in set(known):
        endings = ", ".join(f".{each}" for each in known)
        raise typer.BadParameter(f"the file name has to end in one of {endings}", param_hint=option)
    return ending
