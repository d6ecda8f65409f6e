"""Attack on the blanked labels of a file of rows with the published table, and its verdict.

Whoever has both knows, of every group of a city that is published, how many people answered each
question and their rounded mean. The rows of the file that carry the group's label make up a part
of both; the rest are rows whose label was blanked and interviews that the file leaves out. A label
is proved where no other one is possible, whatever those left out answered.

The search is bounded by work, not by time: the same rows give the same answer on any machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import MINIMUM_N
from survey.disclosure.count_bounds import suppress_banner
from survey.estimate.design import encode
from survey.files.microdata.deidentify import DeidentifiedRows
from survey.files.microdata.headline_deviation import find_single_circles
from survey.results.analysis import WEIGHT
from survey.results.measures import measure_values
from survey.results.table_columns import round_figures
from survey.results.wave_parts import WaveData

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

_HALF_STEP = 0.05 + 1e-9
"""A published score has one decimal."""
STEPS_PER_SECOND = 20
"""Steps of a search, at each of which the solver asks whether to go on, that a core does."""
_SOLVED = highspy.HighsModelStatus.kOptimal
_IMPOSSIBLE = (
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)


@dataclass(frozen=True, eq=False)
class LabelPuzzle:
    """Knowledge that a file and published tables give of one blanked variable in one city.

    `n` and `means` are by label and indicator, null where nothing is published.
    """

    answers: Floats
    """By row of the file and indicator, 0–100; null where there is none."""
    labels: Numbers
    """By row: the place of its label; -1 where it was blanked."""
    weights: Floats
    """By row and label: the weight that a row of this label had in the table."""
    n: Floats
    means: Floats
    n_everyone: Floats
    left_out: int
    """Interviews of the city that the file lacks."""
    everywhere: Floats
    """By label: how many people of the whole wave have it, which is published."""
    circles: Numbers
    """By row: those that exchanged answers share a number; -1 where a row has its own."""

    @cached_property
    def known(self) -> Flags:
        """Return by row whether its label is shown and its answers were not exchanged."""
        return (self.labels >= 0) & (self.circles < 0)

    @cached_property
    def blanked(self) -> Numbers:
        return np.flatnonzero(self.labels < 0)

    @cached_property
    def has_answer(self) -> Flags:
        return ~np.isnan(self.answers)

    @cached_property
    def shares(self) -> Floats:
        """Return each label's share among the blanked rows, estimated from published counts.

        What is published of the city, less what carries its label in the file. Labels without a
        published count divide the rest as the whole wave does.
        """
        counts = np.nanmax(np.where(np.isnan(self.n), -1.0, self.n), axis=1)
        everyone = len(self.labels) + self.left_out
        unknown = counts < 0
        rest = max(0.0, everyone - counts[~unknown].sum())
        counts[unknown] = rest * self.everywhere[unknown] / max(1.0, self.everywhere[unknown].sum())
        seen = np.bincount(self.labels[self.labels >= 0], minlength=len(counts))
        left = np.maximum(counts * len(self.labels) / everyone - seen, 0.1)
        shares: Floats = left / left.sum()
        return shares


@dataclass(frozen=True, eq=False)
class AttackResult:
    """Guessed labels of blanked rows, and whether each is proved; in the order of the rows."""

    guesses: Numbers
    proved: Flags
    settled: Flags
    """Rows of which it is known whether their label is proved; the search ended before others."""
    steps: int


class _Model:
    """Integer program to find the blanked labels that agree with all published figures."""

    def __init__(self, puzzle: LabelPuzzle) -> None:
        self.puzzle = puzzle
        self.low: list[float] = []
        self.high: list[float] = []
        self.integers: list[int] = []
        self.sides: list[tuple[float, float]] = []
        self.starts: list[int] = [0]
        self.index: list[Numbers] = []
        self.value: list[Floats] = []
        self.cost: dict[int, float] = {}
        self.steps = self.last_step = 0
        rows, count = len(puzzle.blanked), len(puzzle.shares)
        self.choice = self._add_choices(rows, count)
        self.outside = [self._add(0, puzzle.left_out, is_integer=True) for _ in range(count)]
        self.moved = np.flatnonzero(~puzzle.known)
        """Rows whose answers may be of any label."""
        self.owner = self._add_owners(count)
        self._require(puzzle.left_out, puzzle.left_out, self.outside, 1.0)
        for indicator in range(puzzle.answers.shape[1]):
            self._add_indicator(indicator)
        prior = -np.log(puzzle.shares)
        self.cost |= {
            int(column): float(prior[label])
            for row in self.choice
            for label, column in enumerate(row)
        }

    def _add(self, low: float, high: float, *, is_integer: bool = False) -> int:
        self.low.append(low)
        self.high.append(high)
        if is_integer:
            self.integers.append(len(self.low) - 1)
        return len(self.low) - 1

    def _add_choices(self, rows: int, count: int) -> Numbers:
        choices = [[self._add(0, 1, is_integer=True) for _ in range(count)] for _ in range(rows)]
        placed = np.array(choices, dtype=np.int64).reshape(rows, count)
        for row in placed:
            self._require(1, 1, row, 1.0)
        return placed

    def _add_owners(self, count: int) -> Numbers:
        """Add unknowns: the label of the person whose answers a moved row has; return indices."""
        puzzle = self.puzzle
        in_circle = puzzle.circles[self.moved] >= 0
        owner = np.empty((len(self.moved), count), dtype=np.int64)
        owner[in_circle] = self._add_choices(int(in_circle.sum()), count)
        place = {row: number for number, row in enumerate(puzzle.blanked.tolist())}
        own = [place[row] for row in self.moved[~in_circle].tolist()]
        owner[~in_circle] = self.choice[own]
        for circle in np.unique(puzzle.circles[puzzle.circles >= 0]).tolist():
            members = puzzle.circles == circle
            people = [place[row] for row in np.flatnonzero(members & (puzzle.labels < 0)).tolist()]
            for label in range(count):
                given = owner[members[self.moved], label]
                seen = int((members & (puzzle.labels == label)).sum())
                columns = [*given, *self.choice[people, label]]
                self._require(seen, seen, columns, [*np.ones(len(given)), *-np.ones(len(people))])
        return owner

    def _require(self, low: float, high: float, columns: object, values: object) -> None:
        places = np.asarray(columns, dtype=np.int64)
        self.index.append(places)
        self.value.append(np.broadcast_to(np.asarray(values, dtype=float), places.shape))
        self.starts.append(self.starts[-1] + len(places))
        self.sides.append((low, high))

    def _add_indicator(self, indicator: int) -> None:
        """Add constraints: the indicator's published n and mean by label, and its total n."""
        puzzle, many = self.puzzle, highspy.kHighsInf
        counts = []
        answered = puzzle.has_answer[:, indicator]
        asked = np.flatnonzero(answered[self.moved])
        spread = float(np.nanstd(puzzle.answers[:, indicator])) if answered.any() else 0.0
        for label, outside in enumerate(self.outside):
            count = self._add(0, puzzle.left_out)
            counts.append(count)
            self._require(-many, 0, [count, outside], [1, -1])
            choices = self.owner[asked, label]
            n, mean = puzzle.n[label, indicator], puzzle.means[label, indicator]
            if np.isnan(n) or np.isnan(mean):
                continue
            known = answered & puzzle.known & (puzzle.labels == label)
            rest = n - known.sum()
            self._require(rest, rest, [count, *choices], 1.0)
            weights = puzzle.weights[:, label]
            least, most = weights.min(), weights.max()
            bound = most * (puzzle.left_out + 1)
            weight, total = self._add(0, bound), self._add(0, 100 * bound)
            self._require(0, many, [weight, count], [1, -least])
            self._require(-many, 0, [weight, count], [1, -most])
            self._require(-many, 0, [total, weight], [1, -100])
            ours = weights[self.moved[asked]]
            theirs = puzzle.answers[self.moved[asked], indicator]
            summed = weights[known].sum()
            scored = (weights[known] * puzzle.answers[known, indicator]).sum()
            for edge, low, high in (
                (mean + _HALF_STEP, -many, 0.0),
                (mean - _HALF_STEP, 0.0, many),
            ):
                side = edge * summed - scored
                columns = [total, weight, *choices]
                values = [1.0, -edge, *(ours * (theirs - edge))]
                self._require(low + side, high + side, columns, values)
            # Those left out answered about as the others of their group did.
            above, below = self._add(0, 100 * bound), self._add(0, 100 * bound)
            self._require(0, 0, [total, weight, above, below], [1, -mean, -1, 1])
            usual = weights.mean() * max(spread, 1.0) * max(1.0, rest) ** 0.5
            self.cost |= {above: 1.4 / usual, below: 1.4 / usual}
        missing = puzzle.n_everyone[indicator] - answered.sum()
        if not np.isnan(missing):
            self._require(missing, missing, counts, 1.0)

    def build_solver(self, *, whole: bool) -> highspy.Highs:
        """Return a solver of the model, with integer labels if `whole`, else with fractions."""
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.low), len(self.sides)
        model.col_lower_, model.col_upper_ = np.array(self.low), np.array(self.high)
        model.col_cost_ = np.zeros(len(self.low))
        model.row_lower_ = np.array([low for low, _ in self.sides], dtype=float)
        model.row_upper_ = np.array([high for _, high in self.sides], dtype=float)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.array(self.starts, dtype=np.int32)
        model.a_matrix_.index_ = np.concatenate(self.index).astype(np.int32)
        model.a_matrix_.value_ = np.concatenate(self.value)
        if whole:
            kinds = [highspy.HighsVarType.kContinuous] * len(self.low)
            for column in self.integers:
                kinds[column] = highspy.HighsVarType.kInteger
            model.integrality_ = kinds
        suppress_banner()
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, setting in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
            solver.setOptionValue(option, setting)
        solver.passModel(model)
        solver.cbMipInterrupt.subscribe(self._count_step)
        return solver

    def _count_step(self, event: Any) -> None:
        self.steps += 1
        if self.steps >= self.last_step:
            event.interrupt()

    def solve(
        self, solver: highspy.Highs, cost: dict[int, float]
    ) -> tuple[highspy.HighsModelStatus, Floats | None]:
        """Minimise a cost; return status and, by row, shares of labels (None if infeasible)."""
        costs = np.zeros(len(self.low))
        costs[list(cost)] = list(cost.values())
        solver.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)
        solver.run()
        status, solution = solver.getModelStatus(), solver.getSolution()
        if not solution.value_valid or status in _IMPOSSIBLE:
            return status, None
        return status, np.array(solution.col_value)[self.choice]


