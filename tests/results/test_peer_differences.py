"""A city beside the mean of its chosen peers: published digits in, nothing else out."""

from dataclasses import replace
from itertools import combinations
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.results import WaveResults
from survey.results.analysis import Q
from survey.results.peer_differences import ROUNDING, compare_with_peers
from survey.store.tables import Shown, WaveState

Frozen = dict[str, WaveResults]
SUZHOU = "320500"
PEERS = ["110000", "310000", "320100"]


def indicators(results: WaveResults) -> list[str]:
    assert results.tree is not None
    return ["composite", *(indicator.code for indicator in results.tree.indicators)]


def compare(
    results: WaveResults, peers: list[str] = PEERS, principal: Principal = OPERATOR
) -> pd.DataFrame:
    return compare_with_peers(
        results, principal, city=SUZHOU, peers=peers, indicators=indicators(results)
    )


def published(results: WaveResults, city: str, column: str = "estimate") -> pd.Series:
    cells = results.cells(
        OPERATOR, area_level="city", area=city, group="all", indicator=indicators(results)
    )
    return cells.set_index(cells["indicator"].astype(str))[column].astype(float)


def test_the_reference_is_the_mean_of_what_is_published(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    table = compare(results).set_index("indicator")
    mean = sum(published(results, peer) for peer in PEERS) / len(PEERS)
    shown = table.index[table["shown"]]
    assert len(shown) > 20
    np.testing.assert_allclose(table.loc[shown, "reference"], mean[shown], atol=0.0501)
    exact = published(results, SUZHOU)[shown] - mean[shown]
    np.testing.assert_allclose(table.loc[shown, "difference"], exact, atol=0.0501)
    assert "p" not in table.columns


def test_the_interval_is_that_of_independent_cities_with_room_for_rounding(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    table = compare(results).set_index("indicator")
    row = table.loc["composite"]
    variance, freedom = [], []
    for city, share in ((SUZHOU, 1.0), *((peer, 1 / 3) for peer in PEERS)):
        low, high, df = (
            published(results, city, c)["composite"] for c in ("ci_low", "ci_high", "df")
        )
        variance.append((share * ((high - low) / 2 + 0.05) / stats.t.ppf(0.975, df)) ** 2)
        freedom.append(df)
    df = sum(variance) ** 2 / sum(v**2 / f for v, f in zip(variance, freedom, strict=True))
    half = stats.t.ppf(0.975, df) * sum(variance) ** 0.5 + ROUNDING
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * half, abs=0.11)


def test_a_verdict_is_given_only_where_rounding_cannot_have_made_it(frozen: Frozen) -> None:
    table = compare(frozen["main-2024"])
    clear = table[table["verdict"].isin(["higher", "lower"])]
    assert 0 < len(clear) < len(table)
    assert ((clear["ci_low"] > 0) | (clear["ci_high"] < 0)).all()
    assert ((clear["difference"] > 0) == (clear["verdict"] == "higher")).all()
    assert (clear["status"] == "ok").all()


def test_equal_cities_are_told_apart_no_oftener_than_promised() -> None:
    """Two hundred lists of thirty indicators in which nothing differs, rounded as published."""
    random, wrong = np.random.default_rng(5), 0
    for _ in range(200):
        results = _MadeUp(random.normal(80, 0.8, size=(30, 4)), 0.8)
        table = compare_made_up(results, 30)
        wrong += bool(table["verdict"].isin(["higher", "lower"]).any())
    assert wrong / 200 <= Q + 2 * (Q * (1 - Q) / 200) ** 0.5


def compare_made_up(results: "_MadeUp", count: int) -> pd.DataFrame:
    made_up: Any = results
    codes = [str(row) for row in range(count)]
    return compare_with_peers(made_up, OPERATOR, city="0", peers=["1", "2", "3"], indicators=codes)


class _MadeUp:
    """Published cells of four cities, with errors that are known."""

    class method:  # noqa: N801
        level = 0.95

    def __init__(self, scores: np.ndarray, se: float) -> None:
        half, df = stats.t.ppf(0.975, 20) * se, 20
        rows = [
            (str(city), str(row), round(score, 1), round(score - half, 1), round(score + half, 1))
            for row, line in enumerate(scores)
            for city, score in enumerate(line)
        ]
        table = pd.DataFrame(rows, columns=["area", "indicator", "estimate", "ci_low", "ci_high"])
        self._cells = table.assign(df=df, n=300, status="ok", shown=True)

    def cells(self, *_: object, **__: object) -> pd.DataFrame:
        return self._cells


@pytest.mark.parametrize("hidden", ["0", "2"], ids=["the city", "a peer"])
def test_a_row_is_hidden_where_the_city_or_a_peer_is(hidden: str) -> None:
    results = _MadeUp(np.full((2, 4), 80.0), 0.8)
    cells = results._cells
    gone = (cells["area"] == hidden) & (cells["indicator"] == "1")
    results._cells = cells.astype({"df": float, "n": float}).assign(shown=~gone)
    results._cells.loc[gone, ["estimate", "ci_low", "ci_high", "df", "n"]] = np.nan
    seen, row = compare_made_up(results, 2).to_dict("records")
    assert seen["shown"]
    assert not row["shown"]
    figures = ("estimate", "reference", "difference", "ci_low", "ci_high", "n", "n_reference")
    assert all(np.isnan(row[name]) for name in figures)
    assert row["verdict"] == ""
    assert row["reason"] == "hidden"


def test_before_release_the_figures_of_peers_stay_with_their_own_readers(frozen: Frozen) -> None:
    results = closed(frozen["main-2024"])
    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, SUZHOU)
    table = compare(results, principal=official)
    assert not table["shown"].any()
    assert table[["reference", "difference", "ci_low"]].isna().all(axis=None)
    surveyor = Principal(uuid4(), "Li", Role.SURVEYOR, SUZHOU)
    with pytest.raises(AccessDeniedError):
        compare(results, principal=surveyor)


def closed(results: WaveResults) -> WaveResults:
    wave = replace(results.wave, state=WaveState.FROZEN, shown=Shown.NOTHING)
    return WaveResults(wave, results.manifest, results.tree, results._folder)


def test_any_number_of_choices_tells_no_digit_more(frozen: Frozen) -> None:
    """Every difference from every two of eight cities is a function of published figures.

    Were it rounded once from exact scores, some would differ from that by a tenth, and these tell
    on which side of a rounding an exact score lies.
    """
    results = frozen["main-2024"]
    codes = [code for code in published_cities(results) if code != SUZHOU][:8]
    scores = {code: published(results, code)["composite"] for code in [SUZHOU, *codes]}
    for pair in combinations(codes, 2):
        table = compare_with_peers(
            results, OPERATOR, city=SUZHOU, peers=list(pair), indicators=["composite"]
        )
        mean = np.array([[scores[code] for code in pair]]).mean(axis=1)[0]
        assert table["difference"].iloc[0] == np.round(scores[SUZHOU] - mean, 1) + 0.0


def published_cities(results: WaveResults) -> list[str]:
    cells = results.cells(OPERATOR, area_level="city", group="all", indicator="composite")
    return [str(code) for code in cells.loc[cells["shown"], "area"]]
