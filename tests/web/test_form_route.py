"""The browser's walk along the questionnaire and the server's come to the same verdicts."""

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from py_mini_racer import MiniRacer

from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.model import Instrument, Item, ItemKind
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from survey.web.assets import STATIC
from tests.instrument.sample_instrument import cascade, moments_and_ranks

TODAY = date(2026, 5, 20)
SHIPPED = ("main-2021", "main-2023", "elderly-2024", "minors-2024")
TYPED = st.characters(exclude_categories=("Cc", "Cs"))
"""What a keyboard or an input method can put into a field."""
HARNESS = """
const forms = {};
function learn(name, form) { forms[name] = SurveyRouting.prepare(JSON.parse(form)); return true; }
function verdict(name, answers) {
  const given = JSON.parse(answers);
  const form = forms[name];
  const route = SurveyRouting.walk(form, given, "2026-05-20");
  const problems = {};
  form.sections.forEach(section => section.items.forEach(item => {
    if (!route.visible[item.name]) return;
    const problem = SurveyRouting.problem(item, route, undefined);
    if (problem) problems[item.name] = problem;
  }));
  return JSON.stringify({
    problems: problems,
    kept: SurveyRouting.answersOnRoute(form, given, "2026-05-20"),
    values: route.values,
    ending: route.stop ? route.stop.ends : null
  });
}
"""


class Instruments(dict[str, Instrument]):
    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


def _shipped(name: str) -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument


@pytest.fixture(scope="module")
def instruments(small_instrument: Instrument) -> Instruments:
    made = {"small": small_instrument, "cascade": cascade(), "moments": moments_and_ranks()}
    return Instruments(**made, **{name: _shipped(name) for name in SHIPPED})


@pytest.fixture(scope="module")
def browser(instruments: Instruments) -> MiniRacer:
    engine = MiniRacer()
    parts = [(STATIC / f"{part}.js").read_text("utf-8") for part in ("expressions", "routing")]
    engine.eval("\n".join([*parts, HARNESS]))
    for name, instrument in instruments.items():
        engine.call("learn", name, json.dumps(browser_form(instrument)))
    return engine


def answers_to(item: Item) -> st.SearchStrategy[Any]:
    """What the form can hand over for this question, sensible or not."""
    names = [choice.name for choice in item.choices]
    kinds: dict[ItemKind, st.SearchStrategy[Any]] = {
        ItemKind.RATING: st.integers(1, 10),
        ItemKind.SELECT_ONE: st.sampled_from(names or ["-"]),
        ItemKind.SELECT_MULTIPLE: st.just([]),
        ItemKind.RANK: st.permutations(names) | st.lists(st.sampled_from(names or ["-"])),
        ItemKind.INTEGER: st.integers(-5, 20) | st.integers(1890, 2030),
        ItemKind.DECIMAL: st.floats(-1e6, 1e6, allow_nan=False),
        ItemKind.TEXT: st.text(TYPED, max_size=8),
        ItemKind.PHOTO: st.uuids(version=4).map(str),
        ItemKind.DATE: st.dates(date(1950, 1, 1), date(2030, 1, 1)).map(date.isoformat),
        ItemKind.TIME: st.times().map(lambda time: f"{time:%H:%M}"),
        ItemKind.DATETIME: st.datetimes(datetime(1950, 1, 1)).map(
            lambda at: f"{at:%Y-%m-%dT%H:%M}"
        ),
    }
    kind = kinds[item.kind]
    if item.kind is ItemKind.SELECT_MULTIPLE:
        kind = st.sets(st.sampled_from(names)).map(
            lambda chosen: [name for name in names if name in chosen]
        )
    codes = [code.value for code in item.specials]
    return kind | st.sampled_from(codes) if codes else kind


def interviews(instrument: Instrument) -> st.SearchStrategy[dict[str, Any]]:
    asked = [
        item for item in instrument.items() if item.kind not in {ItemKind.NOTE, ItemKind.CALCULATE}
    ]
    first = {item.name: answers_to(item) for item in asked}
    return st.fixed_dictionaries({}, optional=first) | st.fixed_dictionaries(first)


@pytest.mark.parametrize("name", ["small", "cascade", "moments", *SHIPPED])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_browser_and_server_agree(
    browser: MiniRacer, instruments: Instruments, name: str, data: st.DataObject
) -> None:
    instrument = instruments[name]
    answers = data.draw(interviews(instrument))
    server = validate(instrument, answers, today=TODAY)
    verdict = json.loads(str(browser.call("verdict", name, json.dumps(answers))))
    problems = {problem.item: problem.code for problem in server.problems}
    assert verdict["problems"].keys() == problems.keys()
    assert {item for item, code in verdict["problems"].items() if code == "required"} == {
        item for item, code in problems.items() if code == "required"
    }
    assert verdict["ending"] == (server.ending.value if server.ending else None)
    if not problems:
        assert verdict["values"] == server.answers


def test_what_is_kept_is_never_dropped_by_the_server(
    browser: MiniRacer, instruments: Instruments
) -> None:
    answers = {"consent": "yes", "lived_6m": "no", "quality": 7, "gender": "male"}
    verdict = json.loads(str(browser.call("verdict", "small", json.dumps(answers))))
    assert verdict["kept"] == {"consent": "yes", "lived_6m": "no"}
    assert validate(instruments["small"], verdict["kept"], today=TODAY).off_route == ()


def test_a_refusing_guardian_sends_no_age_and_may_correct_without_it(browser: MiniRacer) -> None:
    answers = {
        "consent": "yes", "lived_6m": "yes", "gender": "male", "residence": "urban",
        "guardian": "yes", "child_age": 5, "guardian_consent": "no",
    }  # fmt: skip
    for sent in (answers, {name: answers[name] for name in answers if name != "child_age"}):
        verdict = json.loads(str(browser.call("verdict", "minors-2024", json.dumps(sent))))
        assert "child_age" not in verdict["kept"]
        assert verdict["kept"]["guardian_consent"] == "no"
        assert "child_age" not in verdict["problems"]
    older = answers | {"child_age": 15}
    verdict = json.loads(str(browser.call("verdict", "minors-2024", json.dumps(older))))
    assert verdict["kept"]["child_age"] == 15
