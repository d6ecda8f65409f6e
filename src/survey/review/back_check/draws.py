"""Draws of interviews for back-checks: selection, preview, the draw itself and its record.

Every interview gets a number from the seed and its id; the smallest numbers of a surveyor are the
random part. So the draw depends neither on the order in which interviews are read nor on anything
that a person could choose but the seed, and it can be repeated in one line of any language.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import ConflictError, RefusedError, msg
from survey.review.back_check.comparison_items import INSTRUMENT
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_columns
from survey.store.tables import (
    Account,
    AnyRow,
    BackCheck,
    BackCheckDraw,
    ChosenBy,
    Response,
    ResponseRisk,
    Wave,
    new_id,
    table_of,
)
from survey.waves.instruments import instrument_id_by_name
from survey.waves.quotas import COUNTED_STATUSES

MIN_PER_SURVEYOR = 1
"""Interviews of every surveyor in the random part, however small the share."""


@dataclass(frozen=True)
class Candidate:
    """An interview that can be drawn; `chosen_by` is set if an earlier draw chose it."""

    id: UUID
    surveyor_id: UUID
    risk: int
    """0 to 100; 0 where nothing was odd or nobody has looked."""
    chosen_by: ChosenBy | None = None


@dataclass(frozen=True)
class DrawnInterview:
    """Part of a draw that one interview belongs to."""

    id: UUID
    surveyor_id: UUID
    chosen_by: ChosenBy
    known: bool
    """On the list for its risk already; by lot it now stands for the surveyor's work as well."""


