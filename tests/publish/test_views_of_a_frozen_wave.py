"""Views of a wave that was really frozen, whose tables name their areas each in its own order."""

from pathlib import Path

import pytest

from survey.access.principal import OPERATOR
from survey.figures.views.changes import TrendFilters
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.error_budget import build_error_table
from survey.figures.views.interval_table import IntervalTable
from survey.figures.views.ranking import RankingFilters, build_ranking
from survey.figures.views.small_areas import SmallAreaFilters, build_small_area_view
from survey.figures.views.trends import build_peer_gaps
from survey.figures.views.urban_rural import build_residence_areas
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.reports.contents import ReportKind, ReportTable
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults, open_results
from survey.settings import Settings
from survey.store.engine import dispose_engines, session_scope

CITIES = {city.code: city.name_en for city in shipped_cities()}
GROUP = "elderly=yes"


@pytest.fixture(scope="module")
def results(frozen_small_demo: Path) -> WaveResults:
    settings = Settings(database_url="", data_dir=frozen_small_demo)
    with session_scope(settings.store_url) as session:
        wave_results = open_results(settings, session, "main-2024")
    dispose_engines()
    return wave_results


def ranking(results: WaveResults) -> ChartPanel:
    return build_ranking(ViewContext(results, OPERATOR, "en"), filters=RankingFilters()).chart_panel


def tables_by_city(results: WaveResults) -> dict[str, IntervalTable]:
    """Every table whose rows are the cities, in English."""
    context = ViewContext(results, OPERATOR, "en")
    peers = build_peer_gaps(context, filters=TrendFilters())
    assert isinstance(peers, IntervalTable)
    return {
        "special group": build_small_area_view(context, filters=SmallAreaFilters(GROUP)).cities,
        "town and countryside": build_residence_areas(context, indicator="composite", by="city"),
        "peers": peers,
    }


def test_every_picture_and_table_by_city_has_the_hundred_cities_under_their_names(
    results: WaveResults,
) -> None:
    picture = ranking(results)
    assert sorted(code for code in picture.chart_rows["code"] if code) == sorted(CITIES)
    assert set(picture.table["City"]) == set(CITIES.values())
    for what, shown in tables_by_city(results).items():
        assert set(shown.table.iloc[:, 0]) == set(CITIES.values()), what
        listed = [CITIES[code] for code in shown.codes]
        assert listed == shown.columns[shown.name], what
        assert sorted([*listed, *shown.unnamed]) == sorted(CITIES.values()), what


def test_figures_stand_beside_the_area_they_are_about(results: WaveResults) -> None:
    cells = results.cells(OPERATOR, area_level="city", group="all", indicator="composite")
    truth = dict(zip(cells["area"].astype(str), cells["estimate"], strict=True))
    picture = ranking(results)
    drawn = zip(picture.chart_rows["code"], picture.chart_rows["estimate"], strict=True)
    estimates = {code: value for code, value in drawn if code in truth}
    assert len(estimates) == len(truth)
    for code, value in estimates.items():
        assert value == pytest.approx(truth[code], nan_ok=True)


def test_the_method_file_has_the_quality_of_the_questions_and_every_error(
    results: WaveResults,
) -> None:
    context = ViewContext(results, OPERATOR, "en")
    method = build_report(ReportScope(ReportKind.METHOD, "CN", context, (), read_rules()))
    quality, errors = (method.find_section(key) for key in ("measurement", "errors"))
    assert quality is not None
    assert errors is not None
    questions = quality.blocks[-1]
    assert isinstance(questions, ReportTable)
    assert len(questions.rows) == 27
    budget = errors.blocks[-1]
    assert isinstance(budget, ReportTable)
    assert budget.rows == tuple(
        map(tuple, build_error_table(context).astype(str).to_numpy().tolist())
    )
    for row in budget.rows:
        assert all(row), "an empty cell reads as nought"
