"""A special group city by city: grades in words and shape, and a model that cannot be mistaken."""

import re
from urllib.parse import unquote

import numpy as np
import pytest

from survey.access.principal import OPERATOR
from survey.figures.views.small_areas import (
    COMPARISONS,
    DIRECT,
    MODEL,
    PEERS,
    WAVES,
    SmallAreaFilters,
    SmallAreasView,
    band_choices,
    build_small_area_view,
)
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.snapshots import CELLS

Frozen = dict[str, WaveResults]
SPARSE, FULL = "income=lt3000", "guardian=yes"


def view(
    frozen: Frozen,
    group: str = SPARSE,
    beside: str = MODEL,
    language: str = "en",
    wave: str = "main-2024",
    indicator: str = "composite",
) -> SmallAreasView:
    others = tuple(results for key, results in frozen.items() if key != wave)
    return build_small_area_view(
        ViewContext(frozen[wave], OPERATOR, language),
        filters=SmallAreaFilters(group, indicator, beside),
        others=tuple(other for other in others if other.wave.series == frozen[wave].wave.series),
    )


def test_the_sentence_counts_every_city_once(frozen: Frozen) -> None:
    shown = view(frozen)
    assert sum(shown.counts.values()) == 100
    assert shown.counts["suppressed"] > 0
    for number in shown.counts.values():
        assert str(number) in shown.sentence


@pytest.mark.parametrize("beside", list(COMPARISONS))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_hidden_city_shows_no_direct_number_anywhere(
    frozen: Frozen, beside: str, language: str
) -> None:
    shown = view(frozen, beside=beside, language=language)
    table = shown.cities.table
    hidden = table.iloc[:, 1] == ""
    assert hidden.sum() == shown.counts["suppressed"] > 0
    assert table[hidden].iloc[:, 2:6].isna().all(axis=None)
    assert table[hidden].iloc[:, 7:10].isna().all(axis=None), "nor a gap"
    assert (table[hidden].iloc[:, 6] != "").all()
    assert (table[hidden].iloc[:, 10] == "").all()
    named = set(shown.cities.unnamed)
    assert named <= set(table[hidden].iloc[:, 0])
    assert len(named) + len(shown.cities.codes) == 100


def test_cities_are_ordered_by_how_sure_their_gap_is(frozen: Frozen) -> None:
    cities = view(frozen, group=FULL).cities
    gaps = frozen["main-2024"].gaps(
        OPERATOR, contrast="rest", area_level="city", group=FULL, indicator="composite"
    )
    stored = gaps.assign(area=gaps["area"].astype(str)).set_index("area").loc[list(cities.codes)]
    listed = np.array(cities.columns["Gap to the rest"], dtype=float)
    np.testing.assert_array_equal(listed, stored["difference"])
    sureness = stored["difference"] / (stored["ci_high"] - stored["ci_low"])
    assert (np.diff(sureness[~np.isnan(listed)]) <= 0).all()
    assert all(
        bool(bar) == bool(verdict)
        for bar, verdict in zip(cities.bars, cities.columns["Verdict"], strict=True)
    )


def test_a_bar_tells_no_more_digits_than_the_figures(frozen: Frozen) -> None:
    bars = [unquote(bar) for bar in view(frozen, group=FULL).cities.bars if bar]
    assert bars
    assert not any(re.search(r"\d\.\d", bar.partition("<path")[2]) for bar in bars)


def test_grade_c_says_what_it_is(frozen: Frozen) -> None:
    table = view(frozen).cities.table
    c = table["Grade"] == "C"
    assert c.any()
    assert (table.loc[c, "Remark"] == "For orientation only").all()


