"""What leaves the results has the decimals that are printed, and nothing that nobody declared."""

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR
from survey.results import WaveResults
from survey.results.derived_estimates import compute_band_probabilities, pool_waves
from survey.results.table_columns import (
    DECIMALS,
    WITHHELD,
    UndeclaredColumnError,
    to_published_table,
)

Frozen = dict[str, WaveResults]
KEYS = {"area_level": ["city", "city"], "area": ["a", "b"], "indicator": ["1", "1"]}


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({**KEYS, "shown": [True, False], "reason": ["", "too_few"], **columns})


def test_a_column_that_nobody_declared_does_not_leave() -> None:
    with pytest.raises(UndeclaredColumnError, match="kish_deff"):
        to_published_table(table(kish_deff=[1.23456, 1.0]))


def test_errors_and_sums_of_weights_stay_in_the_snapshot() -> None:
    exact = table(estimate=[80.123, np.nan], **{key: [0.5, 0.5] for key in WITHHELD})
    assert not WITHHELD & set(to_published_table(exact).columns)


def test_figures_have_one_decimal_and_counts_none() -> None:
    seen = to_published_table(
        table(estimate=[80.1499, 3.3], n=[12.0, 4.0], df=[3.7, 1.0], p_top=[0.123, 0])
    )
    assert seen.loc[0, ["estimate", "n", "df", "p_top"]].tolist() == [80.1, 12.0, 4.0, 0.12]
    assert seen.loc[1, ["estimate", "n", "df", "p_top"]].isna().all()


def test_nothing_is_a_negative_zero() -> None:
    seen = to_published_table(table(difference=[-0.04, 0.0], ci_low=[-1.0, 0], ci_high=[0.04, 0]))
    assert str(seen.loc[0, "difference"]) == "0.0"


def test_a_verdict_is_that_of_the_exact_interval() -> None:
    exact = table(difference=[0.06, 0.06], ci_low=[0.02, 0.02], ci_high=[0.1, 0.1])
    seen = to_published_table(exact.assign(verdict=["higher", ""]))
    assert seen.loc[0, ["ci_low", "verdict"]].tolist() == [0.0, "higher"]


def test_a_difference_is_rounded_once(frozen: Frozen) -> None:
    """Not as the difference of two rounded figures."""
    for results in frozen.values():
        exact = pd.read_parquet(results._folder / "gaps.parquet")
        exact = exact[(exact["contrast"] == "rest") & exact["shown"]]
        seen = results.gaps(OPERATOR, contrast="rest")
        seen = seen[seen["shown"]]
        assert len(seen) == len(exact) > 0
        off = seen["difference"].to_numpy() - exact["difference"].to_numpy()
        assert np.abs(off).max() <= 0.05 + 1e-9


@pytest.mark.parametrize("name", ["cells", "small_areas", "ranks", "headlines", "drivers", "gaps"])
def test_no_table_leaves_with_more_decimals(frozen: Frozen, name: str) -> None:
    looked = 0
    for results in frozen.values():
        options = {"contrast": "nation"} if name == "gaps" else {}
        seen = getattr(results, name)(OPERATOR, **options)
        for column in seen.select_dtypes("number"):
            values = seen[column].dropna().to_numpy(dtype=float)
            assert (values == np.round(values, DECIMALS.get(column, 0))).all(), column
            looked += len(values)
    assert looked > 100


def test_exact_values_stay_in_the_files(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    stored = pd.read_parquet(results._folder / "cells.parquet")
    values = stored.loc[stored["shown"], "estimate"].to_numpy(dtype=float)
    assert (np.abs(values - np.round(values, 1)) > 1e-6).mean() > 0.5


def test_what_is_worked_out_on_demand_is_rounded_as_well(frozen: Frozen) -> None:
    later, earlier = frozen["main-2024"], frozen["main-2023"]
    pooled = pool_waves(later, earlier, OPERATOR, "elderly=yes", "composite").to_numpy()
    known = pooled[~np.isnan(pooled)]
    assert len(known)
    assert (known == np.round(known, 1)).all()
    wanted = {"area_level": "city", "group": "all", "indicator": "composite"}
    chances = np.array(
        list(compute_band_probabilities(later, OPERATOR, [60.0, 80.0], wanted=wanted).values())
    )
    known = chances[~np.isnan(chances)]
    assert len(known)
    assert (known == np.round(known, 2)).all()
