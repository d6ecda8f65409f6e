"""Hand-made interviews for the tests of the detectors."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SpecialAnswer,
)
from survey.review.quality.response_arrays import RawResponse

MORNING = datetime(2026, 5, 20, 2, 0, tzinfo=UTC)
"""10:00 in China."""
SURVEYOR, COLLEAGUE = UUID(int=71), UUID(int=72)
POINT, OTHER_POINT = UUID(int=81), UUID(int=82)
RATINGS = tuple(f"r{number:02d}" for number in range(1, 21))
EXTRAS = tuple(f"q{number:02d}" for number in range(1, 11))
LETTERS = "abcdefgh"


def _choices() -> tuple[Choice, ...]:
    return tuple(Choice(name=name, label={"en": name}) for name in LETTERS)


def twenty_and_ten() -> Instrument:
    """Twenty ratings from 1 to 10 that are scored, ten questions with eight choices, a list."""
    ratings = tuple(
        Item(
            name=name,
            kind=ItemKind.RATING,
            label={"en": name},
            minimum=1,
            maximum=10,
            step=1,
            indicator="1.1.1",
            specials=(SpecialAnswer.DONT_KNOW, SpecialAnswer.NOT_EXPERIENCED),
        )
        for name in RATINGS
    )
    extras = tuple(
        Item(name=name, kind=ItemKind.SELECT_ONE, label={"en": name}, choices=_choices())
        for name in EXTRAS
    )
    several = Item(
        name="several", kind=ItemKind.SELECT_MULTIPLE, label={"en": "several"}, choices=_choices()
    )
    text = Item(name="comment", kind=ItemKind.TEXT, label={"en": "comment"})
    return Instrument(
        name="quality",
        version="1",
        title={"en": "Quality"},
        default_language="en",
        languages=(Language(code="en", name="en"),),
        sections=(Section(name="all", items=(*ratings, *extras, several, text)),),
    )


def answers_of(
    scores: Sequence[int | str | None], picks: str = LETTERS[0] * len(EXTRAS)
) -> dict[str, Any]:
    """Answers with these scores and one letter a question."""
    return {**dict(zip(RATINGS, scores, strict=False)), **dict(zip(EXTRAS, picks, strict=False))}


def raw_response(number: int, answers: Mapping[str, Any], **changes: Any) -> RawResponse:
    """One interview, ten minutes after that of the number before, otherwise ordinary."""
    started = MORNING + timedelta(minutes=10 * number)
    given: dict[str, Any] = {
        "id": UUID(int=number + 1), "city_code": "110000", "point_id": POINT,
        "surveyor_id": SURVEYOR, "mode": "self", "started_at": started,
        "submitted_at": started + timedelta(seconds=300), "duration_seconds": 300.0,
        "counted": True, "quota_cell_id": None, "quota_target": None, "answers": answers,
        "timings": {},
    }  # fmt: skip
    return RawResponse(**{**given, **changes})
