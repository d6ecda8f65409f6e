"""Figures for readers are rounded in one module: nothing else has a format of its own."""

import re
from pathlib import Path

import pytest

from survey.locale import figures

SOURCE = Path(figures.__file__).parents[1]
FORMAT = re.compile(r"\{[^{}]*:[ z+,]*\.(?:\d|\{\w+\})[f%]\}")
NO_FIGURES = {
    "cli/output.py": "tables of commands",
    "locale/figures.py": "the module itself",
    "files/codebook/headline_scripts.py": "a script that prints all digits",
    "figures/chart_files.py": "coordinates",
    "release/figures.py": "a register with the digits of its columns",
    "screens/audit_checks.py": "size of a file",
}
IN_STYLES = re.compile(r"--depth:|width:")


def test_only_one_module_rounds_what_readers_see() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number} {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        if str(path.relative_to(SOURCE)) not in NO_FIGURES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORMAT.search(line) and not IN_STYLES.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.format_score(-0.04), "0.0"),
        (figures.format_score(79.95, 0), "80"),
        (figures.format_share(0.1234), "12.3%"),
        (figures.format_percent(None), figures.MISSING),
        (figures.format_count(float("nan")), figures.MISSING),
        (figures.format_count(12_345.0), "12,345"),
        (figures.format_quantity(1_234.567, 2), "1,234.57"),
        (figures.format_signed(-1_234.56), "\u22121,234.6"),
        (figures.format_signed(0.04), "0.0"),
        (figures.format_change(110, 100), "+10.0%"),
    ],
)
def test_each_kind_of_figure_has_its_form(text: str, expected: str) -> None:
    assert text == expected
