"""What disputes cost consumers, in words: the middle loss, from shares of classes of money."""

from collections.abc import Sequence

from survey.locale import Translator, msg
from survey.publish.views.estimate_text import Estimate

DETRIMENT = "detriment"
LOSS_BOUNDS = (
    ("detriment_lost", 1),
    ("detriment_ge200", 200),
    ("detriment_ge1000", 1000),
    ("detriment_ge5000", 5000),
)
"""Shares of those with a dispute who lost as many yuan or more."""
DETRIMENT_NOTES = (
    msg(
        "Asked of those who had a dispute in twelve months, about the latest one, after the "
        "method of the OECD: money lost before refunds, what came back, time, distress."
    ),
    msg(
        "Money is asked in classes, the highest (5,000 yuan and over) without an upper end: no "
        "single large loss can be read off, and none moves a figure. There is no mean; the middle "
        "loss is the amount that half of those with a dispute reach."
    ),
)
_MIDDLE = 50.0


def find_middle_loss(shares: Sequence[Estimate]) -> tuple[int, int | None]:
    """Return between which amounts the middle loss lies: from, and below (None: no upper end).

    The median of a share that falls with the amount, after Woodruff (1952): an amount is below the
    median where the whole interval of the share that reaches it lies above a half, and above it
    where the whole interval lies below.

    Args:
        shares: of `LOSS_BOUNDS`; those that are hidden or have no interval decide nothing.
    """
    low, high = 0, None
    for (_, amount), share in zip(LOSS_BOUNDS, shares, strict=True):
        if not share.available or share.low is None or share.high is None:
            continue
        if share.low >= _MIDDLE:
            low = amount
        if share.high < _MIDDLE and high is None:
            high = amount
    return low, high


def describe_middle_loss(shares: Sequence[Estimate], t: Translator) -> list[str]:
    """Return the middle loss in words; nothing where it could be any amount."""
    low, high = find_middle_loss(shares)
    if high is None:
        if not low:
            return []
        return [t("The middle loss of a dispute is {low} yuan or more (95%\u00a0interval).",
                  low=f"{low:,}")]  # fmt: skip
    if high == LOSS_BOUNDS[0][1]:
        return [t("In the middle, a dispute cost no money (95%\u00a0interval).")]
    return [
        t(
            "The middle loss of a dispute lies between {low} and {high} yuan (95%\u00a0interval).",
            low=f"{low:,}",
            high=f"{high - 1:,}",
        )
    ]
