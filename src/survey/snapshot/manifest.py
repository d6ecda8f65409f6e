"""What a snapshot says about itself; a figure that names its snapshot can be traced to this."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class WithoutPoint(StrEnum):
    """What is done with interviews without a sampling point where others have one."""

    REFUSE = "refuse"
    STRATUM = "stratum"
    """They are a stratum of their own in each city, everybody a point."""


class WeightFile(BaseModel):
    """An imported file whose column gave interviews their weights.

    By its content: a file's name may name people, and the store forgets it after a while.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    column: str


class SnapshotManifest(BaseModel):
    """Stored as `manifest.json` beside the data; `responses_sha256` vouches for the data file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    wave: str
    series: str
    year: int
    title: dict[str, str]
    is_demo: bool
    final: bool
    composite: str
    instrument: str
    instrument_version: str
    instrument_sha256: str
    tree: str | None
    tree_sha256: str | None
    without_question: tuple[str, ...] = ()
    """Indicators of the tree that no question measures: the questionnaire declares that the others
    under their parent take their weight."""
    rows: int
    cities: int
    statuses: tuple[str, ...]
    """Which responses were taken in."""
    without_point: WithoutPoint = WithoutPoint.REFUSE
    """As whoever froze the wave chose."""
    groups: tuple[str, ...] = ()
    """Questions whose answers make further groups, as whoever froze the wave declared."""
    weights: Literal["raked", "given"] = "raked"
    """Made here, or brought along by the interviews."""
    weight_files: tuple[WeightFile, ...] = ()
    """Where given weights come from, in the order of the imports."""
    responses_sha256: str
    files: dict[str, str] | None = None
    """SHA-256 of every other file of the folder; none before files were sealed."""
    software: str
    frozen_at: datetime
