"""Weights of exported rows: equal weights give nobody's blanked age band back, and sums hold."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from survey.files.microdata.deidentify import (
    DeidentifiedRows,
    deidentify,
    name_exact_rows,
    questions_filtered_by,
)
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.files.microdata.release_classes import merge_classes
from survey.files.microdata.released_rows import MIN_CLASS_SIZE
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section

AGES, GENDERS = ("15-34", "35-54", "55-70"), ("male", "female")
CENSUS = {
    cell: 1000.0 + 137 * place
    for place, cell in enumerate((age, gender) for age in AGES for gender in GENDERS)
}
Counts = Mapping[tuple[str, str, str], int]
"""(kind of point, age band, gender) -> interviews."""


def people_of(counts: Counts) -> pd.DataFrame:
    """One city; the weight of an interview is the census figure over the count of its cell."""
    rows = [cell for cell, count in counts.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["kind", "age_band", "gender"])
    cells = list(zip(table["age_band"], table["gender"], strict=True))
    sizes = pd.Series(cells).map(pd.Series(cells).value_counts())
    table["weight"] = [CENSUS[cell] / size for cell, size in zip(cells, sizes, strict=True)]
    # What raking leaves in the last digits.
    table["weight"] *= 1 + 1e-14 * np.arange(len(table))
    return table.assign(
        response_id=[f"r{row}" for row in range(len(table))],
        city_code="110000",
        stratum_key="110000:" + table["kind"],
        psu="p1",
        age_band=table["age_band"].astype(pd.CategoricalDtype(list(AGES))),
        gender=table["gender"].astype(pd.CategoricalDtype(list(GENDERS))),
        submitted_at=pd.Timestamp("2024-10-01", tz="UTC"),
        elder_care=np.where(table["age_band"] == "55-70", 7, -4).astype(np.int8),
    )


def form() -> Instrument:
    label = {"en": "x"}
    return Instrument(
        name="f",
        version="1",
        title=label,
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(
            Section(
                name="who",
                items=(
                    Item(name="birth_year", kind=ItemKind.INTEGER),
                    Item(name="age", kind=ItemKind.CALCULATE, calculation="2024 - ${birth_year}"),
                    Item(name="gender", kind=ItemKind.SELECT_ONE),
                ),
            ),
            Section(
                name="elders",
                relevant="${age} >= 60",
                items=(
                    Item(name="elder_care", kind=ItemKind.RATING, minimum=1, maximum=10),
                    Item(name="elder_why", kind=ItemKind.TEXT, relevant="${elder_care} < 5"),
                ),
            ),
            Section(name="all", items=(Item(name="trust", kind=ItemKind.RATING),)),
        ),
    )


def file_of(people: pd.DataFrame, *, exact: bool = False) -> DeidentifiedRows:
    names = Pseudonyms("ab" * 32)
    if exact:
        return name_exact_rows(people, form(), names)
    return deidentify(people, form(), names, margins=("age_band", "gender"))


def given_back(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Age band and gender of the rows where one is blank, from the rows of equal weight."""
    recovered = {}
    for _, alike in rows.groupby(["city_code", "weight"]):
        known = alike.dropna(subset=["age_band", "gender"])
        cells = set(zip(known["age_band"], known["gender"], strict=True))
        if len(cells) == 1:
            blank = alike[alike["age_band"].isna() | alike["gender"].isna()]
            recovered.update(dict.fromkeys(blank["row"], next(iter(cells))))
    return recovered


