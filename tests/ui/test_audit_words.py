"""The trail is read by officials: whatever the platform enters has words in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from survey.locale import LANGUAGES, translator
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, Outcome, Status, WaveState
from survey.ui.audit.formatting import format_action, format_detail
from survey.ui.audit.labels import ACTION_FAMILY_NAMES, ACTION_NAMES

CODE = re.compile(r"[a-z_]+\.[a-z_]+|store_cities")
ENDINGS = {"response": Status, "wave": WaveState, "back_check": Outcome}


def entered() -> Iterator[str]:
    """Every action that the source enters, those with a state in their name once for each state."""
    for path in sorted((PROJECT_ROOT / "src" / "survey").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "action":
                yield from _codes(node.value)


def _codes(value: ast.expr) -> Iterator[str]:
    for part in ast.walk(value):
        if isinstance(part, ast.JoinedStr):
            family = str(getattr(part.values[0], "value", "")).rstrip(".")
            yield from (f"{family}.{state}" for state in ENDINGS.get(family, ()))
        elif isinstance(part, ast.Constant) and CODE.fullmatch(str(part.value)):
            yield str(part.value)


CODES = sorted(set(entered()))


def test_actions_are_found() -> None:
    assert {"account.created", "response.void", "back_check.reached", "store_cities"} <= set(CODES)
    assert len(CODES) > 60


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted({*CODES, *ACTION_NAMES}))
def test_every_action_has_words(code: str, language: str) -> None:
    words = format_action(translator(language), code)
    assert words != code
    if language == "zh":
        assert not re.search(r"[a-z]{3}", words)


def test_what_a_demonstration_enters_is_said_in_words(frozen_small_demo: Path) -> None:
    """Names of details that are put together while the platform runs are in no source."""
    with read_scope(f"sqlite:///{frozen_small_demo / 'survey.db'}") as session:
        entries = session.exec(select(AuditEntry.action, AuditEntry.detail)).all()
    assert {"wave.snapshot", "paper.keyed", "demo.responses"} <= {action for action, _ in entries}
    raw = {
        (action, line.partition(":")[0])
        for action, detail in entries
        for line in format_detail(translator("zh"), detail)
        if re.match(r"[a-z0-9_]+:", line)
    }
    assert raw == set()


def test_every_action_can_be_filtered() -> None:
    assert {code.partition(".")[0] for code in CODES if "." in code} - {
        "demo"
    } <= ACTION_FAMILY_NAMES.keys()


def test_a_change_is_said_with_both_sides_and_words() -> None:
    lines = format_detail(
        translator("en"),
        {"from": {"role": "surveyor", "active": True}, "to": {"role": "supervisor", "active": True},
         "sessions_ended": 2},
    )  # fmt: skip
    assert lines == ["role: Surveyor → Supervisor", "sessions ended: 2"]
