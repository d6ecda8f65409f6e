"""Other tables take the decisions of the cells."""

import pandas as pd
import pytest

from survey.disclosure import propagate_suppression, protect
from survey.disclosure.gate import find_small_counts
from survey.disclosure.suppression import apply_suppression, find_cell_reasons, take_first_reasons


def cells() -> pd.DataFrame:
    return protect(
        pd.DataFrame(
            {
                "area_level": pd.Categorical(["city", "city", "nation"]),
                "area": pd.Categorical(["1", "2", "1"]),
                "group": pd.Categorical(["all"] * 3),
                "indicator": pd.Categorical(["composite"] * 3),
                "estimate": [70.0, 80.0, 75.0],
                "n": [9.0, 10.0, 0.0],
            }
        )
    )


def ranks() -> pd.DataFrame:
    return pd.DataFrame(
        {"area": ["2", "1"], "indicator": ["composite"] * 2, "rank": [1, 2], "n": [10, 9]}
    )


CITY = {"area_level": "city", "group": "all"}


def test_a_row_takes_the_decision_of_its_cell() -> None:
    result = propagate_suppression(ranks(), cells(), at=CITY, figures=("rank",))
    assert result["shown"].tolist() == [True, False]
    assert result["reason"].tolist() == ["", "too_few"]
    assert result["rank"].tolist()[0] == 1
    assert result.loc[1, ["rank", "n"]].isna().all()


def test_two_cells_behind_a_row_must_both_be_shown() -> None:
    first = propagate_suppression(ranks(), cells(), at=CITY)
    both = propagate_suppression(
        first, cells(), at={"area_level": "nation", "area": "1", "group": "all"}
    )
    assert both["reason"].tolist() == ["empty", "too_few"]
    assert not both["shown"].any()


def test_blanking_once_hides_what_one_pass_after_the_other_hides() -> None:
    nation = {"area_level": "nation", "area": "1", "group": "all"}
    table = ranks().assign(n=[10, 4], estimate=[1.0, 2.0])
    passes = propagate_suppression(
        propagate_suppression(protect(table), cells(), at=CITY), cells(), at=nation
    )
    reasons = take_first_reasons(
        find_small_counts(table),
        find_cell_reasons(table, cells(), at=CITY),
        find_cell_reasons(table, cells(), at=nation),
    )
    pd.testing.assert_frame_equal(apply_suppression(table, reasons), passes)
    assert passes["reason"].tolist() == ["empty", "too_few"]


def test_a_row_about_no_cell_is_an_error() -> None:
    with pytest.raises(KeyError, match="3"):
        propagate_suppression(ranks().replace({"area": {"1": "3"}}), cells(), at=CITY)
