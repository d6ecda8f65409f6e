"""Rates of complaint counts, each with a base of its own.

One "solved rate" is wrong: a complaint can be solved by the two sides before anybody mediates, by
mediation, or otherwise. Enquiries are in no base.
"""

from dataclasses import dataclass
from enum import StrEnum

from survey.locale import Message, msg


class ComplaintRate(StrEnum):
    """Rate by the counts it divides."""

    SOLVED = "solved"
    SETTLED_FIRST = "settled_first"
    MEDIATION = "mediation_succeeded"


@dataclass(frozen=True)
class RateDefinition:
    """Rate with what it divides by what, as it stands beside the figure."""

    rate: ComplaintRate
    name: Message
    base: str
    """Column of the base."""
    base_name: Message


RATES = (
    RateDefinition(
        ComplaintRate.SOLVED, msg("Solved"), "accepted", msg("of the complaints accepted")
    ),
    RateDefinition(
        ComplaintRate.SETTLED_FIRST,
        msg("Settled first, without mediation"),
        "accepted",
        msg("of the complaints accepted"),
    ),
    RateDefinition(
        ComplaintRate.MEDIATION,
        msg("Mediation succeeded"),
        "mediated",
        msg("of the complaints taken to mediation"),
    ),
)


def share_in_percent(part: float | None, whole: float | None) -> float | None:
    """Return a share in per cent to two decimals; None without a base or a part."""
    if part is None or not whole:
        return None
    return round(100 * part / whole, 2)


def per_100_000(count: float | None, residents: int | None) -> float | None:
    """Return a count per 100,000 residents to one decimal; None where either is unknown."""
    if count is None or not residents:
        return None
    return round(count / residents * 100_000, 1)
