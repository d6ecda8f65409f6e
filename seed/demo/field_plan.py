"""Where and by whom: sampling points and surveyors of every city, with their lasting effects."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seed.demo.population import Population
from seed.demo.random_streams import random_stream
from seed.demo.response_model import LASTING_POINT, POINT_SD, SURVEYOR_SD
from seed.demo.village import VILLAGES
from survey.frame.quotas import VILLAGE_SERIES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PER_POINT = 38
MIN_POINTS, MAX_POINTS = 12, 48
SUPPLEMENT_POINTS = 10
SURVEYORS = 10
HELPER_SHARE = 0.15
ROTATED = 0.15
"""Share of the points that are replaced by another place from one year to the next."""
FIRST_YEAR = 2021
_BEYOND = 450
"""Added to the numbers above `MAX_POINTS`, which would be those of places that came later."""
_URBAN_KINDS = (("compound", 0.42), ("mall", 0.20), ("supermarket", 0.24), ("scenic", 0.14))
_RURAL_KINDS = (("village", 0.72), ("supermarket", 0.18), ("scenic", 0.10))
STRATA = ("urban", "rural")


@dataclass(frozen=True)
class DemoPoints:
    """P points of all cities, in the order of city, stratum, slot."""

    code: tuple[str, ...]
    kind: tuple[str, ...]
    city: Ints
    stratum: Ints
    """0 urban, 1 rural, see `STRATA`."""
    slot: Ints
    """Running number in the city; the surveyor in charge follows from it."""
    effect: Floats
    of_stratum: dict[tuple[int, int], Ints]
    """Points of each (city, stratum)."""


def points_of(
    codes: tuple[str, ...],
    people: Population,
    size: Ints,
    *,
    key: str,
    year: int,
    seed: int,
    spread: float = 1.0,
) -> DemoPoints:
    """The points of a wave. A place keeps its code for as long as it is visited.

    `spread` asks for that many times the points that the interviews need.
    """
    code: list[str] = []
    kind: list[str] = []
    city: list[int] = []
    stratum: list[int] = []
    slot: list[int] = []
    of_stratum: dict[tuple[int, int], Ints] = {}
    villages = people.kind == VILLAGE_SERIES
    letters = ("u", "v") if villages else tuple(name[0] for name in STRATA)
    for place, city_code in enumerate(codes):
        counts = _allocate_points(
            int(size[place]), float(people.rural_stratum[place]), people, spread
        )
        running = 0
        for which, count in enumerate(counts):
            of_stratum[place, which] = np.arange(len(code), len(code) + count)
            for number in range(1, count + 1):
                version = _count_rotations(city_code, which, number, year)
                own = number + 50 * version + _BEYOND * (number > MAX_POINTS)
                label = f"{city_code}-{letters[which]}-{own:02d}"
                code.append(label)
                kind.append("village" if villages else _draw_point_kind(label, which))
                city.append(place)
                stratum.append(which)
                slot.append(running)
                running += 1
    return DemoPoints(
        tuple(code),
        tuple(kind),
        np.array(city),
        np.array(stratum),
        np.array(slot),
        _draw_point_effects(code, key, seed),
        of_stratum,
    )


def surveyor_effects(codes: tuple[str, ...], seed: int) -> Floats:
    """What a surveyor's presence adds to every answer, shape (C, SURVEYORS)."""
    return random_stream("surveyors", seed=seed).normal(0, SURVEYOR_SD, (len(codes), SURVEYORS))


def surveyor_login(city_code: str, number: int) -> str:
    return f"demo-s-{city_code}-{number + 1:02d}"


def _allocate_points(size: int, rural: float, people: Population, spread: float) -> tuple[int, int]:
    if people.kind == VILLAGE_SERIES:
        return 0, VILLAGES if size else 0
    total = int(np.clip(round(size / PER_POINT), MIN_POINTS, MAX_POINTS))
    if people.kind != "main":
        total = SUPPLEMENT_POINTS
    total = round(total * spread)
    if rural == 0:
        return total, 0
    in_villages = int(np.clip(round(total * rural), 2, total - 2))
    return total - in_villages, in_villages


def _count_rotations(city: str, stratum: int, number: int, year: int) -> int:
    draws = random_stream("rotation", city, stratum, number).random(year - FIRST_YEAR)
    return int((draws < ROTATED).sum())


def _draw_point_kind(label: str, stratum: int) -> str:
    kinds = _URBAN_KINDS if stratum == 0 else _RURAL_KINDS
    names = [name for name, _ in kinds]
    return str(random_stream("kind", label).choice(names, p=[share for _, share in kinds]))


def _draw_point_effects(codes: list[str], key: str, seed: int) -> Floats:
    lasting = np.array([random_stream("point", code, seed=seed).normal() for code in codes])
    passing = random_stream("points", key, seed=seed).normal(size=len(codes))
    effect: Floats = POINT_SD * (
        np.sqrt(LASTING_POINT) * lasting + np.sqrt(1 - LASTING_POINT) * passing
    )
    return effect
