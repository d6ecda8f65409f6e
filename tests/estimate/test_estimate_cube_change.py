"""Change from cubes says what `change` says, row by row."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import (
    Cube,
    CubeSpec,
    Design,
    EstimateError,
    RatingScale,
    change,
    cube_change,
    to_scores,
)
from tests.estimate.test_estimate_cube import AREAS, GROUPS, ITEMS, TREE, raw_wave

DESIGN = Design("weight", strata="stratum", psu="psu")
COLUMNS = ["before", "after", "difference", "se", "ci_low", "ci_high", "df", "p"]


def scored(frame: pd.DataFrame) -> pd.DataFrame:
    return to_scores(frame, ITEMS)


def cube(frame: pd.DataFrame, design: Design = DESIGN, **areas: object) -> Cube:
    spec = CubeSpec(TREE, design, areas={**AREAS, **areas}, groups=GROUPS, scale=RatingScale(1, 10))
    return Cube.of(frame, spec)


def moved(seed: int) -> pd.DataFrame:
    """A second wave that shares some PSUs of each stratum and brings others."""
    frame = raw_wave(seed)
    frame["psu"] = np.where(frame["psu"] >= 2, frame["psu"] + 50, frame["psu"])
    return frame


def members(frame: pd.DataFrame, group: str) -> pd.Series:
    key = GROUPS[group]
    if key is None:
        return pd.Series(True, index=frame.index)
    return frame[key] if isinstance(key, str) else frame[key[0]] == key[1]


def direct(
    before: pd.DataFrame, after: pd.DataFrame, level: str, group: str, design: Design = DESIGN
) -> pd.DataFrame:
    """`change` with rows outside the group in no domain, but in the sample."""
    parts = []
    for frame in (before, after):
        area = frame[AREAS[level]] if AREAS[level] else pd.Series("nation", index=frame.index)
        label = area.astype(object).where(members(frame, group), None)
        parts.append(scored(frame).assign(area=label))
    return (
        change(parts[0], parts[1], TREE, design, by="area")
        .set_index(["area", "variable"])
        .sort_index()
    )


@pytest.mark.parametrize("group", ["all", "gender=f", "old"])
@pytest.mark.parametrize("level", list(AREAS))
@pytest.mark.parametrize("design", [DESIGN, Design("weight", "stratum", assumed_deff=1.4)])
def test_the_cubes_agree_with_change(level: str, group: str, design: Design) -> None:
    before, after = raw_wave(3), moved(4)
    table = cube_change(cube(before, design), cube(after, design))
    table = table[(table["area_level"] == level) & (table["group"] == group)]
    actual = table.assign(area=table["area"].astype(str), variable=table["indicator"].astype(str))
    actual = actual.set_index(["area", "variable"]).sort_index()
    expected = direct(before, after, level, group, design)
    assert set(actual.index) == set(expected.index)
    expected = expected.loc[actual.index]
    for column in COLUMNS:
        np.testing.assert_allclose(
            actual[column].astype(float),
            expected[column].astype(float),
            rtol=1e-9,
            atol=1e-9,
            err_msg=column,
        )
    assert actual["status"].tolist() == expected["status"].tolist()


def test_counts_of_both_waves_stand_beside_the_change() -> None:
    before, after = raw_wave(3), moved(4).iloc[:-5]
    table = cube_change(cube(before), cube(after))
    whole = table[(table["area_level"] == "nation") & (table["group"] == "all")]
    whole = whole.set_index("indicator")
    assert whole.loc["composite", "n_before"] == (before[ITEMS] > 0).any(axis=1).sum()
    assert whole.loc["composite", "n_after"] == (after[ITEMS] > 0).any(axis=1).sum()


def test_without_shared_points_the_waves_are_independent() -> None:
    before, after = raw_wave(3), raw_wave(4)
    after["psu"] += 100
    table = cube_change(cube(before), cube(after))
    national = table[(table["area_level"] == "nation") & (table["group"] == "all")]
    errors = [
        wave_table[(wave_table["area_level"] == "nation") & (wave_table["group"] == "all")][
            "se"
        ].to_numpy()
        for wave_table in (cube(before).table(), cube(after).table())
    ]
    np.testing.assert_allclose(national["se"] ** 2, errors[0] ** 2 + errors[1] ** 2, rtol=1e-9)


def test_only_areas_of_both_waves_are_compared() -> None:
    before, after = raw_wave(3), moved(4)
    gone = before["city"].where(before["city"] != "C1", None)
    table = cube_change(cube(before, city=gone), cube(after))
    assert set(table.loc[table["area_level"] == "city", "area"]) == set(after["city"]) - {"C1"}


def test_nothing_changes_when_the_waves_are_the_same() -> None:
    wave = raw_wave(5)
    table = cube_change(cube(wave), cube(wave))
    estimable = table[table["se"].notna()]
    assert (estimable["difference"] == 0).all()
    np.testing.assert_allclose(estimable["se"], 0, atol=1e-6)


def test_cubes_of_different_make_are_refused() -> None:
    wave = raw_wave(5)
    spec = CubeSpec(TREE, DESIGN, areas=AREAS, groups={"all": None}, scale=RatingScale(1, 10))
    other = Cube.of(wave, spec)
    with pytest.raises(EstimateError, match="groups"):
        cube_change(cube(wave), other)


@pytest.mark.parametrize("design", [DESIGN, Design("weight", "stratum", assumed_deff=1.4)])
def test_an_area_level_without_areas_in_either_wave_has_no_rows(design: Design) -> None:
    before, after = raw_wave(3), moved(4)
    plain = cube_change(cube(before, design), cube(after, design))
    nobody = np.full(len(before), None, dtype=object)
    for tiers in ((nobody, nobody), (nobody, "region"), ("region", nobody)):
        sides = [
            cube(frame, design, tier=tier)
            for frame, tier in zip((before, after), tiers, strict=True)
        ]
        table = cube_change(*sides)
        assert len(table) == len(plain)
        np.testing.assert_allclose(table["se"], plain["se"], rtol=1e-12)
