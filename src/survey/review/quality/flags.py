"""Flags of odd interviews: their kinds, weights and texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from survey.locale import Message, msg
from survey.review.quality.response_arrays import Bools, Floats, Ints

VERSION = "4"
"""Of all detectors together: changes whenever a threshold or a weight does."""


class FlagKind(StrEnum):
    """Kind of a flag."""

    SPEED = "speed"
    STRAIGHT_LINING = "straight_lining"
    CARELESS = "careless"
    NEAR_DUPLICATE = "near_duplicate"
    HOUR = "hour"
    BURST = "burst"
    OVER_QUOTA = "over_quota"
    NON_RESPONSE = "non_response"
    SAME_DEVICE = "same_device"
    OUT_OF_POINT = "out_of_point"
    READING_FLOOR = "reading_floor"


WEIGHTS: Mapping[FlagKind, float] = {
    FlagKind.SPEED: 0.90,
    FlagKind.STRAIGHT_LINING: 0.48,
    FlagKind.CARELESS: 0.25,
    FlagKind.NEAR_DUPLICATE: 0.90,
    FlagKind.HOUR: 0.60,
    FlagKind.BURST: 0.85,
    FlagKind.OVER_QUOTA: 0.08,
    FlagKind.NON_RESPONSE: 0.30,
    FlagKind.SAME_DEVICE: 0.85,
    FlagKind.OUT_OF_POINT: 0.75,
    FlagKind.READING_FLOOR: 0.90,
}
"""Risk, 0 to 1, of an interview with nothing but this flag at full strength."""

MIN_REVIEW_RISK = 50
"""Risk score from which an interview should be looked at by a person."""

KIND_NAMES: Mapping[FlagKind, Message] = {
    FlagKind.SPEED: msg("answered very fast"),
    FlagKind.STRAIGHT_LINING: msg("nearly the same score throughout"),
    FlagKind.CARELESS: msg("scores against the usual pattern"),
    FlagKind.NEAR_DUPLICATE: msg("nearly the same answers as another interview"),
    FlagKind.HOUR: msg("held at night"),
    FlagKind.BURST: msg("many interviews at once"),
    FlagKind.OVER_QUOTA: msg("quota already full"),
    FlagKind.NON_RESPONSE: msg("many questions without an answer"),
    FlagKind.SAME_DEVICE: msg("several interviews on one phone"),
    FlagKind.OUT_OF_POINT: msg("not when or by whom the point is worked at"),
    FlagKind.READING_FLOOR: msg("faster than the questions can be read"),
}

_Reason = Callable[[Mapping[str, Any]], Message]


def flag_text(kind: FlagKind, detail: Mapping[str, Any]) -> Message:
    """Return the reason of a stored flag with its numbers, for translation."""
    return _REASONS[kind](detail)


def _explain_speed(detail: Mapping[str, Any]) -> Message:
    if detail["seconds"] is None:
        return msg(
            "{percent} per cent of the usual time for a question.", percent=detail["percent"]
        )
    return msg(
        "{percent} per cent of the usual time for a question ({seconds} seconds a question).",
        percent=detail["percent"],
        seconds=detail["seconds"],
    )


def _explain_straight_lining(detail: Mapping[str, Any]) -> Message:
    return msg("{same} of {rated} scores are {score}.", **detail)


def _explain_careless(detail: Mapping[str, Any]) -> Message:
    return msg(
        "High where others score low, low where others score high (correlation {correlation}).",
        **detail,
    )


def _explain_near_duplicate(detail: Mapping[str, Any]) -> Message:
    if detail["same_surveyor"]:
        return msg(
            "{percent} per cent of the answers equal an earlier interview by the same surveyor.",
            percent=detail["percent"],
        )
    return msg(
        "{percent} per cent of the answers equal an earlier interview in the same city.",
        percent=detail["percent"],
    )


def _explain_hour(detail: Mapping[str, Any]) -> Message:
    return msg("Began at {time} China time.", **detail)


def _explain_burst(detail: Mapping[str, Any]) -> Message:
    if detail["at"] == "point":
        return msg(
            "{count} interviews began in this hour at this point; usual are {usual}.",
            count=detail["count"],
            usual=detail["usual"],
        )
    return msg(
        "{count} interviews began in this hour in this city; usual are {usual}.",
        count=detail["count"],
        usual=detail["usual"],
    )


def _explain_over_quota(detail: Mapping[str, Any]) -> Message:
    return msg("Number {number} in a quota cell of {target}.", **detail)


def _explain_non_response(detail: Mapping[str, Any]) -> Message:
    return msg("{without} of {asked} questions have no answer or “do not know”.", **detail)


def _explain_same_device(detail: Mapping[str, Any]) -> Message:
    return msg("{count} interviews of different links came from the same phone.", **detail)


def _explain_out_of_point(detail: Mapping[str, Any]) -> Message:
    if detail["why"] == "unassigned":
        return msg("The surveyor is not assigned to this sampling point.")
    if detail["why"] == "before":
        return msg(
            "Held on {day}, {days} days before the point opens.",
            day=detail["day"],
            days=detail["days"],
        )
    return msg(
        "Held on {day}, {days} days after the last day of the point.",
        day=detail["day"],
        days=detail["days"],
    )


def _explain_reading_floor(detail: Mapping[str, Any]) -> Message:
    seconds, least = detail["seconds"], detail["least"]
    if detail["measured"] == "whole":
        return msg(
            "Took {seconds} seconds in all; reading the questions alone takes at least {least}.",
            seconds=seconds,
            least=least,
        )
    return msg(
        "The questions were on the screen for {seconds} seconds before they were answered; "
        "reading them alone takes at least {least}.",
        seconds=seconds,
        least=least,
    )


_REASONS: Mapping[FlagKind, _Reason] = {
    FlagKind.SPEED: _explain_speed,
    FlagKind.STRAIGHT_LINING: _explain_straight_lining,
    FlagKind.CARELESS: _explain_careless,
    FlagKind.NEAR_DUPLICATE: _explain_near_duplicate,
    FlagKind.HOUR: _explain_hour,
    FlagKind.BURST: _explain_burst,
    FlagKind.OVER_QUOTA: _explain_over_quota,
    FlagKind.NON_RESPONSE: _explain_non_response,
    FlagKind.SAME_DEVICE: _explain_same_device,
    FlagKind.OUT_OF_POINT: _explain_out_of_point,
    FlagKind.READING_FLOOR: _explain_reading_floor,
}


@dataclass(frozen=True)
class FlagSet:
    """All flags of one kind: rows of the interviews, strength (0 to 1) and numbers of each."""

    kind: FlagKind
    rows: Ints
    strength: Floats
    details: Sequence[Mapping[str, Any]]

    @classmethod
    def none(cls, kind: FlagKind) -> "FlagSet":
        """Return an empty set of flags."""
        return cls(kind, np.empty(0, dtype=np.int64), np.empty(0), ())


def linear_ramp(value: Floats, *, nothing: float, full: float) -> Floats:
    """Scale values linearly from 0 at `nothing` to 1 at `full`, clipped; NaN becomes 0."""
    share = np.nan_to_num((value - nothing) / (full - nothing))
    clipped: Floats = np.clip(share, 0.0, 1.0)
    return clipped.round(4)


def flagged_rows(flagged: Bools) -> Ints:
    """Return the rows that are flagged."""
    return np.flatnonzero(flagged).astype(np.int64)
