"""A wave in parts: its interviews are read once, kept in a file, assessed part by part.

The first look counts what is usual in the wave. The second needs that of the whole wave, so the
parts wait for it on disk, as arrays.
"""

import math
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from uuid import UUID

import numpy as np
from sqlmodel import Session

from survey.locale import RefusedError, msg
from survey.questionnaire.model import Instrument
from survey.review.quality.answer_detectors import (
    flag_careless,
    flag_duplicates,
    flag_item_nonresponse,
    flag_speeding,
    flag_straightlining,
    relative_pace,
)
from survey.review.quality.fieldwork_detectors import (
    flag_bursts,
    flag_interview_hours,
    flag_over_quota,
    flag_reading_floor,
    flag_shared_devices,
    flag_wrong_points,
)
from survey.review.quality.flags import WEIGHTS, FlagSet
from survey.review.quality.response_arrays import (
    Floats,
    Ints,
    ResponseArrays,
    build_response_arrays,
    sum_by_row,
)
from survey.review.quality.stored_interviews import count_stored_interviews, stored_interviews
from survey.review.quality.wave_norms import PartCounts, WaveNorms
from survey.settings import current_settings
from survey.store.engine import expect_every_row

LOWEST, HIGHEST = 1.0, 10.0
"""Ends of a rating scale that declares none."""


@dataclass(frozen=True)
class QualityAssessment:
    """Flags of N interviews by kind, with risk, pace and mean score of each."""

    flags: tuple[FlagSet, ...]
    risk: Ints
    """0 to 100."""
    pace: Floats
    mean_score: Floats
    """Of the scored ratings, of all where the questionnaire scores none; 0 to 100, else NaN."""


def assess_part(interviews: ResponseArrays, norms: WaveNorms) -> QualityAssessment:
    """Return the flags, risk, pace and mean score that all detectors find for some cities."""
    pace = relative_pace(interviews, norms)
    flags = (
        flag_speeding(interviews, pace),
        flag_straightlining(interviews),
        flag_careless(interviews, norms),
        flag_duplicates(interviews),
        flag_interview_hours(interviews),
        flag_bursts(interviews, norms),
        flag_over_quota(interviews),
        flag_item_nonresponse(interviews),
        flag_shared_devices(interviews, norms),
        flag_wrong_points(interviews),
        flag_reading_floor(interviews),
    )
    return QualityAssessment(
        flags, risk_scores(flags, len(interviews)), pace, _compute_mean_scores(interviews)
    )


def risk_scores(flags: tuple[FlagSet, ...], count: int) -> Ints:
    """Return the score 100 x (1 - product of (1 - weight x strength)) of `count` interviews.

    Rounded, of shape (count,). Each flag is taken as an independent reason for doubt ("noisy or"):
    more flags never lower the score, and no number of weak ones reaches certainty.
    """
    trust = np.ones(count)
    for flag in flags:
        trust[flag.rows] *= 1 - WEIGHTS[flag.kind] * flag.strength
    return np.rint(100 * (1 - trust)).astype(np.int64)


def _compute_mean_scores(interviews: ResponseArrays) -> Floats:
    """Return each interview's mean, 0 to 100, of ratings with an indicator, else of all."""
    items = interviews.ratings
    scored = [column for column, item in enumerate(items) if item.indicator is not None]
    scored = scored or list(range(len(items)))
    lowest = np.array([_end(items[column].minimum, LOWEST) for column in scored])
    highest = np.array([_end(items[column].maximum, HIGHEST) for column in scored])
    given = (interviews.scores[:, scored] - lowest) / (highest - lowest)
    known = np.isfinite(given)
    total = sum_by_row(np.where(known, given, 0.0))
    count = known.sum(axis=1)
    return np.where(count > 0, 100 * total / np.maximum(count, 1), np.nan)


def _end(declared: float | None, usual: float) -> float:
    return usual if declared is None else declared


