"""Tallies of interviews by state, their dispositions, and the alerts that follow from them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from survey.access.principal import area_filter
from survey.access.work import Work
from survey.estimate.interviewer_effect import wilson
from survey.records import build_from
from survey.review.forecast import EffectiveSize, Forecast
from survey.review.quality.flags import MIN_REVIEW_RISK
from survey.review.review_queue import MAX_REVIEW_WAIT
from survey.store.tables import (
    Account,
    Invitation,
    QuotaMargin,
    Response,
    ResponseRisk,
    Status,
    table_of,
)
from survey.waves.quotas import NEVER_STOPPING_DIMENSIONS, parse_band


@dataclass(frozen=True)
class StatusTally:
    """Number of interviews by state, and target, of a quota cell, a city or all cities."""

    target: int
    by_status: Mapping[Status, int] = field(default_factory=dict)
    counted: int = 0
    """What the quota counts: everything completed that is not void."""

    def of(self, *statuses: Status) -> int:
        """Return the number of interviews that are in any of the given states."""
        return sum(self.by_status.get(status, 0) for status in statuses)

    @property
    def collected(self) -> int:
        """Number of complete interviews, whatever their review decided."""
        return self.counted + self.void

    @property
    def in_review(self) -> int:
        """Number of interviews that wait for a decision."""
        return self.of(Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)

    @property
    def valid(self) -> int:
        """Number of approved interviews, the frozen ones included."""
        return self.of(Status.APPROVED, Status.FROZEN)

    @property
    def void(self) -> int:
        """Number of void interviews."""
        return self.of(Status.VOID)

    @property
    def decided(self) -> int:
        """Number of interviews that passed at least one level of review, or were voided."""
        return self.void + self.valid + self.of(Status.CITY_APPROVED)

    @property
    def missing(self) -> int:
        """Number of interviews that the target still asks for."""
        return max(self.target - self.counted, 0)

    @property
    def beyond(self) -> int:
        """Number of interviews in excess of the target; 0 if the target is not exceeded."""
        return max(self.counted - self.target, 0)

    @property
    def filled(self) -> float | None:
        """Share of the target that is collected; None without a target."""
        return self.counted / self.target if self.target else None


@dataclass(frozen=True)
class ShareEstimate:
    """A share with its 95% Wilson interval, and the number it is a share of."""

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True)
class CellProgress:
    """One quota cell (age band and gender) with its number of interviews by state."""

    age_band: str
    gender: str
    tally: StatusTally


@dataclass(frozen=True)
class MarginalQuotaTally:
    """Target and count of one marginal quota, of a city or of all cities."""

    dimension: str
    category: str
    target: int
    collected: int
    missing: int
    """Over the cities: what one has too many helps no other."""
    stops: bool
    turned_away: int
    """Finished interviews that did not count because this group was full."""

    @property
    def group(self) -> str:
        """Group of respondents that the quota is about, for example `gender=male`."""
        return f"{self.dimension}={self.category}"

    @property
    def beyond(self) -> int:
        """Number of interviews in excess of the target; 0 if the target is not exceeded."""
        return max(self.collected - self.target, 0)


@dataclass(frozen=True)
class AreaProgress:
    """Progress of one city, or of all cities in the principal's area under the code None."""

    city_code: str | None
    tally: StatusTally
    cells: tuple[CellProgress, ...]
    effective: EffectiveSize
    forecast: Forecast | None
    days: Mapping[date, int]
    """Interviews that the quota counts, by day of receipt, of the recent days and today."""
    still_missing: int
    """Over the quotas: what one has too many helps no other."""
    margins: tuple[MarginalQuotaTally, ...] = ()

    @property
    def beyond(self) -> int:
        """Number of interviews in excess of quotas, by the largest surplus of one kind of quota."""
        kinds = [] if is_marginal(self.margins) else [sum(c.tally.beyond for c in self.cells)]
        kinds += sum_by_dimension(self.margins, lambda margin: margin.beyond).values()
        return max(kinds, default=0)

    @property
    def reserve(self) -> int:
        """Number by which quota targets exceed the ordered sample, to replace voided interviews."""
        return max(planned_interviews(self.cells, self.margins, None) - self.tally.target, 0)

    @property
    def waste(self) -> ShareEstimate | None:
        """Share of void interviews of all decided ones; None before any decision."""
        return share_with_interval(self.tally.void, self.tally.decided)


