"""National figures: the mean over cities by hand, and equal to the one population without gaps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import protect
from survey.questionnaire.indicator_tree import Indicator, IndicatorTree
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section
from survey.results.headlines import COLUMNS, city_weighted_mean, headline_table
from survey.results.table_cache import CategoryIndex
from survey.results.wave_estimates import WaveEstimates, estimate_wave
from survey.results.wave_parts import WaveData, WaveParts
from survey.results.weighting import WeightingReport
from survey.snapshots.snapshot_files import parquet_bytes

CITIES = ("110000", "310000", "320500")


def cities(**changed: object) -> pd.DataFrame:
    table = {
        "area": ["a", "b"],
        "indicator": "x",
        "estimate": [80.0, 60.0],
        "se": [1.0, 2.0],
        "df": [10, 20],
    }
    return pd.DataFrame(table | changed)


def test_the_mean_over_cities_by_hand() -> None:
    headline = city_weighted_mean(cities(), pd.Series({"a": 1.0, "b": 3.0})).iloc[0]
    variance = 0.0625 * 1 + 0.5625 * 4
    df = variance**2 / (0.0625**2 / 10 + 2.25**2 / 20)
    assert headline["estimate"] == pytest.approx(65)
    assert headline["se"] == pytest.approx(variance**0.5)
    assert headline["df"] == pytest.approx(df)
    assert 20 < df < 22
    assert headline["ci_high"] - headline["estimate"] == pytest.approx(
        2.08 * variance**0.5, rel=2e-3
    )


def test_a_city_without_a_score_or_without_an_error_is_not_passed_over() -> None:
    totals = pd.Series({"a": 1.0, "b": 3.0})
    assert np.isnan(city_weighted_mean(cities(estimate=[80.0, np.nan]), totals)["estimate"].iloc[0])
    bare = city_weighted_mean(cities(se=[1.0, np.nan]), totals).iloc[0]
    assert bare["estimate"] == pytest.approx(65)
    assert bare[["se", "ci_low", "ci_high"]].isna().all()
    absent = city_weighted_mean(cities().iloc[:1], totals).iloc[0]
    assert np.isnan(absent["estimate"])


def test_exact_scores_have_no_error() -> None:
    headline = city_weighted_mean(cities(se=[0.0, 0.0]), pd.Series({"a": 1.0, "b": 3.0})).iloc[0]
    assert headline[["se", "ci_low", "ci_high", "df"]].tolist() == [0, 65, 65, 30]


def wave(
    *, gaps: bool, sizes: tuple[int, ...] = (60, 60, 60), composite: str = "item_means"
) -> WaveEstimates:
    rng = np.random.default_rng(2)
    code = np.repeat(CITIES, sizes)
    rows = len(code)
    people = pd.DataFrame(
        {
            "city_code": code,
            "stratum_key": code,
            "psu": [f"{city}-{place % 10}" for place, city in enumerate(code)],
            "weight": rng.uniform(0.5, 3, rows)
            * pd.Series(code).map(dict(zip(CITIES, (1, 5, 2), strict=True))),
            "food": rng.integers(1, 11, rows).astype(np.int8),
            "shop": rng.integers(1, 11, rows).astype(np.int8),
        }
    )
    if gaps:
        people.loc[rng.random(rows) < 0.3, "food"] = -1
    items = tuple(
        Item(name=name, kind=ItemKind.RATING, minimum=1, maximum=10, indicator=indicator)
        for name, indicator in (("food", "1"), ("shop", "2"))
    )
    instrument = Instrument(
        name="two",
        version="1",
        title={"en": "Two"},
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(Section(name="only", items=items),),
    )
    tree = IndicatorTree(
        name="two",
        indicators=tuple(
            Indicator(
                code=code,
                parent=None,
                level=1,
                name={"en": code},
                weight=weight,
                name_status="sourced",
                weight_status="assumed",
            )
            for code, weight in (("1", 0.3), ("2", 0.7))
        ),
    )
    report = WeightingReport(
        margin=(),
        source="",
        year=None,
        sweeps=0,
        largest_misfit=0,
        kish_deff=1,
        effective_n=rows,
        smallest=1,
        largest=1,
        unknown=0,
        merges=(),
    )
    return estimate_wave(
        WaveParts.of_loaded(
            WaveData(
                series="main",
                people=people,
                report=report,
                instrument=instrument,
                tree=tree,
                measures=(),
                composite=composite,
            )
        )
    )


def row(table: pd.DataFrame, **keys: str) -> pd.Series:
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_both_ways_agree_where_nobody_leaves_an_item_out() -> None:
    made = wave(gaps=False)
    table = headline_table(made, protect(made.cells))
    assert len(table) == 2 * 2 * 3
    for composite in ("item_means", "per_respondent"):
        for indicator in ("composite", "1", "2"):
            keys = {"composite": composite, "indicator": indicator}
            domain = row(table, basis="domain", **keys)
            other = row(table, basis="city_weighted", **keys)
            assert domain["estimate"] == pytest.approx(other["estimate"], rel=1e-12)
            assert domain["n"] == other["n"] == 180
            assert domain["cities"] == other["cities"] == 3
            assert domain["status"] == other["status"] == "ok"


def test_the_one_population_is_the_cell_of_the_nation() -> None:
    for official in ("item_means", "per_respondent"):
        made = wave(gaps=True, composite=official)
        table = headline_table(made, protect(made.cells))
        cell = row(made.cells, area_level="nation", group="all", indicator="composite")
        headline = row(table, basis="domain", composite=official, indicator="composite")
        for name in ("estimate", "se", "ci_low", "ci_high", "df", "n"):
            assert headline[name] == cell[name], name


def test_the_other_composite_is_the_one_a_wave_with_it_would_have() -> None:
    made, other = wave(gaps=True), wave(gaps=True, composite="per_respondent")
    tables = [headline_table(estimates, protect(estimates.cells)) for estimates in (made, other)]
    for basis in ("domain", "city_weighted"):
        keys = {"basis": basis, "composite": "per_respondent", "indicator": "composite"}
        headline, same = (row(table, **keys) for table in tables)
        assert headline["estimate"] == pytest.approx(same["estimate"], rel=1e-12)
        assert headline["se"] == pytest.approx(same["se"], rel=1e-9)
    item_means = row(tables[0], basis="domain", composite="item_means", indicator="composite")
    assert headline["estimate"] != pytest.approx(item_means["estimate"], abs=1e-3)


def test_with_gaps_the_ways_differ() -> None:
    made = wave(gaps=True)
    table = headline_table(made, protect(made.cells))
    keys = {"composite": "item_means", "indicator": "1"}
    domain, other = (row(table, basis=basis, **keys) for basis in ("domain", "city_weighted"))
    assert domain["estimate"] != pytest.approx(other["estimate"], abs=1e-4)
    assert domain["estimate"] == pytest.approx(other["estimate"], abs=3)


def test_the_mean_over_cities_does_not_tell_the_score_of_a_hidden_city() -> None:
    made = wave(gaps=False, sizes=(60, 60, 8))
    table = headline_table(made, protect(made.cells))
    mean = table[table["basis"] == "city_weighted"]
    assert not mean["shown"].any()
    assert mean[["estimate", "se", "ci_low", "ci_high", "df", "n", "cities"]].isna().all(axis=None)
    assert table.loc[table["basis"] == "domain", "shown"].all()


def test_a_wave_without_a_tree_has_no_headline_but_a_file_that_can_be_asked(tmp_path: Path) -> None:
    made = wave(gaps=False)
    made = replace(made, source=replace(made.source, tree=None))
    table = headline_table(made, protect(made.cells))
    assert table.empty
    assert list(table.columns) == [*COLUMNS, "shown", "reason"]
    file = tmp_path / "headlines.parquet"
    file.write_bytes(parquet_bytes(table))
    again = pd.read_parquet(file)
    assert CategoryIndex.of(again, ["basis", "composite"]).find({"basis": ["domain"]}).empty


def test_a_decision_about_the_nation_holds_for_both() -> None:
    made = wave(gaps=False)
    cells = protect(made.cells, minimum=1_000)
    table = headline_table(made, cells)
    assert not table["shown"].any()
    assert table[["estimate", "n"]].isna().all(axis=None)
