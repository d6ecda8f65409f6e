"""Open answers in the review: coding one after the other, settling, codes, draws and shares."""

from collections.abc import Sequence
from functools import partial
from html import escape
from uuid import UUID

import streamlit as st

from survey.access.roles import NATION, Action
from survey.frame.workbook_io import WorkbookSheet
from survey.kit.browser_components import bind_keys
from survey.kit.chart_panel import draw_demo_mark
from survey.kit.feedback import run_change, show_feedback
from survey.kit.list_entry import ListFile, draw_list_upload
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown, render_text_table
from survey.kit.url_state import pick, pick_by_button
from survey.locale import label_text
from survey.open_answers.coding import (
    MIN_DRAWN,
    SHARE,
    AnswerToCode,
    RoundSummary,
    black_out,
    code_answer,
    draw_answers,
    find_answer_to_code,
    find_answer_to_settle,
    list_coding_rounds,
    list_open_questions,
    settle_answer,
)
from survey.open_answers.coding_frames import (
    CODE_SHEET,
    CodeList,
    find_coding_frame,
    read_code_file,
    save_coding_frame,
)
from survey.open_answers.shares import compute_open_answers
from survey.review.back_check.draws import MAX_SEED_CHARS
from survey.waves.waves import COMPUTED_STATES, list_started_waves

_KEYS = "1234567890"
_CODE, _SETTLE, _LEAD = "code", "settle", "lead"
_BLACK_OUT, _FILE = "open-answers/words", "open-answers/file"


def draw_open_answers(page: PageContext) -> None:
    """Draw what the reader does with open answers: code them, settle differences, or lead."""
    t = page.t
    show_feedback(page, toast=True)
    with page.read() as work:
        rounds = list_coding_rounds(work)
    views = {_CODE: t("Code answers")}
    if page.principal.may(Action.LEAD_CODING):
        disputed = sum(each.disputed for each in rounds)
        views[_SETTLE] = t("Settle differences ({count})", count=f"{disputed:,}")
        if page.principal.area == NATION:
            views[_LEAD] = t("Codes, draws, shares")
    view = pick_by_button(page, t("What to do"), "open", views) if len(views) > 1 else _CODE
    if view == _LEAD:
        _draw_lead(page, rounds)
        return
    if not rounds:
        draw_notice(
            t("No open answers wait to be coded"),
            t("They appear here once answers of a frozen wave have been drawn."),
        )
        return
    by_id = {str(each.id): each for each in rounds}
    names = {code: _name_round(page, each) for code, each in by_id.items()}
    busy = next((code for code, each in by_id.items() if _count(each, view)), None)
    chosen = by_id[pick(page, t("Question"), "round", names, default=busy)]
    draw_demo_mark(page, chosen.is_demo)
    with page.read() as work:
        find = find_answer_to_code if view == _CODE else find_answer_to_settle
        answer = find(work, round_id=chosen.id)
    if view == _CODE:
        whole = chosen.coded + chosen.waiting
        st.progress(
            chosen.coded / whole if whole else 1.0,
            t("{coded} of {whole} coded by you", coded=f"{chosen.coded:,}", whole=f"{whole:,}"),
        )
    if answer is None:
        draw_notice(t("Nothing waits for you here"), t("Thank you. You can close this page."))
    else:
        _draw_answer(page, answer)


def _count(each: RoundSummary, view: str) -> int:
    """Return how many answers of a draw wait in a view."""
    return each.waiting if view == _CODE else each.disputed


def _name_round(page: PageContext, each: RoundSummary) -> str:
    wave = label_text(each.wave_title, page.language, each.wave_key)
    return f"{wave} · {label_text(each.label, page.language, each.question)}"


def _draw_answer(page: PageContext, answer: AnswerToCode) -> None:
    """Draw one answer with a button and a key for each code, and the way to black words out."""
    t = page.t
    st.html(f'<section class="hcs-flags" lang="zh"><b>{escape(answer.text)}</b></section>')
    if answer.given:
        named = {each.code: each for each in answer.codes}
        given = t("; ").join(_label(page, named[code].model_dump()) for code in answer.given)
        st.caption(t("Two people gave different codes: {codes}.", codes=escape_markdown(given)))
    st.caption(t("What is its main point? One code for each answer, also by the key in front."))
    change = settle_answer if answer.given else code_answer
    keys = {}
    with st.container(horizontal=True):
        for place, each in enumerate(answer.codes):
            fields, key = each.model_dump(), _KEYS[place : place + 1]
            # Of the answer: a click on buttons that the next answer has replaced does nothing.
            name = f"open-code-{each.code}-{answer.id}"
            if key:
                keys[key] = name
            st.button(
                f"{key} {_label(page, fields)}".strip(),
                key=name,
                help=escape_markdown(fields[f"definition_{_language(page)}"]),
                on_click=_give,
                args=(page, partial(change, answer_id=answer.id, code=each.code)),
            )
    with st.popover(t("Black words out"), type="tertiary", key=f"open-black-{answer.id}"):
        show_feedback(page, _BLACK_OUT)
        st.caption(
            t("Names, numbers or places that tell who somebody is. It cannot be taken back.")
        )
        st.text_input(t("Words as they stand in the answer"), key=_BLACK_OUT)
        st.button(
            t("Black out"), key=f"open-out-{answer.id}", on_click=_black_out, args=(page, answer.id)
        )
    bind_keys(keys)


