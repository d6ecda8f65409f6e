"""Every choice behind the figures of one snapshot, as the method page prints it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from survey.publish.results.measures import Measure
from survey.publish.results.weighting import WeightingReport


class Method(BaseModel):
    """Stored as `method.json` beside the cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    composite: str
    level: float
    lonely_psu: str
    assumed_deff: float | None
    """Used only where no sampling points were recorded."""
    minimum_n: int
    unreliable_below_n: int
    unreliable_below_df: int
    weighting: WeightingReport
    items: dict[str, str]
    """Scored item -> third-level indicator code."""
    measures: tuple[Measure, ...]
    groups: tuple[str, ...]
    code_version: str
