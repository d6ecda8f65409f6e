"""The people of the model: every combination of what influences an answer, with its share by city.

Cells are the combinations of the primary attributes; the secondary attributes (schooling and the
like) are drawn given the cell and influence nothing. All shares are of the model, and the truth of
every domain is a sum over these cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from seed.demo import village
from survey.frame.city_frame import FrameCity
from survey.frame.population_margins import (
    ELDERLY_BANDS,
    GENDERS,
    build_age_structure,
    minors_margins,
)
from survey.frame.quotas import VILLAGE_SERIES

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]

INCOME = ("lt3000", "from3000", "from5000", "ge8000")
RESIDENCE = ("urban", "rural")
EDUCATION = ("primary", "junior", "senior", "college", "bachelor", "postgraduate")
HUKOU = ("local_urban", "local_rural", "other_urban", "other_rural")
STAGES = ("preschool", "primary", "junior", "senior", "vocational_other")
STAGE_AGES = {
    "preschool": (0, 5),
    "primary": (6, 11),
    "junior": (12, 14),
    "senior": (15, 17),
    "vocational_other": (15, 17),
}
MAIN_PARTS = {"15-24": (15, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54),
              "55-59": (55, 59), "60-70": (60, 70)}  # fmt: skip
RURAL_AT_RURAL_POINT, RURAL_AT_URBAN_POINT = 0.93, 0.03
MIN_RURAL_SHARE = 0.04
"""Below this share of rural residents a city has no rural stratum."""


@dataclass(frozen=True)
class Population:
    """X cells of C cities.

    `level[attribute]` is the place of each cell's level in `levels[attribute]`, shape (X,).
    `share` adds up to 1 in a city, shape (C, X). `given[attribute]` holds the chance of each level
    of a secondary attribute in each cell, shape (C or 1, X, levels).
    """

    kind: str
    levels: Mapping[str, tuple[str, ...]]
    level: Mapping[str, Codes]
    share: Floats
    weight: Floats
    """Population of each city that the wave speaks for, shape (C,)."""
    given: Mapping[str, Floats]
    given_levels: Mapping[str, tuple[str, ...]]
    rural_stratum: Floats
    """Share of each city's interviews that its rural points carry."""

    def cells(self, attribute: str, *names: str) -> npt.NDArray[np.bool_]:
        """Which cells have one of those levels."""
        wanted = [self.levels[attribute].index(name) for name in names]
        return np.isin(self.level[attribute], wanted)

    def table(self, attribute: str, values: Mapping[str, float]) -> Floats:
        """A value for each cell by its level; levels that are not named get 0."""
        by_level = np.array([values.get(name, 0.0) for name in self.levels[attribute]])
        picked: Floats = by_level[self.level[attribute]]
        return picked


def rural_stratum_share(cities: Sequence[FrameCity]) -> Floats:
    rural = np.array([1 - city.urbanization_rate for city in cities])
    return np.where(rural < MIN_RURAL_SHARE, 0.0, rural)


def main_people(cities: Sequence[FrameCity]) -> Population:
    """Residents aged 15-70: age part x gender x income x residence x guardian."""
    levels = {
        "age_part": tuple(MAIN_PARTS),
        "gender": GENDERS,
        "income": INCOME,
        "residence": RESIDENCE,
        "guardian": ("yes", "no"),
    }
    level = _cross_levels(levels)
    ages = build_age_structure(cities)
    by_age = np.stack([ages.between(*limits) for limits in MAIN_PARTS.values()], axis=1)
    people = by_age.sum(axis=(1, 2))
    share = by_age[:, level["age_part"], level["gender"]] / people[:, None]
    share = share * _compute_residence(cities)[:, level["residence"]]
    share = share * _compute_income(cities, levels, level)
    guardian = np.array([0.05, 0.50, 0.78, 0.40, 0.10, 0.07])[level["age_part"]]
    share = share * np.where(level["guardian"] == 0, guardian, 1 - guardian)
    schooling = _compute_education(
        levels,
        level,
        {"15-24": 1.1, "25-34": 1.2, "35-44": 0.5, "45-54": -0.4, "55-59": -0.9, "60-70": -1.4},
    )
    return Population(
        "main",
        levels,
        level,
        share,
        people,
        {"education": schooling, "hukou": _compute_hukou(cities, level)},
        {"education": EDUCATION, "hukou": HUKOU},
        rural_stratum_share(cities),
    )


