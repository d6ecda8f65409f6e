"""The published series: read in the words of our own cells, with what is missing left missing."""

from pathlib import Path

import pandas as pd
import pytest

from survey.figures.published_figures import (
    published_results,
    published_series,
    published_waves,
    read_results,
)
from survey.frame.city_frame import shipped_cities


def test_the_national_series() -> None:
    series = published_series(indicator="composite")
    assert series["year"].tolist() == list(range(2017, 2025))
    assert series["score"].tolist() == [71.75, 73.68, 77.02, 79.32, 80.59, 78.81, 79.92, 80.36]
    assert series["rank"].isna().all()


def test_first_level_series_says_what_is_our_arithmetic() -> None:
    series = published_series(indicator="2").set_index("year")
    assert series.loc[2023, "score"] == 78.75
    assert series.loc[2023, "status"] == "derived"
    assert series.loc[2024, "status"] == "press"
    assert 2019 not in series.index


def test_a_city_with_a_rank_but_no_score() -> None:
    series = published_series(area_level="city", area="320500", indicator="composite").set_index(
        "year"
    )
    assert pd.isna(series.loc[2021, "score"])
    assert series.loc[2021, "rank"] == 1
    assert (series.loc[2023, "score"], series.loc[2023, "rank"]) == (91.45, 4)


def test_what_was_never_published_is_an_empty_series() -> None:
    series = published_series(area_level="city", area="350600", indicator="composite")
    assert series.empty
    assert series.dtypes.astype(str).to_dict()["score"] == "float64"


def test_every_figure_is_a_known_cell() -> None:
    results = published_results()
    assert len(results) == 128
    cities = {city.code for city in shipped_cities()}
    for result in results:
        assert result.score is not None or result.rank is not None
        if result.area_level == "city":
            assert result.area in cities
    keys = {(r.area_level, r.area) for r in results if r.area_level != "city"}
    assert keys == {
        ("nation", "CN"),
        ("region3", "东部"),
        ("region3", "中部"),
        ("region3", "西部"),
        ("size_tier", "mega"),
        ("size_tier", "super"),
        ("size_tier", "medium_small"),
        ("retail_tier", "ge4000"),
        ("province", "32"),
        ("province", "44"),
    }
    assert {r.group for r in results} == {
        "all",
        "gender=male",
        "gender=female",
        "age_band=55-70",
        "income=ge8000",
    }


def test_province_means_are_marked_as_means_of_cities() -> None:
    provinces = [r for r in published_results() if r.area_level == "province"]
    assert {r.statistic for r in provinces} == {"mean_of_cities"}
    assert published_series(area_level="province", area="32", indicator="composite").empty


def test_a_name_that_fits_no_city_or_two_is_refused(tmp_path: Path) -> None:
    header = "year,level,area_zh,indicator_zh,score,rank,status,source\n"
    path = tmp_path / "results.csv"
    for name in ("海", "火星"):
        path.write_text(f"{header}2024,city,{name},综合满意度,80,,press,x\n", encoding="utf-8")
        with pytest.raises(ValueError, match=name):
            read_results(path, shipped_cities())


def test_waves() -> None:
    waves = {wave.year: wave for wave in published_waves()}
    assert sorted(waves) == list(range(2017, 2025))
    assert waves[2023].valid == 61_812
    assert waves[2023].above_national == 33
    assert waves[2019].valid is None
