"""Four rates of one city, somebody who knows the census, and four hidden age bands.

Within a city the weight of an age band is the census divided by its respondents. So the rate of the
city is the sum of W_a c_a / n_a over the bands, with W_a known: what the shown bands leave of it is
a sum of four fractions with unknown whole numbers. Meeting in the middle, all sums of two of them
against all sums of the other two, finds them from unrounded rates at once.
"""

import itertools

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import AdditiveTotal, protect
from survey.results.table_columns import to_published_table

CENSUS = {"15-24": 0.131, "25-34": 0.197, "35-44": 0.184, "45-54": 0.213, "55-64": 0.163,
          "65-74": 0.112}  # fmt: skip
PEOPLE = {"15-24": 7, "25-34": 160, "35-44": 5, "45-54": 148, "55-64": 9, "65-74": 8}
YES = {
    "complained": (3, 40, 2, 37, 2, 3),
    "solved": (2, 93, 3, 71, 5, 7),
    "recognised": (6, 120, 4, 99, 7, 5),
    "refused": (1, 12, 1, 23, 4, 1),
}
BANDS = tuple(CENSUS)
MAX_HIDDEN_BAND_COUNT = 20
"""People that the attacker thinks a hidden band may have at most."""
Floats = NDArray[np.float64]
Sizes = tuple[int, ...]


def city() -> pd.DataFrame:
    """The cells of the city as the gate leaves them: everyone and the bands, by question."""
    rows = []
    for indicator, yes in YES.items():
        rate = dict(zip(BANDS, np.divide(yes, list(PEOPLE.values())), strict=True))
        whole = sum(CENSUS[band] * rate[band] for band in BANDS)
        rows.append((indicator, "all", 100 * whole, sum(PEOPLE.values())))
        rows += [(indicator, band, 100 * rate[band], PEOPLE[band]) for band in BANDS]
    table = pd.DataFrame(rows, columns=["indicator", "group", "estimate", "n"])
    parts = tuple((band,) for band in BANDS)
    return protect(
        table, by=("indicator", "group"), totals=[AdditiveTotal(("group",), ("all",), parts)]
    )


def left_of(table: pd.DataFrame) -> tuple[dict[str, float], list[str], int]:
    """By question what the shown bands leave of the city; the hidden bands; their people."""
    left: dict[str, float] = {}
    people = 0
    for indicator, part in table.groupby("indicator", sort=False):
        cells = part.set_index("group")
        shown = [band for band in BANDS if cells.loc[band, "shown"]]
        known = sum(CENSUS[band] * cells["estimate"].loc[band] for band in shown)
        left[str(indicator)] = (cells["estimate"].loc["all"] - known) / 100
        people = int(cells.loc["all", "n"] - cells.loc[shown, "n"].sum())
    return left, [band for band in BANDS if band not in shown], people


def sums(band: str, other: str) -> tuple[Floats, NDArray[np.int64]]:
    """Every W_a c_a / n_a + W_b c_b / n_b, in order, with n_a and n_b."""
    parts = [(n, count / n) for n in range(1, MAX_HIDDEN_BAND_COUNT + 1) for count in range(n + 1)]
    sizes, shares = (np.array(column) for column in zip(*parts, strict=True))
    values = (CENSUS[band] * shares[:, None] + CENSUS[other] * shares[None, :]).ravel()
    both = np.stack(np.broadcast_arrays(sizes[:, None], sizes[None, :]), axis=-1).reshape(-1, 2)
    order = np.argsort(values)
    return values[order], both[order]


def solved(left: dict[str, float], hidden: list[str], people: int, within: float) -> set[Sizes]:
    """Sizes of the hidden bands that some counts bring to every rate, by meeting in the middle."""
    (first, own), (second, others) = sums(*hidden[:2]), sums(*hidden[2:])
    candidates: list[set[Sizes]] = []
    for rate in left.values():
        low = np.searchsorted(second, rate - first - within)
        high = np.searchsorted(second, rate - first + within)
        pairs = ((i, j) for i in np.flatnonzero(high > low) for j in range(low[i], high[i]))
        candidates.append({(*own[i].tolist(), *others[j].tolist()) for i, j in pairs})
    return {sizes for sizes in set.intersection(*candidates) if sum(sizes) == people}


def possible(left: dict[str, float], hidden: list[str], people: int, within: float) -> int:
    """How many sizes of the hidden bands some counts bring to every rate, one size at a time."""
    weights = [CENSUS[band] for band in hidden]

    def pair(index: int, n_one: int, n_other: int) -> Floats:
        a, b = (np.arange(n + 1) / n for n in (n_one, n_other))
        return np.sort((weights[index] * a[:, None] + weights[index + 1] * b[None, :]).ravel())

    number = 0
    for sizes in itertools.product(range(1, MAX_HIDDEN_BAND_COUNT + 1), repeat=3):
        last = people - sum(sizes)
        if 1 <= last <= MAX_HIDDEN_BAND_COUNT:
            first, second = pair(0, *sizes[:2]), pair(2, sizes[2], last)
            low, high = (
                [np.searchsorted(second, rate - first + off) for rate in left.values()]
                for off in (-within, within)
            )
            number += all((b > a).any() for a, b in zip(low, high, strict=True))
    return number


def test_unrounded_rates_tell_how_many_people_every_hidden_band_has() -> None:
    """The attack works: what it finds on exact figures is the truth and nothing else."""
    left, hidden, people = left_of(city())
    assert hidden == ["15-24", "35-44", "55-64", "65-74"]
    assert solved(left, hidden, people, within=1e-9) == {tuple(PEOPLE[band] for band in hidden)}


def test_published_rates_leave_thousands_of_answers() -> None:
    seen = to_published_table(city())
    left, hidden, people = left_of(seen)
    assert hidden == ["15-24", "35-44", "55-64", "65-74"]
    assert (seen["estimate"].dropna() == seen["estimate"].dropna().round(1)).all()
    # Half a tenth of the city alone, as if the shown bands were known exactly.
    assert possible(left, hidden, people, within=0.0005) > 1_000
