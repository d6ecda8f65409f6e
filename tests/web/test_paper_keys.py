"""What a key means in the grid, and that browser and server agree on sheets of paper."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_mini_racer import MiniRacer

from survey.collection.paper.keying import list_exit_items, read_serial
from survey.locale import RefusedError
from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.model import Instrument, Item, ItemKind
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from survey.web.assets import STATIC

SHIPPED = ("main-2021", "main-2023", "elderly-2024", "minors-2024")
HARNESS = """
const forms = {};
function learn(name, form) { forms[name] = SurveyRouting.prepare(JSON.parse(form)); return true; }
function itemOf(name, wanted) {
  let found = null;
  forms[name].sections.forEach(section => section.items.forEach(item => {
    if (item.name === wanted) found = item;
  }));
  return found;
}
function typed(name, wanted, keys) {
  const item = itemOf(name, wanted);
  let state = { value: null, typed: "", done: false, wrong: false, blank: false };
  JSON.parse(keys).forEach(key => {
    const next = SurveyKeyingCodes.press(item, state.value, state.typed, key);
    if (next) state = Object.assign({}, state, { done: false, wrong: false, blank: false }, next);
  });
  return JSON.stringify(state);
}
function decisive(name) {
  return JSON.stringify(Object.keys(SurveyPaperSheet.decisive(forms[name])));
}
function serial(text) { return SurveyPaperSheet.readSerial(text); }
function moment(kind, text) {
  const item = { choices: [{ name: "a" }, { name: "b" }, { name: "c" }] };
  return String(SurveyKeyingCodes.READERS[kind](text, item));
}
"""


@pytest.fixture(scope="module")
def instruments(small_instrument: Instrument) -> dict[str, Instrument]:
    folder = PROJECT_ROOT / "seed" / "instruments"
    shipped = {name: load_bundle(folder, name).instrument for name in SHIPPED}
    return {"small": small_instrument, **shipped}


@pytest.fixture(scope="module")
def browser(instruments: dict[str, Instrument]) -> MiniRacer:
    engine = MiniRacer()
    parts = ("expressions", "routing", "keying_codes", "paper_sheet")
    engine.eval(
        "\n".join([*((STATIC / f"{part}.js").read_text("utf-8") for part in parts), HARNESS])
    )
    for name, instrument in instruments.items():
        engine.call("learn", name, json.dumps(browser_form(instrument)))
    return engine


def press(browser: MiniRacer, name: str, item: str, *keys: str) -> dict[str, Any]:
    outcome = json.loads(str(browser.call("typed", name, item, json.dumps(keys))))
    return {key: value for key, value in outcome.items() if value}


@pytest.mark.parametrize(
    ("item", "keys", "result"),
    [
        ("quality", "7", {"value": 7, "done": True}),
        ("quality", "0", {"value": 10, "done": True}),
        ("quality", "b", {"value": "dk", "done": True}),
        ("quality", "/", {"value": "dk", "done": True}),
        ("quality", "B", {"value": "dk", "done": True}),
        ("quality", "m", {"wrong": True}),
        ("substitutes", "m", {"value": "na", "done": True}),
        ("substitutes", "*", {"value": "na", "done": True}),
        ("quality", "q", {"blank": True, "done": True}),
        ("quality", ".", {"blank": True, "done": True}),
        ("quality", "x", {"wrong": True}),
        ("gender", "2", {"value": "female", "done": True}),
        ("gender", "3", {"wrong": True}),
        ("gender", "0", {"wrong": True}),
        ("gender", ["2", "Backspace"], {}),
        ("services_used", ["1", "3", "Enter"], {"value": ["dining", "beauty"], "done": True}),
        ("services_used", ["3", "1", "3"], {"value": ["dining"]}),
        ("spending_areas", ["1"], {"typed": "1"}),
        ("spending_areas", ["1", " ", "2"], {"value": ["food", "clothing"]}),
        ("spending_areas", ["1", "1"], {"value": ["other"]}),
        ("spending_areas", ["1", "0", "Enter"], {"value": ["care"], "done": True}),
        ("spending_areas", ["1", "Enter"], {"value": ["food"], "done": True}),
        ("spending_areas", ["1", "9"], {"wrong": True}),
        ("spending_areas", ["1", "Backspace", "2"], {"value": ["clothing"]}),
    ],
)
def test_what_a_key_means(browser: MiniRacer, item: str, keys: Any, result: dict[str, Any]) -> None:
    assert press(browser, "main-2023", item, *keys) == result


@pytest.mark.parametrize("key", ["ArrowLeft", "F5", "Shift", "Process"])
def test_other_keys_are_left_to_the_browser(browser: MiniRacer, key: str) -> None:
    assert press(browser, "main-2023", "quality", key) == {}


def _codes(item: Item) -> list[tuple[str, Any]]:
    if item.kind is ItemKind.RATING:
        return [(str(score % 10), score) for score in range(1, 11)]
    return [(str(place), choice.name) for place, choice in enumerate(item.choices, 1)]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_answer_of_every_question_can_be_keyed_and_short_ones_go_on_by_themselves(
    browser: MiniRacer, instruments: dict[str, Instrument], name: str
) -> None:
    for item in instruments[name].items():
        if item.kind not in {ItemKind.RATING, ItemKind.SELECT_ONE}:
            continue
        codes = _codes(item)
        short = item.kind is ItemKind.RATING or len(codes) <= 9
        for code, value in codes:
            begins_another = any(other != code and other.startswith(code) for other, _ in codes)
            keys = [code] if short else [*code, *(["Enter"] if begins_another else [])]
            assert press(browser, name, item.name, *keys) == {"value": value, "done": True}


@pytest.mark.parametrize("name", ["small", *SHIPPED])
def test_both_know_which_questions_decide(
    browser: MiniRacer, instruments: dict[str, Instrument], name: str
) -> None:
    decisive = json.loads(str(browser.call("decisive", name)))
    assert set(decisive) == list_exit_items(instruments[name])


@settings(max_examples=200)
@given(typed=st.text(st.sampled_from("0123456789abcXYZ- /<"), max_size=22))
def test_both_read_a_number_alike(browser: MiniRacer, typed: str) -> None:
    try:
        expected: str | None = read_serial(typed)
    except RefusedError as error:
        if error.code != "serial_invalid":
            raise
        expected = None
    assert browser.call("serial", typed) == expected


@pytest.mark.parametrize(
    ("typed", "day"),
    [("20260519", "2026-05-19"), ("2026-05-19", "2026-05-19"), ("2026.05.19", "2026-05-19")],
)
def test_a_day_needs_no_hyphens(browser: MiniRacer, typed: str, day: str) -> None:
    assert browser.call("moment", "date", typed) == day


@pytest.mark.parametrize(
    ("kind", "typed", "moment"),
    [
        ("time", "0930", "09:30"),
        ("time", " 930 ", "09:30"),
        ("time", "9.30", "09:30"),
        ("time", "noon", "noon"),
        ("datetime", "202605200930", "2026-05-20T09:30"),
        ("datetime", "2026.05.20 9:30", "2026-05-20T09:30"),
        ("datetime", "2026-05-20", "2026-05-20"),
        ("rank", "231", "c,a,b"),
        ("rank", " 2 3  1", "c,a,b"),
        ("rank", "2.3.3", "2.3.3"),
        ("rank", "23", "23"),
        ("rank", "", ""),
    ],
)
def test_a_time_needs_no_colon_and_a_ranking_no_commas(
    browser: MiniRacer, kind: str, typed: str, moment: str
) -> None:
    assert browser.call("moment", kind, typed) == moment
