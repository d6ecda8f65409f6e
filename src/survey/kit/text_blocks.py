"""Text blocks of pages: headline number, tiles, lists, tables as HTML, words explained."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import streamlit as st

from survey.disclosure import MINIMUM_N
from survey.figures.figure_table import format_for_screen
from survey.figures.views.bands import BandVerdict
from survey.figures.views.changes import ChangeView
from survey.figures.views.estimate_text import (
    QUOTA_SAMPLE_SHORT,
    Estimate,
    EstimateDifference,
    format_interval,
    margin_of_error_caveat,
)
from survey.figures.views.overview import ScoreTile
from survey.figures.views.ranking import RankingView
from survey.kit.navigation import PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.locale import Translator, label_text, labels_of
from survey.locale.figures import format_score, format_signed
from survey.settings import PROJECT_ROOT
from survey.store.china_time import CHINA
from survey.store.read_replica import DataFreshness
from survey.store.tables import now


def draw_freshness(t: Translator, freshness: DataFreshness | None) -> None:
    """Draw the time of data from the replica; nothing for None, which is data as of now.

    Either way it takes one place of the page: from one run to the next the data may come from the
    other database, and what is open or typed below has to stay.
    """
    place = st.container()
    if freshness is not None:
        place.caption(
            t(
                "Data as of {time} China time, about {seconds} s ago.",
                time=f"{freshness.as_of.astimezone(CHINA):%H:%M:%S}",
                seconds=f"{freshness.seconds_before(now()):,}",
            )
        )


GLOSSARY = PROJECT_ROOT / "docs" / "glossary.md"
_COLUMNS = 4


@dataclass(frozen=True)
class GlossaryTerm:
    name_en: str
    name_zh: str
    meaning_en: str
    meaning_zh: str

    def name(self, language: str) -> str:
        return label_text(labels_of(self, "name"), language)

    def explanation(self, language: str) -> str:
        return label_text(labels_of(self, "meaning"), language)


@lru_cache(maxsize=4)
def read_glossary(path: Path = GLOSSARY) -> dict[str, GlossaryTerm]:
    """Return English name in lower case -> term of the glossary, in the order of the file."""
    terms: dict[str, GlossaryTerm] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == _COLUMNS and not set(cells[0]) <= set("-: "):
            terms[cells[0].lower()] = GlossaryTerm(*cells)
    terms.pop("english", None)
    return terms


def explain(term: str, language: str) -> str | None:
    """Return the glossary's explanation of an English term in `language`; None if it lacks it."""
    known = read_glossary().get(term.lower()) if GLOSSARY.exists() else None
    return known.explanation(language) if known else None


_WHOLE = ' class="whole"'
_MAX_PHONE_COLUMNS = 3


def render_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, long_names: bool = False
) -> str:
    """Return an HTML table of numbers; a row's first cell is its header, wider if `long_names`."""
    body = "".join(map(_render_row, rows))
    return frame_rows(heads, body, style="hcs-named" if long_names else "hcs-heat")


def render_text_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, whole: Collection[int] = ()
) -> str:
    """Return an HTML table of texts, aligned to the left; columns in `whole` do not wrap.

    On a phone each row of a wide table is a card: columns at its end would not be seen.

    Args:
        whole: Columns, from 0, whose cells stay on one line, such as days.
    """
    if len(heads) <= _MAX_PHONE_COLUMNS:
        body = "".join(_render_row(cells, whole) for cells in rows)
        return frame_rows(heads, body, style="hcs-texts")
    body = "".join(_render_row(cells, whole, heads) for cells in rows)
    return frame_rows(heads, body, style="hcs-texts hcs-cards")


def frame_rows(heads: Sequence[str], body: str, *, style: str = "hcs-heat") -> str:
    """Return an HTML table of `heads` and of rows given as HTML; line breaks in a head are kept.

    The box can be reached by keyboard, as some of them are higher or wider than their place.
    """
    header = "".join(
        f'<th scope="col">{escape(head).replace(chr(10), "<br>")}</th>' for head in heads
    )
    return (
        f'<div class="{style}" tabindex="0"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_row(
    cells: Sequence[str], whole: Collection[int] = (), labels: Sequence[str] = ()
) -> str:
    """Return a table row as HTML; columns in `whole` do not wrap; `labels` name cells on cards."""
    first, *rest = cells
    others = "".join(
        f"<td{_WHOLE if column in whole else ''}{_render_label(labels, column)}>{escape(cell)}</td>"
        for column, cell in enumerate(rest, start=1)
    )
    name = _WHOLE if 0 in whole else ""
    return f'<tr><th scope="row"{name}>{escape(first)}</th>{others}</tr>'


