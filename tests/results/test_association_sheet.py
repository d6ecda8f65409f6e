"""Tests of answers by group in a frozen wave: what they are about, and behind the gate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from survey.disclosure import protect
from survey.estimate.association import CellSums, CrossSums, check_association
from survey.estimate.change import benjamini_hochberg
from survey.estimate.design import Sample
from survey.results.measures import code_answers, measure_values
from survey.results.method_sheets import ASSOCIATION, OBSTACLE
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import WaveEstimates, estimate_wave
from survey.snapshots.snapshot_files import parquet_bytes
from tests.results.test_method_sheets import parts_of
from tests.results.test_wave_parts import CITIES, made_wave


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Interviews in which women rate the service two steps higher."""
    made = made_wave(7)
    higher = (made["gender"] == "female") & made["service"].between(1, 8)
    return made.assign(service=(made["service"] + 2 * higher).astype(np.int8))


@pytest.fixture(scope="module")
def figures(frame: pd.DataFrame) -> WaveEstimates:
    return estimate_wave(parts_of(frame, [CITIES]))


@pytest.fixture(scope="module")
def cells(figures: WaveEstimates) -> pd.DataFrame:
    return protect(figures.cells)


@pytest.fixture(scope="module")
def sheet(figures: WaveEstimates, cells: pd.DataFrame) -> pd.DataFrame:
    return make_sheet(ASSOCIATION, SheetSource(figures, cells))


def rows_of(sheet: pd.DataFrame, item: str) -> pd.DataFrame:
    return sheet[sheet["item"] == item]


@pytest.mark.parametrize("variable", ["gender", "elderly"])
def test_a_row_is_the_test_of_the_answers_by_the_groups(
    sheet: pd.DataFrame, figures: WaveEstimates, variable: str
) -> None:
    data = figures.source.parts[0]()
    groups = [group for group in data.memberships if group.partition("=")[0] == variable]
    member = np.stack([data.memberships[group] for group in groups], axis=1).astype(float)
    if len(groups) == 1:
        member = np.hstack([member, 1 - member])
    answer = data.people["service"].to_numpy(dtype=int) - 1
    sample = Sample.read(data.people, data.design)
    cross = CrossSums.of(CellSums.collect(sample, answer, 10, member), slice(0, member.shape[1]))
    expected = check_association(cross)
    [row] = rows_of(sheet, f"service:{variable}").to_dict("records")
    assert expected is not None
    assert row["f"] == pytest.approx(expected.statistic)
    assert row["f_df_points"] == pytest.approx(expected.ddf)
    assert row["p_value"] == pytest.approx(expected.p)
    assert row["n"] == (answer >= 0).sum()


def test_a_planted_difference_is_found(sheet: pd.DataFrame) -> None:
    [row] = rows_of(sheet, "service:gender").to_dict("records")
    assert row["verdict"] == "differs"
    assert row["p_value"] < 1e-6
    alike = sheet[sheet["shown"] & sheet["item"].str.endswith(":gender")]["verdict"] == "alike"
    assert alike.mean() > 0.7


def test_a_hidden_figure_hides_the_tests_that_hold_it(
    figures: WaveEstimates, cells: pd.DataFrame, sheet: pd.DataFrame
) -> None:
    gone = cells.copy()
    indicator = figures.source.plan.tree.feeds["service"]
    own = (gone["area_level"] == "nation") & (gone["group"] == "gender=male")
    gone.loc[own & (gone["indicator"] == indicator), ["shown", "reason"]] = False, "too_few"
    found = make_sheet(ASSOCIATION, SheetSource(figures, gone))
    now_hidden = sheet["shown"].to_numpy() & ~found["shown"].to_numpy()
    assert sheet["item"][now_hidden].tolist() == ["service:gender"]
    [row] = rows_of(found, "service:gender").to_dict("records")
    assert np.isnan([row[name] for name in ASSOCIATION.numbers]).all()
    assert row["verdict"] == ""


def test_several_answers_are_tests_of_their_own_judged_together(
    sheet: pd.DataFrame, figures: WaveEstimates
) -> None:
    by_question = sheet[sheet["shown"] & (sheet[OBSTACLE] == "")].groupby("item")
    several = {item: rows for item, rows in by_question if len(rows) > 1}
    assert several
    for item, rows in several.items():
        name = str(item).partition(":")[0]
        assert len(set(rows["indicator"])) == len(rows)
        assert figures.source.instrument.by_name[name].kind.value == "select_multiple"
    # Tables of two by two: F has one degree of freedom.
    rows = pd.concat(own for item, own in several.items() if str(item).endswith(":gender"))
    assert np.allclose(rows["f_df"], 1)
    raw = special.fdtrc(1, rows["f_df_points"].to_numpy(), rows["f"].to_numpy())
    for item, own in rows.groupby("item"):
        p = raw[(rows["item"] == item).to_numpy()]
        expected = benjamini_hochberg(p, np.zeros(len(p), dtype=np.int64))
        assert own["p_value"].to_numpy() == pytest.approx(expected, abs=1e-9)


def test_answers_are_told_apart_as_the_measures_do(figures: WaveEstimates) -> None:
    data = figures.source.parts[0]()
    for measure in data.rates:
        item = data.instrument.by_name[measure.item]
        values = measure_values(measure, item, data.people)
        if measure.is_number:
            continue
        codes, size = code_answers((measure,), item, data.people)
        assert ((codes >= 0) == ~np.isnan(values)).all(), measure.key
        assert codes.max(initial=-1) < size
        # One code, one value, and the other way round.
        known = pd.DataFrame({"code": codes, "value": values}).dropna().drop_duplicates()
        assert known["code"].is_unique, measure.key
        assert known["value"].is_unique, measure.key


def test_any_split_of_the_cities_gives_the_same_bytes(
    frame: pd.DataFrame, figures: WaveEstimates, cells: pd.DataFrame, sheet: pd.DataFrame
) -> None:
    split = replace(figures, source=parts_of(frame, [CITIES[4:], CITIES[:4]]))
    assert parquet_bytes(make_sheet(ASSOCIATION, SheetSource(split, cells))) == parquet_bytes(sheet)


def test_without_points_there_is_no_test(frame: pd.DataFrame) -> None:
    alone = estimate_wave(parts_of(frame.assign(psu=None), [CITIES]))
    found = make_sheet(ASSOCIATION, SheetSource(alone, protect(alone.cells)))
    assert found[OBSTACLE].tolist() == ["no_test_points"]
