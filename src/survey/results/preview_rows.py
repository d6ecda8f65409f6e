"""Interviews that a freeze is tried on: in memory, or file by file where there are many."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from survey.results.response_source import ResponseSource
from survey.results.wave_data import WaveData
from survey.results.wave_parts import WaveParts
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import MAX_ROWS_IN_MEMORY, forgetting_parts, open_files
from survey.settings import Settings
from survey.snapshot.response_files import ResponseFile, join_files, plan_files
from survey.snapshot.snapshot_files import snapshot_draft, write_responses


@dataclass(frozen=True, eq=False)
class LoadedRows:
    """Interviews in memory."""

    frame: pd.DataFrame

    @property
    def count(self) -> int:
        """Number of interviews."""
        return len(self.frame)

    def weigh(self, rules: WaveRules) -> WaveParts:
        """Return the wave with weights; errors as `WaveData.weigh`."""
        return WaveParts.of_loaded(WaveData.weigh(self.frame, rules))

    def without(self, cities: Collection[str]) -> "LoadedRows":
        """Return the interviews of the other cities."""
        return LoadedRows(_drop_cities(self.frame, cities))


@dataclass(frozen=True, eq=False)
class FiledRows:
    """Interviews in files of whole cities, of which one at a time is in memory."""

    folder: Path
    files: tuple[ResponseFile, ...]

    @property
    def count(self) -> int:
        """Number of interviews."""
        return sum(file.rows for file in self.files)

    def weigh(self, rules: WaveRules) -> WaveParts:
        """Return the wave with weights; errors as `WaveData.weigh`."""
        return open_files(self.folder, self.files, rules)

    def without(self, cities: Collection[str]) -> "FiledRows":
        """Return the interviews of the other cities; files that had others are written anew."""
        files = []
        for file in self.files:
            frame = join_files([self.folder / file.name])
            kept = _drop_cities(frame, cities)
            if len(kept) == len(frame):
                files.append(file)
            elif len(kept):
                files.append(write_responses(self.folder, f"other-{file.name}", kept))
        return FiledRows(self.folder, tuple(files))


@contextmanager
def read_preview_rows(
    settings: Settings, wave_key: str, responses: ResponseSource
) -> Iterator[LoadedRows | FiledRows]:
    """Read the interviews; files of theirs go with the block."""
    if responses.rows <= MAX_ROWS_IN_MEMORY:
        yield LoadedRows(responses.read(responses.rows_of_city))
        return
    with snapshot_draft(settings.snapshot_dir, wave_key) as folder, forgetting_parts():
        planned = plan_files(responses.rows_of_city)
        files = (
            write_responses(folder, name, responses.read(cities))
            for name, cities in planned.items()
        )
        yield FiledRows(folder, tuple(files))


def _drop_cities(frame: pd.DataFrame, cities: Collection[str]) -> pd.DataFrame:
    others: pd.DataFrame = frame[~frame["city_code"].isin(list(cities))].reset_index(drop=True)
    return others