def _render_label(labels: Sequence[str], column: int) -> str:
    return f' data-label="{escape(labels[column], quote=True)}"' if labels else ""


def render_facts(facts: Iterable[tuple[str, str]]) -> str:
    """Return an HTML table of names and values, one pair a row."""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in facts
    )
    return f"<table>{lines}</table>"


def render_plain_table(t: Translator, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table for print and phones; a phone shows ten rows and, on demand, all.

    Args:
        t: Translator of the words that show all rows.
        heads: Heads of the columns.
        rows: Cells as HTML, so that the first may hold a link.
    """
    header = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = []
    for name, *cells in rows:
        others = "".join(
            f'<td data-label="{escape(head, quote=True)}">{cell}</td>'
            for head, cell in zip(heads[1:], cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{name}</th>{others}</tr>')
    more = ""
    if len(body) > _PHONE_ROWS:
        words = escape(t("Show all {count} rows", count=len(body)))
        # The style sheet shows the rest of the table that follows while this is open.
        more = f'<details class="hcs-more"><summary>{words}</summary></details>'
    return (
        f'<div class="hcs-cards">{more}<table class="hcs-plain" tabindex="0"><thead>'
        f"<tr>{header}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


_PHONE_ROWS = 10
"""As many rows as `page.css` leaves on a phone."""
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~$]|:(?=\S))")
"""Signs that begin something; a link or picture needs its brackets, and before a space a colon is
nothing else."""


def escape_markdown(text: str) -> str:
    """Return a text in which Streamlit's Markdown finds no markup."""
    return _MARKDOWN.sub(r"\\\1", text)


def draw_links(links: Iterable[tuple[str, str]]) -> None:
    """Draw a list of links (address, label); nothing if there is none."""
    lines = "".join(
        f'<li><a href="{escape(address, quote=True)}" target="_self">{escape(label)}</a></li>'
        for address, label in links
    )
    if lines:
        st.html(f'<ul class="hcs-todo">{lines}</ul>')


def draw_headline(
    page: PageContext, figure: Estimate, *sentences: str, unit: str, band: BandVerdict | None = None
) -> None:
    """Draw an estimate with `unit`, interval, `band`, sentences; a notice if it is hidden."""
    t = page.t
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)
    if not figure.available or figure.estimate is None:
        draw_hidden_card(t, t("the score") if unit != "%" else t("the share"))
        st.html(f'<div class="hcs-answer">{paragraphs}</div>')
        return
    explained = escape(explain("95% interval", page.language) or "", quote=True)
    between = _format_interval(t, figure)
    interval = f'<abbr class="interval" title="{explained}">{escape(between)}</abbr>'
    st.html(
        f'<div class="hcs-answer"><span class="number">{format_score(figure.estimate)}</span>'
        f'<span class="unit">{escape(unit)}</span>{interval}{_render_band(page, band)}'
        f"{paragraphs}</div>"
    )


def draw_hidden_card(t: Translator, what: str) -> None:
    """Draw a notice that a figure is hidden: for whose protection, and what would be needed."""
    draw_notice(
        t("Not shown: {what}", what=what),
        t(
            "It rests on too few answers, or a figure that does could be worked out from it. It "
            "is kept back so that no respondent can be recognised."
        ),
        t(
            "A figure needs at least {minimum} valid answers. The administrator of the survey can "
            "have more interviews made, or leave out the city that hides others when the wave is "
            "frozen.",
            minimum=MINIMUM_N,
        ),
    )


def draw_method_note(page: PageContext, figure: Estimate, *notes: str, figure_id: str = "") -> None:
    """Draw a line saying that it is a quota sample, and a popover on how a figure was made.

    Args:
        figure_id: Id under which releases hold the figure; it is a link to their history.
    """
    t = page.t
    with st.container(horizontal=True, vertical_alignment="center", key="compact-method"):
        st.caption(t(QUOTA_SAMPLE_SHORT), width="content")
        with st.popover(t("How this is counted"), type="tertiary", key="method/counted"):
            for note in (*notes, margin_of_error_caveat(figure, t)):
                if note:
                    st.caption(note)
            if figure_id and figure.available:
                st.html(render_figure_link(page, figure_id))


def render_figure_link(page: PageContext, figure_id: str) -> str:
    """Return an HTML link from the id of a figure to its history in the releases."""
    address = escape(page.address(PageKey.RELEASES, figure=figure_id), quote=True)
    text = page.t("What releases said of it: {figure}", figure=figure_id)
    return f'<a class="hcs-figure-id" href="{address}" target="_self">{escape(text)}</a>'


