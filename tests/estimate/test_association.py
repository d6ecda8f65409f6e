"""Rao-Scott tests of independence, against R `survey` (`svychisq`)."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate.association import CellSums, CrossSums, check_association
from survey.estimate.design import Sample
from tests.estimate.test_quantiles import DESIGNS, R_CASES, read_case

PAIRS = [("stype", "sch_wide"), ("awards", "stype"), ("sch_wide", "awards")]


def cross(sample, row, column, shape):
    """The table of two classifications, as columns of a wider one: what is beside it is not it."""
    member = np.zeros((len(row), shape[1] + 2))
    member[np.arange(len(row)), column + 1] = 1.0
    member[:, 0] = member[:, -1] = 1.0
    cells = CellSums.collect(sample, row, shape[0], member)
    return CrossSums.of(cells, slice(1, shape[1] + 1))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", DESIGNS)
def test_association_equals_r(name, pair):
    frame, sample = read_case(name)
    (row, rows), (column, columns) = (pd.factorize(frame[each], sort=True) for each in pair)
    # A row and a column that nobody is in change nothing.
    found = check_association(cross(sample, row, column, (len(rows) + 1, len(columns) + 1)))
    expected = R_CASES[f"test|{name}|{pair[0]}|{pair[1]}"]
    assert found is not None
    for key in ("statistic", "ndf", "ddf", "p"):
        assert getattr(found, key) == pytest.approx(expected[key], rel=1e-8)


def test_strata_add_up_and_a_table_of_one_column_has_no_test():
    frame, sample = read_case("clus1_strata")
    row, column = (pd.factorize(frame[each], sort=True)[0] for each in ("sch_wide", "awards"))
    whole = cross(sample, row, column, (2, 2))
    cells, parts = [], []
    for kind in frame["stype"].unique():
        inside = (frame["stype"] == kind).to_numpy()
        part = Sample.read(frame[inside], DESIGNS["clus1_strata"][1])
        cells.append(CellSums.collect(part, row[inside], 2, np.eye(2)[column[inside]]))
        parts.append(CrossSums.of(cells[-1], slice(0, 2)))
    for joined in (parts[0].add(parts[1]).add(parts[2]),
                   CrossSums.of(CellSums.join(cells), slice(0, 2))):  # fmt: skip
        assert joined.covariance == pytest.approx(whole.covariance)
        assert joined.df == whole.df
        assert check_association(joined).p == pytest.approx(check_association(whole).p)
    assert check_association(cross(sample, row, column * 0, (2, 1))) is None


@pytest.mark.parametrize("levels", [3, 5, 8])
def test_answers_that_groups_determine_have_no_test_and_break_nothing(levels):
    """Each group gives one answer of its own: nothing is left that could go with chance."""
    _, sample = read_case("clus1_strata")
    row = np.arange(len(sample.weight)) % levels
    assert check_association(cross(sample, row, row, (levels, levels))) is None
