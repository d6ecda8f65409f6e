"""Attack on the tables of frozen waves: hidden counts that linear programming gives back.

    python -m benchmarks.attacks tables --data-dir data/demo main-2024 elderly-2024 [--seconds 60]

The attacker reads the published cells, knows which of them add up (docs/disclosure.md), and that
rates of one question have one n: where any of them is shown, the n of all is known. Everything else
is one linear programme a question (HiGHS). What it gives back is compared with the true counts.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.arguments import parse_arguments
from survey.disclosure import (
    CELL_KEYS,
    MINIMUM_N,
    AdditiveTotal,
    IntervalAuditor,
    audit_published,
    narrow_keys,
)
from survey.results.disclosure_inputs import declare_totals
from survey.results.domain_counts import count_wave
from survey.results.snapshots import CELLS, get_shown_snapshot
from survey.results.tables import audit_work_limit
from survey.results.wave_parts import WaveParts
from survey.results.wave_snapshots import open_wave
from survey.settings import Settings, current_settings
from survey.snapshots.seals import open_seals
from survey.store.engine import dispose_engines, read_scope

AREA = ["area_level", "area"]


@dataclass(frozen=True)
class TableAttack:
    """What an attack on the rates of one question, or on all questions, found."""

    question: str
    hidden: int
    """Areas and groups in which no rate of it is shown, with respondents."""
    searched: int
    exact: int
    """Hidden counts that are solved exactly."""
    exact_few: int
    """Of these, counts of 1 to 9 people."""
    narrow: int
    """Hidden counts known to within fewer than 10 people, exact ones among them."""
    wrong: int
    """Intervals that do not hold the true count."""
    beside_shown: int
    """Hidden rates beside a shown one of their question that asks for as many respondents: few
    people stand on a side."""


def attack_questions(
    cells: pd.DataFrame,
    n: np.ndarray,
    totals: Sequence[AdditiveTotal],
    question_of: Mapping[str, tuple[str, int]],
    work: int | None = None,
) -> Iterator[TableAttack]:
    """Attack the published cells of a wave, question by question.

    Args:
        cells: `CELL_KEYS`, `shown`, and `n` where it is shown.
        n: the true counts, with which the attack is judged.
        question_of: indicator -> its question, and how many respondents it asks for.
        work: of linear programming, for all questions; None: no limit.
    """
    cells = cells[[*CELL_KEYS, "shown", "n"]].assign(true=n)
    cells["indicator"] = cells["indicator"].astype(str)
    adding = [total for total in totals if not total.mixture]
    for question in dict.fromkeys(item for item, _ in question_of.values()):
        rates = [name for name, (own, _) in question_of.items() if own == question]
        rows = cells[cells["indicator"].isin(rates)]
        joined = rows.groupby([*AREA, "group"], observed=True, sort=False)
        table = joined.agg(shown=("shown", "max"), n=("n", "max"), true=("true", "max"))
        table = table.reset_index().assign(indicator=question)
        auditor = IntervalAuditor(work=work)
        audit_published(
            table, table["true"].to_numpy(), by=CELL_KEYS, totals=adding, auditor=auditor
        )
        work = None if work is None else max(work - round(auditor.done), 0)
        keys = narrow_keys(table, CELL_KEYS, adding, auditor)
        true = dict(zip(_list_keys(table), table["true"].tolist(), strict=True))
        found = [
            (cell.low, cell.high, true[key]) for key, cell in zip(keys, auditor.narrow, strict=True)
        ]
        exact = [count for low, high, count in found if low == high == count]
        least = rows["indicator"].map({name: least for name, (_, least) in question_of.items()})
        together = rows.groupby([*AREA, "group", least], observed=True, sort=False)["shown"]
        beside = together.transform("max").to_numpy(dtype=bool)
        yield TableAttack(
            question=question,
            hidden=auditor.hidden,
            searched=auditor.audited,
            exact=len(exact),
            exact_few=sum(count < MINIMUM_N for count in exact),
            narrow=len(found),
            wrong=sum(not low <= count <= high for low, high, count in found),
            beside_shown=int(np.sum(beside & ~rows["shown"].to_numpy())),
        )


def _list_keys(table: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(table[list(CELL_KEYS)].astype(str).itertuples(index=False, name=None))


def name_questions(source: WaveParts, indicators: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return indicator -> its question and the respondents it takes; one of the tree is its own."""
    known = {measure.key: (measure.item, measure.min_n) for measure in source.measures}
    return {name: known.get(name, (name, 1)) for name in indicators}


def count_truth(source: WaveParts, cells: pd.DataFrame) -> np.ndarray:
    """Return the respondents of every cell, which the attacker does not know."""
    areas, groups, indicators = (
        cells[keys].drop_duplicates().astype(str) for keys in (AREA, ["group"], ["indicator"])
    )
    who = count_wave(source, areas, groups["group"].tolist(), indicators["indicator"].tolist())
    return who.bases.spread(who.domains.counts())


def attack_wave(settings: Settings, wave_key: str, work: int | None) -> list[TableAttack]:
    """Attack the tables of a wave as readers see them."""
    with read_scope(settings.store_url, long_running=True) as session:
        wave, snapshot = get_shown_snapshot(session, wave_key)
        source = open_wave(session, wave, settings.snapshot_dir / snapshot.directory)
        seals = open_seals(settings, session, snapshot.directory)
        cells = pd.read_parquet(BytesIO(seals.read(CELLS)))
        indicators = cells["indicator"].astype(str).unique().tolist()
        questions = name_questions(source, indicators)
        truth = count_truth(source, cells)
        return list(attack_questions(cells, truth, declare_totals(source), questions, work))


def main() -> None:
    parser = argparse.ArgumentParser(description="Attack the tables of frozen waves.")
    parser.add_argument("waves", nargs="*", default=["main-2024"])
    parser.add_argument("--data-dir", type=Path, help="folder of another SQLite store")
    parser.add_argument("--seconds", type=float, default=0, help="of one core a wave; 0: no limit")
    given = parse_arguments(parser, seconds=1.0)
    settings = current_settings()
    if given.data_dir is not None:
        settings = Settings(database_url="", data_dir=given.data_dir)
    for wave in given.waves:
        found = pd.DataFrame(attack_wave(settings, wave, audit_work_limit(given.seconds)))
        telling = found[(found[["narrow", "wrong", "beside_shown"]] > 0).any(axis=1)]
        print(telling.to_string(index=False) if len(telling) else "no question tells anything")
        print(wave, found.drop(columns="question").sum().to_dict())
    dispose_engines()
