"""Forms of choices and of numbers, without a rating: no score, but shares and means in tables."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result

Survey = Callable[..., Result]
CHOICES = (
    ("list_name", "name", "label"),
    ("channel", "web", "Web shop"), ("channel", "shop", "Shop"),
    ("why", "price", "Price"), ("why", "taste", "Taste"),
)  # fmt: skip
PICKED = (
    ("select_one channel", "channel", "Where do you buy?"),
    ("select_multiple why", "why", "Why?"),
)
COUNTED = (("integer", "visits", "How many visits?"), ("decimal", "spent", "Yuan spent?"))
FORMS = {"choices": PICKED, "numbers": COUNTED, "both": (*COUNTED, *PICKED)}


def write_form(path: Path, questions: tuple[tuple[str, str, str], ...]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    sheets = {
        "survey": (("type", "name", "label"), *questions),
        "choices": CHOICES,
        "settings": (("form_title", "form_id", "version"), ("Shopping", "shopping", "1")),
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for cells in rows:
            sheet.append(cells)
    book.save(path)


def answers() -> list[dict[str, object]]:
    dice = random.Random(5)
    return [
        {
            "city": city,
            "channel": dice.choice(("web", "web", "shop")),
            "why": dice.choice(("price", "taste", "price;taste")),
            "visits": dice.randint(0, 12),
            "spent": round(dice.uniform(10, 900), 2),
        }
        for city in ("110000", "310000", "320500")
        for _ in range(40)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMS)
def test_a_form_without_ratings_goes_the_whole_way(
    survey: Survey, tmp_path: Path, kind: str
) -> None:
    questions = FORMS[kind]
    write_form(tmp_path / "form.xlsx", questions)
    survey("init")
    checked = survey("form", "check", str(tmp_path / "form.xlsx"))
    assert checked.exit_code == 0, checked.output
    assert "No score is computed" in checked.output
    assert ("Shares of channel, why" in checked.output) is (questions != COUNTED)
    assert ("numbers visits, spent" in checked.output) is (questions != PICKED)
    assert survey("form", "import", str(tmp_path / "form.xlsx")).exit_code == 0
    names = ["city", *(name for _, name, _ in questions)]
    with (tmp_path / "answers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(answers())
    imported = survey(
        "import", str(tmp_path / "answers.csv"), "--form", str(tmp_path / "form.xlsx"),
        "--wave", "shopping-2026", "--format", "json",
    )  # fmt: skip
    assert imported.exit_code == 0, imported.output
    frozen = survey("freeze", "--wave", "shopping-2026", "--final")
    assert frozen.exit_code == 0, frozen.output
    printed = survey("estimate", "--wave", "shopping-2026", "--area-level", "city",
                     "--format", "json")  # fmt: skip
    cells = {(each["area"], each["indicator"]): each for each in json.loads(printed.stdout)}
    assert not any(indicator == "composite" for _, indicator in cells)
    own = [row for row in answers() if row["city"] == "110000"]
    expected = {
        "visits": sum(int(str(row["visits"])) for row in own) / len(own),
        "spent": sum(float(str(row["spent"])) for row in own) / len(own),
        "channel=web": 100 * sum(row["channel"] == "web" for row in own) / len(own),
        "why=price": 100 * sum("price" in str(row["why"]) for row in own) / len(own),
    }
    asked = {name for _, name, _ in questions}
    for key, value in expected.items():
        if key.partition("=")[0] in asked:
            assert cells["110000", key]["estimate"] == pytest.approx(value, abs=0.051)
            assert cells["110000", key]["n"] == len(own)
        else:
            assert ("110000", key) not in cells
    for command, name in (("table", "t.csv"), ("table", "t.xlsx"), ("codebook", "c.html")):
        made = survey("export", command, "--wave", "shopping-2026", "--out", str(tmp_path / name))
        assert made.exit_code == 0, (command, made.output)
    recomputed = survey("recompute", "--wave", "shopping-2026")
    assert recomputed.exit_code == 0, recomputed.output


def test_a_form_of_texts_alone_is_refused(survey: Survey, tmp_path: Path) -> None:
    write_form(tmp_path / "form.xlsx", (("text", "remark", "Anything else?"),))
    survey("init")
    refused = survey("form", "check", str(tmp_path / "form.xlsx"))
    assert refused.exit_code == 1
    assert "nothing to compute" in refused.output
