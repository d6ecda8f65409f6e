"""The model's expected values are the published figures, within 0.3 points."""

from functools import cache

import pandas as pd
import pytest

from seed.demo.calibrate import calibrate_wave
from seed.demo.city_scores import NOT_COMPARABLE, YEARS, city_scores, national_score
from seed.demo.residuals import TOLERANCE, Residual, residuals
from seed.demo.truth import true_values
from seed.demo.wave_plans import PLANS
from survey.figures.published_figures import PublishedResult, published_results, published_waves
from survey.frame.city_frame import shipped_cities
from survey.frame.population_margins import main_margins
from survey.frame.quotas import VILLAGE_SERIES
from survey.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow

SCORES = [
    result
    for year in YEARS
    for result in published_results()
    if result.year == year and result.score is not None
]
COMPARABLE = [result for result in SCORES if result.area_level not in NOT_COMPARABLE]


@cache
def all_residuals() -> tuple[Residual, ...]:
    """Not when the file is imported: every worker collects it, and the model takes seconds."""
    return residuals()


@cache
def truth(key: str) -> pd.Series:
    table = true_values(calibrate_wave(key))
    return table.set_index(["area_level", "area", "group", "indicator"])["value"]


def name_of(result: PublishedResult) -> str:
    return f"{result.year}-{result.area_level}-{result.area}-{result.group}-{result.indicator}"


@pytest.mark.parametrize("result", COMPARABLE, ids=name_of)
def test_every_comparable_published_figure_is_met(result: PublishedResult) -> None:
    (row,) = (row for row in all_residuals() if row.result == result)
    assert abs(row.residual) <= TOLERANCE


def test_only_the_retail_tier_is_declared_not_comparable() -> None:
    rows = all_residuals()
    left_out = {(r.result.year, r.result.area_level) for r in rows if not r.comparable}
    assert left_out == {(2022, "retail_tier"), (2023, "retail_tier")}
    assert [row.result for row in rows] == SCORES
    assert [row.result for row in rows if row.comparable] == COMPARABLE


@pytest.mark.parametrize("year", YEARS)
def test_published_ranks_are_kept(year: int) -> None:
    scores = city_scores(year)
    order = scores.argsort()[::-1]
    place = {shipped_cities()[city].code: rank for rank, city in enumerate(order, start=1)}
    for result in published_results():
        if result.year == year and result.area_level == "city" and result.rank is not None:
            # Ties at a bound may exchange neighbours of a city far from either end.
            assert abs(place[result.area] - result.rank) <= (2 if result.rank > 50 else 0)


@pytest.mark.parametrize("year", YEARS)
def test_as_many_cities_lie_above_the_nation_as_were_published(year: int) -> None:
    (wave,) = (wave for wave in published_waves() if wave.year == year)
    table = truth(f"main-{year}")
    nation = table["nation", "CN", "all", "composite"]
    above = sum(table["city", city.code, "all", "composite"] > nation for city in shipped_cities())
    assert above == wave.above_national


@pytest.mark.parametrize("year", YEARS)
def test_nobody_passes_the_published_extremes(year: int) -> None:
    (wave,) = (wave for wave in published_waves() if wave.year == year)
    scores = city_scores(year)
    if wave.max_score is not None:
        assert scores.max() == pytest.approx(wave.max_score)
    if wave.min_score is not None:
        assert scores.min() == pytest.approx(wave.min_score)


def test_the_nation_is_the_population_weighted_domain_not_the_mean_of_cities() -> None:
    people = main_margins(shipped_cities()).city_totals()
    table = truth("main-2024")
    cities = pd.Series(
        {c.code: table["city", c.code, "all", "composite"] for c in shipped_cities()}
    )
    nation = table["nation", "CN", "all", "composite"]
    assert nation == pytest.approx((cities * people).sum() / people.sum(), abs=0.05)
    assert nation - cities.mean() > 1.5