def is_marginal(margins: Iterable[MarginalQuotaTally]) -> bool:
    """Return whether age bands have marginal quotas, so that age x gender cells are no quotas."""
    return any(margin.dimension == "age_band" for margin in margins)


def sum_by_dimension(
    margins: Iterable[MarginalQuotaTally], figure: Callable[[MarginalQuotaTally], int]
) -> dict[str, int]:
    """Return dimension -> sum of `figure` over `margins`, but never-stopping ones."""
    kinds: Counter[str] = Counter()
    for margin in margins:
        if margin.dimension not in NEVER_STOPPING_DIMENSIONS:
            kinds[margin.dimension] += figure(margin)
    return kinds


def share_with_interval(count: int, of: int) -> ShareEstimate | None:
    """Return `count` of `of` as a share with its 95% interval; None if `of` is 0."""
    return ShareEstimate(count / of, *wilson(count, of), of) if of else None


_MARGINS, _RESPONSES = table_of(QuotaMargin), table_of(Response)
_KINDS = ("age_band", "gender", "school_stage", "guardian", "village_role", "stratum")
"""In the order in which they are shown."""


def list_marginal_quotas(work: Work, wave_id: UUID) -> dict[str, tuple[MarginalQuotaTally, ...]]:
    """Return city -> its marginal quotas, sorted by kind and category."""
    query = select(_MARGINS).where(
        _MARGINS.c.wave_id == wave_id, area_filter(work.principal, _MARGINS.c.city_code)
    )
    rows = work.session.connection().execute(query).all()
    turned = _count_turned_away(work, wave_id) if rows else {}
    margins_by_city: dict[str, list[MarginalQuotaTally]] = {}
    for row in rows:
        away = turned.get((row.city_code, f"{row.dimension}={row.category}"), 0)
        missing = max(row.target - row.collected, 0)
        margin = build_from(MarginalQuotaTally, row, missing=missing, turned_away=away)
        margins_by_city.setdefault(row.city_code, []).append(margin)
    return {city: tuple(sorted(own, key=_sort_key)) for city, own in margins_by_city.items()}


def _count_turned_away(work: Work, wave_id: UUID) -> dict[tuple[str, str], int]:
    query = (
        select(_RESPONSES.c.city_code, _RESPONSES.c.reason, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            area_filter(work.principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.QUOTA_FULL,
        )
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.reason)
    )
    return {(city, why): count for city, why, count in work.session.connection().execute(query)}


def _sort_key(margin: MarginalQuotaTally) -> tuple[int, int, str]:
    kind = _KINDS.index(margin.dimension) if margin.dimension in _KINDS else len(_KINDS)
    youngest = parse_band(margin.category)[0] if margin.dimension == "age_band" else 0
    return kind, youngest, margin.category


def sum_marginal_quotas(cities: Iterable[AreaProgress]) -> tuple[MarginalQuotaTally, ...]:
    """Return the marginal quotas of all cities, summed by group."""
    groups: dict[tuple[str, str], list[MarginalQuotaTally]] = {}
    for city in cities:
        for margin in city.margins:
            groups.setdefault((margin.dimension, margin.category), []).append(margin)
    summed = [
        MarginalQuotaTally(
            *group,
            target=sum(margin.target for margin in own),
            collected=sum(margin.collected for margin in own),
            missing=sum(margin.missing for margin in own),
            stops=all(margin.stops for margin in own),
            turned_away=sum(margin.turned_away for margin in own),
        )
        for group, own in groups.items()
    ]
    return tuple(sorted(summed, key=_sort_key))


def planned_interviews(
    cells: Sequence[CellProgress], own: Sequence[MarginalQuotaTally], ordered: int | None
) -> int:
    """Return `ordered` if set, else the cells' targets, else the largest dimension sum of `own`."""
    if ordered is not None:
        return ordered
    planned = sum(cell.tally.target for cell in cells)
    return planned or max(sum_by_dimension(own, lambda margin: margin.target).values(), default=0)


