"""A generated wave as interviews that the store can take."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from seed.demo import bad_interviews
from seed.demo.answer_modes import MODES
from seed.demo.columns import ABSENT, stored_values
from seed.demo.field_plan import surveyor_login
from seed.demo.interview_times import LANGUAGES
from seed.demo.interviews import DemoWave
from seed.demo.random_streams import random_stream
from seed.survey_provider import inventor
from survey.collection.response_bulk_insert import FinishedResponse
from survey.frame.population_margins import ELDERLY_BANDS, MAIN_BANDS
from survey.questionnaire.model import Instrument, ItemKind
from survey.store.tables import Mode, Status

CHUNK = 4_000
COMMENTERS = 0.07
"""Share of all respondents who write a comment; the others leave the question empty."""
_MODES = tuple(Mode(name) for name in MODES)
_NOISE = 0.35
_OVERHEAD = 0.93
"""Share of an interview's time that is spent on questions."""
_TYPICAL = {
    ItemKind.RATING: 1.0,
    ItemKind.SELECT_ONE: 1.05,
    ItemKind.SELECT_MULTIPLE: 1.7,
    ItemKind.INTEGER: 1.2,
    ItemKind.TEXT: 2.6,
}


@dataclass(frozen=True)
class StoredIds:
    """Ids of what the interviews of a wave refer to."""

    points: Mapping[str, UUID]
    surveyors: Mapping[str, UUID]
    quota: Mapping[tuple[str, str, str], UUID]
    """By city, age band and gender."""


Links = Sequence[UUID | None]
"""The link of each interview; None where the surveyor asked the questions."""


def stored_interviews(
    wave: DemoWave, places: StoredIds, links: Links | None = None
) -> Iterator[FinishedResponse]:
    """Every interview of the wave in the order of receipt."""
    rng = random_stream("rows", wave.key, len(wave), seed=wave.seed)
    written = write_comments(_compute_mean_scores(wave), rng)
    for first in range(0, len(wave), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(wave)))
        yield from _iter_chunk(wave, places, rows, written[first : first + CHUNK], links, rng)


def _iter_chunk(
    wave: DemoWave,
    places: StoredIds,
    rows: npt.NDArray[np.int64],
    written: list[str | None],
    links: Links | None,
    rng: np.random.Generator,
) -> Iterator[FinishedResponse]:
    drawn = wave.draw.select_rows(rows)
    born = None if wave.born is None else wave.born[rows]
    values = dict(stored_values(wave.model, drawn, born, wave.instrument, written))
    names = list(values)
    timings = _iter_timings(wave, rows, values, rng)
    details = _iter_details(wave, rows, places, rng)
    own = [None] * len(rows) if links is None else [links[row] for row in rows.tolist()]
    for answers, seconds, fields, link in zip(
        zip(*values.values(), strict=True), timings, details, own, strict=True
    ):
        yield FinishedResponse(
            answers={n: v for n, v in zip(names, answers, strict=True) if v is not ABSENT},
            timings=seconds,
            invitation_id=link,
            **fields,
        )


