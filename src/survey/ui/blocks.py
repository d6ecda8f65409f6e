"""The answer of a page in large type, and short lists, as plain accessible HTML."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from survey.locale import Translator
from survey.publish.views.bands import Verdict
from survey.publish.views.changes import ChangeView
from survey.publish.views.figures import (
    NO_CLEAR_DIFFERENCE,
    Difference,
    Figure,
    decimal,
    interval_words,
    signed,
    what_is_needed,
    what_margins_are_not,
)
from survey.publish.views.overview import Standing
from survey.publish.views.ranking import RankingView
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.page import Visit

_MOST_LISTED = 6


def answer(
    visit: Visit, figure: Figure, sentence: str, *, unit: str, band: Verdict | None = None
) -> None:
    """One number with its interval in words, one sentence, and what the interval is not."""
    t = visit.t
    if not figure.available or figure.estimate is None:
        needed = escape(what_is_needed(t))
        st.html(f'<div class="hcs-answer"><p><b>{needed}</b></p><p>{escape(sentence)}</p></div>')
        return
    explained = escape(explain("95% interval", visit.language) or "", quote=True)
    between = _between(t, figure)
    interval = f'<abbr class="interval" title="{explained}">{escape(between)}</abbr>'
    st.html(
        f'<div class="hcs-answer"><span class="number">{decimal(figure.estimate)}</span>'
        f'<span class="unit">{escape(unit)}</span>{interval}{_band(visit, band)}'
        f"<p>{escape(sentence)}</p></div>"
    )
    st.caption(what_margins_are_not(figure, t))


def _band(visit: Visit, band: Verdict | None) -> str:
    """The band of the score; hatched while it is not settled."""
    if band is None:
        return ""
    explained = escape(explain("band", visit.language) or "", quote=True)
    look = "band" if band.settled else "band unsettled"
    return f'<div class="{look}"><abbr title="{explained}">{escape(band.words)}</abbr></div>'


def tiles(t: Translator, named: Iterable[tuple[str, Figure]]) -> None:
    """Several scores side by side, each with its interval."""
    st.html(f'<div class="hcs-tiles">{"".join(_tile(t, *pair) for pair in named)}</div>')


def _tile(t: Translator, name: str, figure: Figure) -> str:
    number, interval = "–", t("not available")
    if figure.available and figure.estimate is not None:
        number, interval = decimal(figure.estimate), _between(t, figure)
    return (
        f'<div class="hcs-tile"><div class="name">{escape(name)}</div>'
        f'<span class="number">{number}</span><span class="interval">{escape(interval)}</span>'
        "</div>"
    )


def strengths(t: Translator, better: tuple[Difference, ...], worse: tuple[Difference, ...]) -> None:
    """Clear differences only; where there is none, that is said."""
    columns = _column(t, t("Strengths"), better) + _column(t, t("Gaps"), worse)
    st.html(f'<div class="hcs-findings">{columns}</div>')
    st.caption(
        t(
            "Points against the nation with 95% interval. Only clear differences are listed, each "
            "judged together with those of all other cities."
        )
    )


def _column(t: Translator, title: str, differences: tuple[Difference, ...]) -> str:
    rows = "".join(_finding(gap) for gap in differences[:_MOST_LISTED])
    more = len(differences) - _MOST_LISTED
    if not rows:
        rows = f"<li><span>{escape(t(NO_CLEAR_DIFFERENCE))}</span></li>"
    elif more > 0:
        text = t("{count} more, in the picture below", count=more)
        rows += f"<li><span>{escape(text)}</span></li>"
    return f"<section><h3>{escape(title)}</h3><ul>{rows}</ul></section>"


def _finding(gap: Difference) -> str:
    mark = "▲" if gap.is_higher else "▼"
    figure = gap.figure
    words = f"{mark} {signed(figure.estimate or 0.0)} ({interval_words(figure.low, figure.high)})"
    return f"<li><span>{escape(gap.name)}</span><span>{escape(words)}</span></li>"


def standing(t: Translator, counts: Standing | None) -> None:
    """How many cities are clearly above or below the nation."""
    if counts is None:
        return
    say(
        t(
            "{higher} cities are clearly above the nation, {lower} clearly below; {unclear} cannot "
            "be told apart from it.",
            higher=counts.higher,
            lower=counts.lower,
            unclear=counts.unclear,
        )
    )


def order(visit: Visit, view: RankingView) -> None:
    """What the order of the cities says about the city in focus, and about all of them."""
    explained = escape(explain("rank set", visit.language) or "", quote=True)
    paragraphs = [
        f'<p><abbr title="{explained}">{escape(sentence)}</abbr></p>'
        for sentence in (view.focus, view.neighbours)
        if sentence
    ]
    if paragraphs:
        st.html(f'<div class="hcs-answer">{"".join(paragraphs)}</div>')
    if view.named:
        remark(view.named)


def place(name: str, where: str) -> None:
    """Which city it is and what kind of city."""
    st.header(name, anchor=False)
    st.caption(where)


def say(sentence: str) -> None:
    """One sentence of the answer."""
    st.html(f'<div class="hcs-answer"><p>{escape(sentence)}</p></div>')


def remark(sentence: str) -> None:
    """What has to be known about the answer."""
    st.caption(sentence)


def difference(visit: Visit, gap: Difference, sentence: str, *, against: str | None = None) -> None:
    """A difference as the answer: signed, with its interval; `against` is the other side."""
    t, figure = visit.t, gap.figure
    if not figure.available or figure.estimate is None:
        say(sentence)
        return
    other = against or t("everybody else")
    unit = t("points against {other}", other=other)
    st.html(
        f'<div class="hcs-answer"><span class="number">{escape(signed(figure.estimate))}</span>'
        f'<span class="unit">{escape(unit)}</span>'
        f'<span class="interval">{escape(_between(t, figure))}</span>'
        f"<p>{escape(sentence)}</p></div>"
    )
    st.caption(what_margins_are_not(figure, t))


def change(visit: Visit, view: ChangeView | None, obstacle: str) -> None:
    """What changed in the nation and in how many cities, or why nothing can be compared."""
    if view is None:
        notice(visit.t("No change is shown"), obstacle)
        return
    difference(visit, view.difference, view.sentence, against=view.before)
    say(view.counted)


def _between(t: Translator, figure: Figure) -> str:
    words = interval_words(figure.low, figure.high)
    return t("95% interval {interval}", interval=words) if words else ""