def select_interviews(
    candidates: Iterable[Candidate], *, random_share: float, risk_share: float, seed: str
) -> tuple[DrawnInterview, ...]:
    """Fill each surveyor's random and risk part up to their shares (0 to 1) of all candidates.

    The random part is drawn from *all* of a surveyor's interviews, also from those that stand on
    the list for their risk: only so does its error rate speak for the surveyor's work. The risk
    part takes the highest risks of the rest; what has no risk is never taken for it. Drawing again
    with the same shares adds only what new interviews ask for.
    """
    by_surveyor: defaultdict[UUID, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_surveyor[candidate.surveyor_id].append(candidate)
    drawn: list[DrawnInterview] = []
    for _, own in sorted(by_surveyor.items()):
        by_lot = _draw_at_random(
            own, max(MIN_PER_SURVEYOR, rounded_share(random_share, len(own))), seed
        )
        drawn_ids = {candidate.id for candidate in by_lot}
        riskiest = _draw_by_risk(own, rounded_share(risk_share, len(own)), drawn_ids)
        drawn += [_build_drawn_interview(candidate, ChosenBy.RANDOM) for candidate in by_lot]
        drawn += [_build_drawn_interview(candidate, ChosenBy.RISK) for candidate in riskiest]
    return tuple(drawn)


def rounded_share(share: float, count: int) -> int:
    """Return a share of `count`, rounded half up."""
    return floor(share * count + 0.5)


def draw_key(seed: str, response_id: UUID) -> str:
    """Return the number of an interview in a draw: SHA-256 of `<seed>:<id>`, in hexadecimal."""
    return hashlib.sha256(f"{seed}:{response_id}".encode()).hexdigest()


def selection_sha256(ids: Iterable[UUID]) -> str:
    """Return the SHA-256 over ids in order, for records of draws and previews."""
    digest = hashlib.sha256()
    for each in ids:
        digest.update(each.bytes)
    return digest.hexdigest()


def _draw_at_random(own: Sequence[Candidate], wanted: int, seed: str) -> list[Candidate]:
    waiting = [candidate for candidate in own if candidate.chosen_by is not ChosenBy.RANDOM]
    missing = max(0, wanted - (len(own) - len(waiting)))
    return sorted(waiting, key=lambda candidate: draw_key(seed, candidate.id))[:missing]


def _draw_by_risk(own: Sequence[Candidate], wanted: int, drawn_ids: set[UUID]) -> list[Candidate]:
    already = sum(each.chosen_by is ChosenBy.RISK and each.id not in drawn_ids for each in own)
    waiting = [
        each for each in own if each.chosen_by is None and each.id not in drawn_ids and each.risk
    ]
    waiting.sort(key=lambda candidate: (-candidate.risk, candidate.id))
    return waiting[: max(0, wanted - already)]


def _build_drawn_interview(candidate: Candidate, chosen_by: ChosenBy) -> DrawnInterview:
    return DrawnInterview(
        candidate.id, candidate.surveyor_id, chosen_by, known=candidate.chosen_by is not None
    )


RANDOM_SHARE, RISK_SHARE = 0.05, 0.03
"""Usual shares of a surveyor's interviews."""
MAX_SEED_CHARS = 40

_RESPONSES, _RISKS, _WAVES = table_of(Response), table_of(ResponseRisk), table_of(Wave)
_CHECKS, _DRAWS, _ACCOUNTS = table_of(BackCheck), table_of(BackCheckDraw), table_of(Account)
_INTERVIEW_BATCH_SIZE = 500
"""Interviews named in one statement."""


@dataclass(frozen=True)
class DrawPlan:
    """Everything that a draw depends on. Shares are of each surveyor's interviews, 0 to 1."""

    wave_id: UUID
    city_code: str | None
    """None: everything in the reader's area."""
    random_share: float
    risk_share: float
    seed: str
    as_of: datetime
    """Interviews that arrive later are left out, so that a preview stays true while others do."""


@dataclass(frozen=True)
class SurveyorDraw:
    """Interviews that a draw adds of one surveyor."""

    surveyor_id: UUID
    name: str
    city_code: str
    interviews: int
    listed: int
    """On the list already, from earlier draws."""
    by_lot: int
    by_risk: int


@dataclass(frozen=True)
class DrawPreview:
    """Result that a draw would have, surveyor by surveyor."""

    plan: DrawPlan
    surveyors: tuple[SurveyorDraw, ...]
    pool: int
    drawn_sha256: str

    @property
    def added(self) -> int:
        """Number of interviews that the draw adds."""
        return sum(share.by_lot + share.by_risk for share in self.surveyors)


@dataclass(frozen=True)
class DrawRecord:
    """One recorded draw."""

    drawn_at: datetime
    drawn_by: str
    area: str
    seed: str
    random_share: float
    risk_share: float
    drawn: int


def preview_draw(work: Work, *, plan: DrawPlan) -> DrawPreview:
    """Return what the plan would draw, without drawing it."""
    rows = _list_candidates(work, plan)
    return _build_preview(plan, rows, _draw_interviews(plan, rows))


def create_draw(work: Work, *, seen: DrawPreview) -> UUID:
    """Add the interviews of a preview to the call list. Raises `ConflictError`."""
    plan = seen.plan
    _lock_draws(work.session, plan.wave_id)
    rows = _list_candidates(work, plan)
    drawn = _draw_interviews(plan, rows)
    if _build_preview(plan, rows, drawn).drawn_sha256 != seen.drawn_sha256:
        raise ConflictError(
            "draw_changed",
            msg("Some of these interviews have changed in the meantime. Please look again."),
        )
    if not drawn:
        raise RefusedError("draw_impossible", msg("There is nothing new to draw."))
    draw_id = _record_draw(work, seen)
    _save_draw(work.session, plan, draw_id, rows, drawn)
    return draw_id


def list_draws(work: Work, *, wave_id: UUID) -> list[DrawRecord]:
    """Return the draws that may concern the principal's area, the newest first."""
    work.require(Action.BACK_CHECK)
    touching = select(_CHECKS.c.draw_id).where(
        _CHECKS.c.wave_id == wave_id, area_filter(work.principal, _CHECKS.c.city_code)
    )
    query = (
        select(_DRAWS, _ACCOUNTS.c.name)
        .select_from(_DRAWS.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _DRAWS.c.drawn_by))
        .where(_DRAWS.c.wave_id == wave_id, _DRAWS.c.id.in_(touching))
        .order_by(_DRAWS.c.drawn_at.desc(), _DRAWS.c.id.desc())
    )
    return [
        DrawRecord(
            row.drawn_at,
            row.name or "",
            row.area,
            row.seed,
            row.random_share,
            row.risk_share,
            row.drawn,
        )
        for row in work.session.connection().execute(query)
    ]


def _lock_draws(session: Session, wave_id: UUID) -> None:
    """Lock the draws of a wave, so that of two at once the second waits."""
    session.connection().execute(
        select(_WAVES.c.id).where(_WAVES.c.id == wave_id).with_for_update(key_share=True)
    )


def _list_candidates(work: Work, plan: DrawPlan) -> Sequence[AnyRow]:
    work.require(Action.BACK_CHECK, plan.city_code)
    _require_sensible(plan)
    query = (
        select(
            _RESPONSES.c.id,
            _RESPONSES.c.city_code,
            _RESPONSES.c.surveyor_id,
            _RISKS.c.score,
            _CHECKS.c.chosen_by,
            _ACCOUNTS.c.name,
        )
        .select_from(
            _RESPONSES.join(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id)
            .outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
            .outerjoin(_CHECKS, _CHECKS.c.response_id == _RESPONSES.c.id)
        )
        .where(
            _RESPONSES.c.wave_id == plan.wave_id,
            _RESPONSES.c.status.in_(COUNTED_STATUSES),
            _RESPONSES.c.submitted_at <= plan.as_of,
            area_filter(work.principal, _RESPONSES.c.city_code),
        )
        .order_by(_RESPONSES.c.id)
    )
    if plan.city_code is not None:
        query = query.where(_RESPONSES.c.city_code == plan.city_code)
    return work.session.connection().execute(query).all()


