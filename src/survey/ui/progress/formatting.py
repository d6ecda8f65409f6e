"""Numbers and days of the progress page in words."""

from datetime import date, timedelta

from survey.context.published import published_waves
from survey.fieldwork.progress import ShareEstimate
from survey.locale import Translator


def list_past_void_shares() -> list[tuple[int, float]]:
    """Year and waste rate, of the years whose collected and valid interviews were published."""
    return [
        (wave.year, 1 - wave.valid / wave.collected)
        for wave in published_waves()
        if wave.valid and wave.collected
    ]


def last_day(today: date, days: int) -> date:
    """The day on which the last of so many days ends; today is the first of them."""
    return today + timedelta(days=max(days - 1, 0))


def format_percent(value: float) -> str:
    return f"{value * 100:.1f}%"


def format_share_interval(t: Translator, share: ShareEstimate) -> str:
    between = f"{format_percent(share.low)}–{format_percent(share.high)}"
    return t("95%\u00a0interval {interval}", interval=between)
