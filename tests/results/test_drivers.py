"""Importance and performance of a wave: the library's figures, and reasons where there are none."""

import io
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seed.demo import build
from survey.disclosure import protect
from survey.estimate import DriverMatrix, PsuPairSums, relative_weights
from survey.results.drivers import REPLICATES, build_driver_table, figures_of
from survey.results.wave_estimates import estimate_wave
from survey.results.wave_parts import WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.snapshots.response_frame import CountedResponses, response_frame
from survey.snapshots.snapshot_files import parquet_bytes
from survey.store.engine import dispose_engines, session_scope
from survey.waves.instruments import load_instrument, load_tree
from survey.waves.waves import get_wave

WAVE = "main-2024"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> WaveData:
    """A demo wave of 620 interviews; the fullest city is made of the interviews of 40."""
    url = f"sqlite:///{tmp_path_factory.mktemp('drivers') / 'survey.db'}"
    build(url, waves=[WAVE], size=0.01, seed=7)
    with session_scope(url) as session:
        wave = get_wave(session=session, key=WAVE)
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
        frame = response_frame(session, instrument, CountedResponses(wave.id))
        assert wave.tree_id is not None
        tree = load_tree(session=session, tree_id=wave.tree_id)
    dispose_engines()
    codes = sorted(frame["city_code"].astype(str).unique())[:40]
    moved = frame["city_code"].astype(str).replace(dict.fromkeys(codes, codes[0]))
    rules = WaveRules.of(series="main", instrument=instrument, tree=tree, composite="item_means")
    return WaveData.weigh(frame.assign(city_code=moved.astype("category")), rules)


@pytest.fixture(scope="module")
def cells(source: WaveData) -> pd.DataFrame:
    return protect(estimate_wave(WaveParts.of_loaded(source)).cells)


@pytest.fixture(scope="module")
def table(source: WaveData, cells: pd.DataFrame) -> pd.DataFrame:
    return build_driver_table(WaveParts.of_loaded(source), cells)


def scores(source: WaveData) -> pd.DataFrame:
    names = {item.name: str(item.indicator) for item in source.instrument.scored_items}
    raw = source.people[[*names, "overall"]].astype(float)
    return ((raw.where(raw >= 1) - 1) / 9 * 100).rename(columns=names)


def test_importances_are_johnsons_in_per_cent(source: WaveData, table: pd.DataFrame) -> None:
    values, weight = scores(source), source.people["weight"]
    city = source.people["city_code"].astype(str)
    fullest = city.value_counts().index[0]
    for area, group, rows in (
        ("CN", "all", np.ones(len(values), dtype=bool)),
        ("CN", "guardian=yes", source.memberships["guardian=yes"]),
        (fullest, "all", (city == fullest).to_numpy()),
    ):
        group_rows = table[(table["area"] == area) & (table["group"] == group)].set_index(
            "indicator"
        )
        own = values[rows]
        direct = relative_weights(own.drop(columns="overall"), own["overall"], weight[rows])
        np.testing.assert_allclose(
            group_rows["importance"], (direct / direct.sum() * 100)[group_rows.index], rtol=1e-8
        )
        assert group_rows["importance"].sum() == pytest.approx(100)
        assert group_rows["r_squared"].iloc[0] == pytest.approx(direct.sum())
        assert (group_rows["importance_low"] < group_rows["importance_high"]).all()
        assert group_rows["replicates"].iloc[0] <= REPLICATES
        assert sorted(group_rows["priority"].unique())[1:] == list(
            range(1, int(group_rows["priority"].max()) + 1)
        )


