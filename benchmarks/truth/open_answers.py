"""How often intervals of shares of codes hold where a model codes all texts and people a tenth.

Planted codes: a model of a given quality, which says the true code of a text with that probability
and any code otherwise. Comments of the demo: the model that is shipped, which learns from what
people coded; characters may be lost on the way, so that it learns worse. In both, points differ in
what people write, and weights go with what they write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seed.survey_provider import inventor
from survey.estimate import Design, estimate
from survey.estimate.arrays import Codes, Floats
from survey.estimate.audited_share import NOT_AUDITED, estimate_audited_shares
from survey.estimate.text_codes import propose_codes

SHARES = np.array((0.4, 0.25, 0.15, 0.1, 0.07, 0.03))
AUDITED = 0.1
STRATA, POINTS, TEXTS = 20, 10, 15
"""Strata, points in a stratum and texts at a point, on average."""
_ALIKE = 12
"""Precision of the Dirichlet distribution of points' own shares: the higher, the more alike."""
_DESIGN = Design(weight="weight", strata="stratum", psu="psu")


@dataclass(frozen=True)
class Held:
    """Over all codes and waves: how often intervals held, largest mean error, relative width.

    The width is the median of that of an interval over the one if people had coded every text.
    """

    held: float
    bias: float
    width: float


@dataclass(frozen=True)
class PlantedWave:
    """Texts' frame of weight, stratum and point, their true codes, and the population's shares."""

    frame: pd.DataFrame
    code: Codes
    truth: Floats


Plant = Callable[[np.random.Generator], PlantedWave]
Predict = Callable[[np.random.Generator, PlantedWave, Codes], Floats]
"""Returns probabilities of codes, (n, K), from what people coded."""


def measure_planted(quality: float, *, waves: int, slant: float = 0.0, seed: int = 0) -> Held:
    """Return what holds with a model of `quality` (0 to 1), which may mistake a code by `slant`.

    Args:
        slant: probability with which the model calls the first code the second.
    """
    return _measure(_plant_codes, partial(_say, quality, slant), waves=waves, seed=seed)


def measure_comments(lost: float, *, waves: int, seed: int = 0) -> Held:
    """Return what holds with comments of the demo, and a share of their characters `lost`."""
    coded = inventor(20_240_317).comment_codes()
    names = list(dict.fromkeys(coded.values()))
    code = np.array([names.index(each) for each in coded.values()])

    def learn(rng: np.random.Generator, wave: PlantedWave, known: Codes) -> Floats:
        texts = list(coded)
        written = [texts[place] for place in wave.frame["text"]]
        if lost:
            written = ["".join(c for c in text if rng.random() >= lost) for text in written]
        return propose_codes(written, known, len(names))

    return _measure(partial(_plant_comments, code), learn, waves=waves, seed=seed)


def _measure(plant: Plant, predict: Predict, *, waves: int, seed: int) -> Held:
    rng = np.random.default_rng(seed)
    held, errors, widths = [], [], []
    for _ in range(waves):
        wave = plant(rng)
        size, codes = len(wave.code), [str(code) for code in range(len(wave.truth))]
        known = np.full(size, NOT_AUDITED)
        drawn = rng.choice(size, round(AUDITED * size), replace=False)
        known[drawn] = wave.code[drawn]
        predicted = predict(rng, wave, known)
        found = estimate_audited_shares(wave.frame, codes, predicted, known, _DESIGN)
        low, high = found["ci_low"].to_numpy(), found["ci_high"].to_numpy()
        held.append((low <= wave.truth) & (wave.truth <= high))
        errors.append(found["estimate"].to_numpy() - wave.truth)
        found_by_hand = {name: 1.0 * (wave.code == int(name)) for name in codes}
        by_hand = estimate(wave.frame.assign(**found_by_hand), codes, _DESIGN)
        widths.append((high - low) / (by_hand["ci_high"] - by_hand["ci_low"]).to_numpy())
    return Held(
        float(np.mean(held)), float(np.abs(np.mean(errors, axis=0)).max()), float(np.median(widths))
    )


def _plant_codes(rng: np.random.Generator) -> PlantedWave:
    psu, code = _draw_by_point(rng, SHARES)
    factor = 1.2 - 0.08 * np.arange(len(SHARES))
    truth = SHARES * factor
    return PlantedWave(_build_frame(rng, psu, factor[code]), code, truth / truth.sum())


def _plant_comments(code: Codes, rng: np.random.Generator) -> PlantedWave:
    """Draw comments whose places in `code` are the kinds that points differ in."""
    shares = np.full(len(code), 1 / len(code))
    psu, text = _draw_by_point(rng, shares)
    factor = 1.2 - 0.04 * code
    frame = _build_frame(rng, psu, factor[text]).assign(text=text)
    truth = np.bincount(code, shares * factor)
    return PlantedWave(frame, code[text], truth / truth.sum())


def _draw_by_point(rng: np.random.Generator, shares: Floats) -> tuple[Codes, Codes]:
    """Return point and kind of every text; each point has shares of its own about `shares`."""
    points = STRATA * POINTS
    own = rng.dirichlet(shares * _ALIKE, points).cumsum(axis=1)
    psu = np.repeat(np.arange(points), rng.poisson(TEXTS - 1, points) + 1)
    kind = (own[psu] < rng.random((len(psu), 1))).sum(axis=1).clip(0, len(shares) - 1)
    return psu, kind


def _build_frame(rng: np.random.Generator, psu: Codes, factor: NDArray[Any]) -> pd.DataFrame:
    weight = rng.lognormal(0, 0.4, len(psu)) * factor
    return pd.DataFrame({"weight": weight, "psu": psu, "stratum": psu // POINTS})


def _say(
    quality: float, slant: float, rng: np.random.Generator, wave: PlantedWave, _: Codes
) -> Floats:
    kinds = len(wave.truth)
    any_code: NDArray[np.int64] = rng.integers(0, kinds, len(wave.code))
    said = np.where(rng.random(len(wave.code)) < quality, wave.code, any_code)
    said[(wave.code == 0) & (rng.random(len(wave.code)) < slant)] = 1
    return np.where(said[:, None] == np.arange(kinds), 0.9, 0.02)


def print_grid(waves: int) -> None:
    """Print coverage, largest mean error and width for models from useless to perfect."""
    print("open answers, planted codes: quality, slant: held, bias, width beside all by hand")
    for quality, slant in ((0.0, 0.0), (0.5, 0.0), (0.8, 0.0), (0.8, 0.5), (0.95, 0.0), (1.0, 0.0)):
        _print_row(
            f"{quality:4.2f} {slant:4.2f}", measure_planted(quality, waves=waves, slant=slant)
        )
    print("open answers, comments of the demo: characters lost: held, bias, width")
    for lost in (0.0, 0.2, 0.5):
        _print_row(f"{lost:4.2f}", measure_comments(lost, waves=waves))


def _print_row(words: str, found: Held) -> None:
    print(f"{words} {found.held:.1%} {found.bias:.4f} {found.width:.2f}", flush=True)
