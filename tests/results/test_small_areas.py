"""Special groups by city: the grades at their edges, the model as the library gives it, no leak."""

import io

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import protect
from survey.estimate import fay_herriot
from survey.frame.city_frame import build_frame_table, shipped_cities
from survey.results.small_areas import (
    Reliability,
    build_small_area_table,
    grade_cells,
    pooled_variance,
)
from survey.snapshots.snapshot_files import parquet_bytes

GROUP, INDICATOR = "elderly=yes", "composite"
FRAME = build_frame_table(shipped_cities())
CODES = list(FRAME.index)
MODEL = ["model", "mse", "model_low", "model_high", "shrinkage"]


def wave(n: dict[str, int] | None = None, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Raw cells and gaps of a made-up wave; `n` sets the size of the group in some cities."""
    rng = np.random.default_rng(seed)
    own = 80 + rng.normal(0, 3, len(CODES))
    size = rng.integers(30, 120, len(CODES)).astype(float)
    for code, wanted in (n or {}).items():
        size[CODES.index(code)] = wanted
    everyone = _cells("all", own, 0.6 + rng.uniform(0, 0.3, len(CODES)), np.full(len(CODES), 620.0))
    se = 17 / np.sqrt(np.maximum(size, 1)) * rng.uniform(0.7, 1.3, len(CODES))
    score = own - 1 + rng.normal(0, 1.5, len(CODES)) + rng.normal(0, se)
    special = _cells(GROUP, np.where(size > 0, score, np.nan), se, size)
    nation = pd.concat(
        [
            part.assign(
                area_level="nation",
                area="CN",
                n=part["n"].sum(),
                estimate=np.average(part["estimate"].fillna(0), weights=part["sum_weight"]),
                sum_weight=part["sum_weight"].sum(),
            ).iloc[:1]
            for part in (everyone, special)
        ]
    )
    cells = pd.concat([nation, everyone, special], ignore_index=True)
    rest = special.assign(contrast="rest", se=se * 1.05, n_reference=620 - size)
    keys = ["area_level", "area", "group", "indicator", "status"]
    return cells.astype(dict.fromkeys(keys, "category")), rest


def _cells(group: str, estimate, se, n) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area_level": "city",
            "area": CODES,
            "group": group,
            "indicator": INDICATOR,
            "estimate": estimate,
            "se": se,
            "ci_low": estimate - 2 * se,
            "ci_high": estimate + 2 * se,
            "df": 12.0,
            "n": n,
            "sum_weight": n * 1000.0,
            "status": np.where(n == 0, "empty", "ok"),
        }
    )


def made(cells: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    protected = protect(cells), protect(gaps, counts=("n_reference",))
    return build_small_area_table(*protected, FRAME, series="main").set_index("area")


def test_the_direct_figure_is_the_cell():
    cells, gaps = wave()
    table = made(cells, gaps)
    group = cells[(cells["area_level"] == "city") & (cells["group"] == GROUP)].set_index("area")
    for column in ("n", "estimate", "se", "ci_low", "ci_high"):
        np.testing.assert_array_equal(table[column], group.loc[table.index, column])


def test_the_model_is_the_librarys_on_the_difference_to_the_city():
    cells, gaps = wave()
    table = made(cells, gaps)
    own, group = (
        cells[(cells["area_level"] == "city") & (cells["group"] == key)].set_index("area")
        for key in ("all", GROUP)
    )
    rest = 1 - group["n"] / own["n"]
    variance = (rest * gaps.set_index("area")["se"]) ** 2
    per_respondent = (variance / rest * group["n"]).mean()
    fitted = fay_herriot(
        group["estimate"] - own["estimate"],
        per_respondent * rest / group["n"],
        FRAME.loc[group.index, ["region3", "city_class"]].astype(object),
        likelihood="adjusted",
    )
    own_variance = (own["se"] ** 2 * own["n"]).mean() / own["n"]
    adjustment = table["adjustment"].iloc[0]
    raw = own["estimate"] + fitted.eblup
    np.testing.assert_allclose(table["model"], (raw + adjustment)[table.index], rtol=1e-10)
    expected = fitted.mse + own_variance + adjustment**2
    np.testing.assert_allclose(table["mse"], expected[table.index], rtol=1e-10)
    np.testing.assert_allclose(table["shrinkage"], fitted.shrinkage[table.index], rtol=1e-10)
    half = (table["model_high"] - table["model_low"]) / 2
    np.testing.assert_allclose(half, 1.959964 * np.sqrt(table["mse"]), rtol=1e-6)


def test_the_weighted_mean_of_the_model_is_the_direct_national_figure():
    cells, gaps = wave()
    table = made(cells, gaps)
    nation = cells[(cells["area_level"] == "nation") & (cells["group"] == GROUP)].iloc[0]
    mean = np.average(table["model"], weights=table["n"] * 1000)
    assert mean == pytest.approx(nation["estimate"], abs=1e-10)


@pytest.mark.parametrize(
    ("n", "half_width", "grade"),
    [
        (100, 3.0, Reliability.A),
        (100, 3.0001, Reliability.B),
        (99, 0.5, Reliability.B),
        (30, 9.0, Reliability.B),
        (29, 0.5, Reliability.C),
        (10, 9.0, Reliability.C),
        (500, np.nan, Reliability.C),
    ],
)
def test_grades_at_their_edges(n, half_width, grade):
    cell = pd.DataFrame(
        {"n": [n], "ci_low": [64 - half_width], "ci_high": [64 + half_width], "shown": [True]}
    )
    assert list(grade_cells(cell)) == [grade]
    assert list(grade_cells(cell.assign(shown=False))) == [Reliability.SUPPRESSED]


def test_a_hidden_cell_takes_no_part_and_comes_back_from_nowhere():
    city = "320500"
    tables = []
    for score in (20.0, 95.0):
        cells, gaps = wave({city: 9})
        row = (cells["area"] == city) & (cells["group"] == GROUP)
        cells.loc[row, ["estimate", "ci_low", "ci_high"]] = [score, score - 9, score + 9]
        tables.append(made(cells, gaps))
    pd.testing.assert_frame_equal(*tables)
    hidden = tables[0].loc[city]
    assert hidden[["estimate", "se", "ci_low", "ci_high", "n"]].isna().all()
    assert hidden["grade"] == Reliability.SUPPRESSED
    assert hidden["model_basis"] == "synthetic"
    assert hidden["shrinkage"] == 0
    assert not np.isnan(hidden["model"])
    assert hidden["mse"] > tables[0]["mse"].median()


def test_the_size_of_a_hidden_cell_does_not_show_either():
    first, second = (made(*wave({"320500": n})) for n in (2, 9))
    np.testing.assert_allclose(
        first.loc["320500", MODEL].astype(float),
        second.loc["320500", MODEL].astype(float),
        atol=0.2,
    )
    assert first["shrinkage"].to_numpy() == pytest.approx(second["shrinkage"].to_numpy())


def test_a_city_where_nobody_was_interviewed_looks_like_one_with_a_few():
    """A model figure for these alone, or its absence, would tell 0 from 1 to 9."""
    nobody, few = (made(*wave({"440300": n})).loc["440300"] for n in (0, 5))
    assert nobody["model"] == pytest.approx(few["model"], abs=0.2)
    assert nobody["shrinkage"] == few["shrinkage"] == 0
    for column in ("grade", "model_basis", "no_model"):
        assert nobody[column] == few[column]


def test_too_few_cities_carry_no_model():
    few = dict.fromkeys(CODES[15:], 5)
    table = made(*wave(few))
    assert table[MODEL].isna().all(axis=None)
    assert set(table["no_model"]) == {"too_few_cities"}
    assert table["shown"].sum() == 15


def test_without_a_score_of_the_city_there_is_no_model_for_it():
    cells, gaps = wave()
    row = (cells["area"] == "320500") & (cells["group"] == "all")
    cells.loc[row, "n"] = 4
    city = made(cells, gaps).loc["320500"]
    assert city["no_model"] == "no_score_of_the_city"
    assert np.isnan(city["model"])
    assert not np.isnan(city["estimate"])


def test_a_cell_without_an_error_gets_the_synthetic_figure():
    cells, gaps = wave()
    row = (cells["area"] == "320500") & (cells["group"] == GROUP)
    cells.loc[row, ["se", "ci_low", "ci_high"]] = np.nan
    city = made(cells, gaps).loc["320500"]
    assert city["model_basis"] == "synthetic"
    assert city["grade"] == Reliability.C


def test_pooled_variance_by_hand():
    """(2 x 4 x 10 + 6 x 1 x 50) / 8 = 47.5 per respondent."""
    variances = pooled_variance(
        np.array([4.0, 1.0, np.nan]), np.array([10.0, 50.0, 95.0]), np.array([2.0, 6.0, 0.0])
    )
    assert variances == pytest.approx([4.75, 0.95, 0.5])


def test_a_wave_without_special_groups_gives_an_empty_table():
    cells, gaps = wave()
    table = build_small_area_table(protect(cells), protect(gaps), FRAME, series="elderly")
    assert len(table) == 0
    read = pd.read_parquet(io.BytesIO(parquet_bytes(table)))
    for key in ("area_level", "area", "group", "indicator"):
        assert isinstance(read[key].dtype, pd.CategoricalDtype)
