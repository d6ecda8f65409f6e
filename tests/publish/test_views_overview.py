"""The national overview says what the cells say, in order, in words, and never more."""

from uuid import uuid4

import pandas as pd
import pytest

from survey.access.principal import OPERATOR, AccessDenied, Principal, Role
from survey.context.published import published_series
from survey.publish.charts import Kind
from survey.publish.results import WaveResults
from survey.publish.views.overview import AREA_CHOICES, OverviewFilters, OverviewView, overview
from survey.publish.views.rows import RANKED_FROM_N
from survey.sample.frame import shipped_cities

Frozen = dict[str, WaveResults]


def view(frozen: Frozen, filters: OverviewFilters | None = None, **more: object) -> OverviewView:
    return overview(
        results=frozen["main-2024"],
        principal=more.get("principal", OPERATOR),
        language=more.get("language", "en"),
        filters=filters or OverviewFilters(),
        others=[frozen["main-2023"]],
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


def test_cities_are_in_the_order_of_their_estimates_beside_the_nation(frozen: Frozen) -> None:
    shown = view(frozen)
    assert shown.cities.kind is Kind.CATERPILLAR
    rows = shown.cities.data
    cities = rows[rows["role"] != "reference"]
    assert len(cities) == len(shipped_cities()) == len(shown.cities.table)
    assert cities["estimate"].dropna().is_monotonic_decreasing
    line = rows[rows["role"] == "reference"]
    assert line["estimate"].tolist() == [shown.headline.estimate]


def test_small_cities_are_drawn_hollow_and_told_so(frozen: Frozen) -> None:
    shown = view(frozen, OverviewFilters(indicator="1"))
    rows = shown.cities.data[shown.cities.data["role"] != "reference"]
    small = rows["n"] < RANKED_FROM_N
    assert (rows.loc[small, "role"] == "unranked").all()
    assert (rows.loc[~small, "role"] == "item").all()
    assert f"fewer than {RANKED_FROM_N}" in shown.cities.note


@pytest.mark.parametrize(("level", "value"), [("region3", "中部"), ("city_class", "直辖市")])
def test_the_list_of_cities_can_be_narrowed(frozen: Frozen, level: str, value: str) -> None:
    shown = view(frozen, OverviewFilters(**{level: value}))
    expected = {city.code for city in shipped_cities() if getattr(city, level) == value}
    assert set(shown.city_codes) == expected


@pytest.mark.parametrize("level", AREA_CHOICES)
def test_areas_of_every_division_are_drawn(frozen: Frozen, level: str) -> None:
    shown = view(frozen, OverviewFilters(by=level))
    cells = frozen["main-2024"].cells(
        OPERATOR, area_level=level, group="all", indicator="composite"
    )
    assert len(shown.areas.table) == len(cells)
    labels = shown.areas.table["Area"].tolist()
    assert len(set(labels)) == len(labels)
    assert not any(label.isdigit() for label in labels)


def test_an_unknown_division_falls_back(frozen: Frozen) -> None:
    assert "Three regions" in view(frozen, OverviewFilters(by="nonsense")).areas.title


def test_the_standing_counts_only_intervals_that_exclude_zero(frozen: Frozen) -> None:
    gaps = frozen["main-2024"].gaps(
        OPERATOR, contrast="nation", area_level="city", group="all", indicator="composite"
    )
    standing = view(frozen).standing
    assert standing is not None
    assert standing.higher == int((gaps["ci_low"] > 0).sum())
    assert standing.lower == int((gaps["ci_high"] < 0).sum())
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
    assert published["estimate"].tolist() == published_series()["score"].tolist()
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


def test_the_own_city_of_an_official_stands_out(frozen: Frozen) -> None:
    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, "320500")
    rows = view(frozen, principal=official).cities.data
    assert rows.loc[rows["role"] == "focus", "code"].tolist() == ["320500"]


def test_a_surveyor_gets_nothing(frozen: Frozen) -> None:
    with pytest.raises(AccessDenied):
        view(frozen, principal=Principal(uuid4(), "Wang", Role.SURVEYOR, "CN"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_picture_has_title_wave_unit_n_and_words_for_those_who_cannot_see(
    frozen: Frozen, language: str
) -> None:
    shown = view(frozen, language=language)
    for picture in (
        shown.indicators, shown.cities, shown.areas, shown.city_map, shown.trend,
    ):  # fmt: skip
        assert picture.title
        for part in ("2024", "0–100" if language == "en" else "0—100", "n = ", "95%"):
            assert part in picture.subtitle, picture.key
        assert picture.title in picture.alt
        assert len(picture.alt) > len(picture.title) + 10
        assert len(picture.table)
