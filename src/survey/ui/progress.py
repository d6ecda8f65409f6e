"""The control tower on the screen: the answer, what to do first, the quota heat table, the days."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from html import escape
from types import MappingProxyType
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from survey.access.principal import Action, Principal
from survey.context.published import published_waves
from survey.fieldwork.clock import CHINA, china_date
from survey.fieldwork.pace import Forecast
from survey.fieldwork.progress import (
    Concern,
    Dispositions,
    Place,
    Progress,
    Share,
    ToDo,
    progress_of,
    progress_waves,
)
from survey.fieldwork.review import ANY_FLAG, ReviewWave
from survey.locale import Message, Translator, msg
from survey.publish.tables import csv_bytes
from survey.publish.views.names import Names
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import Status, now
from survey.ui.filters import filter_row
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit
from survey.ui.url import pick

EVERY_SECONDS = 20.0
"""How often the page looks again by itself; readers with the same area share one look."""
_LISTED = 12

CONCERNS: Mapping[Concern, Message] = MappingProxyType(
    {
        Concern.BEHIND: msg("{city}: at this pace {count} of {of} interviews will be missing"),
        Concern.OVER: msg("{city}: {count} interviews more than their quota cells ask for"),
        Concern.WASTE: msg("{city}: {count} void interviews more than in the worst past year"),
        Concern.WAITING: msg("{city}: {count} interviews wait longer than two days for review"),
        Concern.SURVEYOR: msg("{city}, {surveyor}: {count} of {of} waiting interviews look odd"),
    }
)


def choose_wave(visit: Visit) -> ReviewWave | None:
    """The wave to follow; says what to do when none has begun."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        waves = {
            wave.key: wave for wave in progress_waves(session=session, principal=visit.principal)
        }
    if not waves:
        notice(
            t("No fieldwork has begun yet"),
            t("Progress appears here as soon as an administrator opens a wave."),
        )
        return None
    with filter_row():
        chosen = pick(
            t("Wave"), "wave", list(waves), language=visit.language,
            show=lambda key: waves[key].title.get(visit.language, key),
            explanation=explain("wave", visit.language),
        )  # fmt: skip
    return waves[chosen]


@st.fragment(run_every=EVERY_SECONDS)
def watch(visit: Visit, wave: ReviewWave) -> None:
    """Everything about the wave as it stands now; looks again by itself."""
    seen = _look(visit, wave)
    if not seen.cities:
        notice(
            visit.t("Nothing is planned or collected here yet"),
            visit.t("Quotas and interviews of this wave in your area appear here by themselves."),
        )
        return
    _answer(visit, seen)
    _tiles(visit, seen)
    _to_do(visit, seen)
    _heat(visit, seen)
    _days(visit.t, seen)
    _rates(visit, seen)
    at = f"{seen.at.astimezone(CHINA):%H:%M:%S}"
    st.caption(visit.t("As of {time} China time; looks again by itself.", time=at))


def _look(visit: Visit, wave: ReviewWave) -> Progress:
    settings, person = visit.settings, visit.principal
    return _progress(settings.store_url, person.area, repr(wave), settings, person, wave)


@st.cache_resource(ttl=EVERY_SECONDS - 5, max_entries=128, show_spinner=False)
def _progress(
    store_url: str, area: str, key: str, _settings: Settings, _person: Principal, _wave: ReviewWave
) -> Progress:
    del store_url, area, key  # they are the key of the cache
    worst = max(waste for _, waste in past_waste())
    with read_scope(_settings.store_url) as session:
        return progress_of(
            session=session, principal=_person, wave=_wave, now=now(), usual_waste=worst
        )


def past_waste() -> list[tuple[int, float]]:
    """Year and waste rate, of the years whose collected and valid interviews were published."""
    return [
        (wave.year, 1 - wave.valid / wave.collected)
        for wave in published_waves()
        if wave.valid and wave.collected
    ]


# --- the answer ----------------------------------------------------------------------------------


