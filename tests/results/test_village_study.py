"""A study of villages: consumers and traders of each village rate the same indicators."""

import pytest

from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.access.principal import OPERATOR
from survey.figures.views.urban_rural import (
    RESIDENCE,
    VILLAGE,
    AreaFilters,
    build_field_comparison,
    build_residence_areas,
    build_residence_indicators,
    build_urban_rural_view,
    list_fields,
    sides_of,
)
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import VILLAGE_SERIES
from survey.results import WaveResults, open_results
from survey.results.analysis import add_weights, analysis_frame
from survey.results.freeze import freeze_frame
from survey.snapshots.response_frame import build_response_frame
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from tests.small_waves import person, small_wave
from tests.work_of import work_of

SUZHOU, YICHANG = "320500", "420500"
RATED = tuple(item.name for item in shipped_instrument("village-2026").scored_items)
GAP = 20
"""Points of 0 to 100 by which traders of the test rate everything higher; two steps of nine."""


def answers(number: int) -> dict[str, object]:
    trader = number % 4 == 0
    own = (
        {"trader_kind": "shop", "trader_supply": ("always", "rarely")[number % 8 == 0],
         "trader_visited": "yes", "trader_returns": "refund", "trader_obstacle": "customers"}
        if trader
        else {"village_shop_place": "village", "village_parcel": ("home", "village")[number % 2],
              "village_problem": ["none"], "village_repair": 6}
    )  # fmt: skip
    return {
        "village_role": "trader" if trader else "consumer",
        **dict.fromkeys(RATED, 5 + number % 3 + 2 * trader),
        **own,
    }


def people() -> list[tuple[object, ...]]:
    """Two cities of eight villages, ten people a village."""
    usual = dict.fromkeys(("price", "service", "residence", "guardian"))
    return [
        person(
            place * 1000 + number,
            city,
            psu=f"{city}-{number // 10}",
            **{**usual, **answers(number)},
        )
        for place, city in enumerate((SUZHOU, YICHANG))
        for number in range(80)
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> WaveResults:
    instrument = shipped_instrument("village-2026")
    wave = small_wave(
        tmp_path_factory.mktemp("village"),
        instrument=instrument,
        tree=shipped_tree("village-2026"),
        series=VILLAGE_SERIES,
    )
    with session_scope(wave.settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=wave.settings),
            wave=wave.read(session),
            frame=build_response_frame(people(), instrument),
        )
    with session_scope(wave.settings.store_url) as session:
        known = open_results(wave.settings, session, wave.key)
    dispose_engines()
    return known


def reading(results: WaveResults, language: str = "zh") -> ViewContext:
    return ViewContext(results, OPERATOR, language)


def test_the_gap_of_traders_is_there_by_indicator(results: WaveResults) -> None:
    assert sides_of(results) is VILLAGE
    view = build_urban_rural_view(reading(results), filters=AreaFilters())
    assert view.difference.figure.estimate == pytest.approx(200 / 9, abs=1)
    assert "经营者" in view.sentence
    picture = build_residence_indicators(reading(results), filters=AreaFilters())
    assert picture.title == "两市合计农村：经营者减消费者，按指标"
    assert len(picture.table) == 1 + 3 + 6
    assert (picture.table["差值"].dropna() > GAP / 2).all()
    assert picture.table["n"].max() == 40


def test_the_gap_is_there_by_city_and_what_each_side_is_asked_alone(results: WaveResults) -> None:
    table = build_residence_areas(reading(results), indicator="composite", by="city")
    assert set(table.codes) == {SUZHOU, YICHANG}
    assert set(list_fields(results)) == {"rural", "education"}
    pictures = build_field_comparison(reading(results), place="CN", field="rural")
    assert {"消费者", "经营者"} == set(pictures[0].chart_rows["series"])
    labels = [label.replace("\n", "") for label in pictures[0].chart_rows["label"]]
    assert "经营者：进货每次都查凭证" in labels
    assert "村消费者：快递能送到村里" in labels
    unseen = [label.replace(" ", "") for label in pictures[0].hidden_labels]
    assert "村消费者：快递能送到村里·经营者" in unseen, "what the other side is asked is drawn"
    assert "村消费者：快递能送到村里" not in unseen


def test_the_main_study_is_still_read_by_town_and_countryside(results: WaveResults) -> None:
    class Main:
        method = type("Method", (), {"groups": ("all", "residence=rural")})()

    assert sides_of(Main()) is RESIDENCE  # type: ignore[arg-type]


def test_a_city_counts_with_its_rural_residents() -> None:
    frame = build_response_frame(people(), shipped_instrument("village-2026"))
    weighed, report = add_weights(analysis_frame(frame, VILLAGE_SERIES), VILLAGE_SERIES)
    assert report.margin == ()
    total = weighed.groupby("city_code", observed=True)["weight"].sum()
    rural = {city.code: 1 - city.urbanization_rate for city in shipped_cities()}
    everybody, _ = add_weights(analysis_frame(frame, "own"), "own")
    whole = everybody.groupby("city_code", observed=True)["weight"].sum()
    for city in (SUZHOU, YICHANG):
        assert total[city] == pytest.approx(whole[city] * rural[city])
