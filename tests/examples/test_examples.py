"""Examples run as they stand in `examples/`."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examples import own_data
from survey.cli.main import app
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.engine import dispose_engines

PILOT = PROJECT_ROOT / "examples" / "pilot"
COMMANDS = re.findall(r"^\$ survey (.+)$", (PILOT / "README.md").read_text(encoding="utf-8"), re.M)


def test_the_pilot_runs_from_the_questionnaire_to_figures_in_ten_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SURVEY_DATABASE_URL", "SURVEY_DEMO"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SURVEY_LANGUAGE", "en")
    monkeypatch.chdir(PILOT)
    current_settings.cache_clear()
    assert len(COMMANDS) == 10
    outputs = []
    try:
        for command in COMMANDS:
            result = CliRunner().invoke(app, shlex.split(command))
            assert result.exit_code == 0, (command, result.output)
            outputs.append(result.stdout)
    finally:
        dispose_engines()
        current_settings.cache_clear()
    nation, cities, gaps = outputs[-3:]
    assert "goods" in nation
    header, *lines = cities.splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    goods = {
        row["area"]: row for row in rows if (row["indicator"], row["group"]) == ("goods", "all")
    }
    assert set(goods) == {"110000", "310000", "440100"}
    for row in goods.values():
        assert float(row["ci_low"]) < float(row["estimate"]) < float(row["ci_high"])
    assert sum(int(row["n"]) for row in goods.values()) == 240
    assert "prices" in gaps


def test_own_data_are_estimated_with_the_library_alone(capsys: pytest.CaptureFixture[str]) -> None:
    own_data.main()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["rural", "69.69", "66.55", "72.82", "300", "3.33"] in lines
    assert ["complained", "0.121", "0.095", "0.154", "600", "1.193"] in lines
    assert ["score", "-6.65", "-9.32", "-3.99"] in lines