def attack_labels(puzzle: LabelPuzzle, steps: int) -> AttackResult:
    """Guess blanked labels and find which are proved, in at most `steps` steps of the solver.

    Args:
        steps: after which the search ends, whatever it has found; half of them for the guesses.
    """
    rows = len(puzzle.blanked)
    model = _Model(puzzle)
    guesses = np.full(rows, puzzle.shares.argmax())
    proved, settled = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    _, found = model.solve(model.build_solver(whole=False), model.cost)
    if found is None:
        return AttackResult(guesses, proved, settled, model.steps)
    guesses = _guess(puzzle, found)
    whole = model.build_solver(whole=True)
    model.last_step = steps // 2
    _, found = model.solve(whole, model.cost)
    if found is None:
        return AttackResult(guesses, proved, settled, model.steps)
    guesses, first = _guess(puzzle, found), found.argmax(axis=1)
    model.last_step = steps
    # Ask for as many other labels as possible, until none can be another one.
    while not settled.all() and model.steps < steps:
        cost = {int(model.choice[row, first[row]]): 1.0 for row in np.flatnonzero(~settled)}
        status, found = model.solve(whole, cost)
        if found is None:
            break
        moved = ~settled & (found.argmax(axis=1) != first)
        if not moved.any():
            if status == _SOLVED:
                proved, settled = ~settled, np.ones(rows, dtype=bool)
            break
        settled |= moved
    return AttackResult(guesses, proved, settled, model.steps)