def _iter_details(
    wave: DemoWave, rows: npt.NDArray[np.int64], places: StoredIds, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Yield all but the answers, interview by interview."""
    drawn, when, cities = wave.draw, wave.times, wave.city_codes
    clients = rng.integers(0, 1 << 63, (len(rows), 2), dtype=np.uint64)
    columns = (
        wave.ids[rows],
        clients,
        drawn.city[rows],
        drawn.point[rows],
        drawn.surveyor[rows],
        wave.void[rows],
        wave.kind[rows],
        drawn.mode[rows],
        when.language[rows],
        when.started[rows],
        when.submitted[rows],
        when.seconds[rows],
    )
    quota = _list_quota_ids(wave, rows, places)
    for (
        own,
        client,
        city,
        point,
        surveyor,
        void,
        kind,
        mode,
        language,
        started,
        submitted,
        seconds,
    ), cell in zip(zip(*(column.tolist() for column in columns), strict=True), quota, strict=True):
        yield {
            "id": _build_uuid(*own),
            "client_uuid": _build_random_uuid(*client),
            "city_code": cities[city],
            "mode": _MODES[mode],
            "status": Status.VOID if void else Status.APPROVED,
            "reason": bad_interviews.KINDS[kind] if void else "",
            "language": LANGUAGES[language],
            "started_at": datetime.fromtimestamp(started, UTC),
            "submitted_at": datetime.fromtimestamp(submitted, UTC),
            "duration_seconds": seconds,
            "point_id": places.points[wave.points.code[point]],
            "surveyor_id": places.surveyors[surveyor_login(cities[city], surveyor)],
            "quota_cell_id": cell,
        }


def _list_quota_ids(
    wave: DemoWave, rows: npt.NDArray[np.int64], places: StoredIds
) -> list[UUID | None]:
    if not places.quota:
        return [None] * len(rows)
    bands = MAIN_BANDS if wave.model.plan.series == "main" else ELDERLY_BANDS
    starts, labels = [low for low, _ in bands.values()], list(bands)
    band = np.searchsorted(starts, wave.draw.numbers["age"][rows], side="right") - 1
    genders = wave.model.people.levels["gender"]
    keys = zip(
        wave.draw.city[rows].tolist(),
        band.tolist(),
        wave.draw.choices["gender"][rows].tolist(),
        strict=True,
    )
    return [places.quota.get((wave.city_codes[c], labels[b], genders[g])) for c, b, g in keys]


def _iter_timings(
    wave: DemoWave,
    rows: npt.NDArray[np.int64],
    values: Mapping[str, list[Any]],
    rng: np.random.Generator,
) -> Iterator[dict[str, float]]:
    """Yield seconds of each answered question; together they fill the interview's time."""
    names = [name for name in values if wave.instrument.by_name[name].kind in _TYPICAL]
    typical = _estimate_typical_seconds(wave.instrument, names)
    raw = typical * np.exp(_NOISE * _draw_timing_noise(wave, rows, names, rng))
    answered = np.array(
        [[v is not ABSENT and v is not None for v in values[name]] for name in names]
    ).T
    raw *= answered
    raw *= (wave.times.seconds[rows] * _OVERHEAD / raw.sum(axis=1))[:, None]
    for seconds in np.round(raw.astype(np.float64), 1).tolist():
        yield {n: s for n, s in zip(names, seconds, strict=True) if s}


def _draw_timing_noise(
    wave: DemoWave, rows: npt.NDArray[np.int64], names: list[str], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw the noise of each question; modules added later have a stream of their own."""
    plan = wave.model.plan
    added = {choice.name for choice in plan.module_choices}
    added |= {rating.name for rating in plan.module_ratings}
    is_added = np.array([name in added for name in names])
    noise = np.empty((len(rows), len(names)), dtype=np.float32)
    base = (len(rows), int(np.sum(~is_added)))
    noise[:, ~is_added] = rng.standard_normal(base, dtype=np.float32)
    own = random_stream("module-seconds", wave.key, int(rows[0]), seed=wave.seed)
    later = (len(rows), int(np.sum(is_added)))
    noise[:, is_added] = own.standard_normal(later, dtype=np.float32)
    return noise


def _estimate_typical_seconds(instrument: Instrument, names: list[str]) -> npt.NDArray[np.float32]:
    """Return the relative time by kind and by the length of the question as read."""
    items = [instrument.by_name[name] for name in names]
    return np.array(
        [_TYPICAL[item.kind] * (0.5 + len(item.label.get("zh", "")) / 44) for item in items],
        dtype=np.float32,
    )


@lru_cache(maxsize=1)
def _list_comments() -> tuple[tuple[str, ...], ...]:
    pools: tuple[tuple[str, ...], ...] = inventor(20_240_317).comment_pools()
    return pools


def write_comments(level: npt.NDArray[np.float64], rng: np.random.Generator) -> list[str | None]:
    """A comment, or None, for each person; `level` is their mean answer from 1 to 10."""
    tone = np.digitize(level + rng.normal(0, 1.2, len(level)), (6.8, 8.6))
    writes = rng.random(len(level)) < COMMENTERS
    pools = _list_comments()
    chosen = rng.random(len(level))
    return [
        pools[t][int(c * len(pools[t]))] if w else None
        for t, c, w in zip(tone.tolist(), chosen.tolist(), writes.tolist(), strict=True)
    ]


def _compute_mean_scores(wave: DemoWave) -> npt.NDArray[np.float64]:
    total, count = np.zeros(len(wave)), np.zeros(len(wave))
    for column in wave.draw.ratings.values():
        total += np.where(column > 0, column, 0)
        count += column > 0
    return total / np.maximum(count, 1)


def _build_uuid(high: int, low: int) -> UUID:
    return UUID(int=high << 64 | low)


def _build_random_uuid(high: int, low: int) -> UUID:
    """Return a UUIDv4, as a browser makes one."""
    return UUID(int=high << 64 | low, version=4)
