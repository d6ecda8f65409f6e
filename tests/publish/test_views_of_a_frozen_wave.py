"""Views of a wave that was really frozen, whose tables name their areas each in its own order."""

from pathlib import Path

import pytest

from survey.access.principal import OPERATOR
from survey.publish.views.changes import TrendFilters
from survey.publish.views.chart_panels import ChartPanel
from survey.publish.views.ranking import RankingFilters, build_ranking
from survey.publish.views.small_areas import SmallAreaFilters, build_small_area_view
from survey.publish.views.special_groups import GroupFilters, build_special_groups_view
from survey.publish.views.trends import build_trends_view
from survey.publish.views.urban_rural import AreaFilters, build_urban_rural_view
from survey.results import WaveResults, open_results
from survey.sample.city_frame import shipped_cities
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


def pictures_by_city(results: WaveResults) -> dict[str, ChartPanel]:
    """Every picture whose rows are the cities, in English."""
    order = build_ranking(
        results=results, principal=OPERATOR, language="en", filters=RankingFilters()
    )
    special = build_special_groups_view(
        results=results, principal=OPERATOR, language="en", filters=GroupFilters(GROUP)
    )
    direct = build_small_area_view(
        results=results, principal=OPERATOR, language="en", filters=SmallAreaFilters(GROUP)
    )
    places = build_urban_rural_view(
        results=results, principal=OPERATOR, language="en", filters=AreaFilters(by="city")
    )
    change = build_trends_view(
        results=results, principal=OPERATOR, language="en", filters=TrendFilters()
    )
    assert isinstance(change.peers, ChartPanel)
    return {
        "ranking": order.chart_panel,
        "gaps": special.cities,
        "small areas": direct.cities,
        "town and countryside": places.areas,
        "peers": change.peers,
    }


def test_every_picture_by_city_has_the_hundred_cities_under_their_names(
    results: WaveResults,
) -> None:
    for what, picture in pictures_by_city(results).items():
        codes = [code for code in picture.chart_rows["code"] if code]
        assert sorted(codes) == sorted(CITIES), what
        names = picture.table[next(iter({"City", "Area"} & set(picture.table.columns)))]
        assert set(names) == set(CITIES.values()), what


def test_figures_stand_beside_the_area_they_are_about(results: WaveResults) -> None:
    cells = results.cells(OPERATOR, area_level="city", group="all", indicator="composite")
    truth = dict(zip(cells["area"].astype(str), cells["estimate"], strict=True))
    picture = pictures_by_city(results)["ranking"]
    drawn = zip(picture.chart_rows["code"], picture.chart_rows["estimate"], strict=True)
    estimates = {code: value for code, value in drawn if code in truth}
    assert len(estimates) == len(truth)
    for code, value in estimates.items():
        assert value == pytest.approx(truth[code], nan_ok=True)
