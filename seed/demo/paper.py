"""Paper in the open demo wave: sheets handed in, sheets to key again, sheets to settle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from sqlmodel import Session, col, select

from seed.demo.accounts import typist_login
from seed.demo.random_streams import random_stream
from survey.access.principal import Principal
from survey.access.roles import DEMO_CITY, Role, demo_login
from survey.access.work import Work
from survey.collection.paper.keying import DEFAULT_SHARE, Keying, check_sheet, is_drawn
from survey.collection.paper.keying_service import submit_keying
from survey.questionnaire.model import Instrument, ItemKind
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    Assignment,
    PaperPlan,
    Response,
    ResponseRevision,
    SamplingPoint,
    Wave,
)
from survey.waves.instruments import load_instrument

HANDED_IN, AGREED, SETTLED, TO_KEY_AGAIN, TO_SETTLE = 14, 4, 4, 5, 3
_SHEETS = HANDED_IN + AGREED + SETTLED + TO_KEY_AGAIN + TO_SETTLE
FIRST_SERIAL = 420_101
"""As printed; the demo's stack begins here."""
_SEED = "demo"
_SHIFTED = 9
"""Ratings of a borrowed interview that are changed, so that no sheet repeats another."""
_SECONDS = (38.0, 75.0)


@dataclass(frozen=True)
class _PaperBatch:
    """What all sheets share, and the sheets themselves."""

    wave: Wave
    instrument: Instrument
    point_id: UUID
    surveyor_id: UUID
    answers: Sequence[Mapping[str, Any]]
    rng: np.random.Generator


def key_paper(
    *, session: Session, wave: Wave, accounts: Mapping[str, UUID], seed: int, now: datetime
) -> None:
    """Let two typists of the visitor's city key a stack through the service that everybody uses."""
    first, second = (
        Principal(accounts[typist_login(number)], "", Role.TYPIST, DEMO_CITY, is_demo=True)
        for number in (0, 1)
    )
    judge = Principal(
        accounts[demo_login(Role.SUPERVISOR)], "", Role.SUPERVISOR, DEMO_CITY, is_demo=True
    )
    session.add(PaperPlan(wave_id=wave.id, share=DEFAULT_SHARE, seed=_SEED, changed_at=now))
    session.flush()
    stack = _build_batch(session, wave, seed, now)
    serials = {drawn: _iter_serials(drawn) for drawn in (False, True)}
    for number in range(HANDED_IN):
        _key_sheet(
            Work(session, first, now, current_settings()),
            stack,
            next(serials[False]),
            1,
            stack.answers[number],
        )
    ways = ["agreed"] * AGREED + ["settled"] * SETTLED + ["settle"] * TO_SETTLE
    for number, way in enumerate(ways + ["again"] * TO_KEY_AGAIN):
        serial, answers = next(serials[True]), stack.answers[HANDED_IN + number]
        _key_sheet(Work(session, first, now, current_settings()), stack, serial, 1, answers)
        # The visitor keys again and settles, so has had none of these sheets before.
        if way != "again":
            other = answers if way == "agreed" else _mistype_answers(stack, answers, number)
            _key_sheet(Work(session, second, now, current_settings()), stack, serial, 2, other)
        if way == "settled":
            right = answers if number % 3 else other
            _key_sheet(Work(session, judge, now, current_settings()), stack, serial, 3, right)


def _iter_serials(drawn: bool) -> Iterator[str]:
    """Yield serial numbers that are, or are not, drawn to be keyed twice."""
    for serial in map(str, count(FIRST_SERIAL)):
        if is_drawn(seed=_SEED, serial=serial, share=DEFAULT_SHARE) is drawn:
            yield serial


def _build_batch(session: Session, wave: Wave, seed: int, now: datetime) -> _PaperBatch:
    rng = random_stream("paper", wave.key, seed=seed)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    place = session.exec(
        select(SamplingPoint, Assignment)
        .join(Assignment, Assignment.point_id == SamplingPoint.id)  # type: ignore[arg-type]
        .join(Account, Account.id == Assignment.account_id)  # type: ignore[arg-type]
        .where(SamplingPoint.wave_id == wave.id, SamplingPoint.city_code == DEMO_CITY)
        .order_by(col(SamplingPoint.code), col(Account.login))
    ).first()
    assert place is not None
    point, assignment = place
    answers = _borrow_answers(session, wave, instrument, rng, china_date(now))
    return _PaperBatch(wave, instrument, point.id, assignment.account_id, answers, rng)


def _borrow_answers(
    session: Session, wave: Wave, instrument: Instrument, rng: np.random.Generator, day: date
) -> list[Mapping[str, Any]]:
    """Read interviews of the wave and change ratings; the questionnaire accepts their routes."""
    query = (
        select(ResponseRevision.answers)
        .join(Response, Response.id == ResponseRevision.response_id)  # type: ignore[arg-type]
        .where(
            Response.wave_id == wave.id,
            ResponseRevision.wave_id == wave.id,
            col(ResponseRevision.is_current),
        )
        .where(Response.status != "screened_out", Response.status != "refused")
        .order_by(col(Response.city_code) != DEMO_CITY, col(Response.id))
        .limit(400)
    )
    ratings = [item.name for item in instrument.items() if item.kind is ItemKind.RATING]
    mixed_answers: list[Mapping[str, Any]] = []
    for answers in session.exec(query):
        mixed = {name: value for name, value in answers.items() if value is not None}
        for name in rng.choice(ratings, _SHIFTED, replace=False).tolist():
            if isinstance(mixed.get(name), int):
                mixed[name] = int(np.clip(mixed[name] + rng.choice((-2, -1, 1, 2)), 1, 10))
        if len(mixed_answers) == _SHEETS:
            # Enough of them; what follows is drawn all the same, from the stream of the stack.
            continue
        keyed = check_sheet(instrument, mixed, answers.keys(), day=day)
        if not keyed.problems and keyed.ending is None:
            mixed_answers.append(mixed)
    return mixed_answers


def _mistype_answers(
    stack: _PaperBatch, answers: Mapping[str, Any], number: int
) -> Mapping[str, Any]:
    """Return the sheet with one to three slips of the finger on scored ratings."""
    slips = dict(answers)
    names = [item.name for item in stack.instrument.scored_items if slips.get(item.name)]
    for name in stack.rng.choice(names, 1 + number % 3, replace=False).tolist():
        value = slips[name]
        slips[name] = value % 10 + 1 if isinstance(value, int) else 7
    return slips


def _key_sheet(
    work: Work, stack: _PaperBatch, serial: str, round_: int, answers: Mapping[str, Any]
) -> None:
    questions = {
        item.name for item in stack.instrument.items() if item.kind is not ItemKind.CALCULATE
    }
    keying = Keying.model_validate(
        {
            "client_uuid": uuid4(),
            "sheet": {
                "wave": stack.wave.key, "serial": serial, "round": round_,
                "point_id": stack.point_id, "surveyor_id": stack.surveyor_id,
                "interview_on": china_date(work.now) - timedelta(days=2),
            },
            "instrument_sha256": stack.instrument.sha256,
            "answers": {name: value for name, value in answers.items() if name in questions},
            "missing": questions,
            "seconds": round(float(stack.rng.uniform(*_SECONDS)), 1),
            "strokes": int(stack.rng.integers(52, 68)),
        }
    )  # fmt: skip
    submit_keying(replace(work, now=work.now - timedelta(days=1)), keying)
