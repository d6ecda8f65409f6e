"""Summary of the progress page: share collected, forecast, and key numbers."""

from html import escape

import streamlit as st

from survey.fieldwork.forecast import Forecast
from survey.fieldwork.progress import WaveProgress
from survey.locale import Translator
from survey.store.china_time import china_date
from survey.store.tables import Status
from survey.ui.glossary import explain
from survey.ui.page_runner import PageContext
from survey.ui.progress.formatting import (
    format_percent,
    format_share_interval,
    last_day,
    list_past_void_shares,
)


def draw_progress_summary(page: PageContext, seen: WaveProgress) -> None:
    t, total = page.t, seen.total
    filled = total.tally.filled
    number = f"{total.tally.counted:,}" if filled is None else format_percent(filled)
    unit = t("interviews") if filled is None else t("of the planned interviews collected")
    sentence = t(
        "{counted} interviews count towards {target}; {missing} are still missing in their "
        "quotas.",
        counted=f"{total.tally.counted:,}", target=f"{total.tally.target:,}",
        missing=f"{total.still_missing:,}",
    )  # fmt: skip
    ahead = _forecast_text(t, total.forecast, seen)
    st.html(
        f'<div class="hcs-answer"><span class="number">{escape(number)}</span>'
        f'<span class="unit">{escape(unit)}</span>'
        f"<p>{escape(sentence)} {escape(ahead)}</p></div>"
    )


def _forecast_text(t: Translator, forecast: Forecast | None, seen: WaveProgress) -> str:
    if seen.total.still_missing == 0:
        return ""
    if forecast is None:
        return t("There is no pace yet to forecast from.")
    closing = (
        ""
        if seen.wave.closes_on is None
        else t("The wave closes on {day}.", day=seen.wave.closes_on)
    )
    today = china_date(seen.at)
    if forecast.days is None or forecast.earliest is None:
        ahead = t("At the pace of the last days this takes years.")
    elif forecast.latest is None:
        ahead = t(
            "At the pace of the last days they will be there about {day}, possibly far later.",
            day=last_day(today, forecast.days),
        )
    else:
        ahead = t(
            "At the pace of the last days they will be there about {day} (95%\u00a0interval "
            "{earliest} to {latest}).",
            day=last_day(today, forecast.days),
            earliest=last_day(today, forecast.earliest),
            latest=last_day(today, forecast.latest),
        )
    return f"{ahead} {closing}".strip()


def draw_progress_tiles(page: PageContext, seen: WaveProgress) -> None:
    t, total = page.t, seen.total
    waste = total.waste
    past = ", ".join(f"{year}: {format_percent(rate)}" for year, rate in list_past_void_shares())
    published = t("published: {years}", years=past)
    covered = format_percent(total.effective.covered)
    effective = (
        ("–", t("not shown once results are computed"))
        if seen.is_settled
        else (
            f"{total.effective.n:,.0f}",
            t("after weighting to the plan; {share} of it has any interview", share=covered),
        )
    )
    shown = [
        (t("Valid"), f"{total.tally.valid:,}", t("approved for good")),
        (
            t("In review"),
            f"{total.tally.in_review:,}",
            t("submitted, sent back, or approved by the city"),
        ),
        (
            t("Waste rate"),
            "–" if waste is None else format_percent(waste.value),
            published if waste is None else f"{format_share_interval(t, waste)}; {published}",
        ),
        (t("Effective sample size"), *effective),
        (
            t("Stopped at the door"),
            f"{total.tally.of(Status.SCREENED_OUT, Status.QUOTA_FULL):,}",
            t("{refused} declined", refused=f"{total.tally.of(Status.REFUSED):,}"),
        ),
    ]
    terms = ("", "", "waste rate", "effective sample size", "")
    tiles = "".join(
        _tile(*tile, explain(term, page.language) or "" if term else "")
        for tile, term in zip(shown, terms, strict=True)
    )
    st.html(f'<div class="hcs-tiles">{tiles}</div>')


def _tile(name: str, number: str, fact: str, explained: str) -> str:
    title = f' title="{escape(explained, quote=True)}"' if explained else ""
    return (
        f'<div class="hcs-tile"><div class="name"{title}>{escape(name)}</div>'
        f'<span class="number">{escape(number)}</span>'
        f'<p class="hcs-facts">{escape(fact)}</p></div>'
    )