def shortfall_of(
    cells: Sequence[CellProgress], own: Sequence[MarginalQuotaTally], ordered: int | None
) -> int:
    """Return how many interviews a city's `cells` or marginal quotas `own` need, whichever is more.

    Quotas hold a reserve beyond what was `ordered`, which is not missed while it is empty.
    """
    targets = sum_by_dimension(own, lambda margin: margin.target)
    missing = sum_by_dimension(own, lambda margin: margin.missing)
    if not is_marginal(own):
        targets[""] = sum(cell.tally.target for cell in cells)
        missing[""] = sum(cell.tally.missing for cell in cells)
    return max(
        0,
        *(
            missing[kind] - (0 if ordered is None else max(target - ordered, 0))
            for kind, target in targets.items()
        ),
    )


MIN_FLAGGED = 3
"""Interviews at risk before a surveyor is pointed out."""

_RISKS, _ACCOUNTS = table_of(ResponseRisk), table_of(Account)


class AlertKind(StrEnum):
    """Reason for an alert: behind plan, no pace, voids, over quota, long waiting, or a surveyor."""

    BEHIND = "behind"
    NO_PACE = "no_pace"
    WASTE = "waste"
    OVER = "over"
    WAITING = "waiting"
    SURVEYOR = "surveyor"


@dataclass(frozen=True)
class Alert:
    """One alert, ranked by the number of interviews it concerns."""

    concern: AlertKind
    city_code: str
    interviews: int
    surveyor_id: UUID | None = None
    surveyor: str = ""
    of: int = 0
    """Of how many, where that says something."""


def list_alerts(
    work: Work,
    wave_id: UUID,
    cities: Iterable[AreaProgress],
    *,
    left: int | None,
    usual_waste: float,
) -> tuple[Alert, ...]:
    """Return alerts (pace for `left` days, voids over `usual_waste`, quotas …), largest first."""
    concerns = (
        *(each for city in cities for each in _list_city_alerts(city, left, usual_waste)),
        *_list_waiting_alerts(work, wave_id),
        *_list_surveyor_alerts(work, wave_id),
    )
    return tuple(
        sorted(concerns, key=lambda each: (-each.interviews, each.city_code, each.concern))
    )


def _list_city_alerts(city: AreaProgress, left: int | None, usual_waste: float) -> list[Alert]:
    code = city.city_code or ""
    concerns = []
    late = _estimate_shortfall(city, left)
    if late:
        # Without a pace nothing can be said of the last day, only of today.
        kind = AlertKind.NO_PACE if city.forecast is None else AlertKind.BEHIND
        concerns.append(Alert(kind, code, late, of=city.still_missing))
    if city.beyond:
        concerns.append(Alert(AlertKind.OVER, code, city.beyond))
    waste = city.waste
    if waste is not None and waste.low > usual_waste:
        too_many = round(city.tally.void - usual_waste * waste.of)
        concerns.append(Alert(AlertKind.WASTE, code, max(too_many, 1), of=waste.of))
    return concerns


def _estimate_shortfall(city: AreaProgress, left: int | None) -> int:
    """Return how many interviews will be missing after `left` more days at the recent pace."""
    if left is None or not city.still_missing:
        return 0
    if city.forecast is None:
        return city.still_missing
    if city.forecast.chance is None or city.forecast.chance >= 0.5:
        return 0
    return max(1, round(city.still_missing - city.forecast.per_day * left))


