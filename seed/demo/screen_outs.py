"""Interviews that ended early: screened out or refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from seed.demo.field_plan import surveyor_login
from seed.demo.interviews import DemoWave
from seed.demo.random_streams import random_stream
from seed.demo.stored_responses import StoredIds
from seed.demo.village import CONSUMER
from survey.collection.response_bulk_insert import FinishedResponse
from survey.frame.quotas import VILLAGE_SERIES
from survey.store.tables import Mode, Status

SCREENED_OUT, REFUSED = 0.03, 0.02
"""Relative to the completed interviews; most people who walk on never open the page."""


def stopped_interviews(wave: DemoWave, places: StoredIds) -> Iterator[FinishedResponse]:
    """A few short visits, at the time and place of other interviews."""
    rng = random_stream("exits", wave.key, len(wave), seed=wave.seed)
    count = round(len(wave) * (SCREENED_OUT + REFUSED))
    rows = np.sort(rng.integers(0, len(wave), count))
    for row in rows.tolist():
        refused = rng.random() < REFUSED / (SCREENED_OUT + REFUSED)
        started = datetime.fromtimestamp(int(wave.times.started[row]), UTC)
        started += timedelta(minutes=int(rng.integers(8, 50)))
        seconds = round(float(rng.uniform(6, 40)), 1)
        code = wave.city_codes[wave.draw.city[row]]
        answers = _draw_refusal(wave, rng) if refused else _draw_screening(wave, rng, started)
        yield FinishedResponse(
            client_uuid=UUID(bytes=rng.bytes(16), version=4),
            city_code=code,
            mode=Mode.SELF,
            status=Status.REFUSED if refused else Status.SCREENED_OUT,
            submitted_at=started + timedelta(seconds=seconds),
            answers=answers,
            timings={name: round(seconds / len(answers), 1) for name in answers},
            point_id=places.points[wave.points.code[wave.draw.point[row]]],
            surveyor_id=places.surveyors[surveyor_login(code, int(wave.draw.surveyor[row]))],
            started_at=started,
            duration_seconds=seconds,
        )


def _draw_refusal(wave: DemoWave, rng: np.random.Generator) -> dict[str, Any]:
    if wave.model.plan.series != "minors" or rng.random() < 0.6:
        return {"consent": "no"}
    return {
        "consent": "yes",
        "lived_6m": "yes",
        "gender": str(rng.choice(["male", "female"])),
        "residence": "urban",
        "guardian": "yes",
        "child_age": None,
        "guardian_consent": "no",
    }


def _draw_screening(wave: DemoWave, rng: np.random.Generator, started: datetime) -> dict[str, Any]:
    series = wave.model.plan.series
    answers: dict[str, Any] = {"consent": "yes"}
    if series == VILLAGE_SERIES:
        return {**answers, "village_role": CONSUMER, "village_6m": "no"}
    if series == "elderly":
        answers["answered_by"] = "self"
    if rng.random() < 0.4:
        return {**answers, "lived_6m": "no"}
    answers["lived_6m"] = "yes"
    if series == "minors":
        return {
            **answers,
            "gender": str(rng.choice(["male", "female"])),
            "residence": "urban",
            "guardian": "no",
        }
    if series == "main":
        if rng.random() < 0.5:
            return {**answers, "offline_purchase": "no"}
        answers["offline_purchase"] = "yes"
    age = int(rng.integers(71, 86) if series == "main" else rng.integers(40, 60))
    born = (started + timedelta(hours=8)).year - age
    return {**answers, "birth_year": born, "age": age}
