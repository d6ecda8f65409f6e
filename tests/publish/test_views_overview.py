"""The national overview says what the cells say, in order, in words, and never more."""

from uuid import uuid4

import pandas as pd
import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.published_figures import published_series
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.overview import (
    AREA_CHOICES,
    OverviewFilters,
    OverviewView,
    build_city_table,
    build_overview,
    build_overview_areas,
    build_overview_indicators,
)
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults

Frozen = dict[str, WaveResults]


def view(frozen: Frozen, filters: OverviewFilters | None = None, **more: object) -> OverviewView:
    return build_overview(
        ViewContext(
            frozen["main-2024"], more.get("principal", OPERATOR), more.get("language", "en")
        ),
        filters=filters or OverviewFilters(),
        others=[frozen["main-2023"]],
    )


def areas(frozen: Frozen, by: str = "region3", basis: str = "domain") -> ChartPanel:
    return build_overview_areas(
        ViewContext(frozen["main-2024"], OPERATOR, "en"),
        filters=OverviewFilters(basis=basis),
        by=by,
    )


def cell(results: WaveResults, **wanted: str) -> pd.Series:
    return results.cells(OPERATOR, **wanted).iloc[0]


def test_the_headline_is_the_national_composite(frozen: Frozen) -> None:
    expected = cell(frozen["main-2024"], area_level="nation", group="all", indicator="composite")
    headline = view(frozen).headline
    assert headline.estimate == expected["estimate"]
    assert (headline.low, headline.high) == (expected["ci_low"], expected["ci_high"])
    assert headline.n == expected["n"]


def test_the_tiles_are_the_first_level(frozen: Frozen) -> None:
    tiles = view(frozen).tiles
    assert [tile.name for tile in tiles] == ["Supply", "Environment", "Rights protection"]
    assert all(tile.figure.available for tile in tiles)


def headline(frozen: Frozen, basis: str, composite: str = "item_means") -> pd.Series:
    table = frozen["main-2024"].headlines(
        OPERATOR, basis=basis, composite=composite, indicator="composite"
    )
    assert len(table) == 1
    return table.iloc[0]


def test_the_nation_is_counted_as_the_reader_chooses(frozen: Frozen) -> None:
    shown = view(frozen, OverviewFilters(basis="city_weighted"))
    expected = headline(frozen, "city_weighted")
    assert shown.headline.estimate == expected["estimate"]
    assert shown.headline.estimate != view(frozen).headline.estimate
    drawn = areas(frozen, basis="city_weighted")
    line = drawn.data.query("role == 'reference'")
    assert line["estimate"].tolist() == [expected["estimate"]]
    assert "mean of the cities" in line["label"].iloc[0]
    assert "mean of the cities" in drawn.note
    assert "Differences of cities are always from the nation as one population" in shown.counted


def test_the_headline_says_how_it_is_counted_and_what_the_others_give(frozen: Frozen) -> None:
    counted = view(frozen).counted
    assert "all residents as one population" in counted
    assert "weighted means of the items (official for this wave)" in counted
    for other in (headline(frozen, "city_weighted"), headline(frozen, "domain", "per_respondent")):
        assert f"{other['estimate']:.1f}, 95%" in counted


def test_an_unknown_basis_falls_back(frozen: Frozen) -> None:
    assert view(frozen, OverviewFilters(basis="x")).headline == view(frozen).headline


def test_the_composite_is_given_a_band_and_nothing_else_is(frozen: Frozen) -> None:
    band = view(frozen).band
    assert band is not None
    assert band.settled
    assert band.label == "Good (probability >99%)"
    assert view(frozen, OverviewFilters(indicator="1")).band is None


@pytest.mark.parametrize("level", AREA_CHOICES)
def test_areas_of_every_division_are_drawn(frozen: Frozen, level: str) -> None:
    shown = areas(frozen, level)
    cells = frozen["main-2024"].cells(
        OPERATOR, area_level=level, group="all", indicator="composite"
    )
    assert len(shown.table) == len(cells)
    labels = shown.table["Area"].tolist()
    assert len(set(labels)) == len(labels)
    assert not any(label.isdigit() for label in labels)


def test_an_unknown_division_falls_back(frozen: Frozen) -> None:
    assert "Three regions" in areas(frozen, "nonsense").title


def test_the_standing_counts_the_stored_verdicts(frozen: Frozen) -> None:
    gaps = frozen["main-2024"].gaps(
        OPERATOR, contrast="nation", area_level="city", group="all", indicator="composite"
    )
    standing = view(frozen).standing
    assert standing is not None
    assert standing.higher == int((gaps["verdict"] == "higher").sum())
    assert standing.lower == int((gaps["verdict"] == "lower").sum())
    assert standing.higher + standing.lower + standing.unclear == len(gaps)


