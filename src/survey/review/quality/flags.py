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
    """Kind of oddity that a detector found: speed, straight-lining, burst and so on."""

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


def flag_text(kind: FlagKind, detail: Mapping[str, Any]) -> Message:
    """Return the text of a stored flag with the numbers of its detail, for translation."""
    return Message(_TEXTS[kind](detail).msgid, dict(detail))


_TEXTS: Mapping[FlagKind, Callable[[Mapping[str, Any]], Message]] = {
    FlagKind.SPEED: lambda detail: (
        msg("{percent} per cent of the usual time for a question.")
        if detail["seconds"] is None
        else msg(
            "{percent} per cent of the usual time for a question ({seconds} seconds a question)."
        )
    ),
    FlagKind.STRAIGHT_LINING: lambda _: msg("{same} of {rated} scores are {score}."),
    FlagKind.CARELESS: lambda _: msg(
        "High where others score low, low where others score high (correlation {correlation})."
    ),
    FlagKind.NEAR_DUPLICATE: lambda detail: (
        msg("{percent} per cent of the answers equal an earlier interview by the same surveyor.")
        if detail["same_surveyor"]
        else msg("{percent} per cent of the answers equal an earlier interview in the same city.")
    ),
    FlagKind.HOUR: lambda _: msg("Began at {time} China time."),
    FlagKind.BURST: lambda detail: (
        msg("{count} interviews began in this hour at this point; usual are {usual}.")
        if detail["at"] == "point"
        else msg("{count} interviews began in this hour in this city; usual are {usual}.")
    ),
    FlagKind.OVER_QUOTA: lambda _: msg("Number {number} in a quota cell of {target}."),
    FlagKind.NON_RESPONSE: lambda _: msg(
        "{without} of {asked} questions have no answer or “do not know”."
    ),
    FlagKind.SAME_DEVICE: lambda _: msg(
        "{count} interviews of different links came from the same phone."
    ),
    FlagKind.OUT_OF_POINT: lambda detail: {
        "unassigned": msg("The surveyor is not assigned to this sampling point."),
        "before": msg("Held on {day}, {days} days before the point opens."),
        "after": msg("Held on {day}, {days} days after the last day of the point."),
    }[detail["why"]],
    FlagKind.READING_FLOOR: lambda detail: (
        msg("Took {seconds} seconds in all; reading the questions alone takes at least {least}.")
        if detail["measured"] == "whole"
        else msg(
            "The questions were on the screen for {seconds} seconds before they were answered; "
            "reading them alone takes at least {least}."
        )
    ),
}


@dataclass(frozen=True)
class FlagSet:
    """All flags of one kind: rows of the interviews, strengths (0 to 1), numbers for the texts."""

    kind: FlagKind
    rows: Ints
    strength: Floats
    details: Sequence[Mapping[str, Any]]

    @classmethod
    def none(cls, kind: FlagKind) -> "FlagSet":
        """Return an empty set of flags of this kind."""
        return cls(kind, np.empty(0, dtype=np.int64), np.empty(0), ())


def linear_ramp(value: Floats, *, nothing: float, full: float) -> Floats:
    """Scale values linearly from 0 at `nothing` to 1 at `full`, clipped; NaN becomes 0."""
    share = np.nan_to_num((value - nothing) / (full - nothing))
    clipped: Floats = np.clip(share, 0.0, 1.0)
    return clipped.round(4)


def flagged_rows(flagged: Bools) -> Ints:
    """Return the indices at which `flagged` is true."""
    return np.flatnonzero(flagged).astype(np.int64)
