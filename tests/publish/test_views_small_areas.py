"""A special group city by city: grades in words and shape, and a model that cannot be mistaken."""

import numpy as np
import pytest

from survey.access.principal import OPERATOR
from survey.publish.charts import ELDER, ORDINARY, chart_spec
from survey.publish.views.small_areas import (
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
        results=frozen[wave],
        principal=OPERATOR,
        language=language,
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
    picture = view(frozen, beside=beside, language=language).cities
    hidden = picture.data["role"] == "hidden"
    assert hidden.sum() > 0
    assert picture.data.loc[hidden, ["estimate", "ci_low", "ci_high", "n"]].isna().all(axis=None)
    assert (picture.data.loc[hidden, "note"] != "").all()
    direct = picture.table.iloc[:, 2:6]
    assert direct[hidden.to_numpy()].isna().all(axis=None)
    assert len(chart_spec(picture.kind, picture.text, ELDER)["layer"]) >= 6


def test_the_grade_stands_behind_the_name_and_c_says_what_it_is(frozen: Frozen) -> None:
    picture = view(frozen).cities
    for label, role, remark in zip(
        picture.data["label"], picture.data["role"], picture.data["remark"], strict=True
    ):
        assert label.endswith(f"  {role}") == (role != "hidden")
        assert (remark == "For orientation only") == (role == "C")
    table = picture.table
    c = table["Grade"] == "C"
    assert c.any()
    assert (table.loc[c, "Remark"] == "For orientation only").all()


def test_the_model_has_columns_a_mark_and_a_name_of_its_own(frozen: Frozen) -> None:
    picture = view(frozen).cities
    name = "Model estimate (not a direct figure)"
    assert picture.text.series[-1] == name
    raw = frozen["main-2024"].small_areas(OPERATOR, group=SPARSE, indicator="composite")
    raw = raw.set_index("area").loc[list(picture.data["code"])]
    np.testing.assert_array_equal(picture.table[name].astype(float), raw["model"])
    np.testing.assert_array_equal(picture.table["Direct figure"].astype(float), raw["estimate"])
    weight = picture.table["Weight of the direct figure in it (%)"].astype(float)
    np.testing.assert_allclose(weight, raw["shrinkage"] * 100)
    alone = raw["model_basis"].astype(str).to_numpy() == "synthetic"
    remarks = picture.table[f"{name}: remark"][alone]
    assert alone.any()
    assert set(remarks) == {"model alone, without an answer of the group in this city"}
    spec = str(chart_spec(picture.kind, picture.text, ORDINARY))
    assert "'square'" in spec


def test_direct_figures_alone(frozen: Frozen) -> None:
    picture = view(frozen, beside=DIRECT).cities
    assert len(picture.text.series) == 3
    assert picture.data["beside"].isna().all()
    assert not any("odel" in name for name in picture.table.columns)


def test_peers_are_the_tier_of_the_city(frozen: Frozen) -> None:
    picture = view(frozen, group=FULL, beside=PEERS).cities
    tiers = frozen["main-2024"].cells(
        OPERATOR, area_level="size_tier", group=FULL, indicator="composite"
    )
    row = picture.data[picture.data["code"] == "310000"].iloc[0]
    mega = tiers[tiers["area"] == "mega"].iloc[0]
    assert row["beside"] == mega["estimate"]
    assert row["beside_low"] == mega["ci_low"]
    assert picture.data["beside"].nunique() == tiers["estimate"].nunique() > 1


def test_two_waves_pooled_by_hand(frozen: Frozen) -> None:
    picture = view(frozen, group=FULL, beside=WAVES).cities
    area = {"area_level": "city", "area": "310000", "group": FULL, "indicator": "composite"}
    later, earlier = frozen["main-2024"], frozen["main-2023"]
    first, second = (
        wave_results.exact(OPERATOR, CELLS, area).iloc[0] for wave_results in (earlier, later)
    )
    change = later.exact_changes(OPERATOR, earlier.wave, area).iloc[0]
    row = picture.data[picture.data["code"] == "310000"].iloc[0]
    if not np.isclose(change["before"], first["estimate"]):
        pytest.skip("the made-up change is not one of the made-up cells")
    assert row["beside"] == pytest.approx((first["estimate"] + second["estimate"]) / 2, abs=0.0501)
    shared = (first["se"] ** 2 + second["se"] ** 2 - change["se"] ** 2) / 2
    variance = (first["se"] ** 2 + second["se"] ** 2 + 2 * shared) / 4
    assert (row["beside_high"] - row["beside"]) ** 2 > 1.96**2 * variance


def test_the_first_wave_has_nothing_to_pool_with(frozen: Frozen) -> None:
    picture = view(frozen, beside=WAVES, wave="main-2023").cities
    assert picture.data["beside"].isna().all()
    assert "no earlier wave" in picture.note


def test_supplements_are_followed_by_their_bands(frozen: Frozen) -> None:
    bands = band_choices(frozen["elderly-2024"])
    assert bands[0] == "age_band=60-69"
    shown = view(frozen, group=bands[0], wave="elderly-2024")
    assert len(shown.cities.data) == 100
    assert "Overall satisfaction" in shown.cities.title


def test_without_any_model_estimate_the_note_says_why(frozen: Frozen) -> None:
    picture = view(frozen, group="school_stage=vocational_other", wave="minors-2024").cities
    assert picture.data["beside"].isna().all()
    assert "no model estimate: too few cities" in picture.note
    assert "Hollow squares" not in picture.note
