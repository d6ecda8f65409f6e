"""Checklists of experience checks: what every visit needs, and which of their questions count."""

from pathlib import Path

import pytest

from survey.questionnaire.checks import check_instrument
from survey.questionnaire.model import Instrument, ItemKind, PrivacyRole
from survey.questionnaire.question_types import type_of
from survey.questionnaire.xlsform.reader import load_bundle

FOLDER = Path(__file__).resolve().parents[2] / "seed" / "instruments"
CHECKLISTS = {"venue-check": "photo_price", "green-check": "photo_label"}


def _load(name: str) -> Instrument:
    return load_bundle(FOLDER, name).instrument


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_checklist_asks_what_a_visit_needs(name: str) -> None:
    """A photo of what the check is about is required, and one of what was wrong is not."""
    checklist = _load(name)
    assert check_instrument(checklist) == ()
    assert [item.name for item in checklist.items() if item.privacy] == ["anonymous"]
    assert checklist.by_name["anonymous"].privacy is PrivacyRole.ANONYMOUS_VISIT
    photos = {item.name: item.required for item in checklist.items() if item.kind is ItemKind.PHOTO}
    assert photos == {CHECKLISTS[name]: True, "photo_other": False}
    assert "remark" in checklist.by_name


def test_every_question_of_the_green_check_counts_alike_and_may_not_apply() -> None:
    rated = [item for item in _load("green-check").items() if type_of(item).is_score]
    assert len(rated) == 8
    assert {(item.minimum, item.maximum) for item in rated} == {(0, 1)}
    assert all("na" in map(str, item.specials) for item in rated)
    others = {item.name for item in _load("venue-check").items() if type_of(item).is_score}
    assert not others & {item.name for item in rated}