def _render_band(page: PageContext, band: BandVerdict | None) -> str:
    """Return HTML of a score's band, hatched while the band is not certain; empty for None."""
    if band is None:
        return ""
    explained = escape(explain("band", page.language) or "", quote=True)
    look = "band" if band.settled else "band unsettled"
    return f'<div class="{look}"><abbr title="{explained}">{escape(band.label)}</abbr></div>'


def draw_tiles(t: Translator, tiles: Iterable[ScoreTile]) -> None:
    """Draw scores as tiles side by side, each with its interval and change since last wave."""
    st.html(f'<div class="hcs-tiles">{"".join(_render_tile(t, tile) for tile in tiles)}</div>')


def _render_tile(t: Translator, tile: ScoreTile) -> str:
    number, interval, figure = "–", t("not available"), tile.figure
    if figure.available and figure.estimate is not None:
        number = format_score(figure.estimate)
        interval = format_interval(figure.low, figure.high, t)
    change = f'<div class="change">{escape(tile.change)}</div>' if tile.change else ""
    return (
        f'<div class="hcs-tile"><div class="name">{escape(tile.name)}</div>'
        f'<span class="number">{number}</span><span class="interval">{escape(interval)}</span>'
        f"{change}</div>"
    )


def draw_ranking_text(page: PageContext, view: RankingView) -> None:
    """Draw the sentences of a ranking: on the city in focus, its neighbours and all cities."""
    explained = escape(explain("rank set", page.language) or "", quote=True)
    paragraphs = [
        f'<p><abbr title="{explained}">{escape(sentence)}</abbr></p>'
        for sentence in (view.focus, view.neighbours)
        if sentence
    ]
    if paragraphs:
        st.html(f'<div class="hcs-answer">{"".join(paragraphs)}</div>')
    if view.named:
        st.caption(view.named)


def draw_sentence(sentence: str) -> None:
    """Draw one sentence of a page's main result, in the style of `draw_sentences`."""
    draw_sentences([sentence])


def draw_sentences(sentences: Iterable[str], *, answers: int = 0) -> None:
    """Draw sentences of the main result close together, so that a phone shows all of them.

    Args:
        answers: How many of the first are the answer: larger, the others small in two columns.
    """
    paragraphs = [f"<p>{escape(sentence)}</p>" for sentence in sentences]
    first, rest = "".join(paragraphs[:answers]), "".join(paragraphs[answers:])
    large = f'<div class="hcs-answer first">{first}</div>' if first else ""
    st.html(f'{large}<div class="hcs-answer{" rest" if first else ""}">{rest}</div>')


def draw_difference(
    page: PageContext, gap: EstimateDifference, sentence: str, *, against: str | None = None
) -> None:
    """Draw a signed difference with its interval and a sentence; `against` is its reference."""
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
    """Draw the national change and the number of changed cities; text `obstacle` without `view`."""
    if view is None:
        draw_notice(page.t("No change is shown"), obstacle)
        return
    draw_difference(page, view.difference, view.sentence, against=view.before)
    draw_sentence(view.counted)


def _format_interval(t: Translator, figure: Estimate) -> str:
    words = format_interval(figure.low, figure.high, t)
    return t("95% interval {interval}", interval=words) if words else ""


def draw_columns(alt: str, columns: Mapping[str, Sequence[object]]) -> None:
    """Draw columns as a table that readers can sort and search; `alt` names the table."""
    st.dataframe(format_for_screen(columns), hide_index=True, alt=alt)


MAX_LISTED_ROWS = 20
"""Rows that are listed before a reader asks for all."""


def draw_long_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    key: str,
    show_all: str,
    listed: str,
    whole: Collection[int] = (),
) -> None:
    """Draw a table; of a long one the first rows (caption `listed`), with the switch `show_all`.

    Args:
        key: Key of the switch, of one list each.
        show_all: Label of the switch, with the number of rows.
        listed: What is listed while the switch is off, such as the newest 20.
        whole: Columns, from 0, whose cells stay on one line, such as days.
    """
    shown = rows
    if len(rows) > MAX_LISTED_ROWS and not st.toggle(show_all, key=key):
        shown = rows[:MAX_LISTED_ROWS]
        st.caption(listed)
    st.html(render_text_table(heads, shown, whole=whole))


def draw_first_rows(
    t: Translator, heads: Sequence[str], rows: Sequence[Sequence[str]], *, key: str
) -> None:
    """Draw a table; of a long one the first rows, with a switch of this key that shows all."""
    show_all = t("Show all {count} rows", count=len(rows))
    listed = t("The first {count} rows.", count=MAX_LISTED_ROWS)
    draw_long_table(heads, rows, key=key, show_all=show_all, listed=listed)