def _answer(visit: Visit, seen: Progress) -> None:
    t, total = visit.t, seen.total
    filled = total.tally.filled
    number = f"{total.tally.counted:,}" if filled is None else _percent(filled)
    unit = t("interviews") if filled is None else t("of the planned interviews collected")
    sentence = t(
        "{counted} interviews count towards {target}; {missing} are still missing in their quota "
        "cells.",
        counted=f"{total.tally.counted:,}", target=f"{total.tally.target:,}",
        missing=f"{total.still_missing:,}",
    )  # fmt: skip
    ahead = _forecast_words(t, total.forecast, seen)
    st.html(
        f'<div class="hcs-answer"><span class="number">{escape(number)}</span>'
        f'<span class="unit">{escape(unit)}</span>'
        f"<p>{escape(sentence)} {escape(ahead)}</p></div>"
    )


def _forecast_words(t: Translator, forecast: Forecast | None, seen: Progress) -> str:
    if seen.total.still_missing == 0:
        return ""
    if forecast is None:
        return t("There is no pace yet to forecast from.")
    closing = "" if seen.closes_on is None else t("The wave closes on {day}.", day=seen.closes_on)
    today = china_date(seen.at)
    if forecast.days is None or forecast.earliest is None:
        ahead = t("At the pace of the last days this takes years.")
    elif forecast.latest is None:
        ahead = t(
            "At the pace of the last days they will be there about {day}, possibly far later.",
            day=_day(today, forecast.days),
        )
    else:
        ahead = t(
            "At the pace of the last days they will be there about {day} (95%\u00a0interval "
            "{earliest} to {latest}).",
            day=_day(today, forecast.days),
            earliest=_day(today, forecast.earliest),
            latest=_day(today, forecast.latest),
        )
    return f"{ahead} {closing}".strip()


def _day(today: date, days: int) -> date:
    """The day on which the last of so many days ends; today is the first of them."""
    return today + timedelta(days=max(days - 1, 0))


def _tiles(visit: Visit, seen: Progress) -> None:
    t, total = visit.t, seen.total
    waste = total.waste
    past = ", ".join(f"{year}: {_percent(rate)}" for year, rate in past_waste())
    beside = t("published: {years}", years=past)
    covered = _percent(total.effective.covered)
    shown = [
        (t("Valid"), f"{total.tally.valid:,}", t("approved for good")),
        (
            t("In review"),
            f"{total.tally.in_review:,}",
            t("submitted, sent back, or approved by the city"),
        ),
        (
            t("Waste rate"),
            "–" if waste is None else _percent(waste.value),
            beside if waste is None else f"{_between(t, waste)}; {beside}",
        ),
        (
            t("Effective sample size"),
            f"{total.effective.n:,.0f}",
            t("after weighting to the plan; {share} of it has any interview", share=covered),
        ),
        (
            t("Stopped at the door"),
            f"{total.tally.of(Status.SCREENED_OUT, Status.QUOTA_FULL):,}",
            t("{refused} declined", refused=f"{total.tally.of(Status.REFUSED):,}"),
        ),
    ]
    terms = ("", "", "waste rate", "effective sample size", "")
    tiles = "".join(
        _tile(*one, explain(term, visit.language) or "" if term else "")
        for one, term in zip(shown, terms, strict=True)
    )
    st.html(f'<div class="hcs-tiles">{tiles}</div>')


def _tile(name: str, number: str, beside: str, explained: str) -> str:
    title = f' title="{escape(explained, quote=True)}"' if explained else ""
    return (
        f'<div class="hcs-tile"><div class="name"{title}>{escape(name)}</div>'
        f'<span class="number">{escape(number)}</span>'
        f'<p class="hcs-facts">{escape(beside)}</p></div>'
    )


def _percent(value: float) -> str:
    return f"{value * 100:.1f}%"


def _between(t: Translator, share: Share) -> str:
    between = f"{_percent(share.low)}–{_percent(share.high)}"
    return t("95%\u00a0interval {interval}", interval=between)


