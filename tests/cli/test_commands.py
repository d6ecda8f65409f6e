"""The command `survey` as a person or a script uses it."""

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result

from survey.cli import commands
from survey.cli.main import LazyCommandGroup
from survey.cli.options import read_suffix
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.settings import current_settings
from tests.instrument.test_form_pictures import CHOICES, FILES, SURVEY
from tests.instrument.workbooks import form
from tests.pdf_reading import read_pages

Survey = Callable[..., Result]


COMMANDS = (
    (),
    ("init",),
    ("demo",),
    ("serve",),
    ("doctor",),
    ("form",),
    ("form", "check"),
    ("form", "import"),
    ("form", "export"),
    ("form", "paper"),
    ("form", "list"),
    ("import",),
    ("freeze",),
    ("disclosure", "audit"),
    ("quota",),
    ("estimate",),
    ("quality",),
    ("rows",),
    ("rows", "request"),
    ("rows", "requests"),
    ("rows", "approve"),
    ("rows", "refuse"),
    ("rows", "export"),
    ("user",),
    ("user", "create"),
    ("user", "list"),
    ("user", "change"),
    ("user", "disable"),
    ("user", "enable"),
    ("user", "reset"),
    ("user", "reset-factor"),
    ("user", "sign-out"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(survey: Survey, command: tuple[str, ...]) -> None:
    result = survey(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert len(result.output.splitlines()) > 5


def test_init_loads_the_reference_data_and_may_be_repeated(survey: Survey) -> None:
    assert survey("init").exit_code == 0
    assert survey("init").exit_code == 0
    forms = json.loads(survey("form", "list", "--format", "json").stdout)
    scored = {form["name"]: form["scored"] for form in forms}
    assert scored == {
        "main-2021": 25,
        "main-2023": 27,
        "main-2024": 27,
        "elderly-2024": 0,
        "minors-2024": 0,
        "back-check": 0,
        "venue-check": 0,
        "green-check": 0,
        "village-2026": 10,
    }


def test_a_form_with_pictures_is_written_with_them_or_not_at_all(
    survey: Survey, tmp_path: Path
) -> None:
    survey("init")
    workbook = form(tmp_path, SURVEY, CHOICES)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    assert survey("form", "import", str(workbook)).exit_code == 0
    alone, archive = tmp_path / "alone.xlsx", tmp_path / "archive.zip"
    refused = survey("form", "export", "a_form", str(alone))
    assert (refused.exit_code, alone.exists()) == (1, False)
    assert ".zip" in refused.stderr
    assert survey("form", "export", "a_form", str(archive)).exit_code == 0
    assert read_xlsform(archive).instrument == read_xlsform(workbook).instrument


def test_a_shipped_form_survives_export_and_check(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    workbook = tmp_path / "main.xlsx"
    assert survey("form", "export", "main-2023", str(workbook)).exit_code == 0
    checked = survey("form", "check", str(workbook))
    assert checked.exit_code == 0, checked.output
    again = survey("form", "import", str(workbook), "--format", "json")
    stored = json.loads(survey("form", "list", "--format", "json").stdout)
    assert json.loads(again.stdout)[0] in stored
    assert len(stored) == 9


def test_a_form_is_printed_in_both_sizes(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    usual, large = tmp_path / "usual.pdf", tmp_path / "deep" / "large.pdf"
    assert survey("form", "paper", "elderly-2024", str(usual)).exit_code == 0
    english = ("--language", "en", "--large")
    assert survey("form", "paper", "elderly-2024", str(large), *english).exit_code == 0
    pages = [len(read_pages(file.read_bytes())) for file in (usual, large)]
    assert 1 < pages[0] < pages[1]


def test_doctor_says_what_to_do_about_an_empty_store(survey: Survey) -> None:
    before = survey("doctor", "--format", "json")
    assert before.exit_code == 1
    store = {row["checked"]: row for row in json.loads(before.stdout)}["Store"]
    assert "survey init" in store["finding"]
    survey("init")
    after = survey("doctor", "--format", "json")
    rows = {row["checked"]: row for row in json.loads(after.stdout)}
    assert rows["Store"]["state"] == "OK"


def test_errors_are_clear_and_exit_with_one(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"not a workbook")
    for command in (
        ("freeze", "--wave", "nowhere"),
        ("estimate", "--wave", "nowhere"),
        ("quality", "--wave", "nowhere"),
        ("quota", "--wave", "nowhere", "--policy", "stop"),
        ("form", "check", str(broken)),
        ("form", "import", str(broken)),
        ("form", "export", "nothing", str(tmp_path / "out.xlsx")),
        ("form", "paper", "nothing", str(tmp_path / "out.pdf")),
    ):
        result = survey(*command)
        assert result.exit_code == 1, command
        assert "Traceback" not in result.output
        assert result.output.strip()
    assert not list(tmp_path.glob("out.*"))


@pytest.mark.parametrize(
    "command",
    [
        ("freeze", "--wave", "main-2024"),
        ("estimate", "--wave", "main-2024"),
        ("user", "list"),
        ("disclosure", "audit", "--wave", "main-2024"),
        ("rows", "requests"),
        ("recompute",),
        ("quality", "--wave", "main-2024"),
        ("audit", "verify"),
        ("form", "list"),
    ],
    ids=" ".join,
)
def test_an_empty_store_is_named_and_the_command_that_makes_one(
    survey: Survey, command: tuple[str, ...]
) -> None:
    result = survey(*command)
    assert result.exit_code == 1
    assert "survey init" in result.stderr
    assert "cannot be saved" not in result.stderr


def test_wrong_usage_exits_with_two(survey: Survey) -> None:
    assert survey("freeze").exit_code == 2
    assert survey("estimate", "--wave", "x", "--format", "xml").exit_code == 2
    assert survey("quality", "--wave", "x", "--by", "colour").exit_code == 2
    assert survey("quota", "--wave", "x", "--policy", "overflow").exit_code == 2
    assert survey("unknown").exit_code == 2


def test_errors_are_chinese_by_default(survey: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    survey("init")
    monkeypatch.setenv("SURVEY_LANGUAGE", "zh")
    current_settings.cache_clear()
    output = survey("freeze", "--wave", "nowhere").output
    assert any("\u4e00" <= letter <= "\u9fff" for letter in output)


@pytest.mark.slow
def test_small_demo_is_built_frozen_and_read(
    survey: Survey, small_demo: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_demo, tmp_path / "data" / "demo")
    again = survey("demo")
    assert again.exit_code == 0, again.output
    assert "Demo data are there already" in again.output
    home = str(tmp_path / "data" / "demo")
    table = survey(
        "--data-dir",
        home,
        "estimate",
        "--wave",
        "main-2024",
        "--indicator",
        "composite",
        "--format",
        "csv",
    )
    row = next(csv.DictReader(io.StringIO(table.stdout)))
    assert row["area"] == "CN"
    assert float(row["ci_low"]) < float(row["estimate"]) < float(row["ci_high"])
    assert 70 < float(row["estimate"]) < 90
    assert (row["wave"], row["demo"], row["area_name"]) == ("main-2024", "True", "Nation")
    assert row["indicator_name"] == "Composite satisfaction"
    changes = survey(
        "--data-dir",
        home,
        "estimate",
        "--wave",
        "main-2024",
        "--table",
        "changes",
        "--before",
        "main-2023",
        "--indicator",
        "composite",
        "--format",
        "json",
    )
    assert json.loads(changes.stdout)[0]["before_wave"] == "main-2023", changes.output
    ranks = survey(
        "--data-dir",
        home,
        "estimate",
        "--wave",
        "main-2024",
        "--table",
        "ranks",
        "--indicator",
        "composite",
        "--format",
        "json",
    )
    ranked = json.loads(ranks.stdout)
    assert len(ranked) == 100
    assert all(place["rank"] is None for place in ranked if not place["shown"])
    small = survey(
        "--data-dir",
        home,
        "estimate",
        "--wave",
        "main-2024",
        "--area-level",
        "city",
        "--group",
        "income=lt3000",
        "--indicator",
        "composite",
        "--format",
        "json",
    )
    counting = survey("--data-dir", home, "quota", "--wave", "main-2026", "--policy", "count")
    assert "1000 quotas of main-2026" in counting.output
    look = ("--data-dir", home, "quality", "--wave", "main-2024", "--format", "json")
    assessed, flagged = survey(*look), survey(*look, "--stored")
    assert assessed.stdout == flagged.stdout
    whole, *cities = json.loads(flagged.stdout)
    assert (whole["level"], whole["key"], len(cities)) == ("wave", "main-2024", 100)
    assert whole["speed"] == sum(city["speed"] for city in cities) > 10
    assert whole["valid"] == sum(city["valid"] for city in cities) == 620
    hidden = [cell for cell in json.loads(small.stdout) if not cell["shown"]]
    assert hidden
    always_shown = {
        "wave",
        "snapshot",
        "figures_sha256",
        "demo",
        "area_level",
        "area",
        "area_name",
        "group",
        "group_name",
        "indicator",
        "indicator_name",
        "shown",
        "reason",
    }
    for cell in hidden:
        assert all(cell[column] is None for column in cell.keys() - always_shown)
        assert cell["reason"] == "hidden"


@pytest.mark.slow
def test_serving_waits_for_nothing_that_only_freezing_needs() -> None:
    """A second `make demo` is up at once because the server imports no statistics."""
    script = "import sys, survey.cli.main, survey.cli.serve, survey.kit.asgi; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()
    heavy = {"scipy.stats", "pyxform", "survey.results.freeze"}
    assert heavy.isdisjoint(loaded)


def test_the_help_names_every_command_in_its_own_words_and_imports_none() -> None:
    code = (
        "import sys; from survey.cli.main import app; app(['--help'], standalone_mode=False); "
        "print(*(name for name in sys.modules if name.startswith(('survey', 'pandas'))))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    help_text, _, loaded = printed.stdout.decode().rstrip().rpartition("\n")
    assert {"pandas", "survey.cli.export", "survey.store.tables"}.isdisjoint(loaded.split())
    group = LazyCommandGroup()
    for name, entry in commands.COMMANDS.items():
        assert name in help_text
        own_help = group.get_command(None, name).help
        assert " ".join(own_help.split("\n\n")[0].split()) == entry.summary


def test_an_export_imports_neither_tables_that_it_does_not_read_nor_sign_in() -> None:
    code = (
        "import sys, survey.cli.export; print(*(name for name in sys.modules "
        "if name.startswith(('survey.store.tables.', 'survey.access.sign_in', 'cryptography.'))))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    prefix = "survey.store.tables."
    assert {name.removeprefix(prefix) for name in printed.stdout.decode().split()} == {
        "accounts",
        "columns",
        "operations",
        "publications",
        "waves",
    }


def test_garbage_is_collected_once_a_command_is_imported() -> None:
    code = (
        "import gc, sys; from survey.cli.main import LazyCommandGroup; "
        "LazyCommandGroup().get_command(None, 'export'); "
        "print(gc.isenabled(), gc.get_freeze_count() > 0, 'rich.table' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert printed.stdout.decode().split() == ["True", "True", "False"]


def test_an_ending_that_no_format_has_is_refused_in_words() -> None:
    with pytest.raises(typer.BadParameter, match=r"has to end in one of \.csv, \.xlsx"):
        read_suffix(Path("figures.html"), ["csv", "xlsx"], "--out")
