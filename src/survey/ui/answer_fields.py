"""Form fields for one answer in Streamlit, by question type: the part of a type that draws."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types import type_of
from survey.locale import Translator
from survey.ui.response_html import format_answer
from survey.ui.text_blocks import escape_markdown


@dataclass(frozen=True, slots=True)
class AnswerFieldData:
    """Question, label and stored answer of one form field."""

    t: Translator
    item: Item
    label: str
    key: str
    language: str
    before: Any = None


DrawField = Callable[[AnswerFieldData], None]


def list_field_codes(item: Item) -> Sequence[str | int | float]:
    """Return everything that can be chosen as an answer: scores or choices, then special codes."""
    return [*type_of(item).list_codes(item), *(special.value for special in item.specials)]


def _draw_one_choice(field: AnswerFieldData) -> None:
    codes = list_field_codes(field.item)
    st.selectbox(
        escape_markdown(field.label),
        codes,
        index=codes.index(field.before) if field.before in codes else None,
        key=field.key,
        placeholder=field.t("Please choose"),
        format_func=lambda code: format_answer(field.t, field.item, code, field.language),
    )


def _draw_several_choices(field: AnswerFieldData) -> None:
    names = type_of(field.item).list_codes(field.item)
    st.multiselect(
        escape_markdown(field.label),
        names,
        default=[name for name in field.before or [] if name in names],
        key=field.key,
        placeholder=field.t("Please choose"),
        format_func=lambda name: format_answer(field.t, field.item, [name], field.language),
    )


def _draw_typed(field: AnswerFieldData) -> None:
    before = "" if field.before is None else str(field.before)
    st.text_input(escape_markdown(field.label), value=before, key=field.key)


def _draw_kept(field: AnswerFieldData) -> None:
    """Draw an answer that stays as it is: a photo is evidence and is not exchanged at a desk."""
    st.text_input(
        escape_markdown(field.label), value=str(field.before or ""), key=field.key, disabled=True
    )


def _ask_one_choice(field: AnswerFieldData) -> None:
    st.radio(
        escape_markdown(field.label),
        list_field_codes(field.item),
        index=None,
        key=field.key,
        horizontal=True,
        format_func=lambda code: (
            str(code)
            if isinstance(code, int)
            else escape_markdown(format_answer(field.t, field.item, code, field.language))
        ),
    )


def _ask_number(field: AnswerFieldData) -> None:
    st.text_input(escape_markdown(field.label), key=field.key, max_chars=12)


CORRECTION_FIELDS: Mapping[ItemKind, DrawField] = {
    ItemKind.RATING: _draw_one_choice,
    ItemKind.SELECT_ONE: _draw_one_choice,
    ItemKind.SELECT_MULTIPLE: _draw_several_choices,
    ItemKind.INTEGER: _draw_typed,
    ItemKind.DECIMAL: _draw_typed,
    ItemKind.TEXT: _draw_typed,
    ItemKind.DATE: _draw_typed,
    ItemKind.PHOTO: _draw_kept,
}
"""Fields of a returned interview; each starts with the stored answer."""

BACK_CHECK_FIELDS: Mapping[ItemKind, DrawField] = {
    ItemKind.RATING: _ask_one_choice,
    ItemKind.SELECT_ONE: _ask_one_choice,
    ItemKind.INTEGER: _ask_number,
}
"""Fields of a back-check, without the stored answer; other types are not asked again."""
