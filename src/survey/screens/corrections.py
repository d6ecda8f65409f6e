"""Interviews that a reviewer returned to their surveyor, with fields to correct answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from survey.collection.correction import (
    ReturnedResponse,
    list_returned,
    resubmit,
    validate_correction,
)
from survey.kit.feedback import run_change, set_feedback, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.response_html import format_answer, format_reason
from survey.kit.text_blocks import escape_markdown
from survey.locale import Translator, label_text
from survey.questionnaire.model import Item, ItemKind
from survey.questionnaire.question_types import type_of
from survey.store.china_time import format_china_minute
from survey.waves.review_reasons import MAX_NOTE


@dataclass(frozen=True, slots=True)
class AnswerFieldData:
    """What an input field for one answer needs: question, label, widget key, stored answer."""

    t: Translator
    item: Item
    label: str
    key: str
    language: str
    before: Any = None


DrawField = Callable[[AnswerFieldData], None]


def list_field_codes(item: Item) -> Sequence[str | int | float]:
    """Return all codes that can answer a question: scores or choices, then special codes."""
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
    """Draw a stored answer read-only: photos are evidence and cannot be corrected."""
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
    ItemKind.RANK: _draw_several_choices,
    ItemKind.INTEGER: _draw_typed,
    ItemKind.DECIMAL: _draw_typed,
    ItemKind.TEXT: _draw_typed,
    ItemKind.DATE: _draw_typed,
    ItemKind.TIME: _draw_typed,
    ItemKind.DATETIME: _draw_typed,
    ItemKind.PHOTO: _draw_kept,
}
"""Fields of a returned interview; each starts with the stored answer."""

BACK_CHECK_FIELDS: Mapping[ItemKind, DrawField] = {
    ItemKind.RATING: _ask_one_choice,
    ItemKind.SELECT_ONE: _ask_one_choice,
    ItemKind.INTEGER: _ask_number,
}
"""Fields of a back-check, without the stored answer; other types are not asked again."""


def show_returned(page: PageContext) -> None:
    """Draw the interviews that were returned to the signed-in surveyor; nothing without any."""
    t = page.t
    show_feedback(page, toast=True)
    with page.read() as work:
        waiting = list_returned(work)
    if not waiting:
        return
    st.subheader(t("Sent back to you: {count}", count=len(waiting)), anchor=False)
    for returned in waiting:
        came = format_china_minute(t, returned.submitted_at)
        title = f"{escape_markdown(returned.point_name)} · {came}"
        expander = st.expander(title, key=f"returned/{returned.response_id}", on_change="rerun")
        if expander.open:
            with expander:
                _draw_correction(page, returned)


def _draw_correction(page: PageContext, returned: ReturnedResponse) -> None:
    t = page.t
    title, asked = escape(t("The reviewer asks")), escape(format_reason(t, returned.reason))
    st.html(f'<section class="hcs-flags"><b>{title}</b><p>{asked}</p></section>')
    show_feedback(page, str(returned.response_id))
    items = _list_items_on_route(returned, returned.answers)
    st.multiselect(
        t("Questions to correct"),
        list(items),
        key=_build_choice_key(returned),
        format_func=lambda name: label_text(items[name].label, returned.language, name),
        placeholder=t("Choose the questions whose answer was wrong"),
    )
    for item in _list_corrected_items(returned, _collect_answers(returned)):
        _draw_field(t, returned, item)
    st.text_area(
        t("What you checked or corrected"),
        key=_build_note_key(returned),
        height=80,
        max_chars=MAX_NOTE,
    )
    st.button(
        t("Hand in again"),
        type="primary",
        key=f"resubmit-{returned.response_id}",
        on_click=_submit_correction,
        args=(page, returned),
    )


def _list_corrected_items(returned: ReturnedResponse, answers: Mapping[str, Any]) -> list[Item]:
    """Return the questions chosen to correct, and those that `answers` newly make relevant."""
    before = _list_items_on_route(returned, returned.answers)
    chosen = [before[name] for name in st.session_state.get(_build_choice_key(returned), ())]
    opened = [
        item for name, item in _list_items_on_route(returned, answers).items() if name not in before
    ]
    return [*chosen, *opened]


def _collect_answers(returned: ReturnedResponse) -> dict[str, Any]:
    """Return the stored answers, with those entered in the correction form in their place.

    They are read from the widgets' state: the arguments of a callback are those of the drawing
    before, without what was typed since.
    """
    answers = dict(returned.answers)
    asked: set[str] = set()
    while missing := [i for i in _list_corrected_items(returned, answers) if i.name not in asked]:
        for item in missing:
            asked.add(item.name)
            key = _build_answer_key(returned, item)
            if key in st.session_state:
                answers[item.name] = type_of(item).parse_entered(st.session_state[key])
    return answers


def _list_items_on_route(returned: ReturnedResponse, answers: Mapping[str, Any]) -> dict[str, Item]:
    """Return, in order, `name -> question` of all questions that these answers route through."""
    known = returned.instrument.by_name
    return {
        name: known[name]
        for name in validate_correction(returned, answers).route
        if type_of(known[name]).is_asked
    }


def _draw_field(t: Translator, returned: ReturnedResponse, item: Item) -> None:
    """Draw the field to correct one answer, filled with the stored one."""
    label, key = (
        label_text(item.label, returned.language, item.name),
        _build_answer_key(returned, item),
    )
    before = returned.answers.get(item.name)
    CORRECTION_FIELDS[item.kind](AnswerFieldData(t, item, label, key, returned.language, before))


def _build_choice_key(returned: ReturnedResponse) -> str:
    return f"correct/{returned.response_id}"


def _build_answer_key(returned: ReturnedResponse, item: Item) -> str:
    return f"answer/{returned.response_id}/{item.name}"


def _build_note_key(returned: ReturnedResponse) -> str:
    return f"note/{returned.response_id}"


def _submit_correction(page: PageContext, returned: ReturnedResponse) -> None:
    t = page.t
    answers = _collect_answers(returned)
    note = st.session_state.get(_build_note_key(returned)) or ""
    resubmitted = run_change(
        page,
        lambda work: resubmit(
            work,
            response_id=returned.response_id,
            answers=answers,
            note=note,
            expected_version=returned.version,
        ),
        slot=str(returned.response_id),
        hints=[t("Nothing was handed in. What you entered is still here.")],
        asked=(returned.instrument, returned.language),
    )
    if resubmitted:
        set_feedback(page, t("Handed in again. Thank you!"))
