"""Visits of observers to venues: one of each observer in each round, with the photos that prove it.

An observer sees nothing of what another noted: the role reads no answers, and a visit is told
apart from others only here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.work import Work
from survey.fieldwork.assignments import get_assigned_point
from survey.fieldwork.collection_context import CollectionContext
from survey.fieldwork.pii_detection import mask_remark
from survey.instrument.model import Instrument
from survey.instrument.question_types import type_of
from survey.instrument.validation import AnswerProblem, Validation
from survey.locale import SurveyError, msg
from survey.store.inserts import insert_if_new
from survey.store.tables import Photo, StudyUnit, VenueCheck, VenueRevisit, VenueVisit, table_of

FIRST_ROUND, SECOND_ROUND = 1, 2
_PHOTOS, _REVISITS, _VISITS = table_of(Photo), table_of(VenueRevisit), table_of(VenueVisit)
_CHECKS = table_of(VenueCheck)


class VisitExistsError(SurveyError):
    """Raised when an observer has sent a visit of this venue in this round already."""

    code = "visit_exists"

    def __init__(self) -> None:
        super().__init__(
            msg("You have sent your visit of this venue already. Another one is not taken.")
        )


def get_round(*, session: Session, point_id: UUID) -> int:
    """Return the round that a visit of the venue belongs to now."""
    query = select(_REVISITS.c.point_id).where(_REVISITS.c.point_id == point_id)
    ordered = session.connection().execute(query).one_or_none()
    return FIRST_ROUND if ordered is None else SECOND_ROUND


def get_scenario(work: Work, *, point_id: UUID) -> str:
    """Return what an observer is to do at a venue that is assigned to the principal."""
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
    """Store that a response is the observer's visit of the venue, and whose its photos are.

    Raises:
        VisitExistsError: The observer sent one before in this round; nothing is stored.
    """
    visit = {
        "response_id": response_id,
        "point_id": context.point_id,
        "observer_id": context.surveyor_id,
        "round": get_round(session=session, point_id=context.point_id),
    }
    if not insert_if_new(session.connection(), VenueVisit, visit):
        raise VisitExistsError
    photos = [UUID(photo) for _, photo in iter_photos(instrument, answers)]
    if photos:
        session.connection().execute(
            update(_PHOTOS)
            .where(_select_own_photos(context, photos))
            .values(response_id=response_id)
        )


def mask_remarks(instrument: Instrument, checked: Validation) -> Validation:
    """Return answers of a visit with personal data in remarks masked; others as they are.

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
    """Return the answers that name a photo which did not arrive from this observer."""
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
    """Yield the questions for photos that were answered, with the id of the photo."""
    for item in instrument.items():
        if type_of(item).is_photo and isinstance(answers.get(item.name), str):
            yield item.name, answers[item.name]
