"""What is planted in how people are asked is found by the estimators that are there to find it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from seed.demo import DemoWave, generate_wave
from seed.demo.answer_modes import DIFFERENT_ITEM, MODES
from seed.demo.calibrate import calibrate_wave
from seed.demo.indicator_weights import item_codes, item_weights
from seed.demo.model import WaveModel
from seed.demo.population import Floats
from seed.demo.response_model import response
from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.disclosure import protect
from survey.estimate.arrays import Flags
from survey.estimate.item_bias import ItemBias, count_answers, judge_purified, rest_bands
from survey.estimate.tree import COMPOSITE
from survey.results.analysis import ASSUMED_DEFF
from survey.results.method_sheets import FAIRNESS
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import CubeRequest, WaveEstimates, build_cube
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.results.wave_rules import WaveRules

pytestmark = pytest.mark.slow

KEY = "main-2023"


@pytest.fixture(scope="module")
def wave() -> DemoWave:
    return generate_wave(KEY)


@pytest.fixture(scope="module")
def fairness(wave: DemoWave) -> pd.DataFrame:
    """The sheet of the fair comparison, the lines of the composite."""
    rules = WaveRules.of(
        series="main",
        instrument=shipped_instrument(wave.model.plan.instrument),
        tree=shipped_tree("cca-2023"),
        composite="item_means",
    )
    parts = WaveParts.open(rules, [LoadedPart(WaveData.weigh(wave.approved, rules))])
    cells = build_cube(parts, CubeRequest(("nation", "city"), ("all",))).table()
    sheet = make_sheet(FAIRNESS, SheetSource(WaveEstimates(parts, cells), protect(cells)))
    return sheet[sheet["indicator"] == COMPOSITE]


def share_read_to(model: WaveModel) -> Floats:
    """Share of each city's residents who are read to."""
    share: Floats = (model.people.share * model.assisted).sum(axis=1)
    return share


def composite_effect(model: WaveModel) -> float:
    """Points of the composite by which those read to score higher than their like in their city."""
    chance = model.assisted
    weight = model.people.weight[:, None] * model.people.share * chance * (1 - chance)
    effects = []
    for place, rating in enumerate(model.plan.scored):
        latent = model.base[:, [place]] + model.shift[None, :, place]
        curve, effect = response(rating.own), model.mode_effect[place]
        gap = curve.expected(latent + effect * (1 - chance))
        gap = gap - curve.expected(latent - effect * chance)
        effects.append((weight * gap).sum() / weight.sum())
    assert model.tree is not None
    return float(item_weights(model.tree) @ effects)


def test_cities_ask_differently(wave: DemoWave) -> None:
    """In some nearly everybody answers on a phone, in others half are read to, year after year."""
    read_to = wave.approved["mode"] == "assisted"
    share = read_to.groupby(wave.approved["city_code"], observed=True).mean()
    planted = share_read_to(wave.model)
    assert share.min() < 0.03
    assert share.max() > 0.5
    assert np.corrcoef(share.loc[list(wave.city_codes)], planted)[0, 1] > 0.98
    np.testing.assert_array_equal(planted, share_read_to(calibrate_wave("main-2024")))


def test_the_effect_of_being_read_to_is_found(wave: DemoWave, fairness: pd.DataFrame) -> None:
    line = fairness[fairness["line"] == "effect"].iloc[0]
    planted = composite_effect(wave.model)
    assert planted > 1.2
    assert line["item"] == "mode=assisted"
    assert line["effect"] == pytest.approx(planted, abs=0.3)
    assert line["effect_low"] < planted < line["effect_high"]


def test_what_a_city_has_from_its_modes_is_found(wave: DemoWave, fairness: pd.DataFrame) -> None:
    model = wave.model
    share, people = share_read_to(model), model.people.weight
    planted = composite_effect(model) * (share - people @ share / people.sum())
    lines = fairness[fairness["line"] == "score"].set_index("area")["by_mode"].astype(float)
    found = lines.loc[list(wave.city_codes)].to_numpy()
    assert np.corrcoef(found, planted)[0, 1] > 0.97
    assert np.abs(found - planted).max() < 0.15
    assert np.ptp(planted) > 0.6


def test_the_question_that_phones_answer_differently_is_named_and_no_other(wave: DemoWave) -> None:
    assert wave.model.tree is not None
    items: dict[str, list[str]] = {}
    for rating, code in zip(wave.model.plan.scored, item_codes(wave.model.tree), strict=True):
        items.setdefault(code[0], []).append(rating.name)
    answered = {
        factor: wave.approved[names].to_numpy(dtype=np.float64) for factor, names in items.items()
    }
    group = (wave.approved["mode"] == "assisted").to_numpy().astype(np.intp)

    def count(pure: Mapping[str, Flags]) -> dict[str, Floats]:
        counts = {}
        for factor, kept in pure.items():
            raw = answered[factor]
            bands = rest_bands(np.where(raw > 0, (raw - 1) / 9 * 100, np.nan), kept)
            answers = np.where(raw > 0, raw - 1, -1).astype(np.intp)
            counts[factor] = count_answers(answers, bands, group, (len(MODES), 10))
        return counts  # type: ignore[return-value]

    numbers = {factor: len(names) for factor, names in items.items()}
    found: Mapping[str, ItemBias] = judge_purified(count, numbers, ASSUMED_DEFF)
    named = {
        name: float(np.diff(bias.effect[place])[0])
        for factor, bias in found.items()
        for place, name in enumerate(items[factor])
        if bias.flagged[place]
    }
    assert list(named) == [DIFFERENT_ITEM]
    assert named[DIFFERENT_ITEM] < -0.6
