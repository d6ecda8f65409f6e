"""Consent of a respondent: its exact text, its time, how it was shown and by whom.

Nothing is stored twice. The text is part of the questionnaire, whose version is unchangeable and
named by every response; beside it stand the answer, the language and the mode. The clock of an
interview starts with its first answer, and a question marked `consent` is the first one
(`instrument/privacy_checks.py`), so that `started_at` is the moment of consent.
"""

from dataclasses import dataclass
from datetime import datetime

from survey.fieldwork.review import ResponseDetail
from survey.instrument.model import CONSENT_GIVEN, Instrument, PrivacyRole, label_text
from survey.store.tables import Mode


@dataclass(frozen=True)
class ConsentRecord:
    """Consent of one interview. `at` is None where no hour is known (paper, imports)."""

    agreed: bool
    at: datetime | None
    mode: Mode
    surveyor: str
    """Who read the text aloud or held the sheet; empty where nobody did."""
    language: str
    text: tuple[str, ...]
    """What was on the screen, up to and with the question."""
    instrument: str
    """Name, version and the first digits of the SHA-256 of the questionnaire."""


def consent_of(interview: ResponseDetail) -> ConsentRecord | None:
    """Return the consent of an interview.

    None if the questionnaire marks no question as consent, or nothing of the interview is kept any
    more.
    """
    instrument = interview.instrument
    question = next((i for i in instrument.items() if i.privacy is PrivacyRole.CONSENT), None)
    if question is None:
        return None
    answers = [
        answer.answer
        for part in interview.parts
        for answer in part.answers
        if answer.item == question
    ]
    if not answers or answers[0] is None:
        return None
    alone = interview.mode in {Mode.SELF, Mode.IMPORT}
    timed = interview.mode in {Mode.SELF, Mode.ASSISTED}
    return ConsentRecord(
        agreed=answers[0] == CONSENT_GIVEN,
        at=interview.started_at if timed else None,
        mode=interview.mode,
        surveyor="" if alone else interview.surveyor,
        language=interview.language,
        text=_text(instrument, question.name, interview.language),
        instrument=f"{instrument.name} {instrument.version} ({instrument.sha256[:12]})",
    )


def _text(instrument: Instrument, name: str, language: str) -> tuple[str, ...]:
    lines: list[str] = []
    for item in instrument.items():
        lines.append(label_text(item.label, language, ""))
        if item.name == name:
            break
    return tuple(line for line in lines if line)
