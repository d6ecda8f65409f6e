"""Exchanges of respondents: the cheapest of millions is found, a few of them in memory at once."""

import tracemalloc

import numpy as np
import pytest

from survey.disclosure.suppression import Relation
from survey.disclosure.table_moves import CubeMoves, protect_determined_cells

NATION, LEFT, RIGHT, EVERYONE = 0, 1, 2, 0
LEFT_CITIES, RIGHT_CITIES = np.arange(3, 53), np.arange(53, 103)
VARIABLES = (np.arange(1, 11), np.arange(11, 21), np.arange(21, 31))
AREAS = (
    Relation(0, np.array([NATION, LEFT, RIGHT]), False),
    Relation(0, np.array([LEFT, *LEFT_CITIES]), False),
    Relation(0, np.array([RIGHT, *RIGHT_CITIES]), False),
)
GROUPS = tuple(Relation(1, np.array([EVERYONE, *values]), False) for values in VARIABLES)
SHAPE = (103, 31)


@pytest.mark.parametrize(
    ("cheap", "cities", "values"),
    [(False, (3, 53), (1, 11, 21)), (True, (52, 102), (10, 20, 30))],
    ids=["first_of_equal_ones", "last_one"],
)
def test_the_cheapest_exchange_is_found_without_all_of_them_in_memory(
    cheap: bool, cities: tuple[int, int], values: tuple[int, int, int]
) -> None:
    hidden, price = np.zeros(SHAPE, dtype=bool), np.full(SHAPE, 100.0)
    hidden[LEFT, EVERYONE] = True
    touched = np.ix_([LEFT, RIGHT, *cities], [EVERYONE, *values])
    if cheap:
        price[touched] = 1.0
    moves = CubeMoves.of((*AREAS, *GROUPS), SHAPE)
    tracemalloc.start()
    try:
        wider, left = protect_determined_cells(hidden, hidden, price, moves)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expected = np.zeros(SHAPE, dtype=bool)
    expected[touched] = True
    assert (wider == expected).all()
    assert not left.any()
    # 2,500 pairs of cities times 1,000 combinations of values, 8 bytes each, are 20 million.
    assert most < 4_000_000