def named_by_census(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """The same from the census alone: the weight times the number of rows is a cell's figure."""
    recovered = {}
    for _, alike in rows.groupby(["city_code", "weight"]):
        total = alike["weight"].sum()
        fit = [cell for cell, people in CENSUS.items() if abs(total / people - 1) < 1e-6]
        blank = alike[alike["age_band"].isna() | alike["gender"].isna()]
        if fit:
            recovered.update(dict.fromkeys(blank["row"], fit[0]))
    return recovered


USUAL = {
    **{("urban", age, gender): 20 for age in AGES for gender in GENDERS},
    **{("rural", age, gender): 8 for age in AGES for gender in GENDERS},
    ("rural", "55-70", "male"): 3,
}


def test_blanked_ages_came_back_from_exact_weights_and_do_not_from_the_file() -> None:
    people = people_of(USUAL)
    exact = file_of(people, exact=True).table
    blanked = exact.assign(
        age_band=exact["age_band"].mask(
            (exact["stratum"] == "rural")
            & (exact["age_band"] == "55-70")
            & (exact["gender"] == "male")
        ),
        weight=[float(f"{weight:.9g}") for weight in exact["weight"]],
    )
    assert set(given_back(blanked).values()) == {("55-70", "male")}
    assert len(given_back(blanked)) == 3
    made = file_of(people).table
    assert made["age_band"].isna().any()
    assert given_back(made) == {}
    assert named_by_census(made) == {}


def test_what_only_old_people_are_asked_goes_with_the_age() -> None:
    made = file_of(people_of(USUAL)).table
    assert made.loc[made["age_band"].isna(), "elder_care"].isna().all()
    assert made.loc[made["age_band"].notna(), "elder_care"].notna().all()
    assert questions_filtered_by(form(), "age_band") == {"elder_care", "elder_why"}
    assert questions_filtered_by(form(), "gender") == set()


def test_what_everybody_was_asked_stays() -> None:
    people = people_of(USUAL).assign(elder_care=np.int8(7))
    assert file_of(people).table["elder_care"].notna().all()


CELLS = [(kind, age, gender) for kind in ("urban", "rural") for age in AGES for gender in GENDERS]


@given(st.lists(st.integers(0, 14), min_size=len(CELLS), max_size=len(CELLS)))
@example([0, 0, 9, 8, 9, 0, 0, 0, 3, 4, 3, 0])  # (census 1 + census 3) / 2 is census 2
def test_nobody_is_left_alone_and_city_totals_hold(sizes: list[int]) -> None:
    people = people_of(dict(zip(CELLS, sizes, strict=True)))
    made = file_of(people)
    rows = made.table
    assert len(rows) + made.dropped == len(people)
    if rows.empty:
        return
    key = [
        rows[name].astype("string").fillna("").to_numpy()
        for name in ("stratum", "age_band", "gender")
    ]
    assert rows.groupby([*key, rows["weight"].to_numpy()]).size().min() >= MIN_CLASS_SIZE
    assert rows["weight"].sum() == pytest.approx(people["weight"].sum(), rel=1e-9)
    # The mean of a merge may happen to be the weight of a cell; it names nobody, for the rows
    # of a merge are never of one cell.
    named = given_back(rows)
    weight_of = dict(zip(rows["row"], rows["weight"], strict=True))
    cell_of = {
        Pseudonyms("ab" * 32)("row", response): (age, gender)
        for response, age, gender in people[["response_id", "age_band", "gender"]].itertuples(
            index=False
        )
    }
    for weight in {weight_of[row] for row in named}:
        cells = {cell_of[row] for row in named if weight_of[row] == weight}
        assert len(cells) > 1
    # The last digits of what raking left tell nobody's cell or point.
    weights = np.unique(rows["weight"])
    assert all(right / left > 1 + 1e-9 for left, right in pairwise(weights))


def merged(people: pd.DataFrame) -> pd.DataFrame:
    return merge_classes(
        people,
        city="city_code",
        stratum="stratum_key",
        weight="weight",
        labels=("age_band", "gender"),
        minimum=MIN_CLASS_SIZE,
    )


def test_merges_stay_with_the_nearest_neighbour_and_the_order_of_rows_decides_nothing() -> None:
    people = people_of(USUAL)
    made = merged(people)
    touched = people[made["age_band"].isna()]
    assert set(touched["kind"]) == {"rural"}
    assert set(touched["gender"]) == {"male"}
    assert set(touched["age_band"].astype(str)) == {"35-54", "55-70"}
    assert made["gender"].notna().all()
    mixed = people.sample(frac=1, random_state=3)
    again = merged(mixed.reset_index(drop=True))
    again.index = mixed.index
    pd.testing.assert_frame_equal(again.sort_index(), made, rtol=1e-12)
