"""How interviews are held, and what is planted in the answers of people who are read to.

In main waves being read out to changes ratings by known amounts. The effect is measured from its
expectation in the person's city and cell, so that no level and no group moves: cities differ in how
they ask, and their scores are still the published ones.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from seed.demo.population import Floats, Population
from seed.demo.random_streams import random_stream

MODES = ("self", "assisted")
"""Own phone; read out, with the answers given on the surveyor's tablet."""
READ_OUT_EFFECT = 2.0
"""Points of the latent scale that being read to adds to every rating of a main wave: people are
kinder to a surveyor than to a phone."""
DIFFERENT_ITEM, DIFFERENT_EFFECT = "logistics", -8.0
"""The rating that people with a phone of their own answer differently beyond that, and how much
lower those who are read to rate it: they order fewer parcels."""
CITY_SD = 1.0
"""Of a city's habit of reading out, in log odds; the same in every main wave."""

_ASSISTED = {
    "15-24": 0.05,
    "25-34": 0.06,
    "35-44": 0.09,
    "45-54": 0.16,
    "55-59": 0.28,
    "60-70": 0.45,
}
_BY_WHO_ANSWERS = {"self": 0.12, "assisted": 1.0, "proxy_child": 0.25, "proxy_other": 0.5}
_OF_GUARDIANS = 0.10


def assisted_chances(people: Population) -> Floats:
    """Chance of being read to in each cell, shape (C, X)."""
    if people.kind == "elderly":
        by_cell = people.table("answered_by", _BY_WHO_ANSWERS)
    elif people.kind == "minors":
        by_cell = np.full(people.share.shape[1], _OF_GUARDIANS)
    else:
        by_cell = people.table("age_part", _ASSISTED)
    if people.kind != "main":
        return np.broadcast_to(by_cell, people.share.shape)
    habit = random_stream("mode-city").normal(0, CITY_SD, len(people.weight))
    chances: Floats = expit(logit(by_cell)[None, :] + habit[:, None])
    return chances


def mode_effects(people: Population, names: Sequence[str]) -> Floats:
    """Points of the latent scale by which people who are read to rate higher, by rating."""
    if people.kind != "main":
        return np.zeros(len(names))
    extra = {DIFFERENT_ITEM: DIFFERENT_EFFECT}
    return np.array([READ_OUT_EFFECT + extra.get(name, 0.0) for name in names])
