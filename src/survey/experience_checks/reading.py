"""Experience checks as a principal may read them: the list, one check, its visits and scores."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt
from typing import Any
from uuid import UUID

import numpy as np
from sqlmodel import Session, col, func, select

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Seen, Work
from survey.collection.submission_envelope import FIRST_ROUND, iter_photos
from survey.estimate.intervals import bound_interval
from survey.experience_checks.plan import CHECKS, may_see_venues
from survey.locale import Labels, labels_of
from survey.questionnaire.model import CONSENT_GIVEN, Instrument, PrivacyRole
from survey.questionnaire.question_types import type_of
from survey.records import build_from
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    Assignment,
    PointDraw,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    VenueCheck,
    VenueReply,
    VenueRevisit,
    VenueVisit,
    Wave,
    WaveState,
)
from survey.store.tables.columns import Reply
from survey.waves.instruments import load_instrument

FULL_SCORE = 100.0


@dataclass(frozen=True)
class ObservedVisit:
    """Approved visit of a venue: whether anonymous, and the value of each rated item."""

    venue: str
    city: str
    venue_type: str
    round: int
    is_anonymous: bool
    ratings: Mapping[str, float]


@dataclass(frozen=True)
class RatingRange:
    """Lowest and highest value that can be ticked for a rated item."""

    low: float
    high: float

    def score(self, value: float) -> float:
        """Return a ticked value as a score from 0 to 100."""
        return FULL_SCORE * (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class VenueScore:
    """Mean score (0 to 100) of one venue over its anonymous visits of one round."""

    venue: str
    city: str
    venue_type: str
    score: float
    visits: int


@dataclass(frozen=True)
class MeanScore:
    """Mean score of several venues with confidence interval; without one for a single venue."""

    mean: float
    low: float | None
    high: float | None
    n: int


def score_venues(
    visits: Iterable[ObservedVisit], ranges: Mapping[str, RatingRange], *, round_: int
) -> list[VenueScore]:
    """Return each venue's score over its anonymous visits in round `round_`, sorted by code."""
    of_venue: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for visit in visits:
        if visit.round != round_ or not visit.is_anonymous:
            continue
        scores = [ranges[item].score(value) for item, value in visit.ratings.items()]
        if scores:
            of_venue[visit.venue, visit.city, visit.venue_type].append(float(np.mean(scores)))
    return [
        VenueScore(*key, float(np.mean(scores)), len(scores))
        for key, scores in sorted(of_venue.items())
    ]


def compute_mean_score(
    scores: Sequence[VenueScore], listed: Mapping[tuple[str, str], int], *, level: float = 0.95
) -> MeanScore | None:
    """Return the mean of `scores` with its interval, weighted to `listed` venues; None if empty.

    The interval is that of `bound_interval`: venues that are all alike do not tell how far others
    may be from them.

    Args:
        listed: How many venues of a city and type the list held that they were drawn from.
    """
    if not scores:
        return None
    strata = [(each.city, each.venue_type) for each in scores]
    sizes = {stratum: strata.count(stratum) for stratum in set(strata)}
    weight = np.array(
        [max(listed.get(stratum, 0), sizes[stratum]) / sizes[stratum] for stratum in strata]
    )
    values = np.array([each.score for each in scores])
    mean = float(weight @ values / weight.sum())
    linearised = weight * (values - mean) / weight.sum()
    variance = 0.0
    for stratum, size in sizes.items():
        inside = np.array([z for z, own in zip(linearised, strata, strict=True) if own == stratum])
        if size == 1:
            # A lone venue of its stratum is held against the mean of all (rule "adjust").
            variance += float((inside**2).sum())
        else:
            variance += size / (size - 1) * float(((inside - inside.mean()) ** 2).sum())
    count = len(scores)
    if count < 2:
        return MeanScore(mean, None, None, count)
    freedom = max(count - len(sizes), 1)
    effective = float(weight.sum() ** 2 / (weight @ weight))
    low, high = bound_interval(mean, sqrt(variance), freedom, effective, level=level)
    return MeanScore(mean, float(low), float(high), count)


