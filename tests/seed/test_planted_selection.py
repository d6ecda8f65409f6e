"""Selection in main waves of the demo: the satisfied take part more readily, by known amounts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seed.demo.build import store_waves
from seed.demo.calibrate import calibrate_wave
from seed.demo.response_model import CUTS, ITEM_SD, PERSON_SD, POINT_SD, SURVEYOR_SD, VISIT_SD
from seed.demo.selection import SHIFT, selection_shifts, true_selection
from survey.estimate.tree import COMPOSITE

KEY = "main-2024"


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return true_selection(calibrate_wave(KEY))


def test_every_city_is_as_much_too_high_as_its_people_take_part_more_readily(
    truth: pd.DataFrame,
) -> None:
    composite = truth[truth["indicator"] == COMPOSITE]
    nation = composite[composite["area_level"] == "nation"].iloc[0]
    assert 0.15 < nation["bias"] < 0.3
    assert nation["everybody"] == pytest.approx(nation["takes_part"] - nation["bias"])
    cities = composite[composite["area_level"] == "city"]
    shifts = selection_shifts(len(cities))
    assert np.corrcoef(cities["bias"], shifts)[0, 1] > 0.95
    # Which city is ahead depends on who takes part.
    assert (cities["everybody"].rank() != cities["takes_part"].rank()).any()


@pytest.mark.parametrize("shift", [SHIFT, 5.0])
def test_those_who_take_part_by_their_mood_answer_like_the_people_drawn(shift: float) -> None:
    """People drawn from everybody and accepted by chance, against those that the demo draws."""
    rng = np.random.default_rng(7)
    people = 2_000_000
    person = rng.normal(-shift, PERSON_SD, people)
    chance = np.exp(shift * person / PERSON_SD**2)
    takes_part = rng.random(people) < chance / np.quantile(chance, 0.9999)
    rest = np.sqrt(ITEM_SD**2 + POINT_SD**2 + SURVEYOR_SD**2 + VISIT_SD**2)
    met = person[takes_part]
    drawn = rng.normal(0, PERSON_SD, len(met))
    noise = rng.normal(80, rest, len(met))
    selected, own = (np.searchsorted(CUTS, noise + effect).mean() for effect in (met, drawn))
    # Six standard errors of the difference, in steps of the scale.
    assert selected == pytest.approx(own, abs=6 * 2.0 / np.sqrt(len(met)))
    assert met.mean() == pytest.approx(0, abs=6 * PERSON_SD / np.sqrt(len(met)))
    assert met.std() == pytest.approx(PERSON_SD, rel=0.01)


def test_the_truth_is_written_for_main_waves_alone(tmp_path: Path, truth: pd.DataFrame) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    waves = store_waves(url, waves=[KEY, "minors-2024"], size=0.002, truth_dir=tmp_path)
    assert list(waves) == [KEY, "minors-2024"]
    written = pd.read_parquet(tmp_path / f"selection-{KEY}.parquet")
    pd.testing.assert_frame_equal(written, truth)
    assert not (tmp_path / "selection-minors-2024.parquet").exists()
