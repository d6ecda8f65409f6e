"""The wave that is still collecting: the last days' interviews, on their way through review."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from seed.demo.field_plan import DemoPoints
from seed.demo.interviews import DemoWave, generate_wave, receipt_ids
from seed.demo.random_streams import random_stream
from seed.demo.screen_outs import stopped_interviews
from seed.demo.stored_responses import StoredIds, stored_interviews
from survey.collection.response_bulk_insert import FinishedResponse
from survey.store.china_time import china_date
from survey.store.tables import Status

MODEL = "main-2024"
"""The year whose people and opinions the open wave borrows."""
SHARE = 0.25
"""Of the planned interviews, before some cities fall behind."""
MIN_INTERVIEWS = 200
"""Interviews of the smallest demo: every city still has some."""
DAYS = 8
"""Interviews came in on the days up to yesterday; today belongs to the visitor."""
SLOWEST = 0.45
"""A city collects between this share of the planned pace and all of it."""
LATEST_REVIEWED = 3
"""Days that reviewers are behind; the association is behind as long again."""
WAITING_SHARE = 0.25
"""Share of the older interviews that still wait, and RETURNED of these went back."""
RETURNED = 0.08
_DAY, _CHINA = 86_400, 8 * 3600

Ints = npt.NDArray[np.int64]


def interviews_so_far(
    points: DemoPoints, places: StoredIds, *, key: str, planned: int, seed: int, now: datetime
) -> Iterator[FinishedResponse]:
    """What has arrived in the open wave `key` until the day before `now`.

    The same seed draws the same interviews; only their dates move with `now`.
    """
    rng = random_stream("collecting", key, planned, seed=seed)
    drawn = generate_wave(MODEL, n=max(MIN_INTERVIEWS, round(planned * SHARE)), seed=seed + 1)
    wave = _move_to_open_wave(drawn, points, key, now, rng)
    pace = rng.uniform(SLOWEST, 1.0, len(wave.city_codes))
    kept = rng.random(len(wave)) < pace[wave.draw.city]
    luck = rng.random(len(wave))
    for row, keep, chance in zip(stored_interviews(wave, places), kept, luck, strict=True):
        if keep:
            yield _advance_review(row, float(chance), now)
    yield from stopped_interviews(wave, places)


def _move_to_open_wave(
    drawn: DemoWave, points: DemoPoints, key: str, now: datetime, rng: np.random.Generator
) -> DemoWave:
    """Move the interviews to the open wave's points and days, in order of receipt."""
    here = _match_points(drawn.points, points)
    day = (drawn.times.started + _CHINA) // _DAY
    step = (day - day.min()) * DAYS // (day.max() - day.min() + 1)
    first = (china_date(now) - timedelta(days=DAYS)).toordinal() - _EPOCH
    when = replace(drawn.times, started=drawn.times.started + (first + step - day) * _DAY)
    ids = receipt_ids(when, rng)
    order = np.argsort(ids[:, 0], kind="stable")
    draw = replace(drawn.draw, point=here[drawn.draw.point]).select_rows(order)
    return replace(
        drawn,
        key=key,
        points=points,
        draw=draw,
        times=when.select_rows(order),
        kind=drawn.kind[order],
        void=drawn.void[order],
        ids=ids[order],
    )


_EPOCH = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 -- a day of the calendar, no moment


def _match_points(drawn: DemoPoints, there: DemoPoints) -> Ints:
    """Return for each drawn point one of the same city and stratum in the open wave."""
    place = np.zeros(len(drawn.code), dtype=np.int64)
    for city_stratum, members in drawn.of_stratum.items():
        targets = there.of_stratum[city_stratum]
        if len(members):
            place[members] = targets[np.arange(len(members)) % len(targets)]
    return place


def _advance_review(row: FinishedResponse, chance: float, now: datetime) -> FinishedResponse:
    """Set the status that review has reached with an interview of this age."""
    age = (now - row.submitted_at) / timedelta(days=1)
    bad = row.status is Status.VOID
    if age < LATEST_REVIEWED or chance < WAITING_SHARE:
        row.status, row.reason = Status.SUBMITTED, ""
        if chance < WAITING_SHARE * RETURNED:
            row.status, row.reason = Status.RETURNED, "check_again"
    elif not bad:
        row.status = Status.CITY_APPROVED if age < 2 * LATEST_REVIEWED else Status.APPROVED
    return row