_CITY_COLUMN, _KIND_COLUMN = 1, 3
"""Columns of a stored list of points (`sample.point_draw.canonical_csv`)."""


@dataclass(frozen=True)
class ExperienceCheckSummary:
    """Experience check as lists show it: titles, state, dates, and who may manage it."""

    id: UUID
    key: str
    area: str
    title: Labels
    state: WaveState
    is_demo: bool
    opens_on: date | None
    closes_on: date | None
    released_at: datetime | None
    may_manage: bool

    @property
    def data_as_of(self) -> date | None:
        """Last day of visits, or day of release if earlier; None while neither is set."""
        if self.released_at is None:
            return self.closes_on
        released_on = china_date(self.released_at)
        return min(self.closes_on or released_on, released_on)


@dataclass(frozen=True)
class VenueRow:
    """Venue of a check with numbers of visits, observers, its reply and its revisit."""

    code: str
    name: str
    city: str
    venue_type: str
    observers: tuple[str, ...]
    sent: int
    approved: int
    """Visits of the first round."""
    revisit_reason: str
    is_control: bool
    """Whether a revisit of it was drawn by lot, and not ordered for a reason."""
    waived_because: str
    revisits: int
    reply: Reply | None
    """Hearing of the venue; None before it was sent anything."""
    photos: tuple[str, ...]
    """Ids of the photos of approved visits, for those who run the check."""


@dataclass(frozen=True)
class VenueDraw:
    """Record of a draw of venues: seed, numbers listed and drawn, hash of the list."""

    seed: int
    listed: int
    drawn: int
    list_sha256: str


@dataclass(frozen=True)
class HearingCounts:
    """Numbers of venues: told what was noted, replied, without reply when the deadline passed."""

    told: int
    replied: int
    lapsed: int


@dataclass(frozen=True)
class ExperienceCheckDetail:
    """One experience check with all that the principal may read of it."""

    summary: ExperienceCheckSummary
    version: int
    scenario: str
    observers: int
    instrument: Instrument
    draw: VenueDraw | None
    draws: int
    """How often venues were drawn; a draw that is repeated until it pleases can be seen."""
    listed: Mapping[tuple[str, str], int]
    """Venues of the list by city and type."""
    venues: tuple[VenueRow, ...]
    """Single venues, as far as the principal may see them."""
    visits: tuple[ObservedVisit, ...]
    """Approved visits, for figures that pass the gate; shown to nobody as they are."""
    controls: frozenset[str]
    """Codes of the venues whose revisit was drawn by lot."""
    known_observers: int
    """Approved visits of observers who were known as such; they count in no figure."""
    hearing: HearingCounts

    @property
    def seen(self) -> Seen:
        """Id and version of the check as it was read, for a service that changes it."""
        return Seen(self.summary.id, self.version)

    @property
    def ranges(self) -> Mapping[str, RatingRange]:
        """Name of each rated item -> lowest and highest value that can be ticked."""
        return {
            item.name: RatingRange(item.minimum or 0.0, item.maximum or 0.0)
            for item in self.instrument.items()
            if type_of(item).is_score
        }


def list_experience_checks(work: Work) -> list[ExperienceCheckSummary]:
    """Return the experience checks that the principal may read, the newest first."""
    work.require(Action.READ_RESULTS)
    query = (
        select(VenueCheck)
        .join(Wave, col(Wave.id) == col(VenueCheck.wave_id))
        .where(CHECKS.is_readable(work.principal))
        .order_by(col(Wave.created_at).desc())
    )
    return [_summarise(work.principal, check) for check in work.session.exec(query)]


def _summarise(principal: Principal, check: VenueCheck) -> ExperienceCheckSummary:
    wave = check.wave
    return build_from(
        ExperienceCheckSummary,
        wave,
        area=check.area,
        title=labels_of(wave, "title"),
        released_at=check.released_at,
        may_manage=CHECKS.is_kept_by(principal, area=check.area, is_demo=wave.is_demo),
    )