MIN_PART_INTERVIEWS = 4_000
"""Cities are put together until they have so many: small parts cost calls and save no memory."""

FREE_BYTES_PER_INTERVIEW = 2_048
"""Twice what an interview of the longest shipped questionnaire takes."""
_MEGABYTE = 10**6


@dataclass(frozen=True)
class WavePart:
    """Finished interviews of some whole cities of a wave, as arrays."""

    cities: tuple[str, ...]
    interviews: ResponseArrays


class QualityParts:
    """Context manager that iterates over a wave's parts (some cities each) and has its norms."""

    def __init__(self, norms: WaveNorms, count: int, file: BufferedRandom) -> None:
        self.norms = norms
        self._count = count
        self._file = file

    def __enter__(self) -> "QualityParts":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[WavePart]:
        self._file.seek(0)
        for _ in range(self._count):
            yield pickle.load(self._file)


def read_wave_parts(session: Session, wave_id: UUID, instrument: Instrument) -> QualityParts:
    """Write a wave's finished interviews to a file, in parts of some cities; count its norms.

    Raises:
        RefusedError: the disk has too little room for the parts, or cannot be written.
    """
    expect_every_row(session)
    counts = count_stored_interviews(session, wave_id)
    groups = group_cities(counts)
    folder = _choose_folder()
    with _reporting_unwritten(folder):
        _require_free_space(folder, sum(counts.values()))
        file = _open_nameless_file(folder)

    def count_parts() -> Iterator[PartCounts]:
        for cities in groups:
            rows = stored_interviews(session, wave_id, cities)
            part = WavePart(cities, build_response_arrays(rows, instrument))
            with _reporting_unwritten(folder):
                pickle.dump(part, file, protocol=pickle.HIGHEST_PROTOCOL)
                file.flush()
            yield PartCounts.of(part.interviews)

    try:
        norms = WaveNorms.of(count_parts())
    except BaseException:
        # What is not on the disk yet is written once more, and fails once more.
        with suppress(OSError):
            file.close()
        raise
    return QualityParts(norms, len(groups), file)


def group_cities(counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Group consecutive cities until each group has enough interviews; `[()]` without any city."""
    groups: list[tuple[str, ...]] = []
    group: list[str] = []
    interviews = 0
    for city, count in counts.items():
        group.append(city)
        interviews += count
        if interviews >= MIN_PART_INTERVIEWS:
            groups.append(tuple(group))
            group, interviews = [], 0
    return [*groups, tuple(group)] if group or not groups else groups


def _choose_folder() -> Path:
    """Return the folder for the file of parts: the data folder if writable, else the system's."""
    folder = current_settings().data_dir
    return folder if os.access(folder, os.W_OK) else Path(gettempdir())


def _open_nameless_file(folder: Path) -> BufferedRandom:
    """Open a temporary file without a name, which no other process can open."""
    return TemporaryFile(dir=folder)


def _require_free_space(folder: Path, interviews: int) -> None:
    """Raise `RefusedError` if the disk of `folder` has too little room for that many interviews."""
    free, needed = shutil.disk_usage(folder).free, interviews * FREE_BYTES_PER_INTERVIEW
    if free < needed:
        raise RefusedError(
            "parts_not_written",
            msg(
                "Quality cannot be assessed: {count} interviews need {needed} MB in {folder} "
                "for a while, and {free} MB are free. Remove old files, or give it a larger disk.",
                count=interviews,
                needed=math.ceil(needed / _MEGABYTE),
                folder=folder,
                free=free // _MEGABYTE,
            ),
        )


@contextmanager
def _reporting_unwritten(folder: Path) -> Iterator[None]:
    """Raise `RefusedError` in place of an `OSError`, with the folder and the reason in words."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            "parts_not_written",
            msg(
                "Quality cannot be assessed: nothing can be written in {folder} ({reason}).",
                folder=folder,
                reason=error.strerror or str(error),
            ),
        ) from error