def elderly_people(cities: Sequence[FrameCity]) -> Population:
    """Residents of 60 and over: age band x gender x income x residence x who answered."""
    levels = {
        "age_part": tuple(ELDERLY_BANDS),
        "gender": GENDERS,
        "income": INCOME,
        "residence": RESIDENCE,
        "answered_by": ("self", "assisted", "proxy_child", "proxy_other"),
    }
    level = _cross_levels(levels)
    ages = build_age_structure(cities)
    by_age = np.stack([ages.between(*limits) for limits in ELDERLY_BANDS.values()], axis=1)
    people = by_age.sum(axis=(1, 2))
    share = by_age[:, level["age_part"], level["gender"]] / people[:, None]
    share = share * _compute_residence(cities)[:, level["residence"]]
    share = share * _compute_income(cities, levels, level)
    who = np.array([[0.62, 0.27, 0.09, 0.02], [0.40, 0.35, 0.21, 0.04], [0.15, 0.31, 0.44, 0.10]])
    share = share * who[level["age_part"], level["answered_by"]]
    schooling = _compute_education(levels, level, {"60-69": -1.3, "70-79": -2.0, "80+": -2.6})
    living = np.array(
        [
            [0.11, 0.48, 0.38, 0.01, 0.02],
            [0.17, 0.44, 0.34, 0.03, 0.02],
            [0.24, 0.26, 0.39, 0.09, 0.02],
        ]
    )[level["age_part"]][None]
    return Population(
        "elderly",
        levels,
        level,
        share,
        people,
        {"education": schooling, "hukou": _compute_hukou(cities, level), "living_with": living},
        {
            "education": EDUCATION,
            "hukou": HUKOU,
            "living_with": ("alone", "spouse", "family", "institution", "other"),
        },
        rural_stratum_share(cities),
    )


def minors_people(cities: Sequence[FrameCity]) -> Population:
    """Children under 18, through a guardian: stage x relation x gender x income x residence."""
    levels = {
        "school_stage": STAGES,
        "guardian_relation": ("mother", "father", "grandparent", "other"),
        "gender": GENDERS,
        "income": INCOME,
        "residence": RESIDENCE,
    }
    level = _cross_levels(levels)
    margins = minors_margins(cities).table.pivot_table(
        index="city_code", columns="school_stage", values="population"
    )[list(STAGES)]
    children = margins.loc[[city.code for city in cities]].to_numpy()
    people = children.sum(axis=1)
    share = (children / people[:, None])[:, level["school_stage"]]
    relation = np.array([0.55, 0.29, 0.13, 0.03])[level["guardian_relation"]]
    men = np.array([0.0, 1.0, 0.38, 0.5])[level["guardian_relation"]]
    share = share * relation * np.where(level["gender"] == 0, men, 1 - men)
    share = share * _compute_residence(cities)[:, level["residence"]]
    share = share * _compute_income(cities, levels, level)
    schooling = _compute_education(levels, level, {})
    return Population(
        "minors",
        levels,
        level,
        share,
        people,
        {"education": schooling, "hukou": _compute_hukou(cities, level)},
        {"education": EDUCATION, "hukou": HUKOU},
        rural_stratum_share(cities),
    )


def village_people(cities: Sequence[FrameCity]) -> Population:
    """Villagers of 15-70 in the cities of the study: in which capacity x age part x gender.

    All others weigh nothing, so that truths are of the cities where the study is made.
    """
    levels = {
        "village_role": (village.CONSUMER, village.TRADER),
        "age_part": tuple(MAIN_PARTS),
        "gender": GENDERS,
    }
    level = _cross_levels(levels)
    ages = build_age_structure(cities)
    by_age = np.stack([ages.between(*limits) for limits in MAIN_PARTS.values()], axis=1)
    people = by_age.sum(axis=(1, 2))
    share = by_age[:, level["age_part"], level["gender"]] / people[:, None]
    share = share * np.array(village.ROLE_SHARES)[level["village_role"]]
    asked = np.array([city.province_code in village.PROVINCES for city in cities])
    rural = np.array([1 - city.urbanization_rate for city in cities])
    return Population(
        VILLAGE_SERIES, levels, level, share, people * rural * asked, {}, {}, asked.astype(float)
    )


