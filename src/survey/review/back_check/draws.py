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

from sqlalchemy import func, select, update
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
from survey.waves.quota_counts import iter_batches
from survey.waves.quotas import COUNTED_STATUSES

MIN_PER_SURVEYOR = 1
"""Interviews of every surveyor in the random part, however small the share."""


@dataclass(frozen=True)
class Candidate:
    """Interview that can be drawn for a back-check; `chosen_by` is set if it was drawn before."""

    id: UUID
    surveyor_id: UUID
    risk: int
    """0 to 100; 0 where nothing was odd or nobody has looked."""
    chosen_by: ChosenBy | None = None


@dataclass(frozen=True)
class DrawnInterview:
    """Interview drawn for a back-check, and whether it was drawn at random or by risk."""

    id: UUID
    surveyor_id: UUID
    chosen_by: ChosenBy
    known: bool
    """On the list for its risk already; by lot it now stands for the surveyor's work as well."""


def select_interviews(
    candidates: Iterable[Candidate], *, random_share: float, risk_share: float, seed: str
) -> tuple[DrawnInterview, ...]:
    """Return interviews drawn to fill each surveyor's random and risk share (0 to 1), by `seed`.

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
        drawn += [
            DrawnInterview(each.id, each.surveyor_id, chosen_by, known=each.chosen_by is not None)
            for chosen_by, part in ((ChosenBy.RANDOM, by_lot), (ChosenBy.RISK, riskiest))
            for each in part
        ]
    return tuple(drawn)


def rounded_share(share: float, count: int) -> int:
    """Return `share` (0 to 1) of `count` as a whole number, rounded half up."""
    return floor(share * count + 0.5)


def draw_key(seed: str, response_id: UUID) -> str:
    """Return the number of an interview in a draw: SHA-256 of `<seed>:<id>`, in hexadecimal."""
    return hashlib.sha256(f"{seed}:{response_id}".encode()).hexdigest()


def selection_sha256(ids: Iterable[UUID]) -> str:
    """Return the SHA-256 over ids in the order given, for records of draws and previews."""
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


RANDOM_SHARE, RISK_SHARE = 0.05, 0.03
"""Usual shares of a surveyor's interviews."""
MAX_SEED_CHARS = 40

_RESPONSES, _RISKS, _WAVES = table_of(Response), table_of(ResponseRisk), table_of(Wave)
_CHECKS, _DRAWS, _ACCOUNTS = table_of(BackCheck), table_of(BackCheckDraw), table_of(Account)


@dataclass(frozen=True)
class DrawPlan:
    """Settings of a draw for back-checks. Shares are of each surveyor's interviews, 0 to 1."""

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
    """Numbers of one surveyor's interviews: all, drawn earlier, drawn now by lot and by risk."""

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
    """Number of interviews that a draw would add, by surveyor, and a hash of the selection."""

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
    """One recorded draw for back-checks: time, person, area, settings, number of interviews."""

    drawn_at: datetime
    drawn_by: str
    area: str
    seed: str
    random_share: float
    risk_share: float
    drawn: int


def preview_draw(work: Work, *, plan: DrawPlan) -> DrawPreview:
    """Return for each surveyor how many interviews the plan would draw; store nothing."""
    rows = _list_candidates(work, plan)
    return _build_preview(plan, rows, _draw_interviews(plan, rows))


def create_draw(work: Work, *, seen: DrawPreview) -> UUID:
    """Add preview `seen`'s interviews to the call list, raise if changed; return the draw's id."""
    plan = seen.plan
    # Of two draws at once the second waits.
    work.session.connection().execute(
        select(_WAVES.c.id).where(_WAVES.c.id == plan.wave_id).with_for_update(key_share=True)
    )
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
    """Return the draws with interviews in the principal's area, the newest first."""
    work.require(Action.BACK_CHECK)
    touching = select(_CHECKS.c.draw_id).where(
        _CHECKS.c.wave_id == wave_id, area_filter(work.principal, _CHECKS.c.city_code)
    )
    query = (
        select(
            _DRAWS.c.drawn_at,
            func.coalesce(_ACCOUNTS.c.name, ""),
            *_DRAWS.c["area", "seed", "random_share", "risk_share", "drawn"],
        )
        .select_from(_DRAWS.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _DRAWS.c.drawn_by))
        .where(_DRAWS.c.wave_id == wave_id, _DRAWS.c.id.in_(touching))
        .order_by(_DRAWS.c.drawn_at.desc(), _DRAWS.c.id.desc())
    )
    return [DrawRecord(*row) for row in work.session.connection().execute(query)]


def _list_candidates(work: Work, plan: DrawPlan) -> Sequence[AnyRow]:
    work.require(Action.BACK_CHECK, plan.city_code)
    _require_sensible(plan)
    query = (
        select(
            *_RESPONSES.c["id", "city_code", "surveyor_id"],
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
    work.session.connection().execute(
        _DRAWS.insert(),
        {
            "id": draw_id,
            "wave_id": plan.wave_id,
            "as_of": plan.as_of,
            "drawn_by": actor_id(work.principal),
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
    for ids in iter_batches(known):
        session.connection().execute(
            update(_CHECKS).where(_CHECKS.c.response_id.in_(ids)).values(chosen_by=ChosenBy.RANDOM)
        )
