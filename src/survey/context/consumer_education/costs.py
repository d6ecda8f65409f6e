"""Cost of consumer education: per person who took part, and per consumer reached.

Reached consumers are the residents of 15 and over times the share that says in the survey to have
come across consumer education in the last twelve months. The interval is that of the share alone;
counts of residents and costs carry none. Who was reached need not have been reached by these
activities: the figure compares effort with reach, and proves no effect.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CostPerConsumer:
    """Cost per consumer reached in yuan, with the interval of the share."""

    yuan: float
    low: float
    high: float


def cost_per_participant(cost_fen: int, participants: int) -> float | None:
    """Return yuan per participant; None without any."""
    return cost_fen / 100 / participants if participants > 0 else None


def cost_per_consumer(
    cost_fen: int,
    residents: float | None,
    reached: float | None,
    low: float | None,
    high: float | None,
) -> CostPerConsumer | None:
    """Return yuan per consumer reached.

    Args:
        residents: Residents of 15 and over.
        reached: Published share in percent, with its interval; None where it is kept back.

    None where a part is unknown, or the interval reaches 0 percent.
    """
    if residents is None or reached is None or low is None or high is None:
        return None
    if min(residents, reached, low, high) <= 0:
        return None
    yuan = cost_fen / 100 / residents
    return CostPerConsumer(yuan / (reached / 100), yuan / (high / 100), yuan / (low / 100))
