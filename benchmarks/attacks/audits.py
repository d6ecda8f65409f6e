"""Time of the whole audit of frozen waves, against one over every equation between their counts.

    python -m benchmarks.attacks audits --data-dir data/demo elderly-2024 [--bases 5]

Both must find the same counts known too closely, between the same bounds.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, eye_array, lil_array

from survey.disclosure import MINIMUM_N, IntervalAuditor
from survey.disclosure.count_bounds import CountEquations, CountModel, SliceAudit
from survey.disclosure.suppression import Flags, Floats, Relation
from survey.results.snapshots import get_shown_snapshot
from survey.results.whole_audits import AuditedCells
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope


def list_every_equation(known: Floats, relations: Sequence[Relation]) -> CountEquations:
    """Return all equations of a slice, each hidden count an unknown of its own."""
    places = np.arange(known.size).reshape(known.shape)
    columns = [
        column
        for relation in relations
        for column in np.moveaxis(places, relation.axis, 0)[relation.members]
        .reshape(len(relation.members), -1)
        .T
    ]
    matrix = lil_array((len(columns), known.size))
    for row, column in enumerate(columns):
        matrix[row, column] = -1.0
        matrix[row, column[0]] = 1.0
    hidden = np.isnan(known.ravel())
    every = csr_array(matrix)
    unknown = csr_array(every[:, hidden])
    sides = -(every @ np.where(hidden, 0.0, known.ravel()))
    telling = np.diff(unknown.indptr) > 0
    size = int(hidden.sum())
    return CountEquations(
        unknown[telling], sides[telling], eye_array(size, format="csr"), np.zeros(size)
    )


class Comparison(IntervalAuditor):
    """Auditor that audits slices twice, over few equations and over all."""

    def __init__(self, bases: int) -> None:
        super().__init__()
        self.left, self.seconds = bases, [0.0, 0.0]

    def _audit_slice(
        self, number: int, known: Floats, target: Flags, relations: Sequence[Relation]
    ) -> SliceAudit | None:
        if not self.left or not target.any():
            return None
        self.left -= 1
        audits = []
        for way, list_equations in enumerate((CountEquations.of, list_every_equation)):
            started = time.process_time()
            model = CountModel.of(known, relations, list_equations(known, relations))
            audits.append(model.audit(target, MINIMUM_N, np.random.default_rng(number)))
            self.seconds[way] += time.process_time() - started
        if audits[0] != audits[1]:
            raise SystemExit(f"base {number}: the audits differ")
        self._audits[number] = b"", audits[0]
        return audits[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time whole audits of frozen waves.")
    parser.add_argument("waves", nargs="+", help="keys of waves, for example main-2024")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the SQLite store")
    parser.add_argument("--bases", type=int, default=-1, help="so many of each wave; -1: all")
    given = parser.parse_args()
    settings = Settings(database_url="", data_dir=given.data_dir)
    for key in given.waves:
        with read_scope(settings.store_url, long_running=True) as session:
            wave, snapshot = get_shown_snapshot(session, key)
            comparison = Comparison(given.bases)
            narrow = AuditedCells.read(settings, session, wave, snapshot).audit(comparison)
        few, every = comparison.seconds
        print(
            f"{key}: {comparison.audited:,} of {comparison.hidden:,} hidden counts, "
            f"{len(narrow)} known too closely; {few:.1f} s of CPU, over every equation "
            f"{every:.1f} s; ratio {every / few:.1f}"
        )
    dispose_engines()
