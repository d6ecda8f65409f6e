"""Run `survey …` in the process, in English, on a data folder of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from survey.cli.main import app
from survey.settings import current_settings
from survey.store.engine import dispose_engines


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """`survey("form", "list")` returns the result with exit_code, stdout and output."""
    # Set first, then removed: what a command writes into the environment is undone as well.
    for name in ("SURVEY_DATABASE_URL", "SURVEY_DEMO"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SURVEY_LANGUAGE", "en")
    current_settings.cache_clear()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    yield run
    dispose_engines()
    current_settings.cache_clear()
