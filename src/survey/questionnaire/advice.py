"""Warnings about what most questionnaires have and a form lacks: consent, ratings, a tree."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from survey.locale import Message, msg
from survey.questionnaire.checks import Finding, Severity
from survey.questionnaire.model import Instrument, PrivacyRole
from survey.questionnaire.question_types import type_of


def advise(instrument: Instrument, rows: Mapping[str, int]) -> Iterator[Finding]:
    """Yield warnings about what most questionnaires have and this one lacks.

    Args:
        instrument: The form; of one about venues nothing is said.
        rows: Question -> row of its worksheet, which the warning names.
    """
    if instrument.unit != "person":
        return
    ratings = [item for item in instrument.items() if type_of(item).is_score]
    if all(item.privacy is not PrivacyRole.CONSENT for item in instrument.items()):
        yield _build_advice(
            msg("Nobody is asked whether they take part."),
            msg("Begin with a page whose required question has consent in the column privacy."),
            "privacy",
        )
    if not ratings:
        yield _build_advice(
            msg("No question is a rating: there will be no score."),
            msg("Ask with range and start=1 end=10 step=1, as in the example."),
            "type",
        )
    elif instrument.tree is None:
        yield _build_advice(
            msg("There is no indicator tree: there will be no composite score."),
            msg("Name a tree in the settings, or give every rating the same weight."),
            "indicator",
        )
    for item in ratings:
        if not (item.choices or (item.low_label and item.high_label)):
            advice = msg("Say what the ends of the scale mean, in low_label and high_label.")
            message = msg("The scale has no words at its ends.")
            yield replace(
                _build_advice(message, advice, "low_label"), row=rows.get(item.name), item=item.name
            )


def _build_advice(message: Message, suggestion: Message, column: str) -> Finding:
    return Finding(message, Severity.WARNING, suggestion, sheet="survey", column=column)
