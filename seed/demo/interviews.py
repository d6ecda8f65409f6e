"""A whole wave of interviews as one frame, a pure function of key, size and seed."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seed.demo import bad_interviews
from seed.demo.answer_modes import MODES
from seed.demo.calibrate import calibrate_wave
from seed.demo.columns import categorical, snapshot_columns
from seed.demo.field_plan import (
    STRATA,
    SURVEYORS,
    DemoPoints,
    points_of,
    surveyor_effects,
    surveyor_login,
)
from seed.demo.interview_times import LANGUAGES, GeneratedTimes, generate_times
from seed.demo.model import WaveModel
from seed.demo.module_answers import draw_module_answers
from seed.demo.population import Population
from seed.demo.questionnaire_overlap import (
    calibrate_earlier,
    find_overlap_plan,
    people_at,
    split_points,
)
from seed.demo.random_streams import DEFAULT_SEED, random_stream
from seed.demo.sample_draw import DrawnInterviews, draw_interviews
from seed.demo.shipped_data import shipped_instrument
from seed.demo.truth import true_values
from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import FLOOR, TOTAL, allocate, largest_remainders
from survey.questionnaire.model import Instrument

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DemoWave:
    """One generated wave: N completed interviews, approved and void."""

    key: str
    seed: int
    model: WaveModel
    points: DemoPoints
    """All points; strata name those that ask the questionnaire of the wave."""
    draw: DrawnInterviews
    times: GeneratedTimes
    kind: npt.NDArray[np.int8]
    """What is wrong with each interview: a place in `bad.KINDS`."""
    void: npt.NDArray[np.bool_]
    """Found at review and taken out; the other bad ones stand among the approved."""
    ids: npt.NDArray[np.uint64]
    """The two halves of each interview's UUIDv7, shape (N, 2)."""
    earlier: "DemoWave | None" = None
    """Interviews by the earlier questionnaire, at the points that the wave's overlap has drawn."""

    def __len__(self) -> int:
        return len(self.draw)

    @cached_property
    def city_codes(self) -> tuple[str, ...]:
        return tuple(city.code for city in shipped_cities())

    @cached_property
    def instrument(self) -> Instrument:
        return shipped_instrument(self.model.plan.instrument)

    @cached_property
    def born(self) -> npt.NDArray[np.int16] | None:
        """Year of birth of each person; None where it is not asked."""
        return _compute_birth_years(self) if "age" in self.draw.numbers else None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Everything, in the shape of a snapshot plus `status`, `reason` and `bad_kind`."""
        return _build_frame(self)

    @cached_property
    def approved(self) -> pd.DataFrame:
        """What a snapshot of the wave holds."""
        kept = self.frame.loc[~self.void]
        return kept.drop(columns=["status", "reason", "bad_kind"]).reset_index(drop=True)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """True value of every domain, exact in the model."""
        return true_values(self.model)


def generate_wave(key: str, *, n: int | None = None, seed: int = DEFAULT_SEED) -> DemoWave:
    """`n` approved interviews of a wave (all of them by default) and the void ones beside them.

    The same key, `n` and seed give the same wave. Places and surveyors last from wave to wave
    under one seed; another seed is another country with the same truth.
    """
    model = calibrate_wave(key)
    valid = n or model.plan.valid
    codes = tuple(city.code for city in shipped_cities())
    rng = random_stream("wave", key, valid, seed=seed)
    size = sizes(model.people, valid)
    count = bad_interviews.count_bad_interviews(valid)
    slipped = round(count * bad_interviews.UNDETECTED)
    overlap = find_overlap_plan(key, valid)
    points = points_of(
        codes,
        model.people,
        size,
        key=key,
        year=model.plan.year,
        seed=seed,
        spread=1 / (1 - overlap.share) if overlap else 1.0,
    )
    earlier = None
    if overlap is not None:
        points, there = split_points(points, overlap, codes)
        earlier = _generate_earlier(key, there, size, seed, overlap.interviews)
    good = draw_interviews(
        model,
        points,
        surveyor_effects(codes, seed),
        _reserve_slipped(size, slipped),
        rng,
        random_stream("mode", key, valid, seed=seed),
    )
    place = codes.index(bad_interviews.MOBILISED_CITY) if model.plan.series == "main" else -1
    rows = bad_interviews.generate_bad_interviews(good, count, points, place, rng)
    drawn = good.followed_by(rows.draw)
    kind = np.concatenate([np.zeros(len(good), dtype=np.int8), rows.kind])
    copied = np.concatenate([np.full(len(good), -1), rows.copied])
    void = _mark_void(kind, slipped, rng)
    when = generate_times(drawn, model.plan, kind, copied, rng)
    draw_module_answers(drawn, model, points, kind, copied, seed)
    ids = receipt_ids(when, rng)
    order = np.argsort(ids[:, 0], kind="stable")
    return DemoWave(
        key,
        seed,
        model,
        points,
        drawn.select_rows(order),
        when.select_rows(order),
        kind[order],
        void[order],
        ids[order],
        earlier,
    )


def _generate_earlier(
    key: str, points: DemoPoints, size: Ints, seed: int, share: float
) -> DemoWave:
    """Return the interviews of the overlap: all of them good, at the `points` drawn for it."""
    model = calibrate_earlier(key)
    own = largest_remainders(size.astype(np.float64) * share, round(float(size.sum()) * share))
    rng = random_stream("overlap", key, int(own.sum()), seed=seed)
    drawn = draw_interviews(
        replace(model, people=people_at(model.people, points)),
        points,
        surveyor_effects(tuple(city.code for city in shipped_cities()), seed),
        own,
        rng,
        random_stream("overlap-mode", key, int(own.sum()), seed=seed),
    )
    kind = np.zeros(len(drawn), dtype=np.int8)
    when = generate_times(drawn, model.plan, kind, np.full(len(drawn), -1), rng)
    ids = receipt_ids(when, rng)
    order = np.argsort(ids[:, 0], kind="stable")
    return DemoWave(
        f"{key}-earlier",
        seed,
        model,
        points,
        drawn.select_rows(order),
        when.select_rows(order),
        kind,
        kind != bad_interviews.GOOD,
        ids[order],
    )


def sizes(people: Population, valid: int) -> Ints:
    """Approved interviews by city: the survey's allocation, scaled; all other waves equally."""
    weight = people.weight
    if people.kind != "main":
        asked = (weight > 0).astype(float)
        return largest_remainders(asked * valid / asked.sum(), valid)
    scaled = max(1, int(FLOOR * valid / TOTAL))
    floor = FLOOR if FLOOR * len(weight) <= valid <= TOTAL else scaled
    codes = [city.code for city in shipped_cities()]
    return allocate(pd.Series(weight, index=codes), total=valid, floor=floor).to_numpy()


