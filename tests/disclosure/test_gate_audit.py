"""Bounds by linear programming on made-up surveys with all kinds of totals: nothing is pinned."""

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import determined_cells, gate, protect, secondary
from survey.disclosure.suppression import CubeAxes, Flags, Relation
from tests.disclosure.auditor import Auditor
from tests.disclosure.tables import KEYS, Survey, totals

INCOMPLETE = totals()[-1:]
"""Ages: some people did not say."""
POINTS = 1.0
"""How closely a hidden score may not be known, at least on one side."""


def narrow_cells_of(survey: Survey, table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Hidden cells whose count or score the audit can pin."""
    auditor = Auditor(table, totals(), KEYS, INCOMPLETE)
    cells = survey.cells().set_index(list(KEYS))
    exposed = []
    for key in auditor.hidden:
        n, score = int(cells.loc[key, "n"]), float(cells.loc[key, "estimate"])
        if n > 0:
            low, high = auditor.count_range(key)
            assert low <= n <= high
            up = auditor.may_score(key, score + POINTS, above=True)
            down = auditor.may_score(key, score - POINTS, above=False)
            if low == high or not (up or down):
                exposed.append(key)
    return exposed


@pytest.mark.parametrize("scale", [12.0, 40.0])
@pytest.mark.parametrize("seed", [100, 101, 109])
def test_no_hidden_count_or_score_is_pinned(seed: int, scale: float) -> None:
    survey = Survey.drawn(seed, scale)
    table = survey.protected()
    assert (~table["shown"]).any()
    assert narrow_cells_of(survey, table) == []


@pytest.mark.parametrize(
    ("rule", "without"),
    [
        ("secondary", (gate, "add_secondary_suppression", lambda cube, hidden, *others: hidden)),
        ("three possible counts", (secondary, "MIN_COUNT_SLACK", 0)),
    ],
)
def test_the_audit_notices_when_a_rule_is_off(
    rule: str, without: tuple[object, str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*without)
    surveys = [Survey.drawn(seed) for seed in (101, 109)]
    assert any(narrow_cells_of(survey, survey.protected()) for survey in surveys), rule


@pytest.mark.parametrize("seed", [8, 9])
def test_nearly_equal_domains_are_never_both_shown(seed: int) -> None:
    survey = Survey.drawn(seed)
    near = survey.overlaps().near
    without = protect(survey.cells(), by=KEYS, totals=totals())["shown"].to_numpy()
    assert without[near].all(axis=1).any()
    assert not survey.protected()["shown"].to_numpy()[near].all(axis=1).any()


LEAKING = [(20, 25.0), (38, 60.0)]
"""Surveys in which totals tell together what none tells alone."""


def solved(table: pd.DataFrame, survey: Survey) -> int:
    """Hidden cells with respondents that all shown cells together determine exactly."""
    people, member = survey.people, survey.member()
    vectors = {
        key: (people["city"].isin(cities) & member[key[2]]).to_numpy(dtype=float)
        for key, cities in survey.domains().items()
    }
    keys = [tuple(row) for row in table[list(KEYS[:3])].to_numpy()]
    matrix = np.array([vectors[key] for key in keys])
    shown = table["shown"].to_numpy()
    _, size, right = np.linalg.svd(matrix[shown], full_matrices=False)
    basis = right[size > 1e-9 * size[0]]
    hidden = matrix[~shown & (matrix.sum(axis=1) > 0)]
    left = np.linalg.norm(hidden - hidden @ basis.T @ basis, axis=1)
    return int((left < 1e-6).sum())


@pytest.mark.parametrize(("seed", "scale"), [*LEAKING, (3, 25.0), (5, 60.0)])
def test_all_shown_cells_together_determine_no_hidden_one(seed: int, scale: float) -> None:
    survey = Survey.drawn(seed, scale)
    assert solved(survey.protected(), survey) == 0


@pytest.mark.parametrize(("seed", "scale"), LEAKING)
def test_without_looking_at_all_totals_together_some_are_determined(
    seed: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(hidden: Flags, *_: object) -> Flags:
        return np.zeros_like(hidden)

    monkeypatch.setattr(secondary, "find_determined_cells", blind)
    # Bounds close some of the same gaps, one relation after the other.
    monkeypatch.setattr(secondary, "_widen_intervals", lambda cube, hidden, *others: hidden)
    survey = Survey.drawn(seed, scale)
    assert solved(survey.protected(), survey) > 0


def test_elimination_finds_exactly_the_cells_that_the_equations_determine() -> None:
    rng = np.random.default_rng(5)
    survey = Survey.drawn(3)
    cells = survey.cells()
    axes = CubeAxes(cells, KEYS, totals())
    relations = axes.relations(totals())
    for _ in range(20):
        hidden = rng.random(axes.shape) < 0.35
        determined = determined_cells.find_determined_cells(hidden, relations)
        assert (determined == by_rank(hidden, relations)).all()


def by_rank(hidden: Flags, relations: list[Relation]) -> Flags:
    """The same from the singular values of the equations."""
    places = np.argwhere(hidden)
    number = {tuple(place): column for column, place in enumerate(places)}
    rows = []
    for relation in relations:
        moved = np.moveaxis(np.arange(hidden.size).reshape(hidden.shape), relation.axis, 0)
        for column in moved[relation.members].reshape(len(relation.members), -1).T:
            row = np.zeros(len(places))
            for member, flat in enumerate(column):
                place = tuple(np.unravel_index(flat, hidden.shape))
                if place in number:
                    row[number[place]] += -1.0 if member else 1.0
            rows.append(row)
    _, size, right = np.linalg.svd(np.array(rows))
    null = right[np.count_nonzero(size > 1e-9) :]
    result = np.zeros(hidden.shape, dtype=bool)
    free = np.abs(null).max(axis=0, initial=0.0) > 1e-7
    result[tuple(places.T)] = ~free
    return result
