"""What was noted at one venue, visit by visit, as those who run its check read it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from survey.access.work import Work
from survey.collection.submission_envelope import iter_photos
from survey.experience_checks.plan import CHECKS
from survey.experience_checks.reading import (
    FULL_SCORE,
    ExperienceCheckDetail,
    VenueRow,
    get_experience_check,
    is_anonymous_visit,
)
from survey.locale import msg
from survey.questionnaire.model import Item
from survey.store.china_time import china_date
from survey.store.tables import Response, ResponseRevision, SamplingPoint, Status, VenueVisit


@dataclass(frozen=True)
class NotedVisit:
    """Visit of a venue that one approval or both were given: round, day, and what was noted."""

    response_id: UUID
    version: int
    status: Status
    round: int
    visited_on: date
    """Day in China."""
    is_anonymous: bool
    """Whether the observer stayed unknown; other visits count in no figure."""
    answers: Mapping[str, Any]
    """Item name -> answer; remarks were masked on arrival."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the last approval."""
        return self.status is Status.CITY_APPROVED


@dataclass(frozen=True)
class VenueFindings:
    """Everything that was noted at one venue of a check, in the order of rounds and days."""

    check: ExperienceCheckDetail
    venue: VenueRow
    visits: tuple[NotedVisit, ...]
    """Approved ones, and those that wait for their last approval."""

    @property
    def approved(self) -> tuple[NotedVisit, ...]:
        """Visits that both approvals were given."""
        return tuple(visit for visit in self.visits if visit.status is Status.APPROVED)

    def list_to_mend(self) -> tuple[Item, ...]:
        """Return the rated items that an observer of the last round noted below half of full marks.

        Of a yes-or-no item that is "no".
        """
        counted = [visit for visit in self.approved if visit.is_anonymous]
        last = max((visit.round for visit in counted), default=0)
        ranges, items = self.check.ranges, self.check.instrument.by_name
        return tuple(
            items[name]
            for name, limits in ranges.items()
            if any(
                isinstance(value := visit.answers.get(name), int | float)
                and limits.score(value) < FULL_SCORE / 2
                for visit in counted
                if visit.round == last
            )
        )

    def iter_photos(self) -> Iterator[tuple[NotedVisit, Item, UUID]]:
        """Yield each photo of the approved visits: visit, question, id of the photo."""
        for visit in self.approved:
            for name, photo in iter_photos(self.check.instrument, visit.answers):
                yield visit, self.check.instrument.by_name[name], UUID(photo)


def get_venue_findings(work: Work, *, wave_id: UUID, venue: str) -> VenueFindings:
    """Return what was noted at the venue with code `venue`, for those who run the check alone.

    Raises:
        AccessDeniedError, NotFoundError: the principal does not run the check.
        RefusedError: the check has no such venue.
    """
    found = list_venue_findings(work, wave_id=wave_id, venue=venue)
    if not found:
        raise CHECKS.refuse(msg("There is no venue {code} in this check.", code=venue))
    return found[0]


def list_venue_findings(
    work: Work, *, wave_id: UUID, venue: str | None = None
) -> list[VenueFindings]:
    """Return what was noted at each venue, or at one alone, for those who run the check."""
    work.find(CHECKS, wave_id, CHECKS.keeping)
    check = get_experience_check(work, wave_id=wave_id)
    query = (
        select(SamplingPoint.code, VenueVisit.round, Response, ResponseRevision.answers)
        .join(VenueVisit, col(VenueVisit.point_id) == col(SamplingPoint.id))
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .join(ResponseRevision, col(ResponseRevision.response_id) == col(Response.id))
        .where(
            Response.wave_id == wave_id,
            col(Response.status).in_((Status.CITY_APPROVED, Status.APPROVED)),
            ResponseRevision.wave_id == wave_id,
            col(ResponseRevision.is_current),
        )
    )
    if venue is not None:
        query = query.where(SamplingPoint.code == venue)
    visits: defaultdict[str, list[NotedVisit]] = defaultdict(list)
    for code, round_, response, answers in work.session.exec(query):
        visits[code].append(
            NotedVisit(
                response_id=response.id,
                version=response.lock_version,
                status=response.status,
                round=round_,
                visited_on=china_date(response.started_at or response.submitted_at),
                is_anonymous=is_anonymous_visit(check.instrument, answers),
                answers=answers,
            )
        )
    return [
        VenueFindings(check, row, tuple(sorted(visits[row.code], key=_get_visit_order)))
        for row in check.venues
        if venue in (None, row.code)
    ]


def _get_visit_order(visit: NotedVisit) -> tuple[int, date, UUID]:
    """Return a sort key by round and day; by id it tells nothing about who was the observer."""
    return visit.round, visit.visited_on, visit.response_id