def _reserve_slipped(size: Ints, slipped: int) -> Ints:
    """Return the sizes less the room for the bad interviews that pass unnoticed."""
    return size - largest_remainders(slipped * size / size.sum(), slipped)


def _mark_void(
    kind: npt.NDArray[np.int8], slipped: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    void: npt.NDArray[np.bool_] = kind != bad_interviews.GOOD
    quiet = np.flatnonzero((kind != bad_interviews.GOOD) & (kind != bad_interviews.MOBILISED))
    void[rng.choice(quiet, min(slipped, len(quiet)), replace=False)] = False
    return void


def receipt_ids(when: GeneratedTimes, rng: np.random.Generator) -> npt.NDArray[np.uint64]:
    """UUIDv7 of the moment of receipt, from the wave's own random stream."""
    count = len(when.started)
    milliseconds = when.submitted.astype(np.uint64) * np.uint64(1000)
    milliseconds += rng.integers(0, 1000, count, dtype=np.uint64)
    random_a = rng.integers(0, 1 << 12, count, dtype=np.uint64)
    random_b = rng.integers(0, 1 << 62, count, dtype=np.uint64)
    high = (milliseconds << np.uint64(16)) | np.uint64(0x7000) | random_a
    low = np.uint64(1 << 63) | random_b
    return np.stack([high, low], axis=1)


# --- the frame -----------------------------------------------------------------------------------


def _build_frame(wave: DemoWave) -> pd.DataFrame:
    drawn = wave.draw
    logins = [surveyor_login(code, i) for code in wave.city_codes for i in range(SURVEYORS)]
    columns: dict[str, Any] = {
        "response_id": uuid_texts(wave.ids),
        "city_code": categorical(drawn.city, wave.city_codes),
        "psu": categorical(drawn.point, wave.points.code),
        "stratum": categorical(drawn.stratum, STRATA),
        "surveyor": categorical(drawn.city * SURVEYORS + drawn.surveyor, logins),
        "mode": categorical(drawn.mode, MODES),
        "language": categorical(wave.times.language, LANGUAGES),
        "started_at": pd.to_datetime(wave.times.started, unit="s", utc=True),
        "submitted_at": pd.to_datetime(wave.times.submitted, unit="s", utc=True),
        "duration_seconds": wave.times.seconds,
    }
    columns.update(snapshot_columns(wave.model, drawn, wave.born, wave.instrument))
    columns["status"] = categorical(wave.void.astype(np.int8), ("approved", "void"))
    columns["reason"] = categorical(np.where(wave.void, wave.kind, 0), bad_interviews.KINDS)
    columns["bad_kind"] = categorical(wave.kind, bad_interviews.KINDS)
    return pd.DataFrame(columns)


def _compute_birth_years(wave: DemoWave) -> npt.NDArray[np.int16]:
    """Return the year of birth that gives the drawn age on the (Shanghai) day of the interview."""
    local = (wave.times.started + 8 * 3600).astype("datetime64[s]")
    years = local.astype("datetime64[Y]").astype(np.int64) + 1970
    return (years - wave.draw.numbers["age"]).astype(np.int16)


def uuid_texts(ids: npt.NDArray[np.uint64]) -> list[str]:
    """The usual text of each id."""
    texts = []
    for high, low in ids.tolist():
        digits = f"{high:016x}{low:016x}"
        texts.append(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
    return texts
