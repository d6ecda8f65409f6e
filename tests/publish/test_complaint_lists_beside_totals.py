"""Lists of complaint codes beside the totals and months of the same areas: no small count is told.

Totals are decided with their months, lists one by one. What is shown of all of them together is
solved as equations here, as a reader with the page and a pencil would.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.counts.complaint_gate import CountCells, protect_codes, protect_months
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.frame.code_lists import leaf_areas

AREAS = ("110000", "320100", "320200", "320300", "32xxxx", "440100", "440300", "44xxxx")
LARGER = ("32", "44", NATION)
MEASURES = [*COMPLAINTS.stored_measures]
Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Shown:
    """Counts by area and month or code, and what readers see of them."""

    counts: Counts
    cells: CountCells


def test_the_areas_are_those_of_the_frame() -> None:
    assert set(AREAS) <= set(leaf_areas())


def by_area(*counts: tuple[int, ...], names: str) -> dict[tuple[str, str], int]:
    return {
        (area, f"{names}{place}"): n
        for area, row in zip(AREAS, counts, strict=True)
        for place, n in enumerate(row)
    }


FOUND = (
    by_area((2091, 565, 334), (1, 1, 4), (19, 1, 8), (20, 4, 0), (1, 3, 18), (17, 9, 1),
            (18, 0, 2), (0, 9, 0), names="2024-0"),
    by_area((2988, 2), (1, 5), (7, 21), (1, 23), (22, 0), (7, 20), (1, 19), (1, 8), names="c"),
    by_area((1889, 1101), (2, 4), (21, 7), (6, 18), (0, 22), (0, 27), (11, 9), (9, 0), names="c"),
)  # fmt: skip
"""By chance: both lists told of Xuzhou's c0 before, which is 1 and 6."""


def drawn(seed: int) -> tuple[Counts, ...]:
    rng = np.random.default_rng(seed)
    sizes = [rng.integers(*rng.choice([(1, 10), (10, 40), (40, 900)])) for _ in AREAS]

    def split(parts: int, names: str) -> Counts:
        shares = [rng.dirichlet(np.full(parts, 0.5)) for _ in AREAS]
        rows = [
            tuple(map(int, rng.multinomial(n, share)))
            for n, share in zip(sizes, shares, strict=True)
        ]
        return by_area(*rows, names=names)

    return split(3, "2024-0"), split(3, "c"), split(2, "c")


def frame(counts: Counts, key: str) -> pd.DataFrame:
    rows = [{"area": area, key: name, "accepted": float(n)} for (area, name), n in counts.items()]
    return pd.DataFrame(rows).reindex(columns=["area", key, *MEASURES])


def show(counts: tuple[Counts, ...]) -> list[Shown]:
    """Return months with the totals, then each list."""
    of_months = frame(counts[0], "period")
    months = protect_months(of_months, ())
    total = of_months.drop(columns="period").groupby("area", as_index=False)[MEASURES]
    year = total.sum(min_count=1)
    lists = [protect_codes(frame(each, "code"), year, months, None).whole for each in counts[1:]]
    return [
        Shown(counts[0], {**months.months, **months.totals.whole}),
        *(
            Shown(each, {key: cell for key, cell in cells.items() if key[1] != TOTAL})
            for each, cells in zip(counts[1:], lists, strict=True)
        ),
    ]


def add_up(table: Shown, key: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the counts that a cell is the sum of."""
    area, name = key
    return [
        (leaf, each)
        for leaf, each in table.counts
        if (area in {leaf, NATION} or leaf[:2] == area) and name in {each, TOTAL}
    ]


def find_told(tables: list[Shown]) -> list[tuple[int, str, str]]:
    """Return the counts of one to nine that the shown cells of all tables determine together."""
    place = {(number, *key): 0 for number, table in enumerate(tables) for key in table.counts}
    place = {key: at for at, key in enumerate(place)}

    def row_of(number: int, key: tuple[str, str]) -> NDArray[np.float64]:
        row = np.zeros(len(place))
        row[[place[number, *each] for each in add_up(tables[number], key)]] = 1
        return row

    known = [
        row_of(0, (area, TOTAL)) - row_of(number, (area, TOTAL))
        for area in AREAS
        for number in range(1, len(tables))
    ]
    small = []
    for number, table in enumerate(tables):
        for key, cell in table.cells.items():
            n = sum(table.counts[each] for each in add_up(table, key))
            if cell is not None:
                assert cell["accepted"] == n >= 10
                known.append(row_of(number, key))
            elif 1 <= n <= 9:
                small.append((number, *key))
    _, sizes, directions = np.linalg.svd(np.array(known))
    free = directions[int((sizes > 1e-9).sum()) :]
    return [
        (number, area, name)
        for number, area, name in small
        if np.abs(free @ row_of(number, (area, name))).max(initial=0) < 1e-7
    ]


@pytest.mark.parametrize("counts", [FOUND, *map(drawn, (3, 4, 5))], ids=["found", "3", "4", "5"])
def test_lists_months_and_totals_together_tell_no_small_count(counts: tuple[Counts, ...]) -> None:
    tables = show(counts)
    assert any(cell is not None for cell in tables[1].cells.values())
    assert find_told(tables) == []


def show_enquiries(counts: tuple[Counts, ...]) -> list[Shown]:
    """Return months and lists of enquiries as `show`; complaints are many everywhere."""

    def of_enquiries(each: Counts, key: str) -> pd.DataFrame:
        rows = frame(each, key)
        return rows.assign(consultations=rows["accepted"], accepted=5000.0)

    of_months = of_enquiries(counts[0], "period")
    months = protect_months(of_months, ())
    year = of_months.drop(columns="period").groupby("area", as_index=False)[MEASURES]
    total = year.sum(min_count=1)

    def as_cells(cells: CountCells) -> CountCells:
        return {
            key: None
            if cell is None or cell["consultations"] is None
            else {"accepted": cell["consultations"]}
            for key, cell in cells.items()
        }

    lists = []
    for each in counts[1:]:
        codes = of_enquiries(each, "code").assign(accepted=15_000 / len({c for _, c in each}))
        lists.append(as_cells(protect_codes(codes, total, months, None).whole))
    return [
        Shown(counts[0], {**as_cells(months.months), **as_cells(months.totals.whole)}),
        *(
            Shown(each, {key: cell for key, cell in cells.items() if key[1] != TOTAL})
            for each, cells in zip(counts[1:], lists, strict=True)
        ),
    ]


@pytest.mark.parametrize("counts", [FOUND, *map(drawn, (6, 7, 8))], ids=["found", "6", "7", "8"])
def test_enquiries_by_subject_tell_no_small_count(counts: tuple[Counts, ...]) -> None:
    tables = show_enquiries(counts)
    assert any(cell is not None for cell in tables[1].cells.values())
    assert find_told(tables) == []


def test_of_an_area_whose_total_is_hidden_no_code_is_shown() -> None:
    months, *lists = show(FOUND)
    hidden = {area for (area, name), cell in months.cells.items() if name == TOTAL and not cell}
    assert {"320100", "44xxxx"} <= hidden
    for table in lists:
        assert all(cell is None for (area, _), cell in table.cells.items() if area in hidden)
        # A total that is shown stays, whatever the list hides.
        assert any(cell is not None for (area, _), cell in table.cells.items() if area == NATION)
