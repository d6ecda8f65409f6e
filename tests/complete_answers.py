"""Answers of a complete interview to any questionnaire, for waves that tests collect."""

from collections.abc import Mapping

from survey.questionnaire.model import Instrument, ItemKind
from survey.questionnaire.validation import validate
from survey.store.tables import now

WOMAN_OF_1985: Mapping[str, object] = {
    "consent": "yes",
    "lived_6m": "yes",
    "offline_purchase": "yes",
    "birth_year": 1985,
    "gender": "female",
    "child_age": 9,
}


def build_complete_answers(
    instrument: Instrument, *, rating: int = 8, **given: object
) -> Mapping[str, object]:
    """What the store keeps of her interview: the same mark everywhere, else the first choice."""
    answers: dict[str, object] = {**WOMAN_OF_1985, **given}
    for item in instrument.items():
        if item.kind is ItemKind.RATING:
            answers[item.name] = rating
        elif item.choices and item.name not in answers:
            first = item.choices[0].name
            answers[item.name] = [first] if item.kind is ItemKind.SELECT_MULTIPLE else first
    record = validate(instrument, answers, today=now().date())
    assert not record.problems, record.problems
    return record.stored_answers
