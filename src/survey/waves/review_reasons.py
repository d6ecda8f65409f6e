"""Reasons for returning, voiding or restoring an interview: a code and a note."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from survey.locale import Message, RefusedError, msg
from survey.store.tables import Status
from survey.waves.personal_data import clean_note

MAX_NOTE = 1_000
"""Longest note, in characters."""


class ReasonCode(StrEnum):
    """Code of the reason why an interview was returned or voided, such as speeder."""

    SPEEDER = "speeder"
    STRAIGHT_LINER = "straight_liner"
    NEAR_DUPLICATE = "near_duplicate"
    MOBILISED = "mobilised"
    INVENTED = "invented"
    BACK_CHECK = "back_check"
    NOT_ELIGIBLE = "not_eligible"
    WRONG_PLACE = "wrong_place"
    WITHDRAWN = "withdrawn"
    TRIAL = "trial"
    CONTRADICTION = "contradiction"
    INCOMPLETE = "incomplete"
    CHECK_AGAIN = "check_again"
    BY_MISTAKE = "by_mistake"
    OTHER = "other"


REASON_NAMES: Mapping[ReasonCode, Message] = {
    ReasonCode.SPEEDER: msg("Answered too fast to have been read"),
    ReasonCode.STRAIGHT_LINER: msg("The same score throughout"),
    ReasonCode.NEAR_DUPLICATE: msg("Almost the same as another interview"),
    ReasonCode.MOBILISED: msg("Respondents were sent or told what to answer"),
    ReasonCode.INVENTED: msg("The interview did not take place"),
    ReasonCode.BACK_CHECK: msg("Back-checks failed"),
    ReasonCode.NOT_ELIGIBLE: msg("The respondent does not belong to the survey"),
    ReasonCode.WRONG_PLACE: msg("Not at the sampling point"),
    ReasonCode.WITHDRAWN: msg("The respondent withdrew"),
    ReasonCode.TRIAL: msg("A trial, not an interview"),
    ReasonCode.CONTRADICTION: msg("Answers contradict each other"),
    ReasonCode.INCOMPLETE: msg("Too many questions without an answer"),
    ReasonCode.CHECK_AGAIN: msg("Please check with the respondent"),
    ReasonCode.BY_MISTAKE: msg("It was decided by mistake"),
    ReasonCode.OTHER: msg("Another reason (please write it down)"),
}

REASONS_BY_STATUS: Mapping[Status, tuple[ReasonCode, ...]] = {
    Status.RETURNED: (
        ReasonCode.CHECK_AGAIN, ReasonCode.CONTRADICTION, ReasonCode.INCOMPLETE,
        ReasonCode.WRONG_PLACE, ReasonCode.OTHER,
    ),
    Status.VOID: (
        ReasonCode.SPEEDER, ReasonCode.STRAIGHT_LINER, ReasonCode.NEAR_DUPLICATE,
        ReasonCode.MOBILISED, ReasonCode.INVENTED, ReasonCode.BACK_CHECK,
        ReasonCode.NOT_ELIGIBLE, ReasonCode.WRONG_PLACE, ReasonCode.WITHDRAWN,
        ReasonCode.TRIAL, ReasonCode.OTHER,
    ),
    Status.SUBMITTED: (ReasonCode.BY_MISTAKE, ReasonCode.OTHER),
}  # fmt: skip
"""By the state that an interview is moved to: what may be given as the reason."""


@dataclass(frozen=True)
class ReviewReason:
    """Reason of a decision: a code, a note, or both; `text` is stored in `Response.reason`."""

    code: ReasonCode | None
    note: str = ""

    @classmethod
    def from_form(cls, code: ReasonCode, note: str) -> Self:
        """Build the reason that a reviewer chose and wrote. Raises `RefusedError`."""
        words = clean_note(note)[:MAX_NOTE]
        if code is ReasonCode.OTHER and not words:
            raise RefusedError("note_missing", msg("Please write the reason down."))
        return cls(code, words)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a stored reason; a text without a code is a note."""
        code, _, note = text.partition(":")
        known = code.strip()
        if known in set(ReasonCode):
            return cls(ReasonCode(known), note.strip())
        return cls(None, text.strip())

    @property
    def text(self) -> str:
        """Code and note of the reason as one text, in the form in which it is stored."""
        if self.code is None:
            return self.note
        return f"{self.code.value}: {self.note}" if self.note else self.code.value
