"""Lapses in how interviews were collected, beside what is wrong with their answers.

Two are planted among interviews that are good otherwise and that nobody noticed: a surveyor who
answers many links on one phone, and visits to a point after its last day. They touch neither the
answers nor the times, so every figure of a wave stays what it is.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from seed.demo import bad_interviews
from seed.demo.answer_modes import MODES
from seed.demo.interviews import DemoWave
from seed.demo.random_streams import random_stream

Ints = npt.NDArray[np.int64]

KINDS = ("", "one_device", "out_of_point")
ONE_DEVICE, OUT_OF_POINT = 1, 2
_RINGS = 0.003
"""Share of a wave's interviews that were answered on a phone of the surveyor's."""
_RING = (6, 15)
_HOUSEHOLDS = 0.03
"""Honest: people of one household who use the same phone, two interviews a phone."""
_CLOSED_EARLY = 0.05
"""Share of the points that are visited once more after their last day."""
_DAY = 86_400
_SHANGHAI = 8 * 3600


@dataclass(frozen=True)
class FieldIrregularities:
    """Of N interviews: the phone they were answered on, and what was planted."""

    device: Ints
    """-1 where the surveyor asked the questions."""
    kind: npt.NDArray[np.int8]
    """A place in `KINDS`."""
    last_day: dict[int, date]
    """Of the points that closed before the wave did."""


def generate_irregularities(wave: DemoWave) -> FieldIrregularities:
    """A pure function of the wave."""
    rng = random_stream("lapses", wave.key, len(wave), seed=wave.seed)
    honest = find_own_phones(wave)
    device, kind = honest.device, honest.kind
    good = np.flatnonzero((wave.kind == bad_interviews.GOOD) & ~wave.void)
    last_day = _close_points_early(wave, good, kind, rng)
    free = good[(device[good] >= 0) & (kind[good] == 0)]
    _share_devices_in_rings(wave, free, device, kind, rng)
    _share_devices_in_households(wave, free[kind[free] == 0], device, rng)
    return FieldIrregularities(device, kind, last_day)


def find_own_phones(wave: DemoWave) -> FieldIrregularities:
    """Nothing planted: who answered on a phone had one of their own."""
    alone = wave.draw.mode == MODES.index("self")
    device = np.where(alone, np.arange(len(wave)), -1)
    return FieldIrregularities(device, np.zeros(len(wave), dtype=np.int8), {})


def _close_points_early(
    wave: DemoWave, good: Ints, kind: npt.NDArray[np.int8], rng: np.random.Generator
) -> dict[int, date]:
    """Set the last day of some points before their last visit."""
    day = (wave.times.started + _SHANGHAI) // _DAY
    place = wave.city_codes.index(bad_interviews.MOBILISED_CITY)
    spots = np.unique(wave.draw.point[good])
    spots = spots[wave.points.city[spots] != place]
    closed: dict[int, date] = {}
    for spot in rng.permutation(spots)[: round(_CLOSED_EARLY * len(spots))].tolist():
        visits = np.unique(day[wave.draw.point == spot])
        if len(visits) < 2:
            continue
        closed[spot] = date.fromordinal(date(1970, 1, 1).toordinal() + int(visits[-2]))
        late = good[(wave.draw.point[good] == spot) & (day[good] > visits[-2])]
        kind[late] = OUT_OF_POINT
    return closed


def _share_devices_in_rings(
    wave: DemoWave, free: Ints, device: Ints, kind: npt.NDArray[np.int8], rng: np.random.Generator
) -> None:
    """Put several interviews of one surveyor at one point on one phone."""
    wanted = round(_RINGS * len(wave))
    keys = wave.draw.point[free].astype(np.int64) * 100 + wave.draw.surveyor[free]
    for key in rng.permutation(np.unique(keys)).tolist():
        own = free[keys == key]
        size = int(rng.integers(*_RING))
        if wanted <= 0:
            return
        if len(own) < size:
            continue
        ring = rng.choice(own, size, replace=False)
        device[ring], kind[ring] = device[ring[0]], ONE_DEVICE
        wanted -= size


def _share_devices_in_households(
    wave: DemoWave, free: Ints, device: Ints, rng: np.random.Generator
) -> None:
    order = free[np.lexsort((wave.times.started[free], wave.draw.point[free]))]
    first = np.arange(0, len(order) - 1, 2)
    first = first[rng.random(len(first)) < _HOUSEHOLDS]
    same = wave.draw.point[order[first]] == wave.draw.point[order[first + 1]]
    device[order[first[same] + 1]] = device[order[first[same]]]
