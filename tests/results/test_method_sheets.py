"""Method sheets: the same bytes for any split, behind the gate; and the sheet of fairness."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey.cli import sheets as commands
from survey.cli.commands import COMMANDS
from survey.disclosure import protect
from survey.estimate.tree import COMPOSITE
from survey.release.publication_source import FileBuilderName
from survey.results.method_sheets import FAIRNESS, KEYS, OBSTACLE, SHEETS
from survey.results.sheet_builders import BUILDERS, finish_sheet, make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.table_columns import DECIMALS, to_published_table
from survey.results.wave_estimates import WaveEstimates, estimate_wave
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.snapshots.snapshot_files import parquet_bytes
from tests.results.test_wave_parts import CITIES, made_wave, rules_of

RATED = "service"


def parts_of(frame: pd.DataFrame, groups: Sequence[Sequence[str]]) -> WaveParts:
    rules = rules_of()
    rows = [frame[frame["city_code"].isin(own)].reset_index(drop=True) for own in groups]
    return WaveParts.open(rules, [LoadedPart(WaveData.weigh(part, rules)) for part in rows])


def planted(frame: pd.DataFrame) -> pd.DataFrame:
    """Answers of 1,800 people; read aloud in another share of each city, and a step higher then."""
    rng = np.random.default_rng(5)
    share = (
        frame["city_code"].astype(str).map(dict(zip(CITIES, np.linspace(0.2, 0.8, 7), strict=True)))
    )
    aloud = rng.random(len(frame)) < share
    changed = {
        item.name: np.where(aloud & frame[item.name].between(1, 9), frame[item.name] + 1,
                            frame[item.name]).astype(np.int8)
        for item in rules_of().instrument.scored_items
    }  # fmt: skip
    mode = pd.Categorical(np.where(aloud, "assisted", "self"))
    return frame.assign(**changed, mode=mode)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return planted(made_wave(1, n=1800))


@pytest.fixture(scope="module")
def figures(frame: pd.DataFrame) -> WaveEstimates:
    return estimate_wave(parts_of(frame, [CITIES]))


@pytest.fixture(scope="module")
def cells(figures: WaveEstimates) -> pd.DataFrame:
    return protect(figures.cells)


def sheet_of(source: SheetSource) -> pd.DataFrame:
    return make_sheet(FAIRNESS, source)


@pytest.fixture(scope="module")
def sheet(figures: WaveEstimates, cells: pd.DataFrame) -> pd.DataFrame:
    return sheet_of(SheetSource(figures, cells))


def test_every_sheet_has_a_maker_a_command_and_a_kind_of_release_file() -> None:
    for key in SHEETS:
        assert key in BUILDERS
        name = key.replace("-", "_")
        assert COMMANDS[key].target == f"survey.cli.sheets:{name}"
        assert hasattr(commands, name)
        assert key in set(FileBuilderName)


def test_a_column_has_the_same_decimals_in_every_table() -> None:
    for each in SHEETS.values():
        assert {name: DECIMALS[name] for name in each.numbers} == {
            name: column.decimals for name, column in each.columns.items() if name in each.numbers
        }


@pytest.mark.parametrize(
    "groups", [[CITIES[:3], CITIES[3:]], [CITIES[5:], CITIES[:2], CITIES[2:5]]], ids=len
)
def test_any_split_of_the_cities_gives_the_same_bytes(
    frame: pd.DataFrame,
    figures: WaveEstimates,
    cells: pd.DataFrame,
    sheet: pd.DataFrame,
    groups: list[Sequence[str]],
) -> None:
    split = replace(figures, source=parts_of(frame, groups))
    assert parquet_bytes(sheet_of(SheetSource(split, cells))) == parquet_bytes(sheet)


def test_rows_are_unique_and_about_cells(sheet: pd.DataFrame, cells: pd.DataFrame) -> None:
    assert not sheet[list(KEYS)].duplicated().any()
    published = to_published_table(sheet)
    assert set(published) == {*KEYS, *FAIRNESS.columns, OBSTACLE, "shown", "reason"}


def test_a_hidden_score_hides_its_line(figures: WaveEstimates, cells: pd.DataFrame) -> None:
    gone = cells.copy()
    row = (gone["area"] == CITIES[0]) & (gone["group"] == "all") & (gone["indicator"] == COMPOSITE)
    gone.loc[row, "shown"] = False
    gone.loc[row, "reason"] = "too_few"
    lines = sheet_of(SheetSource(figures, gone))
    lines = lines[(lines["area"] == CITIES[0]) & (lines["indicator"] == COMPOSITE)]
    assert not lines["shown"].any()
    assert lines[list(FAIRNESS.numbers)].isna().all(axis=None)


def scores_of(sheet: pd.DataFrame) -> pd.DataFrame:
    return sheet[sheet["line"] == "score"].astype({"area": str, "indicator": str})


def test_the_planted_mode_is_found(sheet: pd.DataFrame, figures: WaveEstimates) -> None:
    answers = made_wave(1, n=1800)[list(figures.source.plan.tree.item_columns)]
    risen = answers.apply(lambda each: each.between(1, 9).sum() / (each >= 1).sum() * 100 / 9)
    planted_effect = figures.source.plan.tree.omega[-1] @ risen.to_numpy()
    row = sheet[(sheet["line"] == "effect") & (sheet["indicator"] == COMPOSITE)].iloc[0]
    assert re.fullmatch("mode=(self|assisted)", str(row["item"]))
    sign = 1 if row["item"] == "mode=assisted" else -1
    assert row["effect_low"] < sign * planted_effect < row["effect_high"]
    assert 0 < row["effect_high"] - row["effect_low"] < planted_effect
    composite = scores_of(sheet).query("indicator == 'composite'").set_index("area")
    # Read aloud most in the last city, least in the first.
    assert composite.loc[CITIES[0], "by_mode"] < -1 < 1 < composite.loc[CITIES[-1], "by_mode"]


def test_rates_that_are_better_high_or_low_are_compared_too(sheet: pd.DataFrame) -> None:
    rates = sheet[sheet["line"] == "rate"].astype({"indicator": str})
    assert set(rates["indicator"]) == {
        "confident", "green_bought", "green_trust_barrier", "green_no_barrier", "had_dispute",
        "education_reached",
    }  # fmt: skip
    own = rates[rates["shown"] & rates["adjusted"].notna()]
    assert len(own) >= 0.8 * len(rates)
    assert ((own["adjusted"] > 0) & (own["adjusted"] < 100)).all()
    np.testing.assert_allclose(own["raw"] - own["adjusted"], own["shift"], atol=1e-9)
    assert own["by_mode"].isna().all()


def test_a_city_without_people_of_every_cell_is_not_checked_without_a_model(
    sheet: pd.DataFrame,
) -> None:
    """Cities of 64 to 450 people: only in the large ones is everybody found."""
    direct = sheet[sheet["line"] == "direct"]
    done = direct["adjusted"].notna()
    assert done.any()
    assert (direct.loc[~done, OBSTACLE] == "cells_empty").all()
    near = direct[done]
    assert (abs(near["adjusted"] - near["raw"]) < 6).all()
    assert (near["adjusted_low"] < near["adjusted"]).all()


def test_the_composite_is_made_of_items_along_the_tree(
    sheet: pd.DataFrame, figures: WaveEstimates
) -> None:
    tree = figures.source.plan.tree
    table = scores_of(sheet).pivot(index="area", columns="indicator", values="shift")
    for parent in (None, *tree.codes):
        below = {node.code: node.weight for node in tree.nodes if node.parent == parent}
        if below:
            made = sum(table[code] * weight for code, weight in below.items())
            np.testing.assert_allclose(table[parent or COMPOSITE], made, atol=1e-9)


def test_what_moved_a_score_adds_up(sheet: pd.DataFrame) -> None:
    rows = scores_of(sheet)
    rows = rows[rows["shown"] & (rows[OBSTACLE] == "")]
    np.testing.assert_allclose(rows["raw"] - rows["shift"], rows["adjusted"])
    np.testing.assert_allclose(rows["by_mode"] + rows["by_people"], rows["shift"])
    assert (rows["adjusted_low"] < rows["adjusted"]).all()
    assert (rows["adjusted"] < rows["adjusted_high"]).all()


def test_few_interviews_of_a_mode_are_hidden_with_another_that_would_tell_them(
    frame: pd.DataFrame, figures: WaveEstimates, cells: pd.DataFrame
) -> None:
    own = frame.index[frame["city_code"] == CITIES[3]]
    mode = frame["mode"].astype(str)
    mode[own] = "self"
    mode[own[:4]] = "assisted"
    changed = replace(
        figures, source=parts_of(frame.assign(mode=mode.astype("category")), [CITIES])
    )
    lines = sheet_of(SheetSource(changed, cells))
    lines = lines[lines["line"] == "overlap"]
    assert not lines.loc[lines["area"] == CITIES[3], "shown"].any()
    # The nation's number less those of all other cities would tell it.
    assert not lines.loc[
        (lines["item"] == "mode=assisted") & (lines["area"] != CITIES[3]), "shown"
    ].all()
    shown = lines.loc[lines["shown"], "n_effective"].to_numpy()
    assert len(shown) > 4
    assert all(value == float(f"{value:.2g}") for value in shown)


def test_without_points_no_adjusted_score_is_given(
    frame: pd.DataFrame, figures: WaveEstimates, cells: pd.DataFrame
) -> None:
    none = replace(figures, source=parts_of(frame.assign(psu=None), [CITIES]))
    lines = sheet_of(SheetSource(none, cells))
    assert set(lines["line"]) == {"", "overlap"}
    assert lines.loc[lines["line"] == "", OBSTACLE].tolist() == ["no_points"]


def test_a_wave_without_a_composite_says_why_there_is_no_sheet(cells: pd.DataFrame) -> None:
    others = cells[cells["indicator"] != COMPOSITE]
    lines = finish_sheet(FAIRNESS, FAIRNESS.build_obstacle("no_composite"), others)
    assert lines[["line", OBSTACLE, "shown"]].to_numpy().tolist() == [["", "no_composite", True]]
    assert lines[list(FAIRNESS.numbers)].isna().all(axis=None)


@pytest.mark.parametrize("cities", [CITIES, CITIES[-1:]], ids=["one mode", "one city, one mode"])
def test_a_wave_of_one_mode_is_adjusted_for_its_people_alone(
    frame: pd.DataFrame, cities: Sequence[str]
) -> None:
    own = frame[frame["city_code"].isin(cities)].reset_index(drop=True).assign(mode="self")
    estimates = estimate_wave(parts_of(own, [cities]))
    lines = sheet_of(SheetSource(estimates, protect(estimates.cells)))
    assert "effect" not in set(lines["line"])
    rows = scores_of(lines).query("indicator == 'composite' and shown")
    assert len(rows) == len(cities)
    np.testing.assert_allclose(rows["by_mode"], 0, atol=1e-12)
    if len(cities) == 1:
        np.testing.assert_allclose(rows["adjusted"], rows["raw"])
