"""Burden on respondents: a median length, told only of enough interviews with a known length."""

from pathlib import Path

import pandas as pd

from survey.results.burden import InterviewBurden, measure_burden


def write(folder: Path, name: str, seconds: list[float | None]) -> None:
    pd.DataFrame({"duration_seconds": pd.array(seconds, dtype="float64")}).to_parquet(folder / name)


def test_the_median_counts_for_interviews_without_a_length_too(tmp_path: Path) -> None:
    # A form that was left open overnight, an import without lengths, a sheet of paper.
    write(tmp_path, "responses-11.parquet", [600.0] * 70 + [40_000.0])
    write(tmp_path, "responses-12.parquet", [0.0] * 20 + [None] * 9)
    write(tmp_path, "cells.parquet", [1.0])
    assert measure_burden(tmp_path) == InterviewBurden(10, round(600 * 100 / 3600), 0.71)


def test_too_few_lengths_or_no_readable_file_tell_nothing(tmp_path: Path) -> None:
    few, damaged = tmp_path / "few", tmp_path / "damaged"
    few.mkdir()
    damaged.mkdir()
    write(few, "responses.parquet", [600.0] * 9 + [None] * 100)
    (damaged / "responses.parquet").write_bytes(b"no interviews")
    assert measure_burden(few) is None
    assert measure_burden(damaged) is None
