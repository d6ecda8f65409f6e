"""Precision and recall of the quality detectors on a demo wave, whose bad interviews are known.

    python -m benchmarks.quality [--wave main-2024] [--size 1] [--seed 2024]

Builds the wave in a SQLite store of its own, runs `assess_wave` there (its time is printed), and
compares what it stored with what the generator planted. The thresholds were set on main-2023.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from sqlmodel import Session, select

from benchmarks.arguments import parse_arguments
from survey.access.work import Work
from survey.settings import PROJECT_ROOT, current_settings

sys.path.insert(0, str(PROJECT_ROOT))

from benchmarks.quality.detection import (
    Strengths,
    kinds_by_id,
    measure_by_kind,
    measure_risk_detection,
)
from seed.demo import build, generate_wave
from seed.demo.bad_interviews import MOBILISED_CITY
from survey.access.principal import OPERATOR
from survey.review.quality.assessment import assess_wave
from survey.review.quality.flags import MIN_REVIEW_RISK, FlagKind
from survey.review.quality.summary import summarise_quality
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import ResponseFlag, ResponseRisk


def read_assessments(
    session: Session, kinds: Mapping[str, str]
) -> tuple[Strengths, npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Strengths by kind, risk and planted kind of every assessed interview."""
    risks = session.exec(select(ResponseRisk.response_id, ResponseRisk.score)).all()
    row = {response: at for at, (response, _) in enumerate(risks)}
    strength = {kind: np.zeros(len(row)) for kind in FlagKind}
    flags = select(ResponseFlag.response_id, ResponseFlag.kind, ResponseFlag.strength)
    for response, kind, value in session.exec(flags):
        strength[FlagKind(kind)][row[response]] = value
    planted = np.array([kinds[str(response)] for response, _ in risks])
    return strength, np.array([score for _, score in risks]), planted


def print_timing(what: str, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {wall:.1f} s, {cpu:.1f} s of CPU")


def report(url: str, wave: str, kinds: Mapping[str, str]) -> None:
    with read_scope(url) as session:
        strength, risk, planted = read_assessments(session, kinds)
        cities = summarise_quality(
            Work(session, OPERATOR, datetime.now(UTC), current_settings()), wave_key=wave, by="city"
        )
    print("\nflags of at least half strength")
    print("kind             flagged  recall  precision  false alarms")
    for kind_result in measure_by_kind(strength, planted):
        recall, precision = (
            f"{share:.1%}" if share is not None else "–"
            for share in (kind_result.recall, kind_result.precision)
        )
        print(
            f"{kind_result.kind:15} {kind_result.flagged:8,} {recall:>7} {precision:>10}"
            f" {kind_result.false_alarms:13.2%}"
        )
    result = measure_risk_detection(risk, planted, MIN_REVIEW_RISK)
    print(f"\nrisk of at least {MIN_REVIEW_RISK}")
    for sort, share in result.caught.items():
        print(f"  planted {sort:15} caught {share:6.1%}")
    print(f"  false alarms on good ones   {result.false_alarms:6.2%}")
    print(f"  precision                   {result.precision:6.1%}")
    named = [row.key for row in cities if row.has_mobilisation_pattern]
    print(f"  cities named as mobilised: {', '.join(named) or 'none'} (planted: {MOBILISED_CITY})")


def main() -> None:
    parser = argparse.ArgumentParser(description="Detectors against planted bad interviews.")
    parser.add_argument("--wave", default="main-2024")
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=2024)
    chosen = parse_arguments(parser, size=0.01)
    with tempfile.TemporaryDirectory(prefix="survey-quality-") as folder:
        url = f"sqlite:///{folder}/survey.db"
        build(url, waves=(chosen.wave,), size=chosen.size, seed=chosen.seed)

        def assess() -> None:
            with session_scope(url) as session:
                assessed = assess_wave(
                    Work(session, OPERATOR, datetime.now(UTC), current_settings()),
                    wave_key=chosen.wave,
                )
            print(f"{chosen.wave}: {assessed.interviews:,} interviews")

        print_timing("assess_wave", assess)
        with read_scope(url) as session:
            print_timing(
                "quality_by surveyor",
                lambda: summarise_quality(
                    Work(session, OPERATOR, datetime.now(UTC), current_settings()),
                    wave_key=chosen.wave,
                ),
            )
            valid = summarise_quality(
                Work(session, OPERATOR, datetime.now(UTC), current_settings()),
                wave_key=chosen.wave,
                by="wave",
            )[0].valid
        wave = generate_wave(chosen.wave, n=valid, seed=chosen.seed)
        report(url, chosen.wave, kinds_by_id(wave))
        dispose_engines()


if __name__ == "__main__":
    main()
