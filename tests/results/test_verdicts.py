"""One standard for a clear difference: Benjamini-Hochberg over the areas that a list shows."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey.access.principal import OPERATOR
from survey.figures.views.city import build_city_profile
from survey.figures.views.overview import OverviewFilters, build_overview
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.analysis import Q, add_verdicts

Frozen = dict[str, WaveResults]


def differences(
    t: np.ndarray, *, df: float = 12.0, shown: object = True, status: object = "ok", **keys: object
) -> pd.DataFrame:
    """Cities against the nation, a row a city, as the gate lets them through."""
    table = pd.DataFrame(
        {
            "contrast": "nation", "area_level": "city", "area": [f"{i:06d}" for i in range(len(t))],
            "group": "all", "indicator": "composite", "difference": t, "se": 1.0,
            "p": 2 * stats.t.sf(np.abs(t), df), "status": status, "shown": shown,
        }
    )  # fmt: skip
    table.loc[~table["shown"], ["difference", "se", "p"]] = np.nan
    return table.assign(**keys)


def test_of_a_hundred_equal_cities_hardly_any_is_called_clear() -> None:
    rng = np.random.default_rng(3)
    surveys, with_verdict, by_interval = 300, 0, 0
    for _ in range(surveys):
        table = add_verdicts(differences(rng.standard_t(12, 100)))
        with_verdict += bool(table["verdict"].isin(["higher", "lower"]).any())
        by_interval += int((table["p"] < 0.05).sum())
    assert with_verdict / surveys <= Q + 3 * np.sqrt(Q * (1 - Q) / surveys)
    assert by_interval / surveys == pytest.approx(5, abs=1)


def test_of_those_called_clear_few_are_false() -> None:
    rng = np.random.default_rng(4)
    true = np.repeat([0.0, 6.0], [60, 40])
    shares = []
    for _ in range(200):
        clear = add_verdicts(differences(true + rng.standard_t(12, 100)))["verdict"] == "higher"
        shares.append((clear & (true == 0)).sum() / max(clear.sum(), 1))
    assert np.mean(shares) <= Q


def test_no_adjusted_p_value_is_below_its_own() -> None:
    table = add_verdicts(differences(np.random.default_rng(6).standard_t(12, 60) * 2))
    assert (table["p_adjusted"] >= table["p"] * (1 - 1e-12)).all()
    assert (table["p_adjusted"] > table["p"] * 1.01).any()


def test_direction_and_words() -> None:
    verdicts = add_verdicts(differences(np.array([9.0, -9.0, 0.3, np.nan])))["verdict"]
    assert verdicts.tolist() == ["higher", "lower", "none", ""]


def test_a_hidden_city_is_in_no_family() -> None:
    t = np.array([3.0, 2.6, 2.2, 1.0, 0.4])
    shown = np.array([False, True, True, True, True])
    table = add_verdicts(differences(t, shown=shown))
    alone = add_verdicts(differences(t[1:]))
    assert table["verdict"].iloc[0] == ""
    assert np.isnan(table["p_adjusted"].iloc[0])
    np.testing.assert_array_equal(table["p_adjusted"].to_numpy()[1:], alone["p_adjusted"])


def test_a_family_of_one_is_its_own_p_value() -> None:
    table = add_verdicts(differences(np.array([2.5])))
    assert table["p_adjusted"].iloc[0] == table["p"].iloc[0]
    assert table["verdict"].iloc[0] == "higher"


@pytest.mark.parametrize("key", ["contrast", "area_level", "group", "indicator"])
def test_another_list_is_another_family(key: str) -> None:
    first, second = differences(np.array([2.5, 0.1])), differences(np.zeros(50), **{key: "other"})
    together = add_verdicts(pd.concat([first, second], ignore_index=True))
    assert together["p_adjusted"].tolist()[:2] == add_verdicts(first)["p_adjusted"].tolist()


def test_what_is_for_orientation_only_is_not_called_clear() -> None:
    verdicts = add_verdicts(differences(np.full(2, 9.0), status=["ok", "unreliable"]))["verdict"]
    assert verdicts.tolist() == ["higher", "none"]


def test_an_interval_without_zero_is_no_verdict_by_itself(frozen: Frozen) -> None:
    gaps = frozen["main-2024"].gaps(OPERATOR, contrast="nation", area_level="city", group="all")
    misses_zero = (gaps["ci_low"] * gaps["ci_high"] > 0).to_numpy()
    clear = gaps["verdict"].isin(["higher", "lower"]).to_numpy()
    assert (misses_zero & ~clear).any()


def test_a_city_has_one_verdict_on_the_map_in_the_list_and_on_its_own_page(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    shown = build_overview(ViewContext(results, OPERATOR, "en"), filters=OverviewFilters())
    on_map = dict(zip(shown.city_map.data["label"], shown.city_map.data["role"], strict=True))
    assert shown.standing is not None
    counted = Counter(on_map.values())
    assert (counted["higher"], counted["lower"]) == (shown.standing.higher, shown.standing.lower)
    gaps = results.gaps(
        OPERATOR, contrast="nation", area_level="city", group="all", indicator="composite"
    )
    for code in gaps["area"].astype(str)[:12]:
        page = build_city_profile(ViewContext(results, OPERATOR, "en"), city=code)
        assert page.difference is not None
        assert page.difference.is_clear == (on_map[page.name] != "unclear")
        assert page.difference.is_higher == (on_map[page.name] == "higher")
