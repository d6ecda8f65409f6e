"""Record of every choice behind the figures of one snapshot, and of its fieldwork."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from survey.disclosure import MINIMUM_N
from survey.results.measures import Measure
from survey.results.wave_rules import GroupQuestion
from survey.results.weighting import WeightingReport
from survey.review.progress.tallies import Dispositions
from survey.store.tables import Mode

_DIGITS = 1


class EvidenceLine(BaseModel):
    """One line of the error budget: a share or indicator, and its size in points where known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: str
    measured: float | None = None
    size_nation: float | None = None
    size_city: float | None = None
    obstacle: str = ""
    """Code of the reason why it is not known."""


class FieldworkRecord(BaseModel):
    """Fieldwork of a wave as it is published; percentages of all interviews or attempts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modes: dict[str, float]
    """Mode -> percentage of the interviews; some or all are missing to protect small ones."""
    hides_modes: bool
    counts_attempts: bool
    """Whether attempts without an interview were recorded: never where interviews were imported."""
    response_rate: float | None
    """AAPOR RR3 (docs/progress.md)."""
    cooperation_rate: float | None
    """AAPOR COOP1."""
    rejected: int | None
    """Interviews that review voided."""
    errors: tuple[EvidenceLine, ...] = ()
    """Lines of the error budget that the store alone can tell; none if they were not counted."""


def find_fieldwork(method: Path) -> FieldworkRecord | None:
    """Return the fieldwork record in a snapshot's method file; None if there is no readable one."""
    try:
        known = json.loads(method.read_bytes()).get("fieldwork")
        return FieldworkRecord.model_validate(known) if known else None
    except (OSError, ValueError, AttributeError):
        return None


def protect_fieldwork(
    modes: Mapping[str, int], attempts: Dispositions, errors: tuple[EvidenceLine, ...] = ()
) -> FieldworkRecord:
    """Return the record of `modes` (counts) and `attempts`, without what reveals a small count.

    Args:
        errors: lines of the error budget, which hold no count.
    """
    total = sum(modes.values())
    shown = _list_shown_modes(modes)
    unfinished = attempts.eligible - attempts.complete
    counts_attempts = Mode.IMPORT not in modes and attempts.complete >= total
    tells_unfinished = _is_small(unfinished)
    cooperation = attempts.cooperation_rate_coop1
    shows_cooperation = counts_attempts and not tells_unfinished and cooperation is not None
    shows_response = (
        counts_attempts
        and not tells_unfinished
        and not _is_small(attempts.unknown_eligibility)
        and not _is_small(attempts.screened_out + attempts.quota_full)
    )
    # Beside the cooperation rate a number of rejections tells the refusals and break-offs.
    tells_refused = shows_cooperation and _is_small(attempts.refused + attempts.break_offs)
    return FieldworkRecord(
        modes={mode: round(100 * modes[mode] / total, _DIGITS) for mode in shown},
        hides_modes=len(shown) < len(modes),
        counts_attempts=counts_attempts,
        response_rate=_round_percentage(attempts.response_rate_rr3) if shows_response else None,
        cooperation_rate=(
            _round_percentage(cooperation.value) if shows_cooperation and cooperation else None
        ),
        rejected=None if _is_small(attempts.void) or tells_refused else attempts.void,
        errors=errors,
    )


def _list_shown_modes(modes: Mapping[str, int]) -> list[str]:
    """Return the interview modes whose share may be shown, the most frequent first.

    Small ones are hidden, and one more where their sum, the rest to all interviews, would tell one.
    """
    ordered = sorted(modes, key=lambda mode: (-modes[mode], mode))
    shown = [mode for mode in ordered if not _is_small(modes[mode])]
    hidden = [mode for mode in ordered if _is_small(modes[mode])]
    while hidden and shown and (len(hidden) < 2 or sum(map(modes.__getitem__, hidden)) < MINIMUM_N):
        hidden.append(shown.pop())
    return shown


def _is_small(count: int) -> bool:
    return 0 < count < MINIMUM_N


def _round_percentage(share: float | None) -> float | None:
    return None if share is None else round(100 * share, _DIGITS)


class RankMethod(BaseModel):
    """Parameters of the ranks of the cities, as the method page reports them."""

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
    """Parameters of reliability grades and small-area models for special groups by city."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a_from_n: int
    a_half_width: float
    b_from_n: int
    fewest_cities: int
    """Fewest cities with a direct figure for which a model is fitted."""


class DriverMethod(BaseModel):
    """Parameters of the driver analysis: its question, minimum and resampling."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    minimum_n: int
    replicates: int
    seed: int


class ChangeMethod(BaseModel):
    """Parameters of the significance verdicts on changes between waves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    false_discovery_rate: float


class IntervalAuditMethod(BaseModel):
    """Extent of the audit of bounds on hidden counts, as the method page reports it."""

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
    """Record of all parameters behind a snapshot's tables, stored as its `method.json`."""

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
        """Whether all rates of one question were hidden or shown together in the snapshot."""
        audit = self.interval_audit
        return audit is not None and (audit.bases > 0 or audit.hidden == 0)
