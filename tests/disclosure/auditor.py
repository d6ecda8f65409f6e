"""What an attacker can conclude from a protected table: exact bounds by linear programming.

The attacker knows every shown count and score, every reason, which cells add up to which, and
that answers lie between 0 and 100. Unknown are the count and the sum of scores of each hidden
cell, and what the parts of an incomplete total leave.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from survey.disclosure import MINIMUM_N, AdditiveTotal

Key = tuple[str, ...]
_MANY = 10_000.0


class Auditor:
    """Bounds on what is hidden in `table`, which has the columns `by`, n, estimate and reason."""

    def __init__(
        self,
        table: pd.DataFrame,
        totals: Sequence[AdditiveTotal],
        by: Sequence[str],
        incomplete: Collection[AdditiveTotal],
    ) -> None:
        self._cells: Mapping[Key, Mapping[str, object]] = {
            tuple(str(cell[key]) for key in by): cell for cell in table.to_dict("records")
        }
        self.hidden = [key for key, cell in self._cells.items() if not cell["shown"]]
        self._place = {key: place for place, key in enumerate(self.hidden)}
        sides = [
            (*self._sides(members), total in incomplete)
            for total in totals
            for members in self._members(total, list(by))
        ]
        unknown = np.array([row for row, _, _, _ in sides])
        open_rows = np.flatnonzero([is_open for _, _, _, is_open in sides])
        rest = np.zeros((len(sides), len(open_rows)))
        rest[open_rows, range(len(open_rows))] = -1.0
        self._equal = csr_array(np.hstack([unknown, rest]))
        self._counts = np.array([n for _, n, _, _ in sides])
        self._sums = np.array([score for _, _, score, _ in sides])
        ranges = [_range(str(self._cells[key]["reason"])) for key in self.hidden]
        self._low, self._high = np.array(ranges + [(0.0, _MANY)] * len(open_rows)).T

    def _members(self, total: AdditiveTotal, by: Sequence[str]) -> Iterator[list[Key]]:
        """The whole and its parts, for every value of the other keys."""
        at = [by.index(name) for name in total.along]
        for key in self._cells:
            if tuple(key[place] for place in at) == total.whole:
                parts = [dict(zip(at, part, strict=True)) for part in total.parts]
                yield [key, *(tuple(p.get(i, k) for i, k in enumerate(key)) for p in parts)]

    def _sides(self, members: Sequence[Key]) -> tuple[np.ndarray, float, float]:
        """Whole less parts is nothing: coefficients of what is hidden, and what is shown."""
        row = np.zeros(len(self.hidden))
        n = score = 0.0
        for place, key in enumerate(members):
            sign = -1.0 if place else 1.0
            if self._cells[key]["shown"]:
                count = float(str(self._cells[key]["n"]))
                n -= sign * count
                score -= sign * count * float(str(self._cells[key]["estimate"]))
            else:
                row[self._place[key]] += sign
        return row, n, score

    def count_range(self, key: Key) -> tuple[int, int]:
        """Fewest and most respondents that a hidden cell can have."""
        cost = np.zeros(len(self._low))
        cost[self._place[key]] = 1.0
        ends = []
        for sign in (1.0, -1.0):
            solution = milp(
                sign * cost,
                integrality=np.ones(len(cost)),
                bounds=Bounds(self._low, self._high),
                constraints=LinearConstraint(self._equal, self._counts, self._counts),
            )
            assert solution.success, solution.message
            ends.append(round(sign * solution.fun))
        return ends[0], ends[1]

    def may_score(self, key: Key, score: float, *, above: bool) -> bool:
        """Whether the hidden cell may have a score of at least (at most) `score`."""
        m, place = len(self._low), self._place[key]
        cost = np.zeros(2 * m)
        sign = -1.0 if above else 1.0
        cost[m + place], cost[place] = sign, -sign * score
        nothing = csr_array(self._equal.shape)
        solution = linprog(
            cost,
            A_ub=hstack([-100.0 * csr_array(np.eye(m)), csr_array(np.eye(m))]),
            b_ub=np.zeros(m),
            A_eq=vstack([hstack([self._equal, nothing]), hstack([nothing, self._equal])]),
            b_eq=np.concatenate([self._counts, self._sums]),
            bounds=[*zip(self._low, self._high, strict=True), *[(0.0, None)] * m],
        )
        assert solution.success, solution.message
        return float(solution.fun) < 1e-6


def _range(reason: str) -> tuple[float, float]:
    """What a reason tells of the count."""
    if reason == "empty":
        return 0.0, 0.0
    if reason == "too_few":
        return 1.0, MINIMUM_N - 1.0
    return float(MINIMUM_N), _MANY
