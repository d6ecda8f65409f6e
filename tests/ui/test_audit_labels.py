"""The trail is read by officials: whatever the platform enters has words in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from survey.kit.audit_labels import (
    EVENT_FAMILY_NAMES,
    EVENT_NAMES,
    SUBJECT_NAMES,
    format_action,
    format_detail,
)
from survey.locale import LANGUAGES, translator
from survey.settings import PROJECT_ROOT
from survey.store.audit_events import AuditEvent, SubjectKind, state_event
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, Outcome
from survey.waves.lifecycle import TRANSITIONS
from survey.waves.waves import WAVE_TRANSITIONS

SOURCE = PROJECT_ROOT / "src" / "survey"
EVENTS = {event.value for event in AuditEvent}
DECLARED_IN = "store/audit_events.py"


def test_every_event_is_written_by_its_declaration() -> None:
    """No action stands as text anywhere else, so what is written is declared here."""
    copies = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.value}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).as_posix() != DECLARED_IN
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in EVENTS
    ]
    assert copies == []


def test_every_transition_is_an_event() -> None:
    assert {state_event(to).value for _, to in TRANSITIONS} <= EVENTS
    assert {state_event(to).value for ends in WAVE_TRANSITIONS.values() for to in ends} <= EVENTS
    assert {state_event(outcome).value for outcome in Outcome} <= EVENTS


def test_every_event_and_subject_has_a_name_and_no_other() -> None:
    assert EVENT_NAMES.keys() == set(AuditEvent)
    assert SUBJECT_NAMES.keys() == set(SubjectKind) == {each.subject_kind for each in AuditEvent}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", AuditEvent)
def test_every_action_has_words(event: AuditEvent, language: str) -> None:
    words = format_action(translator(language), event.value)
    assert words != event.value
    if language == "zh":
        assert not re.search(r"[a-z]{3}", words)


def test_what_a_demonstration_enters_is_said_in_words(frozen_small_demo: Path) -> None:
    """Names of details that are put together while the platform runs are in no source."""
    with read_scope(f"sqlite:///{frozen_small_demo / 'survey.db'}") as session:
        entries = session.exec(select(AuditEntry.action, AuditEntry.detail)).all()
    actions = {action for action, _ in entries}
    assert {"wave.snapshot", "paper.keyed", "demo.responses"} <= actions <= EVENTS
    raw = {
        (action, line.partition(":")[0])
        for action, detail in entries
        for line in format_detail(translator("zh"), detail)
        if re.match(r"[a-z0-9_]+:", line)
    }
    assert raw == set()


def _literal_keys(node: ast.AST) -> Iterator[str]:
    """Return the names in a dictionary that stands in the source, and in those it holds."""
    if isinstance(node, ast.IfExp):
        yield from (*_literal_keys(node.body), *_literal_keys(node.orelse))
    elif isinstance(node, ast.BinOp):
        yield from (*_literal_keys(node.left), *_literal_keys(node.right))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value)
            yield from _literal_keys(value)


def _find_details(call: ast.Call) -> list[ast.expr]:
    """Return the details that a call enters: named, or the last of those of `Work`."""
    place = {"work.record": 2, "work.add": 3}.get(ast.unparse(call.func))
    if place is not None:
        return call.args[place:]
    if ast.unparse(call.func) == "work.save":
        given = [(word.arg, word.value) for word in call.keywords]
        named = [ast.Constant(name) for name, _ in given if name]
        return [
            ast.Dict(list(named), [value for name, value in given if name]),
            *(value for name, value in given if name is None),
        ]
    return [
        argument.value
        for argument in call.keywords
        if argument.arg == "detail" and ast.unparse(call.func) == "record"
    ]


def test_every_detail_that_is_recorded_has_words() -> None:
    """What is written of an entry in the source, whether or not a demonstration enters it."""
    recorded = {
        key: f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for detail in _find_details(call)
        for key in _literal_keys(detail)
    }
    assert {"act", "one_person", "surveyors", "rows"} <= recorded.keys()
    raw = {
        f"{where} {key}"
        for key, where in recorded.items()
        if any(line.startswith(f"{key}:") for line in format_detail(translator("zh"), {key: "x"}))
    }
    assert raw == set()


def test_steps_days_and_moments_are_said_in_words() -> None:
    lines = format_detail(
        translator("zh"),
        {
            "act": "freeze",
            "one_person": "demo",
            "opens_at": "2026-11-26",
            "as_of": "2026-11-26T14:26:41.130135+00:00",
            "note": "2026-11-26 and later",
            "never_heard_of": "as_it_is",
        },
    )
    assert lines == [
        "步骤: 最终冻结",
        "由一人完成: 演示",
        "自: 2026年11月26日",
        "截至: 2026年11月26日 22:26",
        "说明: 2026-11-26 and later",
        "never_heard_of: as_it_is",
    ]


def test_every_action_can_be_filtered() -> None:
    families = {event.family for event in AuditEvent if "." in event}
    assert families - {"demo"} == EVENT_FAMILY_NAMES.keys()


def test_a_change_is_said_with_both_sides_and_words() -> None:
    lines = format_detail(
        translator("en"),
        {
            "from": {"role": "surveyor", "active": True},
            "to": {"role": "supervisor", "active": True},
            "sessions_ended": 2,
        },
    )
    assert lines == ["role: Surveyor → Supervisor", "sessions ended: 2"]


def test_what_people_chose_or_wrote_is_shown_as_it_is() -> None:
    """A login may be the word of a role, a title that of a state, a name a day."""
    lines = format_detail(
        translator("en"),
        {
            "login": "analyst",
            "role": "analyst",
            "name": "2026-11-26",
            "account": "surveyor",
            "purpose": "release",
            "title_en": "open",
            "from": {"surveyors": ["supervisor", "lin"], "role": "surveyor"},
            "to": {"surveyors": ["typist"], "role": "typist"},
        },
    )
    assert lines == [
        "role: Surveyor → Typist",
        "surveyors: supervisor, lin → typist",
        "sign-in name: analyst",
        "role: Analyst",
        "name: 2026-11-26",
        "account: surveyor",
        "purpose: release",
        "English title: open",
    ]
