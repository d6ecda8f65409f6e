"""Text blocks of results pages: headline number, tiles, and short lists."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from survey.locale import Translator
from survey.publish.views.bands import BandVerdict
from survey.publish.views.changes import ChangeView
from survey.publish.views.estimate_text import (
    NO_CLEAR_DIFFERENCE,
    Estimate,
    EstimateDifference,
    format_decimal,
    format_interval,
    format_signed,
    margin_of_error_caveat,
    suppression_text,
)
from survey.publish.views.overview import CityDifferenceCounts
from survey.publish.views.ranking import RankingView
from survey.ui.glossary import explain
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

_MAX_LISTED_INDICATORS = 6


def draw_headline(
    page: PageContext,
    figure: Estimate,
    sentence: str,
    *,
    unit: str,
    band: BandVerdict | None = None,
) -> None:
    """Draw a number with its interval, a sentence, and a caveat about the interval."""
    t = page.t
    if not figure.available or figure.estimate is None:
        needed = escape(suppression_text(t))
        st.html(f'<div class="hcs-answer"><p><b>{needed}</b></p><p>{escape(sentence)}</p></div>')
        return
    explained = escape(explain("95% interval", page.language) or "", quote=True)
    between = _format_interval(t, figure)
    interval = f'<abbr class="interval" title="{explained}">{escape(between)}</abbr>'
    st.html(
        f'<div class="hcs-answer"><span class="number">{format_decimal(figure.estimate)}</span>'
        f'<span class="unit">{escape(unit)}</span>{interval}{_render_band(page, band)}'
        f"<p>{escape(sentence)}</p></div>"
    )
    st.caption(margin_of_error_caveat(figure, t))


def _render_band(page: PageContext, band: BandVerdict | None) -> str:
    """Render the band of a score, hatched while it is not certain."""
    if band is None:
        return ""
    explained = escape(explain("band", page.language) or "", quote=True)
    look = "band" if band.settled else "band unsettled"
    return f'<div class="{look}"><abbr title="{explained}">{escape(band.label)}</abbr></div>'


def draw_tiles(t: Translator, named: Iterable[tuple[str, Estimate]]) -> None:
    """Draw scores side by side, each with its interval."""
    st.html(f'<div class="hcs-tiles">{"".join(_render_tile(t, *pair) for pair in named)}</div>')


def _render_tile(t: Translator, name: str, figure: Estimate) -> str:
    number, interval = "–", t("not available")
    if figure.available and figure.estimate is not None:
        number, interval = format_decimal(figure.estimate), _format_interval(t, figure)
    return (
        f'<div class="hcs-tile"><div class="name">{escape(name)}</div>'
        f'<span class="number">{number}</span><span class="interval">{escape(interval)}</span>'
        "</div>"
    )


def draw_strengths(
    t: Translator, better: tuple[EstimateDifference, ...], worse: tuple[EstimateDifference, ...]
) -> None:
    """Draw significant strengths and weaknesses, or that there are none."""
    columns = _render_column(t, t("Strengths"), better) + _render_column(t, t("Gaps"), worse)
    st.html(f'<div class="hcs-findings">{columns}</div>')
    st.caption(
        t(
            "Points against the nation with 95% interval. Only clear differences are listed, each "
            "judged together with those of all other cities."
        )
    )


def _render_column(t: Translator, title: str, differences: tuple[EstimateDifference, ...]) -> str:
    rows = "".join(_render_finding(t, gap) for gap in differences[:_MAX_LISTED_INDICATORS])
    more = len(differences) - _MAX_LISTED_INDICATORS
    if not rows:
        rows = f"<li><span>{escape(t(NO_CLEAR_DIFFERENCE))}</span></li>"
    elif more > 0:
        text = t("{count} more, in the picture below", count=more)
        rows += f"<li><span>{escape(text)}</span></li>"
    return f"<section><h3>{escape(title)}</h3><ul>{rows}</ul></section>"


def _render_finding(t: Translator, gap: EstimateDifference) -> str:
    mark = "▲" if gap.is_higher else "▼"
    figure = gap.figure
    interval = format_interval(figure.low, figure.high, t)
    words = f"{mark} {format_signed(figure.estimate or 0.0)} ({interval})"
    return f"<li><span>{escape(gap.name)}</span><span>{escape(words)}</span></li>"


def draw_city_counts(t: Translator, counts: CityDifferenceCounts | None) -> None:
    """Draw how many cities are clearly above or below the nation."""
    if counts is None:
        return
    draw_sentence(
        t(
            "{higher} cities are clearly above the nation, {lower} clearly below; {unclear} cannot "
            "be told apart from it.",
            higher=counts.higher,
            lower=counts.lower,
            unclear=counts.unclear,
        )
    )


def draw_ranking_text(page: PageContext, view: RankingView) -> None:
    """Draw what the ranking says about the city in focus and about all cities."""
    explained = escape(explain("rank set", page.language) or "", quote=True)
    paragraphs = [
        f'<p><abbr title="{explained}">{escape(sentence)}</abbr></p>'
        for sentence in (view.focus, view.neighbours)
        if sentence
    ]
    if paragraphs:
        st.html(f'<div class="hcs-answer">{"".join(paragraphs)}</div>')
    if view.named:
        draw_remark(view.named)


def draw_city_title(name: str, where: str) -> None:
    """Draw the name of a city and its kind."""
    st.header(name, anchor=False)
    st.caption(where)


def draw_sentence(sentence: str) -> None:
    """Draw one sentence of the main result."""
    st.html(f'<div class="hcs-answer"><p>{escape(sentence)}</p></div>')


def draw_remark(sentence: str) -> None:
    """Draw a remark about the main result."""
    st.caption(sentence)


def draw_difference(
    page: PageContext, gap: EstimateDifference, sentence: str, *, against: str | None = None
) -> None:
    """Draw a signed difference with its interval; `against` names the reference."""
    t, figure = page.t, gap.figure
    if not figure.available or figure.estimate is None:
        draw_sentence(sentence)
        return
    other = against or t("everybody else")
    unit = t("points against {other}", other=other)
    st.html(
        '<div class="hcs-answer">'
        f'<span class="number">{escape(format_signed(figure.estimate))}</span>'
        f'<span class="unit">{escape(unit)}</span>'
        f'<span class="interval">{escape(_format_interval(t, figure))}</span>'
        f"<p>{escape(sentence)}</p></div>"
    )
    st.caption(margin_of_error_caveat(figure, t))


def draw_change(page: PageContext, view: ChangeView | None, obstacle: str) -> None:
    """Draw the change in the nation and the number of changed cities, or the obstacle."""
    if view is None:
        draw_notice(page.t("No change is shown"), obstacle)
        return
    draw_difference(page, view.difference, view.sentence, against=view.before)
    draw_sentence(view.counted)


def _format_interval(t: Translator, figure: Estimate) -> str:
    words = format_interval(figure.low, figure.high, t)
    return t("95% interval {interval}", interval=words) if words else ""
