"""A whole wave of interviews as one frame, a pure function of key, size and seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from seed.demo import bad
from seed.demo.calibrate import calibrated
from seed.demo.draw import MISSING, OFF_ROUTE, Draw, draw
from seed.demo.field import (
    STRATA,
    SURVEYORS,
    Points,
    points_of,
    surveyor_effects,
    surveyor_login,
)
from seed.demo.model import Model
from seed.demo.seeds import DEFAULT_SEED, stream
from seed.demo.truth import truth_of
from seed.demo.when import LANGUAGES, MODES, Moments, moments
from survey.sample.allocation import FLOOR, TOTAL, allocate, largest_remainders
from survey.sample.frame import shipped_cities

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DemoWave:
    """One generated wave: N completed interviews, approved and void."""

    key: str
    seed: int
    model: Model
    points: Points
    draw: Draw
    moments: Moments
    kind: npt.NDArray[np.int8]
    """What is wrong with each interview: a place in `bad.KINDS`."""
    void: npt.NDArray[np.bool_]
    """Found at review and taken out; the other bad ones stand among the approved."""
    ids: npt.NDArray[np.uint64]
    """The two halves of each interview's UUIDv7, shape (N, 2)."""

    def __len__(self) -> int:
        return len(self.draw)

    @cached_property
    def city_codes(self) -> tuple[str, ...]:
        return tuple(city.code for city in shipped_cities())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Everything, in the shape of a snapshot plus `status`, `reason` and `bad_kind`."""
        return _frame(self)

    @cached_property
    def approved(self) -> pd.DataFrame:
        """What a snapshot of the wave holds."""
        kept = self.frame.loc[~self.void]
        return kept.drop(columns=["status", "reason", "bad_kind"]).reset_index(drop=True)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """True value of every domain, exact in the model."""
        return truth_of(self.model)


def generate_wave(key: str, *, n: int | None = None, seed: int = DEFAULT_SEED) -> DemoWave:
    """`n` approved interviews of a wave (all of them by default) and the void ones beside them.

    The same key, `n` and seed give the same wave. Places and surveyors last from wave to wave
    under one seed; another seed is another country with the same truth.
    """
    model = calibrated(key)
    valid = n or model.plan.valid
    codes = tuple(city.code for city in shipped_cities())
    rng = stream("wave", key, valid, seed=seed)
    size = sizes(model, valid)
    count = bad.how_many(valid)
    slipped = round(count * bad.UNDETECTED)
    points = points_of(codes, model.people, size, key=key, year=model.plan.year, seed=seed)
    good = draw(model, points, surveyor_effects(codes, seed), _less(size, slipped), rng)
    place = codes.index(bad.MOBILISED_CITY) if model.plan.series == "main" else -1
    rows = bad.bad_rows(good, count, points, place, rng)
    drawn = _joined(good, rows.draw)
    kind = np.concatenate([np.zeros(len(good), dtype=np.int8), rows.kind])
    void = _found(kind, slipped, rng)
    when = moments(drawn, model, kind, rng)
    ids = _ids(when, rng)
    order = np.argsort(ids[:, 0], kind="stable")
    return DemoWave(
        key, seed, model, points, drawn.take(order), _reordered(when, order), kind[order],
        void[order], ids[order],
    )  # fmt: skip


def sizes(model: Model, valid: int) -> Ints:
    """Approved interviews by city: the survey's allocation, scaled; the supplements equally."""
    people = model.people.weight
    if model.plan.series != "main":
        return largest_remainders(np.full(len(people), valid / len(people)), valid)
    floor = max(1, int(FLOOR * valid / TOTAL))
    codes = [city.code for city in shipped_cities()]
    return allocate(pd.Series(people, index=codes), total=valid, floor=floor).size.to_numpy()


def _less(size: Ints, slipped: int) -> Ints:
    """Room for the bad interviews that nobody noticed."""
    return size - largest_remainders(slipped * size / size.sum(), slipped)