def test_the_map_marks_the_same_cities(frozen: Frozen) -> None:
    shown = view(frozen)
    roles = shown.city_map.data["role"].value_counts()
    assert shown.standing is not None
    assert roles.get("higher", 0) == shown.standing.higher
    assert roles.get("lower", 0) == shown.standing.lower


def test_published_scores_stay_apart_and_have_no_interval(frozen: Frozen) -> None:
    data = view(frozen).trend.data
    published = data[data["series"] == "published"]
    assert (
        published["estimate"].tolist() == published_series(indicator="composite")["score"].tolist()
    )
    assert published["year"].tolist() == list(range(2017, 2025))
    assert published[["ci_low", "ci_high", "n"]].isna().all(axis=None)
    own = data[data["series"] == "own"]
    assert own["year"].tolist() == [2023, 2024]
    assert own[["ci_low", "ci_high"]].notna().all(axis=None)


def test_published_scores_of_a_first_level_indicator(frozen: Frozen) -> None:
    data = view(frozen, OverviewFilters(indicator="3")).trend.data
    published = data[data["series"] == "published"]
    assert 2017 in set(published["year"])
    assert not published.empty


def test_a_surveyor_gets_nothing(frozen: Frozen) -> None:
    with pytest.raises(AccessDeniedError):
        view(frozen, principal=Principal(uuid4(), "Wang", Role.SURVEYOR, "CN"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_picture_has_title_wave_unit_n_and_words_for_those_who_cannot_see(
    frozen: Frozen, language: str
) -> None:
    shown = view(frozen, language=language)
    context = ViewContext(frozen["main-2024"], OPERATOR, language)
    for picture in (
        build_overview_indicators(context, basis="domain"),
        build_overview_areas(context, filters=OverviewFilters(), by="region3"),
        shown.city_map,
        shown.trend,
    ):
        assert picture.title
        for part in ("2024", "0–100" if language == "en" else "0—100", "n = ", "95%"):
            assert part in picture.subtitle, picture.key
        assert picture.title in picture.alt
        assert len(picture.alt) > len(picture.title) + 10
        assert len(picture.table)


def test_the_change_since_last_time_is_said_with_its_verdict(frozen: Frozen) -> None:
    changes = frozen["main-2024"].changes(
        OPERATOR,
        before=frozen["main-2023"].wave,
        area_level="nation",
        group="all",
        indicator=["composite", "1", "2", "3"],
    )
    verdicts = changes.set_index(changes["indicator"].astype(str))["verdict"].astype(str)
    said = {"rise": "▲", "fall": "▼", "none": "○"}
    shown = view(frozen)
    assert shown.sentences[1].startswith(said[verdicts["composite"]])
    assert "2023" in shown.sentences[1]
    assert [tile.change[0] for tile in shown.tiles] == [said[verdicts[c]] for c in "123"]


def test_a_first_wave_says_that_there_is_none_before(frozen: Frozen) -> None:
    first = build_overview(
        ViewContext(frozen["main-2023"], OPERATOR, "en"),
        filters=OverviewFilters(),
        others=[frozen["main-2024"]],
    )
    assert "no earlier wave" in first.sentences[1]
    assert [tile.change for tile in first.tiles] == ["", "", ""]


def test_where_to_look_names_the_lowest_part(frozen: Frozen) -> None:
    tree = frozen["main-2024"].tree
    assert tree is not None
    cells = frozen["main-2024"].cells(
        OPERATOR,
        area_level="nation",
        group="all",
        indicator=[indicator.code for indicator in tree.level(2)],
    )
    lowest = cells.loc[cells["estimate"].idxmin()]
    name = tree.by_code[str(lowest["indicator"])].name["en"]
    assert f"{name} ({lowest['estimate']:.1f}, 95%" in view(frozen).sentences[2]


def test_the_first_and_the_last_ten_are_those_of_the_ranks(frozen: Frozen) -> None:
    ranks = frozen["main-2024"].ranks(OPERATOR, indicator="composite").set_index("area")["rank"]
    shown = view(frozen)
    assert [ranks[city.code] for city in shown.first] == sorted(ranks)[:10]
    assert [ranks[city.code] for city in shown.last] == sorted(ranks)[-10:]
    assert all(city.figure.available and city.possible_ranks for city in shown.first + shown.last)
    assert shown.unlisted == ""


def test_the_table_has_a_row_per_city_with_numbers_to_sort_by(frozen: Frozen) -> None:
    table = build_city_table(
        ViewContext(frozen["main-2024"], OPERATOR, "en"), indicator="composite"
    )
    ranks = frozen["main-2024"].ranks(OPERATOR, indicator="composite").set_index("area")
    assert len(table.codes) == len(table.columns["City"]) == 100
    assert table.columns["Place"] == [int(ranks.loc[code, "rank"]) for code in table.codes]
    assert table.columns["Possible from place"] == [
        int(ranks.loc[code, "low"]) for code in table.codes
    ]
    assert set(table.columns["Against the nation"]) <= {"▲", "▼", "○"}
    assert "n = " in table.subtitle
