"""Town and countryside: the engine's gap, in words that do not say more than it does."""

from dataclasses import dataclass, replace

import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.estimate_text import margin_of_error_caveat
from survey.figures.views.interval_table import IntervalTable
from survey.figures.views.urban_rural import (
    RESIDENCE_AREA_LEVELS,
    AreaFilters,
    UrbanRuralView,
    build_field_comparison,
    build_residence_areas,
    build_residence_groups,
    build_residence_indicators,
    build_urban_rural_view,
    list_fields,
)
from survey.figures.views.view_context import ViewContext, list_area_choices
from survey.locale import translator
from survey.results import WaveResults
from survey.store.tables import WaveState, new_id
from tests.error_codes import raises_code

Frozen = dict[str, WaveResults]
SUZHOU = Principal(new_id(), "suzhou", Role.CITY_OFFICIAL, "320500")


@dataclass(frozen=True)
class UrbanRural:
    """Everything on the page; its tabs are built one by one there."""

    answer: UrbanRuralView
    indicators: ChartPanel
    residents: ChartPanel
    areas: IntervalTable


def build(
    results: WaveResults, language: str = "en", by: str = "region3", **filters: str
) -> UrbanRural:
    context = ViewContext(results, OPERATOR, language)
    chosen = AreaFilters(**filters)
    return UrbanRural(
        build_urban_rural_view(context, filters=chosen),
        build_residence_indicators(context, filters=chosen),
        build_residence_groups(context, filters=chosen),
        build_residence_areas(context, indicator=chosen.indicator, by=by),
    )


def view(frozen: Frozen, language: str = "en", by: str = "region3", **filters: str) -> UrbanRural:
    return build(frozen["main-2024"], language, by, **filters)


def unreleased(results: WaveResults) -> WaveResults:
    """The same results in a wave that is not released yet."""
    hidden = object.__new__(WaveResults)
    hidden.__dict__.update(results.__dict__)
    hidden.wave = replace(results.wave, state=WaveState.FROZEN)
    return hidden


@pytest.mark.parametrize(("place", "level"), [("CN", "nation"), ("320500", "city")])
@pytest.mark.parametrize("indicator", ["composite", "1", "2.10"])
def test_the_difference_is_the_one_of_the_engine(
    frozen: Frozen, place: str, level: str, indicator: str
) -> None:
    gaps = frozen["main-2024"].gaps(
        OPERATOR,
        contrast="rest",
        area_level=level,
        area=place,
        group="residence=rural",
        indicator=indicator,
    )
    assert len(gaps) == 1
    figure = view(frozen, place=place, indicator=indicator).answer.difference.figure
    assert figure.shown == gaps["shown"].iloc[0]
    if figure.shown:
        assert figure.estimate == gaps["difference"].iloc[0]
        assert (figure.low, figure.high) == (gaps["ci_low"].iloc[0], gaps["ci_high"].iloc[0])


def test_a_region_is_not_mixed_with_another_division_of_the_same_name(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    three = set(results.cells(OPERATOR, area_level="region3")["area"].astype(str))
    four = set(results.cells(OPERATOR, area_level="region")["area"].astype(str))
    shared = sorted(three & four)
    assert shared
    shown = view(frozen, place=shared[0])
    assert len(shown.indicators.table) == 1 + 3 + 17
    assert len(shown.residents.table["Group"].unique()) == len(shown.residents.table)


def test_the_sentence_calls_a_difference_one_only_where_it_is_clear(frozen: Frozen) -> None:
    counts = {True: 0, False: 0}
    for city in list_area_choices(
        ViewContext(frozen["main-2024"], OPERATOR, "en"), levels=RESIDENCE_AREA_LEVELS
    ):
        shown = view(frozen, place=city).answer
        if not shown.difference.figure.available:
            assert "cannot be compared" in shown.sentence
            continue
        clear = shown.difference.is_clear
        unclear = ("no detectable difference", "not enough to be sure")
        assert any(words in shown.sentence for words in unclear) == (not clear)
        assert ("points higher" in shown.sentence) == shown.difference.is_higher
        counts[clear] += 1
    assert counts[True]
    assert counts[False]


def test_every_area_of_the_division_is_listed_or_named(frozen: Frozen) -> None:
    by_city = view(frozen, by="city").areas
    assert len(by_city.codes) + len(by_city.unnamed) == 100
    table = by_city.table
    hidden = table["Area"].isin(by_city.unnamed)
    assert len(table) == 100
    assert table.loc[hidden, ["Difference", "95%\u00a0from", "n"]].isna().all(axis=None)


def test_fields_show_town_and_countryside_beside_each_other(frozen: Frozen) -> None:
    for field in list_fields(frozen["main-2024"]):
        pictures = build_field_comparison(
            ViewContext(frozen["main-2024"], OPERATOR, "zh"), place="CN", field=field
        )
        assert pictures
        for picture in pictures:
            assert set(picture.chart_rows["series"]) == {"城镇", "农村"}


def test_before_release_a_place_outside_the_area_is_refused(frozen: Frozen) -> None:
    results = unreleased(frozen["main-2024"])
    choices = list_area_choices(ViewContext(results, SUZHOU, "en"), levels=RESIDENCE_AREA_LEVELS)
    assert [code for code in choices if code.isdigit()] == ["320500"]
    with pytest.raises(AccessDeniedError):
        build_urban_rural_view(ViewContext(results, SUZHOU, "en"), filters=AreaFilters("110000"))
    by_city = build_residence_areas(
        ViewContext(results, SUZHOU, "en"), indicator="composite", by="city"
    )
    assert by_city.table["Area"].tolist() == ["Suzhou"]


def test_an_assumed_design_effect_is_said_beside_every_margin(frozen: Frozen) -> None:
    def shown(assumed: float | None) -> UrbanRural:
        results = unreleased(frozen["main-2024"])
        results.method = results.method.model_copy(update={"assumed_deff": assumed})
        return build(results)

    for assumed, mentioned in ((1.4, True), (None, False)):
        view = shown(assumed)
        beside = margin_of_error_caveat(view.answer.difference.figure, translator("en"))
        assert ("assume a design effect of 1.4" in beside) == mentioned
        assert "quota samples taken on site" in beside
        for picture in (view.indicators, view.residents, view.areas):
            assert ("assumed design effect 1.4" in picture.subtitle) == mentioned


def test_a_wave_that_did_not_ask_says_so(frozen: Frozen) -> None:
    results = unreleased(frozen["main-2024"])
    results.method = results.method.model_copy(update={"groups": ("all", "gender=male")})
    with raises_code("residence_not_asked", match="does not record"):
        build_urban_rural_view(
            ViewContext(results, OPERATOR, "en"), filters=replace(AreaFilters(), place="CN")
        )
