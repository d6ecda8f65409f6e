"""Bands are declared data, and a band is called by its name only where it is all but certain."""

from collections.abc import Sequence

import pytest

from survey.estimate import band_probabilities
from survey.figures.views.bands import BandVerdict, band_verdict, read_bands
from survey.locale import Translator, translator

EN, ZH = translator("en"), translator("zh")
NAMES = ("Fair", "Good", "Excellent")
NOTHING = float("nan")


def verdicts(
    estimate: Sequence[float], se: float, df: float, t: Translator, language: str
) -> list[BandVerdict | None]:
    bands = read_bands()
    edges = [band.lower for band in bands if band.lower is not None]
    count = len(estimate)
    chances = band_probabilities(estimate, [se] * count, [df] * count, edges).tolist()
    return [band_verdict(row, [band.name[language] for band in bands], t) for row in chances]


def test_the_declared_bands_are_in_order_and_say_where_they_are_from() -> None:
    bands = read_bands()
    assert bands[0].lower is None
    edges = [band.lower for band in bands if band.lower is not None]
    assert len(edges) == len(bands) - 1
    assert edges == sorted(set(edges))
    assert {band.status for band in bands} == {"implied", "assumed"}
    assert [band.lower for band in bands if band.status == "implied"] == [70]
    assert all(band.source and band.name["zh"] and band.name["en"] for band in bands)


def test_every_published_national_score_is_good() -> None:
    assert [
        verdict.label for verdict in verdicts([71.75, 80.59], 0.1, 100, ZH, "zh") if verdict
    ] == ["良好（可能性 >99%）", "良好（可能性 >99%）"]


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ((0.03, 0.97, 0.0), BandVerdict("Good (probability 97%)", True)),
        ((0.36, 0.64, 0.0), BandVerdict("Good or Fair, not settled (probability 64%, 36%)", False)),
        ((0.1, 0.9, 0.0), BandVerdict("Good (probability 90%)", True)),
        (
            (0.3, 0.4, 0.3),
            BandVerdict(
                "Good or Fair or Excellent, not settled (probability 40%, 30%, 30%)", False
            ),
        ),
    ],
)
def test_one_band_or_the_fewest_that_are_all_but_certain(
    chances: tuple[float, ...], expected: BandVerdict
) -> None:
    assert band_verdict(chances, NAMES, EN) == expected


def test_a_score_on_an_edge_is_not_settled() -> None:
    verdict = verdicts([70.0], 0.5, 20, ZH, "zh")[0]
    assert verdict is not None
    assert not verdict.settled
    assert "尚不能定" in verdict.label
    assert "50%" in verdict.label


def test_without_a_score_or_an_error_there_is_no_band() -> None:
    assert verdicts([NOTHING, 75.0], NOTHING, 0, EN, "en") == [None, None]
