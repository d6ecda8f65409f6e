"""What an estimator makes of a generated wave lies around the truth, by its own standard error."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from seed.demo import DemoWave, generate_wave
from seed.demo.indicator_weights import item_codes
from seed.demo.shipped_data import Measure, shipped_measures
from survey.estimate import Design, Node, Tree, estimate, estimate_tree, to_scores
from survey.frame.city_frame import shipped_cities
from survey.frame.population_margins import ELDERLY_BANDS, MAIN_BANDS, elderly_margins, main_margins

pytestmark = pytest.mark.slow

DESIGN = Design(weight="weight", strata="h", psu="psu")
SUBSTANTIVE = {"dk", "na", "refused"}


def weighted(wave: DemoWave) -> pd.DataFrame:
    """Approved interviews weighted to age x gender within each city, or to the city alone."""
    frame = wave.approved
    frame["h"] = frame["city_code"].astype(str) + frame["stratum"].astype(str)
    if wave.model.plan.series in {"minors", "rural"}:
        people = pd.Series(wave.model.people.weight, index=[c.code for c in shipped_cities()])
        people = people[people > 0]
        cell = frame["city_code"].astype(str)
    else:
        main = wave.model.plan.series == "main"
        bands: Mapping[str, tuple[int, int]] = MAIN_BANDS if main else ELDERLY_BANDS
        edges = [low for low, _ in bands.values()] + [200]
        frame["age_band"] = pd.cut(frame["age"], edges, right=False, labels=list(bands))
        table = (main_margins if main else elderly_margins)(shipped_cities()).table
        people = pd.Series(
            table["population"].to_numpy(),
            index=table["city_code"] + "/" + table["age_band"] + "/" + table["gender"],
        )
        cell = frame["city_code"].astype(str) + "/" + frame["age_band"].astype(str)
        cell = cell + "/" + frame["gender"].astype(str)
    count = cell.value_counts()
    assert set(count.index) == set(people.index)
    return frame.assign(weight=cell.map(people).astype(float) / cell.map(count))


def tree_of(wave: DemoWave) -> Tree:
    tree = wave.model.tree
    assert tree is not None
    items = dict(zip([r.name for r in wave.model.plan.scored], item_codes(tree), strict=True))
    return Tree(tuple(Node(i.code, i.parent, i.level, i.weight) for i in tree.indicators), items)


def with_z(
    table: pd.DataFrame, wave: DemoWave, level: str, areas: pd.Series, groups: pd.Series
) -> pd.DataFrame:
    truth = wave.truth.set_index(["area_level", "area", "group", "indicator"])["value"]
    keys = zip(areas, groups, table["variable"], strict=True)
    table = table.assign(truth=[truth[level, area, group, name] for area, group, name in keys])
    return table.assign(z=(table["estimate"] - table["truth"]) / table["se"])


@pytest.fixture(scope="module")
def main_wave() -> tuple[DemoWave, pd.DataFrame]:
    wave = generate_wave("main-2023", seed=5)
    frame = to_scores(weighted(wave), [r.name for r in wave.model.plan.scored])
    return wave, frame


def test_cities_scatter_around_their_truth(main_wave: tuple[DemoWave, pd.DataFrame]) -> None:
    wave, frame = main_wave
    table = estimate_tree(frame, tree_of(wave), DESIGN, by="city_code")
    table = with_z(table, wave, "city", table["city_code"], pd.Series("all", index=table.index))
    composite = table[table["variable"] == "composite"]
    inside = composite["truth"].between(composite["ci_low"], composite["ci_high"])
    assert 88 <= inside.sum() <= 100
    assert abs(composite["z"].mean()) < 0.35
    assert 0.85 < composite["z"].std() < 1.35
    assert 1.2 < composite["deff"].mean() < 1.6
    assert abs(table["z"].mean()) < 0.15


@pytest.mark.parametrize(
    "group", ["gender", "income", "residence", "guardian", "education", "age_band"]
)
def test_national_groups_scatter_around_their_truth(
    main_wave: tuple[DemoWave, pd.DataFrame], group: str
) -> None:
    wave, frame = main_wave
    table = estimate_tree(frame, tree_of(wave), DESIGN, by=group)
    names = group + "=" + table[group].astype(str)
    table = with_z(table, wave, "nation", pd.Series("CN", index=table.index), names)
    assert table["z"].abs().max() < 4.5
    composite = table[table["variable"] == "composite"]
    assert composite["z"].abs().max() < 3.3


def measured(frame: pd.DataFrame, measure: Measure) -> pd.Series:
    """A measure as 0/100 (or a score) per person, missing outside its base."""
    if not measure.choices:
        return ((frame[measure.item] - 1) / 9 * 100).where(frame[measure.item] > 0)
    ticks = [f"{measure.item}/{choice}" for choice in measure.choices]
    if ticks[0] in frame:
        asked = frame[ticks[0]] >= 0
        unsure = f"{measure.item}/dk"
        if unsure in frame:
            asked &= frame[unsure] != 1
        return (100.0 * (frame[ticks] == 1).any(axis=1)).where(asked)
    clear = frame[measure.item].notna() & ~frame[measure.item].isin(SUBSTANTIVE)
    return (100.0 * frame[measure.item].isin(measure.choices)).where(clear)


@pytest.mark.parametrize("key", ["main-2024", "elderly-2024", "minors-2024", "village-2026"])
def test_measures_scatter_around_their_truth(key: str) -> None:
    wave = generate_wave(key, seed=9)
    frame = weighted(wave)
    known = set(wave.truth["indicator"])
    values = {m.key: measured(frame, m) for m in shipped_measures() if m.key in known}
    assert len(values) >= (15 if key.startswith("village") else 25)
    table = estimate(frame.assign(**values), list(values), DESIGN)
    whole = pd.Series("CN", index=table.index), pd.Series("all", index=table.index)
    table = with_z(table, wave, "nation", *whole)
    assert table["z"].abs().max() < 4.5, table.sort_values("z")
    assert (table["z"].abs() < 2).mean() > 0.85
    assert np.isfinite(table["estimate"]).all()


def test_every_declared_measure_has_a_truth_in_some_wave() -> None:
    known: set[str] = set()
    for key in ("main-2024", "elderly-2024", "minors-2024", "village-2026"):
        wave = generate_wave(key, n=200)
        known |= set(wave.truth["indicator"])
    assert {measure.key for measure in shipped_measures()} <= known