# --- what to do ----------------------------------------------------------------------------------


def _to_do(visit: Visit, seen: Progress) -> None:
    t = visit.t
    st.subheader(t("What to do this morning"), anchor=False)
    if not seen.to_do:
        st.caption(t("Nothing stands out: no city is behind, over its quota or waiting."))
        return
    lines = "".join(f"<li>{_line(visit, seen, one)}</li>" for one in seen.to_do[:_LISTED])
    st.html(f'<ol class="hcs-todo">{lines}</ol>')
    more = len(seen.to_do) - _LISTED
    if more > 0:
        st.caption(t("{count} more of smaller size", count=more))


def _line(visit: Visit, seen: Progress, one: ToDo) -> str:
    names = Names(visit.language, None)
    words = visit.t(
        CONCERNS[one.concern].msgid, city=names.area(one.city_code), count=f"{one.interviews:,}",
        of=f"{one.of:,}", surveyor=one.surveyor,
    )  # fmt: skip
    if not visit.principal.may(Action.REVIEW):
        return escape(words)
    target = review_link(seen.wave.key, one, visit.language)
    return f'<a href="{escape(target, quote=True)}" target="_self">{escape(words)}</a>'


def review_link(wave_key: str, one: ToDo, language: str) -> str:
    """The review page, cut to what a concern is about."""
    query = {"wave": wave_key, "city": one.city_code, "lang": language}
    if one.concern is Concern.WASTE:
        query["status"] = Status.VOID.value
    elif one.concern in {Concern.WAITING, Concern.SURVEYOR}:
        query["status"] = Status.SUBMITTED.value
    else:
        query["status"] = "all"
    if one.surveyor_id is not None:
        query |= {"surveyor": str(one.surveyor_id), "flag": ANY_FLAG}
    return f"/{BY_KEY[PageKey.REVIEW].url}?{urlencode(query)}"


# --- the heat table ------------------------------------------------------------------------------


def _heat(visit: Visit, seen: Progress) -> None:
    t = visit.t
    cells = seen.total.cells
    if not cells:
        st.caption(t("This wave has no quota cells."))
        return
    st.subheader(t("Quota: collected of target, by city and cell"), anchor=False)
    st.caption(
        t(
            "Per cent of each cell's target; ▲ over the target, ○ nothing yet, ! rather late than "
            "in time. The stronger the colour, the fuller. Cities with the most missing "
            "interviews come first."
        )
    )
    names = Names(visit.language, None)
    heads = "".join(
        f'<th scope="col">{escape(names.group(f"age_band={cell.age_band}"))}<br>'
        f"{escape(names.group(f'gender={cell.gender}'))}</th>"
        for cell in cells
    )
    first = "".join(
        f'<th scope="col">{escape(name)}</th>'
        for name in (t("City"), t("Collected"), t("Valid"), t("Effective"), t("Ready by"))
    )
    ranked = sorted(seen.cities, key=lambda city: (-city.still_missing, city.city_code or ""))
    rows = [seen.total, *ranked] if len(ranked) > 1 else ranked
    body = "".join(_heat_row(visit, seen, names, place) for place in rows)
    st.html(
        f'<div class="hcs-heat"><table><thead><tr>{first}{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    st.download_button(
        t("Table (CSV)"), data=partial(_csv, visit, seen),
        file_name=f"progress-{seen.wave.key}.csv",
        mime="text/csv", key="progress/csv", on_click="ignore", type="tertiary",
        icon=":material/table:",
    )  # fmt: skip


def _heat_row(visit: Visit, seen: Progress, names: Names, place: Place) -> str:
    t = visit.t
    name = t("All cities") if place.city_code is None else names.area(place.city_code)
    tally = place.tally
    facts = "".join(
        f"<td>{escape(text)}</td>"
        for text in (
            f"{tally.counted:,} / {tally.target:,}", f"{tally.valid:,}",
            f"{place.effective.n:,.0f}", _ready(t, place.forecast, seen),
        )
    )  # fmt: skip
    cells = "".join(_heat_cell(cell.tally.counted, cell.tally.target) for cell in place.cells)
    return f'<tr><th scope="row">{escape(name)}</th>{facts}{cells}</tr>'


