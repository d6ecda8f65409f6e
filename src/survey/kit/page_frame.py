"""Frame of every page: styles, header, watermark, progress of a demo, footer, and notices."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from survey.kit.viewer import Preferences, draw_switches
from survey.locale import Translator
from survey.operations.demo_progress import find_demo_progress
from survey.settings import Settings
from survey.store.china_time import china_date, format_day
from survey.store.tables import now
from survey.web.streamlit_texts import HTML_LANGUAGES

DEMO_REFRESH_SECONDS = 3.0
_CSS = Path(__file__).with_name("page.css")
_LARGE = """
:root { font-size: 22px; }
.stApp button, .stApp [data-baseweb="select"] > div, [data-testid="stSidebarNavLink"] {
  min-height: 60px;
}
/* A label with a mark of help stands on the line of those without, and the mark stays as large. */
[data-testid="stWidgetLabel"]:has([data-testid="stTooltipIcon"]) { max-height: 1.5rem; }
/* Tables that are sorted are drawn on a canvas, whose letters stay small: the plain one is read. */
@media screen and (min-width: 641px) {
  [class*="st-key-sortable-"] { display: none; }
  .hcs-plain { display: block; max-height: 40rem; overflow: auto; }
}
"""
_WATERMARK = """
.stApp::after {{
  content: ""; position: fixed; inset: 0; pointer-events: none; z-index: 999;
  background-image: url("data:image/svg+xml,{svg}");
}}
"""
_PRINTED = """
@page {{
  size: A4 portrait; margin: 18mm;
  @bottom-left {{ content: {about}; font-size: 8pt; color: #555; }}
  @bottom-right {{ content: {before} counter(page) {between} counter(pages) {after};
    font-size: 8pt; color: #555; }}
}}
"""
_WATERMARK_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="420" height="300"><text x="30" y="220" '
    'transform="rotate(-28 210 150)" font-family="sans-serif" font-size="30" fill="#808080" '
    'fill-opacity="0.085">{text}</text></svg>'
)


@lru_cache(maxsize=1)
def _read_css() -> str:
    return _CSS.read_text(encoding="utf-8")


def inject_styles(preferences: Preferences, t: Translator, *, demo: bool) -> None:
    """Add the style sheet of the page; with large text if preferred, with a watermark if `demo`."""
    parts = [_read_css()]
    if preferences.large:
        parts.append(_LARGE)
    if demo:
        svg = _WATERMARK_SVG.format(text=escape(t("Demo data")))
        parts.append(_WATERMARK.format(svg=quote(svg)))
    st.html(f"<style>{''.join(parts)}</style>")


def draw_print_footer(t: Translator, *about: str) -> None:
    """Set the footer of printed pages: the texts `about`, today's day in China, page numbers."""
    line = " · ".join((*about, format_day(t, china_date(now()))))
    before, between, after = t("Page {page} of {pages}", page="|", pages="|").split("|")
    texts = {"about": line, "before": before, "between": between, "after": after}
    quoted = {name: _format_css_string(text) for name, text in texts.items()}
    st.html(f"<style>{_PRINTED.format(**quoted)}</style>")


def _format_css_string(text: str) -> str:
    """Return `text` as a quoted CSS string; signs that could end it are escaped."""
    return '"' + re.sub(r'["\\<>\n]', lambda sign: f"\\{ord(sign[0]):x} ", text) + '"'


def draw_header(
    preferences: Preferences,
    t: Translator,
    *,
    demo: bool,
    person: str,
    own_account: bool,
    default_language: str,
) -> None:
    """Draw the platform's name, `person` (link if `own_account`), language and size switches."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="top"
    ):
        st.html(
            _render_brand(
                t, language=preferences.language, demo=demo, person=person, own_account=own_account
            ),
            width="content",
        )
        with st.container(
            horizontal=True, vertical_alignment="center", width="content", key="switches"
        ):
            draw_switches(preferences, t, default_language)
    st.html('<div class="hcs-head"></div>')


def _render_brand(
    t: Translator, *, language: str, demo: bool, person: str, own_account: bool
) -> str:
    """Return the HTML of a page's first line: name, demo mark, `person`, links, its language."""
    name, leave, generated = t("Hundred Cities Survey"), t("Sign out"), t("Demo data")
    parts = [f"<b>{escape(name)}</b>"]
    if demo:
        parts.append(f'<span class="hcs-demo">{escape(generated)}</span>')
    if person:
        parts.append(f"<span>{escape(person)}</span>")
        if own_account:
            mine = t("My account")
            parts.append(f'<a href="/auth/account" target="_self">{escape(mine)}</a>')
        parts.append(f'<a href="/auth/logout" target="_self">{escape(leave)}</a>')
    spoken = HTML_LANGUAGES[language]
    return f'<div class="hcs-brand" lang="{spoken}">{"".join(parts)}</div>'


def draw_demo_progress(settings: Settings, t: Translator) -> None:
    """Draw how many waves of a demonstration are made, while some are still missing.

    The line takes one place of the page, whether it is there or not: it goes by itself, and what
    somebody opens or types below it then must not be built anew.
    """
    with st.container():
        if find_demo_progress(settings) is not None:
            _draw_progress_line(settings, t)


@st.fragment(run_every=DEMO_REFRESH_SECONDS)
def _draw_progress_line(settings: Settings, t: Translator) -> None:
    progress = find_demo_progress(settings)
    if progress is None:
        # The page as it is with all waves, and without this line.
        st.rerun()
    icon = ":material/error:" if progress.failed else ":material/hourglass_top:"
    st.caption(f"{icon} {t(progress.message)}")


def draw_footer(t: Translator, *, demo: bool) -> None:
    """Draw the last lines of a page: what the survey is, or that the figures are demo data."""
    about = t("City consumer satisfaction: consumers' own scores of everyday offline shopping.")
    if demo:
        about = t("All figures on this page are generated demo data, no result of any survey.")
    st.html(f'<div class="hcs-foot">{escape(about)}</div>')


def draw_notice(
    title: str,
    *paragraphs: str,
    lines: Sequence[str] = (),
    link: tuple[str, str] | None = None,
    alert: bool = False,
    is_whole_page: bool = False,
) -> None:
    """Draw a message: title, paragraphs, list, link (target, label); `alert` has it read at once.

    Args:
        alert: Screen readers read it at once; for what went wrong.
        is_whole_page: The title is that of the page, which shows nothing else.
    """
    body = "".join(f"<li>{escape(line)}</li>" for line in lines)
    body = f"<ul>{body}</ul>" if body else ""
    body += "".join(f"<p>{escape(text)}</p>" for text in paragraphs if text)
    if link is not None:
        target, label = link
        body += f'<p><a href="{escape(target)}" target="_self">{escape(label)}</a></p>'
    role = "alert" if alert else "status"
    level = "h1" if is_whole_page else "h2"
    head = f"<{level}>{escape(title)}</{level}>"
    st.html(f'<section class="hcs-notice" role="{role}">{head}{body}</section>')
