"""Every complete interview counts in exactly the cell of its age and gender."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.waves.quotas import AgeGenderCell, age_of, find_cell, parse_band

TODAY = date(2026, 5, 20)
BANDS = ("15-24", "25-34", "35-44", "45-54", "55-70", "80+")
CELLS = tuple(
    AgeGenderCell(UUID(int=number), *parse_band(band), gender)
    for number, (band, gender) in enumerate((b, g) for b in BANDS for g in ("male", "female"))
)


@pytest.mark.parametrize(
    ("band", "ages"), [("15-24", (15, 24)), ("80+", (80, None)), ("60-69", (60, 69))]
)
def test_bands_are_read_as_written(band: str, ages: tuple[int, int | None]) -> None:
    assert parse_band(band) == ages


@pytest.mark.parametrize("band", ["", "15", "15-", "-24", "15-24 ", "a-b", "15--24", "80++"])
def test_anything_else_is_no_band(band: str) -> None:
    with pytest.raises(ValueError, match="not an age band"):
        parse_band(band)


@given(age=st.integers(15, 70), gender=st.sampled_from(["male", "female"]))
def test_each_age_and_gender_has_one_cell(age: int, gender: str) -> None:
    holding = [cell for cell in CELLS if cell.contains(age, gender)]
    assert len(holding) == 1
    assert find_cell(CELLS, {"age": age, "gender": gender}, today=TODAY) == holding[0].id


@pytest.mark.parametrize(
    "answers",
    [
        {"age": 14, "gender": "male"},
        {"age": 71, "gender": "male"},
        {"age": 30, "gender": "refused"},
        {"age": 30, "gender": ["male"]},
        {"age": 30},
        {"gender": "male"},
        {"age": "thirty", "gender": "male"},
        {"age": True, "gender": "male"},
        {"age": float("nan"), "gender": "male"},
        {"age": float("inf"), "gender": "male"},
        {},
    ],
)
def test_without_a_usable_age_and_gender_there_is_no_cell(answers: dict[str, Any]) -> None:
    assert find_cell(CELLS, answers, today=TODAY) is None


def test_no_cells_hold_nobody() -> None:
    assert find_cell((), {"age": 30, "gender": "male"}, today=TODAY) is None


def test_age_comes_from_the_questionnaire_first_and_from_the_year_of_birth_else() -> None:
    assert age_of({"age": 40, "birth_year": 2000}, today=TODAY) == 40
    assert age_of({"birth_year": 2000}, today=TODAY) == 26
    assert age_of({}, today=TODAY) is None