def _ready(t: Translator, forecast: Forecast | None, seen: Progress) -> str:
    """The forecast day; a city that will more likely be late than not carries a mark."""
    if forecast is None:
        return "–"
    if forecast.days == 0:
        return t("full")
    if forecast.days is None:
        return t("never") + " !"
    day = _day(china_date(seen.at), forecast.days)
    late = forecast.chance is not None and forecast.chance < 0.5
    return f"{day:%m-%d}" + (" !" if late else "")


def _heat_cell(counted: int, target: int) -> str:
    share = counted / target if target else 0.0
    mark = "▲" if counted > target else "○" if not counted else ""
    depth = min(share, 1.0)
    return (
        f'<td class="cell" style="--depth:{depth:.2f}" title="{counted:,} / {target:,}">'
        f"{mark}{share * 100:.0f}</td>"
    )


def _csv(visit: Visit, seen: Progress) -> bytes:
    t, names = visit.t, Names(visit.language, None)
    rows = [
        {
            t("City"): names.area(place.city_code or ""),
            t("Age"): names.group(f"age_band={cell.age_band}"),
            t("Gender"): names.group(f"gender={cell.gender}"),
            t("Target"): cell.tally.target,
            t("Collected"): cell.tally.collected,
            t("Counts towards the quota"): cell.tally.counted,
            t("Valid"): cell.tally.valid,
            t("In review"): cell.tally.in_review,
            t("Void"): cell.tally.void,
        }
        for place in seen.cities
        for cell in place.cells
    ]
    at = f"{seen.at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    remarks = [seen.wave.title.get(visit.language, seen.wave.key), t("As of {time}", time=at)]
    if seen.wave.is_demo:
        remarks.insert(0, t("DEMO DATA: generated, no result of any survey"))
    return csv_bytes(pd.DataFrame(rows), tuple(remarks))


# --- days and rates ------------------------------------------------------------------------------


def _days(t: Translator, seen: Progress) -> None:
    days = sorted(seen.total.days.items())
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


def _rates(visit: Visit, seen: Progress) -> None:
    t, ends = visit.t, seen.dispositions
    st.subheader(t("How attempts ended"), anchor=False,
                 help=explain("disposition", visit.language))  # fmt: skip
    st.caption(
        t(
            "Of those who opened or were handed a link, or were asked. People who walked past "
            "without either are not known to the platform. Definitions follow AAPOR."
        )
    )
    counts = (
        (t("Completed"), ends.complete), (t("Void"), ends.void), (t("Declined"), ends.refused),
        (t("Broken off"), ends.broken_off), (t("Link never opened"), ends.unopened),
        (t("Screened out"), ends.screened_out), (t("Quota full"), ends.quota_full),
    )  # fmt: skip
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{number:,}</td></tr>'
        for name, number in counts
    )
    rates = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in _rate_words(t, ends)
    )
    st.html(f'<div class="hcs-findings"><table>{lines}</table><table>{rates}</table></div>')


def _rate_words(t: Translator, ends: Dispositions) -> list[tuple[str, str]]:
    def with_interval(share: Share | None) -> str:
        return "–" if share is None else f"{_percent(share.value)} ({_between(t, share)})"

    def plain(value: float | None) -> str:
        return "–" if value is None else _percent(value)

    return [
        (t("Cooperation rate (COOP1)"), with_interval(ends.cooperation)),
        (t("Response rate (RR3)"), plain(ends.response_rate)),
        (t("Lowest response rate (RR1)"), plain(ends.minimum_response_rate)),
        (t("Refusal rate (REF1)"), plain(ends.refusal_rate)),
        (t("Eligible, of those known (e)"), with_interval(ends.eligibility)),
    ]
