"""A store with one open wave of the shipped main questionnaire, and a stack of one-time links."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.access.work import Work
from survey.collection.invitations import issue_invitation
from survey.questionnaire.model import Instrument, Item, ItemKind
from survey.questionnaire.validation import validate
from survey.settings import current_settings
from survey.store.engine import session_scope
from survey.store.schema import upgrade
from survey.store.tables import Account, Assignment, PointKind, QuotaCell, SamplingPoint, new_id
from survey.waves.instruments import find_instrument, instrument_id_by_name, load_reference_data
from survey.waves.waves import NewWave, create_wave, open_wave

ROOT = Path(__file__).resolve().parents[2]
WAVE = "benchmark"
INSTRUMENT = "main-2023"
CITY = "110000"
TODAY = datetime.now(UTC).date()
COMMENT = "The staff were kind, but prices could be clearer. " * 3
BANDS = ("15-24", "25-34", "35-44", "45-54", "55-70")


@dataclass(frozen=True)
class Scenario:
    instrument: Instrument
    tokens: tuple[str, ...]


def build(url: str, *, links: int) -> Scenario:
    """Prepare the store at `url` and hand out `links` one-time links."""
    upgrade(url)
    load_reference_data(url, ROOT / "seed")
    now = datetime.now(UTC)
    with session_scope(url) as session:
        instrument = find_instrument(session=session, name=INSTRUMENT)
        account = Account(login=f"bench-{uuid4()}", name="B", role=Role.SURVEYOR, area=NATION)
        session.add(account)
        session.flush()
        plan = NewWave(
            key=f"{WAVE}-{new_id()}",
            series=WAVE,
            year=now.year,
            title_zh=WAVE,
            title_en=WAVE,
            instrument_id=instrument_id_by_name(session=session, name=INSTRUMENT),
        )
        create_wave(Work(session, OPERATOR, now, current_settings()), plan=plan)
        wave = open_wave(Work(session, OPERATOR, now, current_settings()), key=plan.key)
        point = SamplingPoint(
            wave_id=wave.id,
            city_code=CITY,
            code="bench",
            name="bench",
            kind=PointKind.MALL,
            stratum="urban",
            target=links,
        )
        session.add(point)
        session.flush()
        session.add(Assignment(account_id=account.id, point_id=point.id))
        session.add_all(
            QuotaCell(wave_id=wave.id, city_code=CITY, age_band=band, gender=gender, target=links)
            for band in BANDS
            for gender in ("male", "female")
        )
        session.flush()
        surveyor = Principal(account.id, account.name, Role.SURVEYOR, NATION)
        tokens = tuple(
            issue_invitation(
                Work(session, surveyor, now, current_settings()),
                wave_key=plan.key,
                point_id=point.id,
            ).token
            for _ in range(links)
        )
    return Scenario(instrument, tokens)


def payload(world: Scenario, token: str, draw: random.Random) -> dict[str, Any]:
    """A complete interview on the longest route, as the browser sends it."""
    answers = complete_answers(world.instrument, draw)
    finished = datetime.now(UTC)
    return {
        "client_uuid": str(uuid4()),
        "token": token,
        "instrument_sha256": world.instrument.sha256,
        "language": "zh",
        "started_at": (finished - timedelta(minutes=6)).isoformat(),
        "finished_at": finished.isoformat(),
        "answers": answers,
        "timings": {name: round(draw.uniform(1, 15), 2) for name in answers},
    }


def complete_answers(instrument: Instrument, draw: random.Random) -> dict[str, Any]:
    """Answer every question as it comes onto the route; every gate is passed."""
    answers: dict[str, Any] = {}
    for _ in range(50):
        route = validate(instrument, answers, today=TODAY).route
        open_questions = [
            instrument.by_name[name]
            for name in route
            if name not in answers and _is_question(instrument.by_name[name])
        ]
        if not open_questions:
            return answers
        answers[open_questions[0].name] = _draw_answer(open_questions[0], draw)
        for item in open_questions[1:]:
            if item.kind is ItemKind.RATING:
                answers[item.name] = _draw_answer(item, draw)
    raise RuntimeError("the questionnaire has no end")


def _is_question(item: Item) -> bool:
    return item.kind not in {ItemKind.NOTE, ItemKind.CALCULATE}


def _draw_answer(item: Item, draw: random.Random) -> Any:
    if item.name == "birth_year":
        return draw.randint(1960, 2004)
    if item.kind in {ItemKind.RATING, ItemKind.INTEGER, ItemKind.DECIMAL}:
        return draw.randint(int(item.minimum or 1), int(item.maximum or 10))
    if item.kind is ItemKind.SELECT_ONE:
        return item.choices[0].name
    if item.kind is ItemKind.SELECT_MULTIPLE:
        return [item.choices[0].name]
    return TODAY.isoformat() if item.kind is ItemKind.DATE else COMMENT