def _require_sensible(plan: DrawPlan) -> None:
    if not (0 <= plan.random_share <= 1 and 0 <= plan.risk_share <= 1):
        raise RefusedError("draw_impossible", msg("A share lies between 0 and 100 per cent."))
    if not plan.seed.strip() or len(plan.seed) > MAX_SEED_CHARS:
        raise RefusedError(
            "draw_impossible",
            msg("Please give a seed of at most {most} characters.", most=MAX_SEED_CHARS),
        )


def _draw_interviews(plan: DrawPlan, rows: Sequence[AnyRow]) -> tuple[DrawnInterview, ...]:
    candidates = (Candidate(row.id, row.surveyor_id, row.score or 0, row.chosen_by) for row in rows)
    return select_interviews(
        candidates, random_share=plan.random_share, risk_share=plan.risk_share, seed=plan.seed
    )


def _build_preview(
    plan: DrawPlan, rows: Sequence[AnyRow], drawn: Sequence[DrawnInterview]
) -> DrawPreview:
    pool: Counter[UUID] = Counter(row.surveyor_id for row in rows)
    listed: Counter[UUID] = Counter(row.surveyor_id for row in rows if row.chosen_by is not None)
    new: Counter[tuple[UUID, ChosenBy]] = Counter(
        (interview.surveyor_id, interview.chosen_by) for interview in drawn if not interview.known
    )
    people = {row.surveyor_id: (row.city_code, row.name) for row in rows}
    shares = [
        SurveyorDraw(
            person,
            name,
            city,
            pool[person],
            listed[person],
            new[person, ChosenBy.RANDOM],
            new[person, ChosenBy.RISK],
        )
        for person, (city, name) in people.items()
    ]
    shares.sort(key=lambda share: (share.city_code, share.name, share.surveyor_id))
    return DrawPreview(
        plan, tuple(shares), len(rows), selection_sha256(interview.id for interview in drawn)
    )


def _record_draw(work: Work, seen: DrawPreview) -> UUID:
    plan, draw_id = seen.plan, new_id()
    facts = {
        "area": plan.city_code or work.principal.area, "seed": plan.seed,
        "random_share": plan.random_share, "risk_share": plan.risk_share, "pool": seen.pool,
        "drawn": seen.added, "drawn_sha256": seen.drawn_sha256,
    }  # fmt: skip
    actor = actor_id(work.principal)
    work.session.connection().execute(
        _DRAWS.insert(),
        {
            "id": draw_id,
            "wave_id": plan.wave_id,
            "as_of": plan.as_of,
            "drawn_by": actor,
            "drawn_at": work.now,
            **facts,
        },
    )
    work.record(
        AuditEvent.BACK_CHECK_DRAWN,
        plan.wave_id,
        {"draw": str(draw_id), "as_of": plan.as_of.isoformat(), **facts},
    )
    return draw_id


def _save_draw(
    session: Session,
    plan: DrawPlan,
    draw_id: UUID,
    rows: Sequence[AnyRow],
    drawn: Sequence[DrawnInterview],
) -> None:
    city = {row.id: row.city_code for row in rows}
    new = [interview for interview in drawn if not interview.known]
    insert_columns(
        session.connection(),
        BackCheck,
        {
            "id": [new_id() for _ in new],
            "response_id": [interview.id for interview in new],
            "city_code": [city[interview.id] for interview in new],
            "surveyor_id": [interview.surveyor_id for interview in new],
            "chosen_by": [interview.chosen_by for interview in new],
        },
        {
            "draw_id": draw_id,
            "wave_id": plan.wave_id,
            "instrument_id": instrument_id_by_name(session=session, name=INSTRUMENT),
            "attempts": 0,
            "answers": {},
            "note": "",
            "lock_version": 1,
        },
    )
    known = [interview.id for interview in drawn if interview.known]
    for first in range(0, len(known), _INTERVIEW_BATCH_SIZE):
        session.connection().execute(
            update(_CHECKS)
            .where(_CHECKS.c.response_id.in_(known[first : first + _INTERVIEW_BATCH_SIZE]))
            .values(chosen_by=ChosenBy.RANDOM)
        )
