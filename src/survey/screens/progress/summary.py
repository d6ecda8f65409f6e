"""Summary on the progress page: share collected, forecast, alerts, response rates, quality."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.figures.figure_table import csv_bytes
from survey.figures.views.display_names import DisplayNames
from survey.kit.download_button import draw_csv_button
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import draw_freshness, explain, render_facts, render_table
from survey.locale import Message, Translator, label_text, msg
from survey.locale.figures import format_quantity, format_score, format_share
from survey.review.forecast import Forecast
from survey.review.progress.tallies import (
    Alert,
    AlertKind,
    AreaProgress,
    Dispositions,
    ShareEstimate,
)
from survey.review.progress.wave_progress import WaveProgress
from survey.review.quality.flags import KIND_NAMES, FlagKind
from survey.review.quality.summary import QualityGrouping, QualityRow, summarise_quality
from survey.review.review_queue import RISKY
from survey.screens.progress.quotas import (
    format_percent_interval,
    format_share_interval,
    last_day,
    list_past_void_shares,
)
from survey.screens.review.filters import OVERDUE_OPTION
from survey.store.china_time import china_date, format_day
from survey.store.read_replica import LateReading, read_from_replica
from survey.store.tables import Status, WaveState
from survey.waves.waves import WaveSummary

BY: dict[QualityGrouping, Message] = {
    "surveyor": msg("Surveyor"),
    "point": msg("Sampling point"),
    "agency": msg("Agency"),
    "city": msg("City"),
}
_LISTED = 40
_CACHE_SECONDS = 300.0
"""Seconds that readers with the same rights share a result; flags are set every few minutes."""


@page_fragment()
def draw_quality_summary(page: PageContext, wave: WaveSummary) -> None:
    """Draw, for reviewers, quality figures by surveyor, point, agency or city, in an expander."""
    t = page.t
    if not page.principal.may(Action.REVIEW):
        return
    expander = st.expander(
        t("Quality by surveyor, point, agency or city"), key="progress/quality", on_change="rerun"
    )
    if not expander.open:
        return
    with expander:
        by = st.segmented_control(
            t("Quality by"),
            list(BY),
            format_func=lambda option: t(BY[option]),
            default="surveyor",
            required=True,
            key=f"progress/quality/by/{page.language}",
        )
        reading = _read_quality(page, wave.key, by)
        rows = reading.value
        draw_freshness(t, reading.freshness)
        if not rows:
            st.caption(t("Nothing has been collected here yet."))
            return
        st.caption(
            t(
                "Most interviews to be looked at first. A flag is a reason to look, no verdict: "
                "a person decides. Pace 1 is usual, 0.5 twice as fast. Interviewer effect: how far "
                "answers depend on who asked, and by how much that enlarges the variance."
            )
        )
        table = pd.DataFrame([_format_quality_row(page, row, by) for row in rows])
        lines = table.head(_LISTED).itertuples(index=False, name=None)
        st.html(render_table(list(table.columns), lines))
        if len(table) > _LISTED:
            st.caption(t("{count} more in the file", count=len(table) - _LISTED))
        mark = (t("DEMO DATA: generated, no result of any survey"),) if wave.is_demo else ()
        make, key = partial(csv_bytes, table, mark), f"progress/quality/csv/{by}"
        draw_csv_button(page, t("Table (CSV)"), f"quality-{by}", make, key=key, subject=wave)


def _read_quality(
    page: PageContext, wave_key: str, by: QualityGrouping
) -> LateReading[Sequence[QualityRow]]:
    def read() -> LateReading[Sequence[QualityRow]]:
        reading = read_from_replica(
            page.settings,
            lambda session: summarise_quality(page.work(session), wave_key=wave_key, by=by),
        )
        rows = sorted(reading.value, key=lambda row: (-row.to_review, row.valid_rate, row.key))
        return LateReading(rows, reading.freshness)

    person = page.principal
    return _keep_quality((page.settings.store_url, person.role, person.area, wave_key, by), read)


@st.cache_resource(ttl=_CACHE_SECONDS, max_entries=64, show_spinner=False)
def _keep_quality(
    key: tuple[str, ...], _read: Callable[[], LateReading[Sequence[QualityRow]]]
) -> LateReading[Sequence[QualityRow]]:
    del key
    return _read()


def _format_quality_row(page: PageContext, row: QualityRow, by: QualityGrouping) -> dict[str, str]:
    t = page.t
    interval = format_percent_interval(t, row.valid_low, row.valid_high)
    rate = f"{format_share(row.valid_rate)} ({interval})"
    flags = ", ".join(
        f"{t(KIND_NAMES[kind])} {row.flags[kind]:,}" for kind in FlagKind if row.flags.get(kind)
    )
    line = {
        t(BY[by]): label_text(row.name, page.language, row.key),
        t("Finished"): f"{row.interviews:,}",
        t("Valid rate (95%\u00a0interval)"): rate,
        t("To be looked at"): f"{row.to_review:,}",
        t("Flags"): flags or "–",
        t("Pace"): format_score(row.median_pace, 2),
    }
    if by in {"city", "agency"}:
        effect = row.effect
        line[t("Interviewer effect, design effect")] = (
            "–"
            if effect is None
            else f"{format_score(effect.icc, 3)}, {format_score(effect.deff, 2)}"
        )
    return line


MAX_LISTED_ALERTS = 12
ALERT_NAMES: Mapping[AlertKind, Message] = {
    AlertKind.BEHIND: msg("{city}: at this pace {count} of {of} interviews will be missing"),
    AlertKind.NO_PACE: msg(
        "{city}: {count} interviews are missing, and none came in on the last full days"
    ),
    AlertKind.OVER: msg("{city}: {count} interviews more than their quotas ask for"),
    AlertKind.WASTE: msg("{city}: {count} void interviews more than in the worst past year"),
    AlertKind.WAITING: msg("{city}: {count} interviews wait longer than two days for review"),
    AlertKind.SURVEYOR: msg("{city}, {surveyor}: {count} of {of} waiting interviews look odd"),
}


def draw_progress_summary(page: PageContext, seen: WaveProgress) -> None:
    t, total = page.t, seen.total
    filled = total.tally.filled
    number = f"{total.tally.counted:,}" if filled is None else format_share(filled)
    unit = t("interviews") if filled is None else t("of the planned interviews collected")
    sentence = t(
        "{counted} interviews count towards {target}; {missing} are still missing in their quotas.",
        counted=f"{total.tally.counted:,}",
        target=f"{total.tally.target:,}",
        missing=f"{total.still_missing:,}",
    )
    ahead = _describe_forecast(t, total.forecast, seen)
    st.html(
        f'<div class="hcs-answer"><span class="number">{escape(number)}</span>'
        f'<span class="unit">{escape(unit)}</span>'
        f"<p>{escape(sentence)} {escape(ahead)}</p></div>"
    )


def _describe_forecast(t: Translator, forecast: Forecast | None, seen: WaveProgress) -> str:
    if seen.total.still_missing == 0 or seen.wave.state is not WaveState.OPEN:
        return ""
    if forecast is None:
        return t("There is no pace yet to forecast from.")
    closing = (
        ""
        if seen.wave.closes_on is None
        else t("The wave closes on {day}.", day=format_day(t, seen.wave.closes_on))
    )
    today = china_date(seen.at)
    if forecast.days is None or forecast.earliest is None:
        ahead = t("At the pace of the last days this takes years.")
    elif forecast.latest is None:
        ahead = t(
            "At the pace of the last days they will be there about {day}, possibly far later.",
            day=format_day(t, last_day(today, forecast.days)),
        )
    else:
        ahead = t(
            "At the pace of the last days they will be there about {day} (95%\u00a0interval "
            "{earliest} to {latest}).",
            day=format_day(t, last_day(today, forecast.days)),
            earliest=format_day(t, last_day(today, forecast.earliest)),
            latest=format_day(t, last_day(today, forecast.latest)),
        )
    return f"{ahead} {closing}".strip()


def draw_progress_tiles(page: PageContext, seen: WaveProgress) -> None:
    t, total = page.t, seen.total
    waste = total.waste
    past = ", ".join(f"{year}: {format_share(rate)}" for year, rate in list_past_void_shares())
    published = t("published: {years}", years=past)
    covered = format_share(total.effective.covered)
    effective = (
        ("–", t("not shown once results are computed"))
        if seen.is_settled
        else (
            format_quantity(total.effective.n),
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
            "–" if waste is None else format_share(waste.value),
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
        _render_tile(*tile, explain(term, page.language) or "" if term else "")
        for tile, term in zip(shown, terms, strict=True)
    )
    st.html(f'<div class="hcs-tiles">{tiles}</div>')


def _render_tile(name: str, number: str, fact: str, explained: str) -> str:
    title = f' title="{escape(explained, quote=True)}"' if explained else ""
    return (
        f'<div class="hcs-tile"><div class="name"{title}>{escape(name)}</div>'
        f'<span class="number">{escape(number)}</span>'
        f'<p class="hcs-facts">{escape(fact)}</p></div>'
    )


def draw_days(t: Translator, area: AreaProgress) -> None:
    days = sorted(area.days.items())
    if not days:
        return
    st.subheader(t("Interviews by day of receipt"), anchor=False)
    st.caption(t("Interviews that count towards the quota; today is not over yet."))
    most = max(number for _, number in days)
    rows = "".join(
        f'<tr><th scope="row">{day:%m-%d}</th><td>{number:,}</td>'
        f'<td class="bar"><div style="width:{number / most * 100:.0f}%"></div></td></tr>'
        for day, number in days
    )
    st.html(f'<table class="hcs-bars"><tbody>{rows}</tbody></table>')


def draw_rates(page: PageContext, seen: WaveProgress) -> None:
    t, ends = page.t, seen.dispositions
    st.subheader(t("How attempts ended"), anchor=False, help=explain("disposition", page.language))
    st.caption(
        t(
            "Of those who opened or were handed a link, or were asked. People who walked past "
            "without either are not known to the platform. Definitions follow AAPOR."
        )
    )
    counts = (
        (t("Completed"), ends.complete), (t("Void"), ends.void), (t("Declined"), ends.refused),
        (t("Broken off"), ends.break_offs), (t("Link never opened"), ends.unknown_eligibility),
        (t("Screened out"), ends.screened_out), (t("Quota full"), ends.quota_full),
    )  # fmt: skip
    numbers = render_facts((name, f"{number:,}") for name, number in counts)
    rates = render_facts(_format_rates(t, ends))
    st.html(f'<div class="hcs-findings">{numbers}{rates}</div>')


def _format_rates(t: Translator, ends: Dispositions) -> list[tuple[str, str]]:
    def with_interval(share: ShareEstimate | None) -> str:
        return (
            "–"
            if share is None
            else f"{format_share(share.value)} ({format_share_interval(t, share)})"
        )

    return [
        (t("Cooperation rate (COOP1)"), with_interval(ends.cooperation_rate_coop1)),
        (t("Response rate (RR3)"), format_share(ends.response_rate_rr3)),
        (t("Lowest response rate (RR1)"), format_share(ends.response_rate_rr1)),
        (t("Refusal rate (REF1)"), format_share(ends.refusal_rate_ref1)),
        (t("Eligible, of those known (e)"), with_interval(ends.estimated_eligibility)),
    ]


def draw_alerts(page: PageContext, seen: WaveProgress, max_listed: int = MAX_LISTED_ALERTS) -> None:
    """Draw at most `max_listed` alerts in progress `seen` (a city behind …), the largest first."""
    t = page.t
    st.subheader(t("What to do this morning"), anchor=False)
    if not seen.to_do:
        st.caption(t("Nothing stands out: no city is behind, over its quota or waiting."))
        return
    lines = "".join(
        f"<li>{_render_alert(page, seen, todo)}</li>" for todo in seen.to_do[:max_listed]
    )
    st.html(f'<ol class="hcs-todo">{lines}</ol>')
    more = len(seen.to_do) - max_listed
    if more > 0:
        st.caption(t("{count} more, each smaller than these", count=more))


def _render_alert(page: PageContext, seen: WaveProgress, todo: Alert) -> str:
    names = DisplayNames(page.language, None)
    words = page.t(
        ALERT_NAMES[todo.concern].msgid,
        city=names.area(todo.city_code),
        count=f"{todo.interviews:,}",
        of=f"{todo.of:,}",
        surveyor=todo.surveyor,
    )
    if not page.principal.may(Action.REVIEW):
        return escape(words)
    target = review_link(seen.wave.key, todo, page.language)
    return f'<a href="{escape(target, quote=True)}" target="_self">{escape(words)}</a>'


def review_link(wave_key: str, todo: Alert, language: str) -> str:
    """Return the address that alert `todo` links to: the review queue or the page of progress.

    Interviews are looked at in the review; what is missing or too many is on the page of progress.
    """
    query = {"wave": wave_key, "city": todo.city_code, "lang": language}
    match todo.concern:
        case AlertKind.WASTE:
            query["status"] = Status.VOID.value
        case AlertKind.WAITING:
            query["status"] = OVERDUE_OPTION
        case AlertKind.SURVEYOR:
            query |= {
                "status": Status.SUBMITTED.value,
                "surveyor": str(todo.surveyor_id),
                "flag": RISKY,
            }
        case _:
            return f"/{PAGES_BY_KEY[PageKey.PROGRESS].url}?{urlencode(query)}"
    return f"/{PAGES_BY_KEY[PageKey.REVIEW].url}?{urlencode(query)}"