def _guess(puzzle: LabelPuzzle, belongs: Floats) -> Numbers:
    """Return each blanked row's likeliest label by shares `belongs`, summed over its circle."""
    circles = puzzle.circles[puzzle.blanked]
    summed = belongs.copy()
    for circle in np.unique(circles[circles >= 0]).tolist():
        summed[circles == circle] = belongs[circles == circle].sum(axis=0)
    return np.asarray(summed.argmax(axis=1), dtype=np.int64)


CHECK_STEPS = 5 * STEPS_PER_SECOND
"""For all rows of a part that have to be attacked."""


@dataclass(frozen=True)
class RowCheck:
    """Numbers of blanked and of checked labels, and the cities in which a label is proved."""

    blanked: int
    covered: int
    proved: frozenset[str]


def check_rows(
    data: WaveData, people: pd.DataFrame, made: DeidentifiedRows, steps: int = CHECK_STEPS
) -> RowCheck:
    """Attack rows `made` of `people` with published tables; count blanked, checked, proved labels.

    Args:
        people: all interviews of the cities, with those that the file leaves out.
    """
    blanked, covered, proved = 0, 0, set()
    for name, blank in made.blanks.items():
        true = made.true_labels[name]
        is_single = blank & find_single_circles(made.circles, encode(true)[0], blank)
        is_single |= blank & (made.circles < 0)
        blanked += int(blank.sum())
        covered += int((blank & ~is_single).sum())
        cities = made.kept["city_code"].astype(str).to_numpy()
        for city in np.unique(cities[is_single]).tolist():
            wanted = is_single & (cities == city)
            inside = (people["city_code"].astype(str) == city).to_numpy()
            if people.loc[inside, name].dropna().nunique() < 2:
                covered += int(wanted.sum())  # the table alone tells it, without any row
                continue
            if steps <= 0:
                continue
            puzzle = build_puzzle(data, people[inside], made, name, city)
            result = attack_labels(puzzle, steps)
            steps -= 1 + result.steps
            looked_at = wanted[np.flatnonzero(cities == city)[puzzle.blanked]]
            covered += int((result.settled & looked_at).sum())
            if (result.proved & looked_at).any():
                proved.add(city)
    return RowCheck(blanked, covered, frozenset(proved))


