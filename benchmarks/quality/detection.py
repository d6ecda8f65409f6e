"""What the detectors find against the bad interviews that the demo generator planted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seed.demo.bad_interviews import KINDS
from seed.demo.field_irregularities import KINDS as LAPSES
from seed.demo.field_irregularities import generate_irregularities
from seed.demo.interviews import DemoWave
from seed.demo.stored_responses import StoredIds, stored_interviews
from survey.review.quality.flags import FlagKind
from survey.review.quality.response_arrays import RawResponse, ResponseArrays, build_response_arrays
from survey.waves.quotas import COUNTED_STATUSES

Strengths = Mapping[FlagKind, npt.NDArray[np.float64]]
"""Strength of each kind for each of N interviews; 0 where there is no flag."""

TARGET_KINDS: Mapping[str, FlagKind] = {
    "speeder": FlagKind.SPEED,
    "straight_liner": FlagKind.STRAIGHT_LINING,
    "near_duplicate": FlagKind.NEAR_DUPLICATE,
    "mobilised": FlagKind.BURST,
    "one_device": FlagKind.SAME_DEVICE,
    "out_of_point": FlagKind.OUT_OF_POINT,
}
STRONG = 0.5


@dataclass(frozen=True)
class KindResult:
    """How one kind of flag does, counting flags of at least half strength."""

    kind: FlagKind
    flagged: int
    recall: float | None
    """Share of the planted interviews it is meant for; None where none of that sort are planted."""
    precision: float | None
    """Share of the flagged that are planted, of whatever sort."""
    false_alarms: float
    """Share of the good interviews that are flagged."""


@dataclass(frozen=True)
class RiskDetection:
    """Interviews to be looked at, by their risk."""

    caught: Mapping[str, float]
    """Share of the planted interviews, by sort and `all`."""
    false_alarms: float
    precision: float


class _AnyId(dict[object, object]):
    """Ids of places and surveyors that need no store: each key stands for itself."""

    def __missing__(self, key: object) -> object:
        return key


def planted_interviews(wave: DemoWave) -> tuple[ResponseArrays, npt.NDArray[np.str_]]:
    """The wave as the detectors see it, without a store, and what is wrong with each interview."""
    ids = _AnyId()
    places = StoredIds(ids, ids, {})  # type: ignore[arg-type]
    interviews = build_response_arrays(_raw(wave, places), wave.instrument)
    kinds = kinds_by_id(wave)
    return interviews, np.array([kinds[str(interview_id)] for interview_id in interviews.ids])


def kinds_by_id(wave: DemoWave) -> dict[str, str]:
    """Planted kind of each interview, of its answers or of how it was collected; empty for a good
    one."""
    frame, lapses = wave.frame, generate_irregularities(wave)
    kinds = frame["bad_kind"].astype(str).to_numpy()
    lapsed = np.array(LAPSES, dtype=object)[lapses.kind]
    return dict(zip(frame["response_id"], np.where(kinds == "", lapsed, kinds), strict=True))


def _raw(wave: DemoWave, places: StoredIds) -> Iterator[RawResponse]:
    lapses, plan = generate_irregularities(wave), wave.model.plan
    for at, row in enumerate(stored_interviews(wave, places)):
        device = int(lapses.device[at])
        yield RawResponse(
            row.id,
            row.city_code,
            row.point_id,
            row.surveyor_id,
            row.mode,
            row.started_at,
            row.submitted_at,
            row.duration_seconds,
            row.status in COUNTED_STATUSES,
            row.quota_cell_id,
            None,
            row.answers,
            row.timings,
            None if device < 0 else str(device),
            plan.opens_on,
            lapses.last_day.get(int(wave.draw.point[at]), plan.closes_on),
            language=row.language,
        )


def measure_by_kind(strength: Strengths, kind: npt.NDArray[np.str_]) -> list[KindResult]:
    sought = {flag: planted for planted, flag in TARGET_KINDS.items()}
    results = []
    for flag, strengths in strength.items():
        flagged = strengths >= STRONG
        meant = kind == sought[flag] if flag in sought else np.zeros(len(kind), dtype=bool)
        results.append(
            KindResult(
                flag,
                int(flagged.sum()),
                float(flagged[meant].mean()) if meant.any() else None,
                float((kind[flagged] != "").mean()) if flagged.any() else None,
                float(flagged[kind == ""].mean()),
            )
        )
    return results


def measure_risk_detection(
    risk: npt.NDArray[np.int64], kind: npt.NDArray[np.str_], least: int
) -> RiskDetection:
    """Interviews with a risk of at least `least` against what was planted."""
    looked_at = risk >= least
    caught = {
        planted: float(looked_at[kind == planted].mean())
        for planted in (*KINDS, *LAPSES[1:])
        if planted in kind
    }
    caught["all"] = float(looked_at[kind != ""].mean())
    false_alarms = caught.pop("")
    return RiskDetection(caught, false_alarms, float((kind[looked_at] != "").mean()))