def get_experience_check(work: Work, *, wave_id: UUID) -> ExperienceCheckDetail:
    """Return one experience check; raise `NotFoundError` also if it may not be read."""
    check = work.find(CHECKS, wave_id)
    wave = check.wave
    instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
    draws = work.session.exec(
        select(PointDraw)
        .where(PointDraw.wave_id == wave.id)
        .order_by(col(PointDraw.drawn_at).desc(), col(PointDraw.id).desc())
    ).all()
    last = draws[0] if draws else None
    summary = _summarise(work.principal, check)
    visits = _list_approved_visits(work.session, wave, instrument)
    return ExperienceCheckDetail(
        summary=summary,
        version=check.lock_version,
        scenario=check.scenario,
        observers=check.observers,
        instrument=instrument,
        draw=build_from(VenueDraw, last) if last else None,
        draws=len(draws),
        listed=_count_listed(last.list_document) if last else {},
        venues=_list_venues(work, summary, instrument),
        visits=visits,
        controls=_list_controls(work.session, wave.id),
        known_observers=sum(not visit.is_anonymous for visit in visits),
        hearing=_count_hearing(work, wave.id),
    )


def _count_hearing(work: Work, wave_id: UUID) -> HearingCounts:
    query = (
        select(VenueReply)
        .join(SamplingPoint, col(SamplingPoint.id) == col(VenueReply.point_id))
        .where(SamplingPoint.wave_id == wave_id)
    )
    replies = work.session.exec(query).all()
    waiting = [each for each in replies if each.received_on is None]
    lapsed = sum(each.due_on < china_date(work.now) for each in waiting)
    return HearingCounts(len(replies), len(replies) - len(waiting), lapsed)


def _list_controls(session: Session, wave_id: UUID) -> frozenset[str]:
    query = (
        select(SamplingPoint.code)
        .join(VenueRevisit, col(VenueRevisit.point_id) == col(SamplingPoint.id))
        .where(SamplingPoint.wave_id == wave_id, col(VenueRevisit.is_control))
    )
    return frozenset(session.exec(query))


def _count_listed(document: bytes) -> Mapping[tuple[str, str], int]:
    rows = csv.reader(io.StringIO(document.decode(), newline=""))
    return Counter((row[_CITY_COLUMN], row[_KIND_COLUMN]) for row in rows)


def _list_approved_visits(
    session: Session, wave: Wave, instrument: Instrument
) -> tuple[ObservedVisit, ...]:
    rated = [item.name for item in instrument.items() if type_of(item).is_score]
    query = (
        select(SamplingPoint, VenueVisit, ResponseRevision.answers)
        .join(VenueVisit, col(VenueVisit.point_id) == col(SamplingPoint.id))
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .join(ResponseRevision, col(ResponseRevision.response_id) == col(Response.id))
        .where(*_select_approved(wave.id))
        .order_by(SamplingPoint.code, col(VenueVisit.round), col(VenueVisit.observer_id))
    )
    return tuple(
        ObservedVisit(
            venue=point.code,
            city=point.city_code,
            venue_type=point.stratum,
            round=visit.round,
            is_anonymous=is_anonymous_visit(instrument, answers),
            ratings={
                name: float(answers[name])
                for name in rated
                if isinstance(answers.get(name), int | float)
            },
        )
        for point, visit, answers in session.exec(query)
    )


def is_anonymous_visit(instrument: Instrument, answers: Mapping[str, Any]) -> bool:
    """Return whether the observer said that nobody knew; other visits count in no figure."""
    declared = next(
        item.name for item in instrument.items() if item.privacy is PrivacyRole.ANONYMOUS_VISIT
    )
    return bool(answers.get(declared) == CONSENT_GIVEN)


def _select_approved(wave_id: UUID) -> tuple[Any, ...]:
    """Return SQL conditions for the current answers of approved visits of one check."""
    return (
        Response.wave_id == wave_id,
        Response.status == Status.APPROVED,
        ResponseRevision.wave_id == wave_id,
        col(ResponseRevision.is_current),
    )


