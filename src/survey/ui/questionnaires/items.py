"""Tab of the questions: every page with its questions, answers, conditions and indicators."""

from collections.abc import Iterator, Mapping
from html import escape

import streamlit as st

from survey.instrument.condition_text import ConditionText
from survey.instrument.indicator_tree import IndicatorTree
from survey.instrument.model import Instrument, Item, ItemKind, Section
from survey.instrument.paper_codes import SPECIAL_NAMES, number_questions
from survey.locale import Message, label_text, msg
from survey.ui.page_runner import PageContext
from survey.ui.questionnaires.preview import draw_preview

ITEM_KIND_NAMES: Mapping[ItemKind, Message] = {
    ItemKind.RATING: msg("rating"),
    ItemKind.SELECT_ONE: msg("one answer"),
    ItemKind.SELECT_MULTIPLE: msg("several answers"),
    ItemKind.INTEGER: msg("whole number"),
    ItemKind.DECIMAL: msg("number"),
    ItemKind.TEXT: msg("open text"),
    ItemKind.DATE: msg("date"),
    ItemKind.PHOTO: msg("photo"),
    ItemKind.NOTE: msg("note"),
    ItemKind.CALCULATE: msg("calculation"),
}


def draw_items(page: PageContext, instrument: Instrument, tree: IndicatorTree | None) -> None:
    """Draw the questions, and beside them a phone to try them on."""
    t = page.t
    wanted = st.toggle(t("Try it on a phone (nothing is stored)"), key="questionnaires/preview")
    if not wanted:
        st.html(_render_items(page, instrument, tree))
        return
    left, right = st.columns([1.35, 1], gap="large")
    with right:
        draw_preview(page, instrument)
    with left:
        st.html(_render_items(page, instrument, tree))


def _render_items(page: PageContext, instrument: Instrument, tree: IndicatorTree | None) -> str:
    t = page.t
    table = _ItemTable(page, instrument, tree)
    heads = (t("Question no."), t("Question"), t("Answers"), t("Indicator"))
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    rows = "".join(row for section in instrument.sections for row in table.section(section))
    return f'<table class="hcs-items"><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>'


class _ItemTable:
    """Rows of the table of questions."""

    def __init__(
        self, page: PageContext, instrument: Instrument, tree: IndicatorTree | None
    ) -> None:
        self._page, self._instrument, self._tree = page, instrument, tree
        self._numbers = number_questions(instrument)
        self._conditions = ConditionText(instrument, page.t, page.language)

    def section(self, section: Section) -> Iterator[str]:
        """Yield a heading and the rows of its items."""
        t = self._page.t
        title = label_text(section.title, self._page.language, section.name)
        note = self._render_condition(section.relevant)
        if section.ends is not None:
            ending = t("The interview ends after this page.")
            note += f"<small>{escape(ending)}</small>"
        yield f'<tr><th colspan="4" scope="colgroup">{escape(title)}{note}</th></tr>'
        for item in section.items:
            yield self._render_item(item)

    def _render_item(self, item: Item) -> str:
        number = self._numbers.get(item.name)
        hint = label_text(item.hint, self._page.language)
        words = [
            escape(label_text(item.label, self._page.language, item.name)),
            f"<small>{escape(hint)}</small>" if hint else "",
            self._render_condition(item.relevant),
        ]
        return (
            f"<tr><td>{number or ''}</td><td>{''.join(words)}</td>"
            f"<td>{escape(self._describe_answers(item))}</td>"
            f"<td>{escape(self._format_indicator(item))}</td></tr>"
        )

    def _render_condition(self, source: str | None) -> str:
        if source is None:
            return ""
        words = self._page.t("Only if {condition}:", condition=self._conditions.write(source))
        return f"<small>{escape(words.rstrip(':：'))}</small>"

    def _describe_answers(self, item: Item) -> str:
        t, language = self._page.t, self._page.language
        parts = [t(ITEM_KIND_NAMES[item.kind])]
        if item.kind is ItemKind.RATING and item.minimum is not None and item.maximum is not None:
            parts.append(f"{item.minimum:g}–{item.maximum:g}")
        parts += [label_text(choice.label, language, choice.name) for choice in item.choices]
        parts += [t(SPECIAL_NAMES[special]) for special in item.specials]
        if not item.required and item.name in self._numbers:
            parts.append(t("(optional)"))
        return " · ".join(parts)

    def _format_indicator(self, item: Item) -> str:
        if item.indicator is None:
            return ""
        known = self._tree.by_code.get(item.indicator) if self._tree else None
        name = label_text(known.name, self._page.language) if known else ""
        return f"{item.indicator} {name}".strip()