def test_the_model_has_a_column_and_a_name_of_its_own(frozen: Frozen) -> None:
    cities = view(frozen).cities
    name = "Model estimate (not a direct figure)"
    assert name in cities.columns
    raw = frozen["main-2024"].small_areas(OPERATOR, group=SPARSE, indicator="composite")
    raw = raw.assign(area=raw["area"].astype(str)).set_index("area").loc[list(cities.codes)]
    np.testing.assert_array_equal(np.array(cities.columns[name], dtype=float), raw["model"])
    direct = np.array(cities.columns["Direct figure"], dtype=float)
    np.testing.assert_array_equal(direct, raw["estimate"])
    table = cities.table.set_index("City").loc[cities.columns["City"]]
    weight = table["Weight of the direct figure in it (%)"].astype(float)
    np.testing.assert_allclose(weight, raw["shrinkage"] * 100)
    alone = raw["model_basis"].astype(str).to_numpy() == "synthetic"
    remarks = table[f"{name}: remark"][alone]
    assert alone.any()
    assert set(remarks) == {"model alone, without an answer of the group in this city"}


def test_direct_figures_alone(frozen: Frozen) -> None:
    cities = view(frozen, beside=DIRECT).cities
    assert not any("odel" in name for name in (*cities.columns, *cities.table.columns))


def test_peers_are_the_tier_of_the_city(frozen: Frozen) -> None:
    cities = view(frozen, group=FULL, beside=PEERS).cities
    tiers = frozen["main-2024"].cells(
        OPERATOR, area_level="size_tier", group=FULL, indicator="composite"
    )
    name = "Direct figure of all cities of the same size"
    mega = tiers[tiers["area"] == "mega"].iloc[0]
    row = cities.table.set_index("City").loc["Shanghai"]
    assert row[name] == mega["estimate"]
    assert row[f"{name}: 95%\u00a0from"] == mega["ci_low"]
    assert cities.table[name].nunique() == tiers["estimate"].nunique() > 1


def test_two_waves_pooled_by_hand(frozen: Frozen) -> None:
    cities = view(frozen, group=FULL, beside=WAVES).cities
    area = {"area_level": "city", "area": "310000", "group": FULL, "indicator": "composite"}
    later, earlier = frozen["main-2024"], frozen["main-2023"]
    first, second = (
        wave_results.exact(OPERATOR, CELLS, area).iloc[0] for wave_results in (earlier, later)
    )
    change = later.exact_changes(OPERATOR, earlier.wave, area).iloc[0]
    name = "This wave and the one before, pooled"
    row = cities.table.set_index("City").loc["Shanghai"]
    if not np.isclose(change["before"], first["estimate"]):
        pytest.skip("the made-up change is not one of the made-up cells")
    assert row[name] == pytest.approx((first["estimate"] + second["estimate"]) / 2, abs=0.0501)
    shared = (first["se"] ** 2 + second["se"] ** 2 - change["se"] ** 2) / 2
    variance = (first["se"] ** 2 + second["se"] ** 2 + 2 * shared) / 4
    assert (row[f"{name}: 95%\u00a0to"] - row[name]) ** 2 > 1.96**2 * variance


def test_the_first_wave_has_nothing_to_pool_with(frozen: Frozen) -> None:
    cities = view(frozen, beside=WAVES, wave="main-2023").cities
    assert cities.table["This wave and the one before, pooled"].isna().all()
    assert "no earlier wave that can be read" in cities.note


def test_supplements_are_followed_by_their_bands(frozen: Frozen) -> None:
    bands = band_choices(frozen["elderly-2024"])
    assert bands[0] == "age_band=60-69"
    shown = view(frozen, group=bands[0], wave="elderly-2024")
    assert len(shown.cities.table) == 100
    assert "Overall satisfaction" in shown.cities.title


def test_without_any_model_estimate_the_note_says_why(frozen: Frozen) -> None:
    cities = view(frozen, group="school_stage=vocational_other", wave="minors-2024").cities
    assert cities.table["Model estimate (not a direct figure)"].isna().all()
    assert "no model estimate: too few cities" in cities.note
    assert "Model estimates say" not in cities.note