def build_puzzle(
    data: WaveData, people: pd.DataFrame, made: DeidentifiedRows, name: str, city: str
) -> LabelPuzzle:
    """Return what file `made` and tables reveal of blanked answers to question `name` in one city.

    Everything is taken as published that ten people or more are behind.
    """
    people = people[people[name].notna()]
    codes, distinct = encode(people[name])
    labels: Numbers = codes.astype(np.int64)
    answers = np.column_stack(list(_iterate_answers(data, people)))
    weights = people[WEIGHT].to_numpy(dtype=float) / people[WEIGHT].mean()
    n, means = _count_published(answers, weights, labels, len(distinct))
    inside = (made.kept["city_code"].astype(str) == city).to_numpy()
    inside = inside & made.true_labels[name].notna().to_numpy()
    rows = pd.Index(people["response_id"]).get_indexer(made.kept.loc[inside, "response_id"])
    blank = made.blanks[name][inside]
    others = [column for column in data.report.margin if column != name]
    by_label = _find_weights(people, weights, labels, len(distinct), others)
    return LabelPuzzle(
        answers[rows],
        np.where(blank, -1, labels[rows]),
        by_label[rows],
        n,
        means,
        (~np.isnan(answers)).sum(axis=0).astype(float),
        len(people) - len(rows),
        np.asarray(data.people[name].value_counts().reindex(distinct), dtype=np.float64),
        made.circles[inside],
    )


def _iterate_answers(data: WaveData, people: pd.DataFrame) -> Iterator[Floats]:
    """Yield for each rated item, and each rate, people's values on 0 to 100; NaN if missing."""
    for column in data.plan.tree.item_columns:
        item = data.instrument.by_name[column]
        values = people[column].to_numpy(dtype=float, na_value=np.nan)
        low, high = float(item.minimum or 0), float(item.maximum or 10)
        yield np.where(values < low, np.nan, (values - low) / (high - low) * 100)
    for measure in data.rates:
        if measure.choices:
            yield measure_values(measure, data.instrument.by_name[measure.item], people)


def _count_published(
    answers: Floats, weights: Floats, labels: Numbers, count: int
) -> tuple[Floats, Floats]:
    """Return n and rounded means by label (0 to `count` - 1) and indicator; NaN where n < 10."""
    n = np.full((count, answers.shape[1]), np.nan)
    means = n.copy()
    for label in range(count):
        mine, weight = answers[labels == label], weights[labels == label]
        has_answer = ~np.isnan(mine)
        size = has_answer.sum(axis=0)
        shown = size >= MINIMUM_N
        total = (weight[:, None] * has_answer).sum(axis=0)
        scored = np.nansum(weight[:, None] * mine, axis=0)
        n[label, shown] = size[shown]
        means[label, shown] = round_figures(scored[shown] / total[shown])
    return n, means


def _find_weights(
    people: pd.DataFrame, weights: Floats, labels: Numbers, count: int, others: Sequence[str]
) -> Floats:
    """Return rows' weights under `count` labels: the mean of those alike in `others`, or own."""
    own = np.repeat(weights[:, None], count, axis=1)
    if not others:
        return own
    cell, _ = pd.MultiIndex.from_frame(people[list(others)].astype(str)).factorize()
    for label in range(count):
        is_label: Flags = labels == label
        sums = np.bincount(cell[is_label], weights[is_label], cell.max() + 1)
        sizes = np.bincount(cell[is_label], minlength=cell.max() + 1)
        known = sizes[cell] > 0
        own[known, label] = sums[cell[known]] / sizes[cell[known]]
    return own
