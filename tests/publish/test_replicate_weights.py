"""Replicate weights of an exact file: the errors that they give, and what they do not tell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from survey.estimate.bootstrap import bootstrap, rao_wu
from survey.estimate.design import Design, Sample
from survey.files.microdata.deidentify import name_exact_rows
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.files.microdata.replicate_weights import REPLICATES, add_replicate_weights
from survey.results.drivers import SEED
from survey.results.wave_estimates import WaveEstimates, estimate_wave
from survey.results.wave_parts import WaveData
from tests.results.test_method_sheets import parts_of
from tests.results.test_wave_parts import CITIES, made_wave

DESIGN = Design("weight", "h", "psu")
COLUMNS = [f"repw_{number:03d}" for number in range(1, REPLICATES + 1)]


@dataclass(frozen=True)
class ExactFile:
    source: WaveData
    rows: pd.DataFrame

    def composite(self, rows: pd.DataFrame, weight: str = "weight") -> float:
        """The composite of item means: numbers of the file and weights of the tree, no more."""
        tree = self.source.plan.tree
        omega = tree.omega[list(tree.variables).index("composite")]
        scores = (rows[list(tree.item_columns)].to_numpy(dtype=float) - 1) / 9 * 100
        known = scores >= 0
        heavy = known * rows[weight].to_numpy()[:, None]
        return float(omega @ ((heavy * np.where(known, scores, 0)).sum(axis=0) / heavy.sum(axis=0)))


@pytest.fixture(scope="module")
def figures() -> WaveEstimates:
    return estimate_wave(parts_of(made_wave(1), [CITIES]))


@pytest.fixture(scope="module")
def source(figures: WaveEstimates) -> WaveData:
    return figures.source.parts[0]()


def exact_file(source: WaveData, secret: str = "ab") -> ExactFile:
    made = name_exact_rows(source.people, source.instrument, Pseudonyms(secret * 32))
    table = add_replicate_weights(made.table)
    return ExactFile(source, table.assign(h=table["city_code"] + ":" + table["stratum"]))


@pytest.fixture(scope="module")
def file(source: WaveData) -> ExactFile:
    return exact_file(source)


def test_svrepdesign_gives_the_bootstrap_error_of_the_same_replicates(file: ExactFile) -> None:
    values = np.array([file.composite(file.rows, name) for name in COLUMNS])
    # svrepdesign(type = "bootstrap", scale = 1/99, rscales = 1, mse = FALSE).
    error = np.sqrt(((values - values.mean()) ** 2).sum() / (REPLICATES - 1))
    own = bootstrap(file.rows, file.composite, DESIGN, replicates=REPLICATES, seed=SEED)
    assert error == pytest.approx(own["se"].iloc[0], rel=1e-8)
    assert file.composite(file.rows) == pytest.approx(own["estimate"].iloc[0], rel=1e-12)


def test_they_are_the_first_hundred_of_the_five_hundred(file: ExactFile) -> None:
    sample = Sample.read(file.rows, DESIGN)
    factors = rao_wu(sample, 500, SEED)[:REPLICATES, sample.psu].T
    assert np.array_equal(file.rows[COLUMNS].to_numpy(), factors * sample.weight[:, None])


def test_the_error_is_that_of_the_linearised_one_up_to_chance(
    file: ExactFile, figures: WaveEstimates
) -> None:
    values = np.array([file.composite(file.rows, name) for name in COLUMNS])
    cells = figures.cells.astype({"area_level": str, "group": str, "indicator": str})
    [linear] = cells.query(
        "area_level == 'nation' and group == 'all' and indicator == 'composite'"
    )["se"]
    # Four standard errors of a standard deviation of a hundred.
    assert values.std(ddof=1) / linear == pytest.approx(1, abs=4 / np.sqrt(2 * 99))


def test_they_do_not_tell_which_point_of_the_list_a_row_is_of(
    source: WaveData, file: ExactFile
) -> None:
    """Who knows the codes of the points and the seed draws the same and compares the patterns."""
    names = Pseudonyms("ab" * 32)
    true = Sample.read(source.people, source.design)
    drawn = np.round(rao_wu(true, REPLICATES, SEED), 9).T
    codes = true.psu_labels.get_level_values(1)
    by_code = {names("psu", str(code)): pattern for code, pattern in zip(codes, drawn, strict=True)}
    first = file.rows.drop_duplicates("psu").set_index("psu")
    told = np.round(first[COLUMNS].to_numpy() / first[["weight"]].to_numpy(), 9)
    patterns = np.stack([by_code[name] for name in first.index])
    found = (patterns == told).all(axis=1)
    size = pd.Series(true.stratum).map(pd.Series(true.stratum).value_counts())
    # Patterns of a stratum go to its points by lot: one point a stratum is right by chance.
    assert found.mean() < 2 * (1 / size).mean() + 0.05
    # Drawn by the codes they would have told each point of a stratum of three and more.
    several = (size > 2).to_numpy()
    unique = pd.DataFrame(drawn[several]).assign(h=true.stratum[several]).duplicated(keep=False)
    assert not unique.any()


def test_without_points_there_are_none(source: WaveData) -> None:
    people = source.people.assign(psu=None)
    made = name_exact_rows(people, source.instrument, Pseudonyms("ab" * 32)).table
    assert list(add_replicate_weights(made)) == list(made)
