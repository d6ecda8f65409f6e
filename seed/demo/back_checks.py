"""Back-checks of the open wave: drawn, most of them done, with what dishonest surveyors left there.

A surveyor of whose interviews many look odd invented some: the person asked again was never
interviewed, or is somebody else. Everybody else's facts differ by a slip now and then.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session

from seed.demo.random_streams import random_stream
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.access.work import Work
from survey.review.back_check.call_list import CallAttempt, record_attempt
from survey.review.back_check.draws import DrawPlan, create_draw, preview_draw
from survey.review.quality.flags import MIN_REVIEW_RISK
from survey.settings import current_settings
from survey.store.tables import (
    Account,
    AnyRow,
    BackCheck,
    Channel,
    Outcome,
    Response,
    ResponseRevision,
    ResponseRisk,
    SamplingPoint,
    revision_join,
    table_of,
)
from survey.waves.waves import get_wave

RANDOM_SHARE, RISK_SHARE = 0.15, 0.15
"""More than usual: after a week of fieldwork a surveyor has few interviews to draw from."""
MIN_SUSPICIOUS_SHARE = 0.3
"""From this share of odd interviews on, a surveyor is one of those who invent."""
INVENTED = 0.6
"""Of the interviews of these surveyors; of anybody else's, one in a hundred."""
SLIP = 0.02
"""Chance that an honest person says one stable fact otherwise."""
_NOT_TRIED_SHARE, _NOT_REACHED, _REFUSED = 0.35, 0.12, 0.04
"""Not tried yet; of the tried ones not reached, and unwilling."""
_FACTS = ("lived_6m", "gender", "residence")
_OTHER: Mapping[str, tuple[str, str]] = {
    "lived_6m": ("yes", "no"),
    "gender": ("male", "female"),
    "residence": ("urban", "rural"),
}

_CHECKS, _RESPONSES, _RISKS = table_of(BackCheck), table_of(Response), table_of(ResponseRisk)
_REVISIONS, _POINTS = table_of(ResponseRevision), table_of(SamplingPoint)


def store_back_checks(*, session: Session, wave_key: str, seed: int, now: datetime) -> int:
    """Draw back-checks in an assessed wave, enter what came of most, and return how many."""
    wave = get_wave(session=session, key=wave_key)
    checker = _get_administrator(session)
    plan = DrawPlan(wave.id, None, RANDOM_SHARE, RISK_SHARE, str(seed), now)
    seen = preview_draw(Work(session, checker, datetime.now(UTC), current_settings()), plan=plan)
    create_draw(Work(session, checker, now - timedelta(hours=20), current_settings()), seen=seen)
    odd = _compute_suspicious_shares(session, wave.id)
    rng = random_stream("back-check", wave_key, seed=seed)
    done = 0
    for row in session.connection().execute(_select_drawn(wave.id)).all():
        luck = rng.random(4)
        if luck[0] < _NOT_TRIED_SHARE:
            continue
        bad = luck[1] < (INVENTED if odd[row.surveyor_id] >= MIN_SUSPICIOUS_SHARE else 0.01)
        record_attempt(
            Work(
                session, checker, now - timedelta(hours=1 + 15 * float(luck[3])), current_settings()
            ),
            check_id=row.id,
            expected_version=1,
            attempt=_make_attempt(row, bad, float(luck[2]), rng),
        )
        done += 1
    return done


def _get_administrator(session: Session) -> Principal:
    accounts = table_of(Account)
    row = (
        session.connection()
        .execute(
            select(accounts.c.id, accounts.c.name).where(
                accounts.c.login == demo_login(Role.ADMINISTRATOR)
            )
        )
        .one()
    )
    # A visitor in this role may only look; the demo is built by somebody who may draw.
    return Principal(row.id, row.name, Role.ADMINISTRATOR, NATION)


def _compute_suspicious_shares(session: Session, wave_id: UUID) -> dict[UUID, float]:
    query = (
        select(
            _RESPONSES.c.surveyor_id,
            func.count(),
            func.count().filter(_RISKS.c.score >= MIN_REVIEW_RISK),
        )
        .select_from(_RESPONSES.join(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id))
        .where(_RESPONSES.c.wave_id == wave_id)
        .group_by(_RESPONSES.c.surveyor_id)
    )
    rows = session.connection().execute(query)
    return {row[0]: row[2] / row[1] for row in rows}


def _select_drawn(wave_id: UUID) -> Any:
    """Select the drawn checks in the order of the interviews, which depends on the seed alone."""
    return (
        select(
            _CHECKS.c.id,
            _CHECKS.c.surveyor_id,
            _RESPONSES.c.mode,
            _RESPONSES.c.duration_seconds,
            _POINTS.c.kind,
            _REVISIONS.c.answers,
        )
        .select_from(
            _CHECKS.join(_RESPONSES, _RESPONSES.c.id == _CHECKS.c.response_id)
            .join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS))
            .join(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
        )
        .where(_CHECKS.c.wave_id == wave_id, _REVISIONS.c.is_current)
        .order_by(_RESPONSES.c.id)
    )


def _make_attempt(row: AnyRow, bad: bool, luck: float, rng: np.random.Generator) -> CallAttempt:
    channel = Channel.PHONE if rng.random() < 0.8 else Channel.ON_SITE
    if luck < _NOT_REACHED:
        return CallAttempt(Outcome.NOT_REACHED, channel, {})
    if luck < _NOT_REACHED + _REFUSED:
        return CallAttempt(Outcome.REFUSED, channel, {})
    if bad and luck > 0.6:
        return CallAttempt(Outcome.NEVER_INTERVIEWED, channel, {})
    answers = _draw_other_person(row, rng) if bad else _repeat_answers(row, rng)
    return CallAttempt(Outcome.REACHED, channel, answers)


def _repeat_answers(row: AnyRow, rng: np.random.Generator) -> dict[str, Any]:
    then = row.answers
    answers = {
        "asked_where": row.kind if rng.random() > SLIP else "dk",
        "asked_how": row.mode if rng.random() > SLIP else "dk",
        "asked_minutes": max(1, round((row.duration_seconds or 360) / 60 + rng.normal(0, 2.5))),
        "birth_year": then.get("birth_year"),
        "consumer_confidence": then.get("consumer_confidence"),
    }
    for name in _FACTS:
        value = then.get(name)
        answers[name] = _flip_answer(name, value) if rng.random() < SLIP else value
    for name in ("overall", "service"):
        value = then.get(name)
        if isinstance(value, int):
            answers[name] = int(np.clip(value + rng.integers(-2, 3) * (rng.random() < 0.5), 1, 10))
    return {name: value for name, value in answers.items() if value is not None}


def _draw_other_person(row: AnyRow, rng: np.random.Generator) -> dict[str, Any]:
    """Draw answers of a person interviewed at another time: other age, often other gender."""
    answers = _repeat_answers(row, rng)
    born = int(row.answers.get("birth_year") or 1980)
    answers["birth_year"] = int(
        np.clip(born + rng.choice([-1, 1]) * rng.integers(4, 20), 1945, 2008)
    )
    for name in ("gender", "residence"):
        if rng.random() < 0.6:
            answers[name] = _flip_answer(name, row.answers.get(name))
    answers["overall"] = int(rng.integers(3, 11))
    return answers


def _flip_answer(name: str, value: Any) -> str:
    first, second = _OTHER[name]
    return second if value == first else first