@pytest.mark.parametrize("year", YEARS)
def test_age_and_income_run_as_published(year: int) -> None:
    table = truth(f"main-{year}")
    bands = ("15-24", "25-34", "35-44", "45-54", "55-70")
    ages = [table["nation", "CN", f"age_band={band}", "composite"] for band in bands]
    assert max(ages) == ages[0]
    assert min(ages) == ages[-1]
    levels = ("lt3000", "from3000", "from5000", "ge8000")
    incomes = [table["nation", "CN", f"income={level}", "composite"] for level in levels]
    assert incomes == sorted(incomes)


def test_special_groups_fall_behind_where_they_should() -> None:
    table = truth("main-2024")

    def gap(group: str, indicator: str) -> float:
        whole = table["nation", "CN", "all", indicator]
        return float(table["nation", "CN", group, indicator] - whole)

    assert gap("elderly=yes", "2.8") < gap("elderly=yes", "composite") < -0.5
    assert gap("guardian=yes", "2.1") < 0
    assert gap("residence=rural", "1") < gap("residence=rural", "2") < 0


def test_complaints_are_solved_as_often_as_the_statistics_say() -> None:
    for key, solved in (("main-2024", 68.75), ("main-2022", 79.5), ("elderly-2024", 68.75)):
        share = truth(key)["nation", "CN", "all", "complaint_solved"]
        assert share == pytest.approx(solved, abs=0.05)


def test_indicators_add_up_along_the_tree() -> None:
    for key in ("main-2021", "main-2024"):
        tree = calibrate_wave(key).tree
        assert tree is not None
        table = truth(key).sort_index()["region3", "东部", "age_band=25-34"]
        for parent in [None, *(i.code for i in tree.indicators if i.level < 3)]:
            children = [i for i in tree.indicators if i.parent == parent]
            total = sum(child.weight * table[child.code] for child in children)
            assert table[parent or "composite"] == pytest.approx(total)


def test_regions_are_their_cities() -> None:
    """A region's rate is what all its people asked together say, not a mean of city rates."""
    table = truth("main-2023")
    model = calibrate_wave("main-2023")
    people, place = model.people, 5
    base = people.weight[:, None] * people.share * model.scores(place)[None, :]
    total = base * model.expected(place)
    east = [c.region3 == "东部" for c in shipped_cities()]
    expected = total[east].sum() / base[east].sum()
    assert table["region3", "东部", "all", "1.3.1"] == pytest.approx(expected)


def test_every_wave_and_domain_has_a_value_between_0_and_100() -> None:
    for key in PLANS:
        values = truth(key).dropna()
        assert values.between(0, 100 + 1e-9).all()
        # The villages are those of five provinces.
        assert len(values) > (10_000 if PLANS[key].series == VILLAGE_SERIES else 100_000)
        assert truth(key).index.is_unique


def test_missing_truth_means_that_nobody_is_asked() -> None:
    missing = truth("main-2024")[lambda values: values.isna()].reset_index()
    cities = missing[missing["area_level"] == "city"]
    assert set(cities.loc[cities["group"] == "residence=rural", "area"]) == {"440300", "650200"}
    elderly = missing["indicator"].str.startswith("elder_")
    young = missing["group"].isin(["age_band=15-24", "age_band=25-34", "elderly=no"])
    assert (missing[young & (missing["area"] == "CN")]["indicator"].str.startswith("elder_")).all()
    assert elderly.any()


def test_the_national_scores_of_the_supplements_are_plausible() -> None:
    for key in ("elderly-2024", "minors-2024"):
        overall = truth(key)["nation", "CN", "all", "overall"]
        assert 70 < overall < national_score(2024)


def test_the_documented_table_is_what_the_model_says() -> None:
    text = (PROJECT_ROOT / "docs" / "demo-data.md").read_text(encoding="utf-8")
    shown = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| 20")]
    assert len(shown) == len(all_residuals())
    for cells, row in zip(shown, all_residuals(), strict=True):
        assert int(cells[0]) == row.result.year
        assert float(cells[4]) == row.result.score
        assert float(cells[5]) == pytest.approx(row.expected, abs=0.02)
