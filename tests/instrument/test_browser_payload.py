"""What the browser form gets: plain JSON, nothing blank, expressions it can evaluate."""

import json
from datetime import date
from pathlib import Path

import orjson
import pytest
from py_mini_racer import MiniRacer

from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.model import ItemKind, Section, SpecialAnswer
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.reader import load_bundle
from tests.instrument.sample_instrument import question, sample

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "src/survey/web/static/expressions.js"


def test_shape():
    form = browser_form(sample())
    assert json.loads(json.dumps(form)) == form
    assert list(form) == [
        "name",
        "version",
        "sha256",
        "title",
        "languages",
        "default_language",
        "sections",
    ]
    assert form["languages"][0] == {"code": "zh", "name": "中文"}
    declined = form["sections"][1]
    assert declined["ends"] == "refused"
    assert declined["relevant"] == ["=", ["$", "consent"], "no"]
    quality = form["sections"][4]["items"][0]
    assert quality == {
        "name": "quality",
        "kind": "rating",
        "label": {"zh": "quality (zh)", "en": "quality"},
        "required": True,
        "constraint": ["!=", ["."], 7.0],
        "min": 1,
        "max": 10,
        "step": 1,
        "specials": ["dk", "na"],
    }


def test_zero_and_false_are_not_blank():
    items = (
        question("a", ItemKind.INTEGER, minimum=0, relevant="0", constraint="''"),
        question(
            "b",
            ItemKind.RATING,
            minimum=0,
            maximum=1,
            special_labels={SpecialAnswer.REFUSED: {"en": "no"}},
        ),
        question("c", ItemKind.TEXT),
    )
    first, second, third = browser_form(sample(sections=(Section(name="s", items=items),)))[
        "sections"
    ][0]["items"]
    assert (first["min"], first["relevant"], first["constraint"]) == (0, 0, "")
    assert second["special_labels"] == {"refused": {"en": "no"}}
    assert set(third) == {"name", "kind", "label", "max_length"}


@pytest.mark.parametrize("name", ["main-2021", "main-2023", "elderly-2024", "minors-2024"])
def test_shipped_forms_are_small_and_lead_the_browser_along_the_servers_route(name):
    """A walk through the payload in JavaScript passes the items that the server passes."""
    instrument = load_bundle(ROOT / "seed/instruments", name).instrument
    form = browser_form(instrument)
    assert len(json.dumps(form, ensure_ascii=False).encode()) < 120_000
    answers: dict[str, object] = {}
    for item in instrument.items():
        if item.choices:
            first = item.choices[0].name
            answers[item.name] = [first] if item.kind is ItemKind.SELECT_MULTIPLE else first
        elif item.kind in (ItemKind.RATING, ItemKind.INTEGER):
            answers[item.name] = 1950 if item.name == "birth_year" else 8
    server = validate(instrument, answers, today=date(2024, 5, 1))
    browser = MiniRacer()
    browser.eval(SCRIPT.read_text("utf-8") + _WALK)
    route = json.loads(browser.call("walk", json.dumps([form, answers, "2024-05-01"])))
    assert tuple(route) == server.route


_WALK = """
function walk(source) {
  var input = JSON.parse(source), form = input[0], answers = input[1], today = input[2];
  var values = {}, route = [];
  function holds(ast) {
    return ast === undefined ||
      SurveyExpressions.truth(SurveyExpressions.evaluate(ast, values, null, today));
  }
  for (var section of form.sections) {
    if (!holds(section.relevant)) continue;
    for (var item of section.items) {
      if (!holds(item.relevant)) continue;
      route.push(item.name);
      if (item.kind === "calculate") {
        values[item.name] = SurveyExpressions.evaluate(item.calculation, values, null, today);
      } else if (answers[item.name] !== undefined) values[item.name] = answers[item.name];
    }
    if (section.ends) break;
  }
  return JSON.stringify(route);
}
"""


def test_a_form_with_words_of_its_own_for_special_answers_is_json() -> None:
    """The names of special answers are plain texts: JSON has no other keys."""
    folder = ROOT / "seed" / "instruments"
    payload = browser_form(load_bundle(folder, "venue-check").instrument)
    items = json.loads(orjson.dumps(payload))["sections"][1]["items"]
    assert items[1]["special_labels"]["na"]["en"] == "Does not apply"