def _list_waiting_alerts(work: Work, wave_id: UUID) -> list[Alert]:
    """Return alerts for cities whose interviews wait too long for their first review."""
    query = (
        select(_RESPONSES.c.city_code, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            area_filter(work.principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.SUBMITTED,
            _RESPONSES.c.submitted_at < work.now - MAX_REVIEW_WAIT,
        )
        .group_by(_RESPONSES.c.city_code)
    )
    return [
        Alert(AlertKind.WAITING, city, number)
        for city, number in work.session.connection().execute(query)
    ]


def _list_surveyor_alerts(work: Work, wave_id: UUID) -> list[Alert]:
    """Return alerts for surveyors with clearly more risky interviews than usual."""
    query = (
        select(
            *_RESPONSES.c["city_code", "surveyor_id"],
            _ACCOUNTS.c.name,
            func.count().label("assessed"),
            func.count().filter(_RISKS.c.score >= MIN_REVIEW_RISK).label("risky"),
        )
        .select_from(
            _RESPONSES.join(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id).join(
                _ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id
            )
        )
        .where(
            _RESPONSES.c.wave_id == wave_id,
            area_filter(work.principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.SUBMITTED,
        )
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.surveyor_id, _ACCOUNTS.c.name)
    )
    rows = work.session.connection().execute(query).all()
    assessed = sum(row.assessed for row in rows)
    usual = sum(row.risky for row in rows) / assessed if assessed else 0.0
    return [
        Alert(
            AlertKind.SURVEYOR, row.city_code, row.risky, row.surveyor_id, row.name, of=row.assessed
        )
        for row in rows
        if row.risky >= MIN_FLAGGED and wilson(row.risky, row.assessed)[0] > usual
    ]


_INVITATIONS = table_of(Invitation)


@dataclass(frozen=True)
class Dispositions:
    """Number of attempts by AAPOR disposition (docs/progress.md has the definitions)."""

    complete: int
    void: int
    refused: int
    break_offs: int
    unknown_eligibility: int
    screened_out: int
    quota_full: int

    @property
    def eligible(self) -> int:
        """Attempts with eligible persons: complete, void and refused interviews, and break-offs."""
        return self.complete + self.void + self.refused + self.break_offs

    @property
    def estimated_eligibility(self) -> ShareEstimate | None:
        """AAPOR's e: known eligible cases as a share of cases of known eligibility."""
        return share_with_interval(
            self.eligible, self.eligible + self.screened_out + self.quota_full
        )

    @property
    def response_rate_rr3(self) -> float | None:
        """AAPOR RR3: response rate in which a share e of unopened links counts as eligible."""
        e = self.estimated_eligibility
        if e is None:
            return None
        below = self.eligible + e.value * self.unknown_eligibility
        return self.complete / below if below else None

    @property
    def response_rate_rr1(self) -> float | None:
        """AAPOR RR1: response rate in which every unopened link counts as eligible."""
        below = self.eligible + self.unknown_eligibility
        return self.complete / below if below else None

    @property
    def cooperation_rate_coop1(self) -> ShareEstimate | None:
        """AAPOR COOP1: complete interviews as a share of eligible people who were reached."""
        return share_with_interval(self.complete, self.eligible)

    @property
    def refusal_rate_ref1(self) -> float | None:
        """AAPOR REF1: refusals as a share of eligible cases and cases of unknown eligibility."""
        below = self.eligible + self.unknown_eligibility
        return self.refused / below if below else None


def dispositions(work: Work, wave_id: UUID, tally: StatusTally) -> Dispositions:
    """Count a wave's attempts by AAPOR disposition, from `tally` and links, in the reader's area.

    Links count only when they can no longer be used; the others may still be answered. A code that
    waited on a screen or on paper and was never opened was no attempt.
    """
    opened = _INVITATIONS.c.opened_at.is_not(None)
    unopened_attempt = ~opened & ~_INVITATIONS.c.ready_made
    query = select(func.count().filter(opened), func.count().filter(unopened_attempt)).where(
        _INVITATIONS.c.wave_id == wave_id,
        area_filter(work.principal, _INVITATIONS.c.city_code),
        _INVITATIONS.c.used_at.is_(None),
        _INVITATIONS.c.expires_at < work.now,
    )
    broken_off, unopened = work.session.connection().execute(query).one()
    return Dispositions(
        complete=tally.counted,
        void=tally.void,
        refused=tally.of(Status.REFUSED),
        break_offs=broken_off,
        unknown_eligibility=unopened,
        screened_out=tally.of(Status.SCREENED_OUT),
        quota_full=tally.of(Status.QUOTA_FULL),
    )
