"""Attack on all that a public release tells strangers: its figures, which every format repeats.

That no format, embed, page or history tells more than `figures.csv` is shown in
`tests/site/test_site_attacks.py`; here it is taken as all equations at once.
"""

import csv
import io

import numpy as np
import pytest

from survey.estimate.tree import COMPOSITE
from survey.release.figures import build_figures
from survey.release.publication_source import PUBLIC_READER
from survey.store.tables import Shown
from tests.disclosure.test_attack import Target, follows, target

__all__ = ["target"]
KEYS = ["area_level", "area", "group", "indicator"]


@pytest.mark.slow
@pytest.mark.parametrize("shown", [Shown.SCORES, Shown.NAMES])
def test_no_hidden_cell_follows_from_all_figures_of_a_public_release(
    target: Target, shown: Shown
) -> None:
    """Of whom each figure is, and of whom the other side of each difference."""
    released = target.results.as_released(shown, None)
    text = build_figures(released, PUBLIC_READER).decode()
    figures = [row for row in csv.DictReader(io.StringIO(text)) if row["indicator"] == COMPOSITE]
    cells = {tuple(row[key] for key in KEYS) for row in figures if row["measure"] == "score"}
    keys = [tuple(map(str, row)) for row in target.cells[KEYS].to_numpy()]
    here = (target.cells["indicator"] == COMPOSITE).to_numpy()
    told = np.array([key in cells for key in keys])
    assert told.sum() == len(cells) > 100
    place = {key: at for at, key in enumerate(keys)}
    groups = [row for row in figures if row["measure"] == "gap.rest"]
    of_group = np.array([place[tuple(row[key] for key in KEYS)] for row in groups], dtype=np.int64)
    of_all = np.array(
        [place[row["area_level"], row["area"], "all", COMPOSITE] for row in groups], dtype=np.int64
    )
    known = target.people(np.flatnonzero(told))
    if len(groups):
        known = np.concatenate([known, target.people(of_all) - target.people(of_group)])
    hidden = np.flatnonzero(here & ~told & (target.n > 0))
    assert len(hidden) > 500
    assert not follows(target.people(hidden), known).any()