def test_sums_of_the_cities_stay_while_the_nation_is_added_up(
    source: WaveData, cells: pd.DataFrame, table: pd.DataFrame
) -> None:
    """An engine may hand them out again."""
    kept: list[tuple[PsuPairSums, bytes]] = []

    def keep(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for made in map(function, items):
            kept.extend((own, pickle.dumps(own)) for own in made[0].values())
            yield made

    again = build_driver_table(WaveParts.of_loaded(source, keep), cells)
    pd.testing.assert_frame_equal(again, table)
    assert kept
    assert all(pickle.dumps(own) == before for own, before in kept)


def test_what_a_city_sends_holds_no_sums_of_resamples(
    source: WaveData, cells: pd.DataFrame
) -> None:
    """These were 50 MB a city, whatever its interviews."""
    found: list[tuple[int, int]] = []

    def weigh(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        for made in map(function, items):
            sums = made[0].values()
            of_resamples = sum(own.total().resampled.nbytes for own in sums)
            found.append((len(pickle.dumps(made)), of_resamples))
            yield made

    build_driver_table(WaveParts.of_loaded(source, weigh), cells)
    assert found
    assert all(sent < of_resamples / 3 for sent, of_resamples in found)


def test_performance_is_the_cell(table: pd.DataFrame, cells: pd.DataFrame) -> None:
    nation = cells[(cells["area"] == "CN") & (cells["group"] == "all")].set_index("indicator")
    group_rows = table[(table["area"] == "CN") & (table["group"] == "all")].set_index("indicator")
    for column, cell in (("performance", "estimate"), ("performance_low", "ci_low")):
        np.testing.assert_array_equal(group_rows[column], nation.loc[group_rows.index, cell])


def test_a_city_with_too_few_respondents_has_a_reason_and_no_figure(table: pd.DataFrame) -> None:
    small = table[table["no_drivers"] == "too_few_respondents"]
    assert small.loc[small["area_level"] == "city", "area"].nunique() == 60
    assert (
        small[["importance", "importance_low", "priority", "agreement", "n"]].isna().all(axis=None)
    )


def test_a_hidden_cell_hides_its_row(source: WaveData, cells: pd.DataFrame) -> None:
    row = (cells["area"] == "CN") & (cells["group"] == "all") & (cells["indicator"] == "1.1.1")
    hidden = cells.assign(
        shown=cells["shown"] & ~row, reason=cells["reason"].where(~row, "secondary")
    )
    driver_table = build_driver_table(WaveParts.of_loaded(source), hidden)
    group_rows = driver_table[
        (driver_table["area"] == "CN") & (driver_table["group"] == "all")
    ].set_index("indicator")
    figures = ["importance", "importance_low", "performance", "priority", "agreement", "n"]
    assert group_rows.loc["1.1.1", figures].isna().all()
    assert group_rows.loc["1.1.1", "reason"] == "secondary"
    assert group_rows.drop(index="1.1.1")["importance"].notna().all()


def test_a_question_that_everybody_answered_alike(source: WaveData, cells: pd.DataFrame) -> None:
    alike = replace(source, people=source.people.assign(overall=8))
    driver_table = build_driver_table(WaveParts.of_loaded(alike), cells)
    nation = driver_table[(driver_table["area"] == "CN") & (driver_table["group"] == "all")]
    assert set(nation["no_drivers"]) == {"constant"}
    assert driver_table["importance"].isna().all()


def test_without_the_question_or_a_tree_there_are_no_drivers(
    source: WaveData, cells: pd.DataFrame
) -> None:
    none = build_driver_table(WaveParts.of_loaded(replace(source, tree=None)), cells)
    assert len(none) == 0
    read = pd.read_parquet(io.BytesIO(parquet_bytes(none)))
    for key in ("area_level", "area", "group", "indicator"):
        assert isinstance(read[key].dtype, pd.CategoricalDtype)
    asked = [
        section.model_copy(
            update={"items": tuple(item for item in section.items if item.name != "overall")}
        )
        for section in source.instrument.sections
    ]
    silent = source.instrument.model_copy(update={"sections": tuple(asked)})
    assert (
        len(build_driver_table(WaveParts.of_loaded(replace(source, instrument=silent)), cells)) == 0
    )


def test_without_sampling_points_the_reason_is_said(source: WaveData, cells: pd.DataFrame) -> None:
    unknown = replace(source, people=source.people.assign(psu=None))
    driver_table = build_driver_table(WaveParts.of_loaded(unknown), cells)
    assert set(driver_table["no_drivers"]) == {"no_points"}
    assert driver_table["importance"].isna().all()
    assert driver_table["performance"].notna().any()


def test_agreement_by_hand() -> None:
    """Three predictors, four resamples; the second is heavy and low in all, the third in one."""
    heavy, even = [1.0, 2.0, 0.9], [1.0, 1.0, 1.0]
    matrix = DriverMatrix(
        names=("a", "b", "c"),
        n=500,
        importance=np.array(heavy),
        performance=np.array([90.0, 60.0, 80.0]),
        importances=np.array([heavy, heavy, even, heavy, [np.nan] * 3]),
        performances=np.array(
            [
                [90.0, 60.0, 80.0],
                [90.0, 62.0, 85.0],
                [90.0, 60.0, 70.0],
                [90.0, 50.0, 85.0],
                [np.nan] * 3,
            ]
        ),
        constant=None,
    )
    figures = figures_of(matrix, 0.95)
    assert figures["priority"].tolist() == [0, 1, 0]
    assert figures["agreement"].tolist() == [0, 100, 25]
    assert figures["set_agreement"] == 75
    assert figures["replicates"] == 4


@pytest.mark.parametrize(
    ("whole", "resamples", "told"),
    [([0.3, 0.2], [2, 2], True), ([0.3, 0.2], [1, 3], False), ([np.nan] * 2, [4, 0], False)],
)
def test_pairs_of_no_population_have_no_importance(
    whole: list[float], resamples: list[int], told: bool
) -> None:
    possible, not_possible = resamples
    matrix = DriverMatrix(
        names=("a", "b"), n=120, importance=np.array(whole), performance=np.array([70.0, 80.0]),
        importances=np.array([[0.3, 0.2]] * possible + [[np.nan] * 2] * not_possible),
        performances=np.full((4, 2), 75.0), constant=None,
    )  # fmt: skip
    figures = figures_of(matrix, 0.95)
    assert figures["no_drivers"] == ("" if told else "few_answered_together")
    assert np.isnan(figures["importance"]).all() is np.bool(not told)
