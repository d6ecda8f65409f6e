"""Random sample of the interviews that a file holds, and the exchange of answers in it.

The tables of a wave count everybody, exactly. If a file held everybody too, these counts and the
rounded scores of a group would be equations about the rows whose label was blanked, and forty
questions solve them. So a file lacks one interview in ten of every city, and rows with a blank
exchange their answers with the other such rows of their city.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.publish.microdata.released_rows import ONE_IN


def draw_order(response_ids: pd.Series, seed: pd.Series) -> NDArray[np.str_]:
    """Return a random key for each interview, which neither other rows nor their order change."""
    return np.array(
        [
            hashlib.sha256(f"{start}/{response_id}".encode()).hexdigest()
            for start, response_id in zip(seed, response_ids, strict=True)
        ]
    )


def draw_sample(people: pd.DataFrame, order: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return which interviews stay: nine in ten of every city, those last in the order."""
    city, _ = pd.factorize(people["city_code"].astype(str))
    by_city = np.lexsort((order, city))
    sizes = np.bincount(city)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    place = np.empty(len(people), dtype=np.int64)
    place[by_city] = np.arange(len(people)) - starts[city[by_city]]
    kept: NDArray[np.bool_] = place >= np.ceil(sizes / ONE_IN)[city]
    return kept


def pair_rows(
    areas: NDArray[np.int64], is_blanked: NDArray[np.bool_], order: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Return for each row the row whose answers it gets; its own where nothing was blanked.

    In each area the rows with a blank pass their answers on in a circle. Where there is one alone,
    it changes with another row of the area. Within smaller circles, of rows that look the same, the
    tables told which of a few people has which label.

    Args:
        areas: the city of each row, as a number.
    """
    source = np.arange(len(areas))
    blanks = np.bincount(areas, weights=is_blanked, minlength=areas.max(initial=-1) + 1)
    sequence = np.lexsort((order, ~is_blanked, areas))
    ordered = areas[sequence]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    within = np.arange(len(ordered)) - np.repeat(first, np.diff(first, append=len(ordered)))
    # One alone takes the next row of its area, which is not blanked, as a partner.
    wanted = np.where(blanks == 1, 2, blanks)[ordered]
    in_circle = sequence[within < wanted]
    circle = areas[in_circle]
    begins = np.flatnonzero(np.diff(circle, prepend=-1))
    following = np.arange(1, len(in_circle) + 1)
    ends = np.concatenate((begins[1:], [len(in_circle)])) - 1
    following[ends[: len(begins)]] = begins
    source[in_circle] = in_circle[following]
    return source


def find_single_circles(
    circles: NDArray[np.int64], answers: NDArray[np.integer[Any]], is_blanked: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the rows of circles whose blanks hide one answer only.

    Args:
        circles: by row; -1 where there is none.
        answers: the true answer to one question by row, as a number.
        is_blanked: rows in which it was blanked.
    """
    count = circles.max(initial=0) + 1
    least = np.full(count, np.iinfo(np.int64).max)
    most = np.full(count, -1, dtype=np.int64)
    hidden = is_blanked & (circles >= 0)
    np.minimum.at(least, circles[hidden], answers[hidden])
    np.maximum.at(most, circles[hidden], answers[hidden])
    single: NDArray[np.bool_] = (least == most)[circles] & (circles >= 0)
    return single
