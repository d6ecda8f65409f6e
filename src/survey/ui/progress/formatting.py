"""Formatting of areas, shares, intervals and days on the progress page."""

from datetime import date, timedelta

from survey.context.published_figures import published_waves
from survey.fieldwork.progress.tallies import AreaProgress, ShareEstimate
from survey.locale import Translator
from survey.locale.figures import format_share
from survey.publish.views.display_names import DisplayNames


def list_past_void_shares() -> list[tuple[int, float]]:
    """Return year and share of void interviews of the published waves."""
    return [
        (wave.year, 1 - wave.valid / wave.collected)
        for wave in published_waves()
        if wave.valid and wave.collected
    ]


def describe_reserve(t: Translator, area: AreaProgress) -> str:
    """Say why the quotas of an area add up to more than its target; empty where they do not."""
    if not area.reserve:
        return ""
    return t(
        "The target is {target} interviews. Quotas hold {reserve} more, a reserve for what review "
        "takes away.",
        target=f"{area.tally.target:,}",
        reserve=f"{area.reserve:,}",
    )


def last_day(today: date, days: int) -> date:
    """Return the last of so many days, of which today is the first."""
    return today + timedelta(days=max(days - 1, 0))


def area_name(t: Translator, names: DisplayNames, area: AreaProgress) -> str:
    return t("All cities") if area.city_code is None else names.area(area.city_code)


def format_share_interval(t: Translator, share: ShareEstimate) -> str:
    between = format_percent_interval(t, share.low, share.high)
    return t("95%\u00a0interval {interval}", interval=between)


def format_percent_interval(t: Translator, low: float, high: float) -> str:
    """Format the ends of an interval of a share, both from 0 to 1."""
    return t("{low} to {high}", low=format_share(low), high=format_share(high))