def _cross_levels(levels: Mapping[str, Sequence[str]]) -> dict[str, Codes]:
    combinations = np.array(list(product(*(range(len(names)) for names in levels.values()))))
    return {name: combinations[:, i].astype(np.int16) for i, name in enumerate(levels)}


def _compute_residence(cities: Sequence[FrameCity]) -> Floats:
    stratum = rural_stratum_share(cities)
    rural = RURAL_AT_RURAL_POINT * stratum + RURAL_AT_URBAN_POINT * (1 - stratum) * (stratum > 0)
    return np.stack([1 - rural, rural], axis=1)


def _compute_softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    chances: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return chances


_CENTRE = np.array([-1.5, -0.5, 0.5, 1.5])
_AGE_INCOME = {"15-24": -0.55, "25-34": 0.25, "35-44": 0.35, "45-54": 0.1, "55-59": -0.1,
               "60-70": -0.5, "60-69": -0.55, "70-79": -0.8, "80+": -1.0}  # fmt: skip
_TIER_INCOME = {"mega": 0.10, "super": 0.04, "large": -0.04, "medium_small": -0.06}
"""Small on purpose: with the real gap between cities, the published rise with income could only
come out if people with more money were less satisfied within every city."""


def _compute_income(
    cities: Sequence[FrameCity], levels: Mapping[str, tuple[str, ...]], level: Mapping[str, Codes]
) -> Floats:
    person = np.where(level["residence"] == 1, -0.35, 0.0)
    person = person + np.where(level["gender"] == 0, 0.12, -0.12)
    if "age_part" in levels:
        by_part = np.array([_AGE_INCOME[name] for name in levels["age_part"]])
        person = person + by_part[level["age_part"]]
    city = np.array([_TIER_INCOME[c.size_tier.value] for c in cities])
    base = np.array([0.05, 0.25, 0.05, -0.55])
    logits = base + (city[:, None] + person[None, :])[:, :, None] * _CENTRE
    picked: Floats = np.take_along_axis(
        _compute_softmax(logits), level["income"].astype(np.intp)[None, :, None], axis=2
    )[:, :, 0]
    return picked


def _compute_education(
    levels: Mapping[str, tuple[str, ...]], level: Mapping[str, Codes], by_age: Mapping[str, float]
) -> Floats:
    step = 0.3 * (level["income"] - 1.2)
    step = step + np.where(level["residence"] == 1, -0.6, 0.0)
    if "age_part" in levels:
        step = step + np.array([by_age[name] for name in levels["age_part"]])[level["age_part"]]
    base = np.array([-0.9, 0.5, 0.7, 0.3, 0.2, -1.9])
    slope = np.array([-1.3, -0.8, -0.1, 0.4, 0.8, 1.0])
    return _compute_softmax(base + step[:, None] * slope)[None]


def _compute_hukou(cities: Sequence[FrameCity], level: Mapping[str, Codes]) -> Floats:
    migrants = {"mega": 0.36, "super": 0.24, "large": 0.13, "medium_small": 0.11}
    moved = np.array([migrants[city.size_tier.value] for city in cities])[:, None]
    rural = level["residence"] == 1
    countryside = np.where(rural, 0.92, 0.24)[None, :]
    moved = np.where(rural[None, :], moved * 0.35, moved)
    from_village = np.where(rural, 0.93, 0.55)[None, :]
    return np.stack(
        [
            (1 - moved) * (1 - countryside),
            (1 - moved) * countryside,
            moved * (1 - from_village),
            moved * from_village,
        ],
        axis=2,
    )
