"""What reaching a consumer by education costs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CostPerConsumer:
    """Cost in yuan per consumer reached, with interval from that of the share reached."""

    yuan: float
    low: float
    high: float


def cost_per_participant(cost_fen: int, participants: int) -> float | None:
    """Return the cost in yuan per participant; None without participants."""
    return cost_fen / 100 / participants if participants > 0 else None


def cost_per_consumer(
    cost_fen: int,
    residents: float | None,
    reached: float | None,
    low: float | None,
    high: float | None,
) -> CostPerConsumer | None:
    """Return yuan per consumer reached, by `reached` % (`low` to `high`) of `residents`; or None.

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
