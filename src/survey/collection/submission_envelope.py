"""A finished interview or visit of a venue as a browser sends it, checked on arrival."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.work import Work
from survey.collection.collection_context import CollectionContext
from survey.locale import ConflictError, msg
from survey.questionnaire.model import Instrument
from survey.questionnaire.question_types import type_of
from survey.questionnaire.validation import AnswerProblem, Validation
from survey.store.inserts import insert_if_new
from survey.store.tables import Photo, StudyUnit, VenueCheck, VenueRevisit, VenueVisit, table_of
from survey.waves.assignments import get_assigned_point
from survey.waves.personal_data import LENGTH, hash_code, mask_remark, read_code

FIRST_ROUND, SECOND_ROUND = 1, 2
_PHOTOS, _REVISITS, _CHECKS = table_of(Photo), table_of(VenueRevisit), table_of(VenueCheck)


def get_round(*, session: Session, point_id: UUID) -> int:
    """Return the round of visits at a venue: 1, or 2 after a second visit was ordered."""
    query = select(_REVISITS.c.point_id).where(_REVISITS.c.point_id == point_id)
    ordered = session.connection().execute(query).one_or_none()
    return FIRST_ROUND if ordered is None else SECOND_ROUND


def get_scenario(work: Work, *, point_id: UUID) -> str:
    """Return an experience check's instructions for visiting the principal's venue; "" if none."""
    point = get_assigned_point(work, point_id=point_id)
    query = select(_CHECKS.c.scenario).where(_CHECKS.c.wave_id == point.wave_id)
    return str(work.session.connection().execute(query).scalar_one_or_none() or "")


def claim_visit(
    *,
    session: Session,
    response_id: UUID,
    context: CollectionContext,
    instrument: Instrument,
    answers: Mapping[str, Any],
) -> None:
    """Record a response as the observer's visit of a venue, and assign its photos to it.

    Raises:
        ConflictError: The observer sent one before in this round; nothing is stored.
    """
    visit = {
        "response_id": response_id,
        "point_id": context.point_id,
        "observer_id": context.surveyor_id,
        "round": get_round(session=session, point_id=context.point_id),
    }
    if not insert_if_new(session.connection(), VenueVisit, visit):
        raise ConflictError(
            "visit_exists",
            msg("You have sent your visit of this venue already. Another one is not taken."),
        )
    photos = [UUID(photo) for _, photo in iter_photos(instrument, answers)]
    if photos:
        session.connection().execute(
            update(_PHOTOS)
            .where(_select_own_photos(context, photos))
            .values(response_id=response_id)
        )


def mask_remarks(instrument: Instrument, checked: Validation) -> Validation:
    """Return `checked` with personal data in remarks masked if a venue's visit, else unchanged.

    An observer writes about people who do not know of it: nothing that names them is stored.
    """
    if instrument.unit != "venue":
        return checked
    masked = {
        name: mask_remark(answer)
        if isinstance(answer, str) and type_of(instrument.by_name[name]).is_open_text
        else answer
        for name, answer in checked.answers.items()
    }
    return replace(checked, answers=masked)


def find_missing_photos(
    *,
    session: Session,
    instrument: Instrument,
    answers: Mapping[str, Any],
    context: CollectionContext,
) -> tuple[AnswerProblem, ...]:
    """Return a problem for each answer that names a photo not received from this observer."""
    if context.unit is not StudyUnit.VENUE:
        return ()
    named = {item: UUID(photo) for item, photo in iter_photos(instrument, answers)}
    query = select(_PHOTOS.c.id).where(_select_own_photos(context, list(named.values())))
    arrived = set(session.connection().execute(query).scalars())
    problem = msg("The photo did not arrive. Please take it again, or send once more.")
    return tuple(
        AnswerProblem(item, "photo_missing", problem)
        for item, photo in named.items()
        if photo not in arrived
    )


def _select_own_photos(context: CollectionContext, photos: list[UUID]) -> Any:
    """Return the condition for photos of this observer at this venue that no visit has yet."""
    return (
        _PHOTOS.c.id.in_(photos)
        & (_PHOTOS.c.point_id == context.point_id)
        & (_PHOTOS.c.sent_by == context.surveyor_id)
        & _PHOTOS.c.response_id.is_(None)
    )


def iter_photos(instrument: Instrument, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (item name, photo id) for each answered question that asks for a photo."""
    for item in instrument.items():
        if type_of(item).is_photo and isinstance(answers.get(item.name), str):
            yield item.name, answers[item.name]


MAX_INTERVIEW_DURATION = timedelta(days=30)
IMPORT_UUID_VERSION = 5


def _require_iso_time(moment: object) -> object:
    """Return the moment unchanged; raise for a bare number, which would be seconds since 1970."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and ":" in moment):
        return moment
    raise ValueError("times are written as in ISO 8601")


DeviceTime = Annotated[AwareDatetime, BeforeValidator(_require_iso_time)]
Name = Annotated[str, Field(max_length=200)]
Seconds = Annotated[float, Field(ge=0, le=10**7, allow_inf_nan=False)]


class Submission(BaseModel):
    """A finished interview as the browser sends it.

    Only the envelope is checked here. The answers are the validator's business, because what is
    wrong with one of them has to be said beside its question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_uuid: UUID
    """Made by the browser when the interview begins; the interview's name for ever."""
    token: Annotated[str, Field(max_length=128)] | None = None
    """The one-time link, for respondents who answer themselves."""
    point_id: UUID | None = None
    """The sampling point, when a signed-in surveyor asks the questions."""
    instrument_sha256: Annotated[str, Field(max_length=64)]
    """The questionnaire that was on the screen."""
    language: Annotated[str, Field(max_length=16)] = "zh"
    started_at: DeviceTime
    finished_at: DeviceTime | None = None
    """By the same clock as `started_at`; the difference holds even where the clock is wrong."""
    answers: Annotated[dict[Name, Any], Field(max_length=1000)]
    timings: Annotated[dict[Name, Seconds], Field(max_length=1000)] = {}
    stopped: Literal["quota_full"] | None = None
    """The form ended early by itself: people of this age and gender were not needed any more.

    A claim, and no more: whether a quota is full is for the counts of the store to say.
    """
    withdrawal_code: Annotated[str, Field(max_length=LENGTH)] | None = None
    """Drawn by the browser and shown to the respondent; its SHA-256 is stored."""

    @model_validator(mode="after")
    def _require_one_channel(self) -> Self:
        if (self.token is None) == (self.point_id is None):
            raise ValueError("either a token or a point_id")
        if self.client_uuid.version in {None, IMPORT_UUID_VERSION}:
            raise ValueError("client_uuid must be a random UUID")
        if self.withdrawal_code and read_code(self.withdrawal_code) != self.withdrawal_code:
            raise ValueError("withdrawal_code has a wrong digit")
        return self

    @property
    def duration_seconds(self) -> float | None:
        """Seconds between beginning and end; None if unknown or not within 0 to 30 days."""
        if self.finished_at is None:
            return None
        lasted = self.finished_at - self.started_at
        return lasted.total_seconds() if timedelta(0) <= lasted <= MAX_INTERVIEW_DURATION else None

    def timings_of(self, answers: Mapping[str, Any]) -> dict[str, float]:
        """Return item name -> seconds spent on the question, to a hundredth, for `answers`."""
        given = self.timings.items()
        return {name: round(seconds, 2) for name, seconds in given if name in answers}

    @property
    def withdrawal_sha256(self) -> str | None:
        """Hash of the withdrawal code, as stored."""
        return hash_code(self.withdrawal_code) if self.withdrawal_code else None
