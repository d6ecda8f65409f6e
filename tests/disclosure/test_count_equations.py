"""Few equations over few unknowns allow what all equations between the counts allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.attacks.audits import list_every_equation
from survey.disclosure.count_bounds import (
    ContradictoryCountsError,
    CountEquations,
    CountModel,
    SliceAudit,
)
from survey.disclosure.suppression import Floats, Relation

ALMOST_ANY = 300
"""So wide that both ends of an interval are found, but where nothing bounds a count from above."""
CITIES = (5, 6, 7, 8, 9)
REGIONS = {1: (5, 6), 2: (7, 8, 9)}
TIERS = {3: (5, 7), 4: (6, 9)}
"""One city has no tier, and stands for itself."""
GROUPS = ((0, 1, 2), (0, 3, 4, 5))


def relation(axis: int, *members: int) -> Relation:
    return Relation(axis, np.array(members, dtype=np.int64), mixture=False)


RELATIONS = [
    *(relation(0, area, *cities) for area, cities in {**REGIONS, **TIERS}.items()),
    relation(0, 0, *REGIONS),
    relation(0, 0, *TIERS, 8),
    relation(0, 0, *CITIES),
    *(relation(1, *group) for group in GROUPS),
]


def draw_counts(seed: int, share: float) -> Floats:
    """Nation, regions, tiers and cities x everyone, two genders and three ages; some hidden."""
    rng = np.random.default_rng(seed)
    table = np.zeros((10, 6))
    for city in CITIES:
        people = int(rng.gamma(1.0, 20.0))
        for _, *parts in GROUPS:
            table[city, parts] = rng.multinomial(people, rng.dirichlet(np.ones(len(parts))))
        table[city, 0] = people
    for area, cities in {0: CITIES, **REGIONS, **TIERS}.items():
        table[area] = table[list(cities)].sum(axis=0)
    return np.where(rng.random(table.shape) < share, np.nan, table)


def audit(known: Floats, minimum: int, *, every: bool) -> SliceAudit:
    equations = list_every_equation(known, RELATIONS) if every else None
    model = CountModel.of(known, RELATIONS, equations)
    return model.audit(np.isnan(known), minimum, np.random.default_rng(1))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.1, 0.3, 0.5, 0.8, 0.95]),
    minimum=st.sampled_from([3, 10, ALMOST_ANY]),
)
def test_few_equations_say_what_all_say(seed: int, share: float, minimum: int) -> None:
    known = draw_counts(seed, share)
    few, every = (audit(known, minimum, every=each) for each in (False, True))
    assert few == every
    assert few.audited == np.isnan(known).sum()


def test_the_equations_and_unknowns_are_few() -> None:
    known = draw_counts(1, 1.0)
    known[0] = 90.0, 40.0, 50.0, 20.0, 30.0, 40.0
    few, every = CountEquations.of(known, RELATIONS), list_every_equation(known, RELATIONS)
    assert every.matrix.shape == (60, 54)
    # The nation of each group, and the groups of each city; the cities themselves.
    assert few.matrix.shape == (6 + 5 * 2, 5 * 6)


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (0, 2), (5, 1)])
def test_counts_that_contradict_each_other_are_seen(place: tuple[int, int]) -> None:
    known = draw_counts(2, 0.0)
    known[9, 5] = np.nan
    known[place] += 1
    with pytest.raises(ContradictoryCountsError):
        audit(known, 10, every=False)


def test_areas_that_are_each_other_are_no_circle() -> None:
    known = np.array([[40.0], [np.nan], [np.nan], [25.0], [np.nan]])
    both = [relation(0, 1, 2), relation(0, 2, 1), relation(0, 2, 3, 4), relation(0, 0, 3, 4)]
    model = CountModel.of(known, both)
    bounds = model.audit(np.isnan(known), 10, np.random.default_rng(1)).narrow
    assert bounds == ((1, 40, 40), (2, 40, 40), (4, 15, 15))