def _list_venues(
    work: Work, summary: ExperienceCheckSummary, instrument: Instrument
) -> tuple[VenueRow, ...]:
    query = (
        select(SamplingPoint)
        .where(SamplingPoint.wave_id == summary.id)
        .order_by(SamplingPoint.city_code, SamplingPoint.stratum, SamplingPoint.code)
    )
    points = [
        point
        for point in work.session.exec(query)
        if summary.may_manage or may_see_venues(work.principal, point.city_code)
    ]
    if not points:
        return ()
    ids = [point.id for point in points]
    counts = _count_visits(work.session, summary.id)
    people = _list_observers(work.session, ids) if summary.may_manage else {}
    photos = _list_photos(work.session, summary.id, instrument) if summary.may_manage else {}
    replies = {
        reply.point_id: reply
        for reply in work.session.exec(select(VenueReply).where(col(VenueReply.point_id).in_(ids)))
    }
    revisits = {
        each.point_id: each
        for each in work.session.exec(
            select(VenueRevisit).where(col(VenueRevisit.point_id).in_(ids))
        )
    }
    return tuple(
        _build_venue_row(
            point,
            tuple(people.get(point.id, ())),
            counts,
            revisits.get(point.id),
            replies.get(point.id),
            tuple(photos.get(point.id, ())),
        )
        for point in points
    )


def _build_venue_row(
    point: SamplingPoint,
    observers: tuple[str, ...],
    counts: Mapping[tuple[UUID, int, bool], int],
    revisit: VenueRevisit | None,
    reply: VenueReply | None,
    photos: tuple[str, ...],
) -> VenueRow:
    def count(round_: int, *, approved: bool) -> int:
        return counts.get((point.id, round_, approved), 0)

    return VenueRow(
        code=point.code,
        name=point.name,
        city=point.city_code,
        venue_type=point.stratum,
        observers=observers,
        sent=count(FIRST_ROUND, approved=True) + count(FIRST_ROUND, approved=False),
        approved=count(FIRST_ROUND, approved=True),
        revisit_reason=revisit.reason if revisit else "",
        is_control=revisit is not None and revisit.is_control,
        waived_because=(revisit.waived_because or "") if revisit else "",
        revisits=count(FIRST_ROUND + 1, approved=True),
        reply=Reply.model_validate(reply.model_dump()) if reply else None,
        photos=photos,
    )


def _count_visits(session: Session, wave_id: UUID) -> dict[tuple[UUID, int, bool], int]:
    """Return `(venue id, round, is approved) -> number of visits` of a check, without void ones."""
    query = (
        select(VenueVisit.point_id, VenueVisit.round, Response.status, func.count())
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .where(Response.wave_id == wave_id, Response.status != Status.VOID)
        .group_by(col(VenueVisit.point_id), col(VenueVisit.round), col(Response.status))
    )
    counts: Counter[tuple[UUID, int, bool]] = Counter()
    for point_id, round_, status, count in session.exec(query):
        counts[point_id, round_, status is Status.APPROVED] += count
    return dict(counts)


def _list_observers(session: Session, points: list[UUID]) -> dict[UUID, list[str]]:
    query = (
        select(Assignment.point_id, Account.name)
        .join(Account, col(Account.id) == col(Assignment.account_id))
        .where(col(Assignment.point_id).in_(points))
        .order_by(Account.login)
    )
    names: defaultdict[UUID, list[str]] = defaultdict(list)
    for point_id, name in session.exec(query):
        names[point_id].append(name)
    return names


def _list_photos(session: Session, wave_id: UUID, instrument: Instrument) -> dict[UUID, list[str]]:
    query = (
        select(Response.point_id, ResponseRevision.answers)
        .join(ResponseRevision, col(ResponseRevision.response_id) == col(Response.id))
        .where(*_select_approved(wave_id))
    )
    photos: defaultdict[UUID, list[str]] = defaultdict(list)
    for point_id, answers in session.exec(query):
        if point_id is not None:
            photos[point_id] += [photo for _, photo in iter_photos(instrument, answers)]
    return photos