def _language(page: PageContext) -> str:
    return "zh" if page.language == "zh" else "en"


def _label(page: PageContext, fields: dict[str, str]) -> str:
    return fields[f"label_{_language(page)}"]


def _give(page: PageContext, change: "partial[None]") -> None:
    run_change(page, change)


def _black_out(page: PageContext, answer_id: UUID) -> None:
    words = str(st.session_state.get(_BLACK_OUT, ""))
    change = partial(black_out, answer_id=answer_id, words=words)
    if run_change(page, change, slot=_BLACK_OUT):
        st.session_state[_BLACK_OUT] = ""


def _draw_lead(page: PageContext, rounds: Sequence[RoundSummary]) -> None:
    """Draw codes of a question, the form of a draw, and the draws with how far they are."""
    t = page.t
    with page.read() as work:
        waves = [each for each in list_started_waves(work) if each.state in COMPUTED_STATES]
    if not waves:
        draw_notice(
            t("No wave is frozen yet"),
            t("Open answers are coded once a wave is frozen: only then are all in."),
        )
        return
    names = {each.key: each.label(page.language) for each in waves}
    wave_key = pick(page, t("Wave"), "wave", names)
    with page.read() as work:
        questions = list_open_questions(work, wave_key=wave_key)
    if not questions:
        st.caption(t("This wave has no question that is answered in words."))
        return
    labels = {name: label_text(label, page.language, name) for name, label in questions.items()}
    question = pick(page, t("Question"), "question", labels)
    drawn = next(
        (each for each in rounds if (each.wave_key, each.question) == (wave_key, question)), None
    )
    if drawn is None:
        _draw_codes(page, question)
        _draw_form(page, wave_key, question)
    else:
        _draw_round(page, drawn)


def _draw_round(page: PageContext, drawn: RoundSummary) -> None:
    t = page.t
    draw_demo_mark(page, drawn.is_demo)
    st.write(
        t(
            "{drawn} of {answers} answers were drawn. Settled: {settled}; different codes: "
            "{disputed}; still to be coded: {left}.",
            drawn=f"{drawn.drawn:,}",
            answers=f"{drawn.answers:,}",
            settled=f"{drawn.settled:,}",
            disputed=f"{drawn.disputed:,}",
            left=f"{drawn.drawn - drawn.settled - drawn.disputed:,}",
        )
    )
    st.button(
        t("Compute the shares anew") if drawn.is_computed else t("Compute the shares"),
        type="primary",
        key="open-compute",
        disabled=drawn.settled < drawn.drawn,
        on_click=_compute,
        args=(page, drawn.id),
    )


def _compute(page: PageContext, round_id: UUID) -> None:
    run_change(
        page,
        partial(compute_open_answers, round_id=round_id),
        done=page.t("The shares are computed. They stand on the page of crosstabs."),
    )


def _draw_codes(page: PageContext, question: str) -> None:
    """Draw the codes of a question, and the upload of their next version."""
    t = page.t
    with page.read() as work:
        frame = find_coding_frame(work, question=question)
    if frame is not None:
        rows = [(_label(page, each), each[f"definition_{_language(page)}"], each["example_zh"])
                for each in frame.codes]  # fmt: skip
        st.caption(t("Codes of this question, version {version}", version=frame.version))
        st.html(render_text_table((t("Name"), t("What belongs to it"), t("Example")), rows))

    def confirm(listed: CodeList) -> None:
        st.button(
            t("Store these {count} codes", count=len(listed.codes)),
            type="primary",
            key="open-codes",
            on_click=_save_codes,
            args=(page, question, listed),
        )

    def build_template(_: object) -> WorkbookSheet:
        return CODE_SHEET

    with st.expander(t("Bring codes from a file"), expanded=frame is None):
        draw_list_upload(
            page,
            ListFile("codes", t("List of codes"), _FILE, ("xlsx", "csv")),
            template=build_template,
            read=read_code_file,
            confirm=confirm,
        )


def _save_codes(page: PageContext, question: str, listed: CodeList) -> None:
    run_change(
        page,
        partial(save_coding_frame, question=question, codes=listed.codes),
        done=page.t("The codes are stored."),
    )


def _draw_form(page: PageContext, wave_key: str, question: str) -> None:
    t = page.t
    with st.form("open-draw", border=False):
        percent = st.number_input(
            t("Share to be drawn, %"), min_value=1, max_value=100, value=round(SHARE * 100)
        )
        seed = st.text_input(t("Seed of the draw"), max_chars=MAX_SEED_CHARS)
        st.caption(
            t(
                "Every answer has the same chance; at least {count} are drawn. Two people code "
                "each of them, and neither sees what the other gave.",
                count=MIN_DRAWN,
            )
        )
        if st.form_submit_button(t("Draw answers"), type="primary"):
            change = partial(
                draw_answers, wave_key=wave_key, question=question, share=percent / 100, seed=seed
            )
            run_change(page, change, done=t("The answers are drawn."))
            st.rerun()