def _found(
    kind: npt.NDArray[np.int8], slipped: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    void = kind != bad.GOOD
    quiet = np.flatnonzero((kind != bad.GOOD) & (kind != bad.MOBILISED))
    void[rng.choice(quiet, min(slipped, len(quiet)), replace=False)] = False
    return void


def _joined(first: Draw, second: Draw) -> Draw:
    def both(name: str) -> dict[str, npt.NDArray[np.int8]]:
        ours: Mapping[str, npt.NDArray[np.int8]] = getattr(first, name)
        theirs: Mapping[str, npt.NDArray[np.int8]] = getattr(second, name)
        return {column: np.concatenate([ours[column], theirs[column]]) for column in ours}

    return Draw(
        *(
            np.concatenate([getattr(first, name), getattr(second, name)])
            for name in ("city", "stratum", "point", "surveyor", "cell")
        ),
        ratings=both("ratings"), choices=both("choices"), ticks=both("ticks"),
        numbers=both("numbers"),  # type: ignore[arg-type]
    )  # fmt: skip


def _reordered(when: Moments, order: Ints) -> Moments:
    return Moments(
        when.started[order], when.seconds[order], when.mode[order], when.language[order],
        when.pace[order],
    )  # fmt: skip


def _ids(when: Moments, rng: np.random.Generator) -> npt.NDArray[np.uint64]:
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


def _frame(wave: DemoWave) -> pd.DataFrame:
    drawn, model = wave.draw, wave.model
    columns: dict[str, object] = {
        "response_id": uuid_texts(wave.ids),
        "city_code": pd.Categorical.from_codes(drawn.city, categories=list(wave.city_codes)),
        "psu": pd.Categorical.from_codes(drawn.point, categories=list(wave.points.code)),
        "stratum": pd.Categorical.from_codes(drawn.stratum, categories=list(STRATA)),
        "surveyor": pd.Categorical.from_codes(
            drawn.city * SURVEYORS + drawn.surveyor,
            categories=[surveyor_login(c, i) for c in wave.city_codes for i in range(SURVEYORS)],
        ),
        "mode": pd.Categorical.from_codes(wave.moments.mode, categories=list(MODES)),
        "language": pd.Categorical.from_codes(wave.moments.language, categories=list(LANGUAGES)),
        "started_at": pd.to_datetime(wave.moments.started, unit="s", utc=True),
        "submitted_at": pd.to_datetime(wave.moments.submitted, unit="s", utc=True),
        "duration_seconds": wave.moments.seconds,
    }
    columns.update(drawn.ratings)
    columns.update(_choice_columns(model, drawn))
    columns.update(_number_columns(wave))
    columns["status"] = pd.Categorical.from_codes(
        wave.void.astype(np.int8), categories=["approved", "void"]
    )
    columns["reason"] = pd.Categorical.from_codes(
        np.where(wave.void, wave.kind, 0).astype(np.int8), categories=list(bad.KINDS)
    )
    columns["bad_kind"] = pd.Categorical.from_codes(wave.kind, categories=list(bad.KINDS))
    return pd.DataFrame(columns)


def options_of(model: Model) -> dict[str, tuple[str, ...]]:
    """Names of the options of every choice, in the order of the codes in a draw."""
    people = model.people
    options = {name: levels for name, levels in people.levels.items() if name != "age_part"}
    options |= people.given_levels
    return options | {choice.name: tuple(choice.shares) for choice in model.plan.choices}


def _choice_columns(model: Model, drawn: Draw) -> dict[str, object]:
    options = options_of(model)
    columns: dict[str, object] = {}
    for name, codes in drawn.choices.items():
        known = np.where(codes < 0, -1, codes)
        columns[name] = pd.Categorical.from_codes(known, categories=list(options[name]))
    for name, ticks in drawn.ticks.items():
        for place, option in enumerate(options[name]):
            columns[f"{name}/{option}"] = ticks[:, place]
    return columns


def birth_years(wave: DemoWave) -> npt.NDArray[np.int64]:
    """Year of birth that gives the drawn age on the (Shanghai) day of the interview."""
    local = (wave.moments.submitted + 8 * 3600).astype("datetime64[s]")
    years = local.astype("datetime64[Y]").astype(np.int64) + 1970
    born: npt.NDArray[np.int64] = years - wave.draw.numbers["age"]
    return born


def _number_columns(wave: DemoWave) -> dict[str, object]:
    columns: dict[str, object] = {}
    for name, values in wave.draw.numbers.items():
        blank = (values == OFF_ROUTE) | (values == MISSING)
        columns[name] = np.where(blank, np.nan, values.astype(np.float64))
    if "age" in columns:
        columns["birth_year"] = birth_years(wave).astype(np.float64)
    return columns


def uuid_texts(ids: npt.NDArray[np.uint64]) -> list[str]:
    """The usual text of each id."""
    texts = []
    for high, low in ids.tolist():
        digits = f"{high:016x}{low:016x}"
        texts.append(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
    return texts
