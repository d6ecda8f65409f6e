"""Record of every choice behind the figures of one snapshot, shown on the method page."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from survey.results.fieldwork_record import FieldworkRecord
from survey.results.group_questions import GroupQuestion
from survey.results.measures import Measure
from survey.results.weighting import WeightingReport


class RankMethod(BaseModel):
    """Choices behind the ranks of the cities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    draws: int = 10_000
    seed: int = 20_231_115
    top: int = 10
    ranked_from_n: int = 100
    """Cities with fewer respondents are listed, but take no place."""
    weight_spread: float = 0.2
    """Relative spread of the indicator weights when it is asked how far ranks move."""
    weight_draws: int = 1_000
    weight_seed: int = 20_231_116


class SmallAreaMethod(BaseModel):
    """Choices behind the grades and models of special groups by city."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a_from_n: int
    a_half_width: float
    b_from_n: int
    fewest_cities: int
    """Fewest cities with a direct figure for which a model is fitted."""


class DriverMethod(BaseModel):
    """Choices behind importance and performance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    minimum_n: int
    replicates: int
    seed: int


class ChangeMethod(BaseModel):
    """Choices behind the verdicts on changes between waves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    false_discovery_rate: float


class IntervalAuditMethod(BaseModel):
    """Extent of the audit of hidden counts by linear programming (docs/disclosure.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    width: int
    """The fewest people by which the largest and the smallest possible count must differ."""
    bases: int = 0
    """Numbers of respondents, each of which some indicators share; 0 for snapshots from before
    they were looked at together."""
    hidden: int
    """Hidden counts with respondents: one an area, group and base."""
    audited: int
    not_reached: int = 0
    """Hidden counts that the work allowed did not reach."""
    widened: int
    """Cells that were too narrow until others were hidden beside them."""
    programmes: int


class MethodRecord(BaseModel):
    """Record of the choices, stored as `method.json` beside the cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3] = 3
    """Goes up with every change to the tables beside it, so that older ones are not read."""
    composite: str
    level: float
    lonely_psu: str
    assumed_deff: float | None
    """Used only where no sampling points were recorded."""
    without_point: int = 0
    """Interviews without a sampling point that are a stratum of their own in their city."""
    df_rule: Literal["design", "weighted"] = "design"
    """Rule for degrees of freedom; snapshots from before it was a choice count as R does."""
    minimum_n: int
    hidden: dict[str, int] = {}
    """Rule of the disclosure gate -> cells that it hid; none where only counts were looked at."""
    interval_audit: IntervalAuditMethod | None = None
    """None for snapshots from before there was one."""
    unreliable_below_n: int
    unreliable_below_df: int
    false_discovery_rate: float = 0.05
    """Rate of false ones among the differences called clear in a list of areas."""
    weighting: WeightingReport
    items: dict[str, str]
    """Scored item -> third-level indicator code."""
    measures: tuple[Measure, ...]
    groups: tuple[str, ...]
    grouping: tuple[GroupQuestion, ...] = ()
    """Questions of the form whose words name groups, declared or not."""
    ranking: RankMethod | None = None
    """None for a wave without a composite to rank by."""
    small_areas: SmallAreaMethod | None = None
    drivers: DriverMethod | None = None
    """None for a wave that did not ask about satisfaction on the whole."""
    change: ChangeMethod | None = None
    fieldwork: FieldworkRecord | None = None
    """Counted at the freeze; None for snapshots from before it was recorded."""
    code_version: str

    @property
    def protects_rates_together(self) -> bool:
        """Whether the rates of a question were shown or hidden together, as they are now."""
        audit = self.interval_audit
        return audit is not None and (audit.bases > 0 or audit.hidden == 0)
