"""A wave in parts: its interviews are read once, and looked at twice.

The first look counts what is usual in the wave. The second needs that of the whole wave, so the
parts wait for it on disk, as arrays.
"""

import os
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedRandom
from tempfile import TemporaryFile
from uuid import UUID

from sqlmodel import Session

from survey.fieldwork.quality.response_arrays import ResponseArrays, build_response_arrays
from survey.fieldwork.quality.stored_interviews import count_stored_interviews, stored_interviews
from survey.fieldwork.quality.wave_norms import PartCounts, WaveNorms
from survey.instrument.model import Instrument
from survey.settings import current_settings
from survey.store.engine import expect_every_row

MIN_PART_INTERVIEWS = 4_000
"""Cities are put together until they have so many: small parts cost calls and save no memory."""


@dataclass(frozen=True)
class WavePart:
    """All finished interviews of some cities."""

    cities: tuple[str, ...]
    interviews: ResponseArrays


class WaveParts:
    """Parts of a wave in a fixed order, with the norms of the whole; to be closed after use."""

    def __init__(self, norms: WaveNorms, count: int, file: BufferedRandom) -> None:
        self.norms = norms
        self._count = count
        self._file = file

    def __enter__(self) -> "WaveParts":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[WavePart]:
        self._file.seek(0)
        for _ in range(self._count):
            yield pickle.load(self._file)


def read_wave_parts(session: Session, wave_id: UUID, instrument: Instrument) -> WaveParts:
    """Read the finished interviews of a wave city by city and count what is usual in it."""
    expect_every_row(session)
    groups = group_cities(count_stored_interviews(session, wave_id))
    file = _open_nameless_file()

    def count_parts() -> Iterator[PartCounts]:
        for cities in groups:
            rows = stored_interviews(session, wave_id, cities)
            part = WavePart(cities, build_response_arrays(rows, instrument))
            pickle.dump(part, file, protocol=pickle.HIGHEST_PROTOCOL)
            yield PartCounts.of(part.interviews)

    return WaveParts(WaveNorms.of(count_parts()), len(groups), file)


def group_cities(counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return groups of cities in the order given; at least one, empty where there is no city."""
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


def _open_nameless_file() -> BufferedRandom:
    """Open a file that no one else can open, beside the store: elsewhere it might lie in memory."""
    folder = current_settings().data_dir
    return TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None)
