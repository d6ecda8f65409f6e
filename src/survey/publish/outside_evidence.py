"""What stands beside the score of a city, as one reader may see it: complaints, checks, opinion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from survey.access.roles import Action
from survey.access.work import Work
from survey.context.experience_checks.reading import get_experience_check, list_experience_checks
from survey.context.opinion.storage import list_opinion_areas
from survey.locale import Labels
from survey.publish.complaint_tables import (
    ComplaintYear,
    list_complaint_years,
    read_complaint_year,
    read_year_before,
)
from survey.publish.experience_check_tables import CheckScores, build_check_scores
from survey.publish.opinion_tables import (
    EventWindow,
    OpinionEvent,
    find_busy_days,
    read_opinion_event,
)

AROUND_DAYS = 28
"""Days before and after the busiest ones that are looked at."""
COMPLAINT_LENS = "nature"
"""List by which the complaints of a city are shown; the others are on the page of complaints."""


@dataclass(frozen=True, eq=False)
class CheckOfCity:
    """Released experience check with venues in a city, and its scores as they are shown."""

    title: Labels
    key: str
    scores: CheckScores
    data_as_of: date
    is_demo: bool


@dataclass(frozen=True, eq=False)
class OutsideEvidence:
    """Everything beside the score of a city; None or empty where nothing was delivered."""

    city: str
    year: ComplaintYear | None
    """Complaints of the year of the wave, or of the newest before it that was delivered."""
    before: ComplaintYear | None
    """Complaints of the year before, of the same months where all of these were delivered."""
    checks: tuple[CheckOfCity, ...]
    opinion: OpinionEvent | None
    """The busiest days, for readers who may see the opinion counts of the city."""

    @property
    def is_empty(self) -> bool:
        return self.year is None and not self.checks and self.opinion is None

    @property
    def is_demo(self) -> bool:
        parts: tuple[ComplaintYear | CheckOfCity | OpinionEvent | None, ...] = (
            self.year,
            self.opinion,
            *self.checks,
        )
        return any(part.is_demo for part in parts if part is not None)


def read_outside_evidence(work: Work, *, city: str, wave_year: int) -> OutsideEvidence:
    """Return what stands beside the score of a city in a wave."""
    work.require(Action.READ_RESULTS)
    year = _read_year(work, wave_year)
    before = (
        read_year_before(work, year=year, lenses=(COMPLAINT_LENS,)) if year is not None else None
    )
    return OutsideEvidence(
        city=city,
        year=year,
        before=before,
        checks=_read_checks(work, city),
        opinion=_read_opinion(work, city),
    )


def _read_year(work: Work, wave_year: int) -> ComplaintYear | None:
    years: Mapping[int, int] = list_complaint_years(work)
    if not years:
        return None
    fitting = [known for known in years if known <= wave_year]
    return read_complaint_year(
        work, year=max(fitting, default=min(years)), lenses=(COMPLAINT_LENS,)
    )


def _read_checks(work: Work, city: str) -> tuple[CheckOfCity, ...]:
    found = []
    for summary in list_experience_checks(work):
        day = summary.data_as_of
        if summary.released_at is None or day is None:
            continue
        check = get_experience_check(work, wave_id=summary.id)
        scores = build_check_scores(check)
        if city in scores.areas:
            found.append(CheckOfCity(summary.title, summary.key, scores, day, summary.is_demo))
    return tuple(found)


def _read_opinion(work: Work, city: str) -> OpinionEvent | None:
    if city not in list_opinion_areas(work):
        return None
    busy = find_busy_days(work, area=city)
    if busy is None:
        return None
    return read_opinion_event(work, area=city, event=EventWindow(*busy, AROUND_DAYS))
